/*
 * wire_samples_inside.h - between the files that write the samples: wire_samples.c has the requests
 * and the list of all, wire_replies.c the replies.
 */
#ifndef HF_TESTS_WIRE_SAMPLES_INSIDE_H
#define HF_TESTS_WIRE_SAMPLES_INSIDE_H

#include "engine/engine.h"
#include "tests/lib/wire_samples.h"

#define SAMPLE_TAG 0xA1B2C3D4u
#define SAMPLE_CORRELATION UINT64_C(0x1122334455667788)
#define SAMPLE_TIME_US UINT64_C(1772366400000000) /* 2026-03-01T12:00:00Z */

/* Name, and the section of an export that the rows are of. */
/* clang-format off */
#define HF_REPLY_SAMPLES(X) \
    X(result_reply, 0)                                   \
    X(error_reply, 0)                                    \
    X(stock_reply, 0)                                    \
    X(ats_reply, 0)                                      \
    X(reservation_reply, 0)                              \
    X(order_reply, 0)                                    \
    X(ledger_reply, 0)                                   \
    X(lookup_reply, 0)                                   \
    X(hello_reply, 0)                                    \
    X(ping_reply, 0)                                     \
    X(stats_reply, 0)                                    \
    X(digest_reply, 0)                                   \
    X(audit_reply, 0)                                    \
    X(list_reply, 0)                                     \
    X(partial_reply, 0)                                  \
    X(snapshot_reply, 0)                                 \
    X(unchanged_reply, 0)                                \
    X(shortages_reply, 0)                                \
    X(transfer_reply, 0)                                 \
    X(inbound_reply, 0)                                  \
    X(transfers_reply, 0)                                \
    X(inbound_shipments_reply, 0)                        \
    X(export_reply, 0)                                   \
    X(export_cells_reply, HF_FROZEN_CELLS)               \
    X(export_reservations_reply, HF_FROZEN_RESERVATIONS) \
    X(export_transfers_reply, HF_FROZEN_TRANSFERS)       \
    X(export_inbound_reply, HF_FROZEN_INBOUND)           \
    X(subscribe_reply, 0)                                \
    X(events_reply, 0)                                   \
    X(progress_reply, 0)                                 \
    X(feed_end_reply, 0)                                 \
    X(backup_reply, 0)                                   \
    X(backup_refused_reply, 0)
/* clang-format on */

#define HF_REPLY_DECLARE(name, section) void hf_put_##name(struct hf_buffer *out);
HF_REPLY_SAMPLES(HF_REPLY_DECLARE)
#undef HF_REPLY_DECLARE

#endif
