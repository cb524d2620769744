#include "tests/lib/live_client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/assert.h"

/* The enums of the public header are those of the engine (PROTOCOL.md 4). */
_Static_assert(HOLDFAST_UNKNOWN == (int)HF_UNKNOWN, "outcomes are the same numbers");
_Static_assert(HOLDFAST_INBOUND_CANCEL == (int)HF_KIND_INBOUND_CANCEL,
               "kinds are the same numbers");
_Static_assert(HOLDFAST_REST == (int)HF_OP_REST, "flags are the same numbers");
_Static_assert(HOLDFAST_CLOSED == (int)HF_STATE_CLOSED, "so are states");
_Static_assert(HOLDFAST_QUARANTINED == (int)HF_STATUS_QUARANTINED, "so are statuses");

#define PAST_US 100000u /* the server's clock is this machine's, and not older */

bool hf_live_open(struct hf_live *live, struct hf_history *history, const char *address)
{
    char error[256];
    const struct holdfast_options options = {.name = "test"};

    *live = (struct hf_live){.history = history};
    live->hf = holdfast_connect(address, &options, error, sizeof error);
    return live->hf != NULL;
}

void hf_live_close(struct hf_live *live)
{
    holdfast_close(live->hf);
    live->hf = NULL;
}

/* ------------------------------------------------------------------ deeds to operations */

/* One operation of the library, with all it points to. */
struct call {
    struct hf_deed_words words;
    struct holdfast_line lines[HF_DEED_LINES_MAX];
};

/* Texts of a deed are zero-terminated; one that is not given is NULL. */
static struct holdfast_op op_of(const struct hf_history *history, uint32_t index, struct call *call)
{
    const struct hf_op op = hf_deed_op(history, index, &call->words);

    for (uint32_t i = 0; i < op.lines_count; i++) {
        call->lines[i] = (struct holdfast_line){.sku = op.lines[i].sku.bytes,
                                                .location = op.lines[i].location.bytes,
                                                .units = op.lines[i].units,
                                                .damaged = op.lines[i].damaged};
    }
    return (struct holdfast_op){.kind = (enum holdfast_kind)op.kind,
                                .flags = op.flags,
                                .reason = (enum holdfast_reason)op.reason,
                                .id = op.id.bytes,
                                .old_id = op.old_id.bytes,
                                .ref = op.ref.bytes,
                                .order = op.order.bytes,
                                .from = op.from.bytes,
                                .to = op.to.bytes,
                                .from_status = (enum holdfast_status)op.from_status,
                                .to_status = (enum holdfast_status)op.to_status,
                                .ttl_us = op.ttl_us,
                                .as_of = op.as_of,
                                .eta_us = (int64_t)op.eta_us,
                                .lines = op.lines_count == 0 ? NULL : call->lines,
                                .lines_count = op.lines_count};
}

static struct hf_answer answer_of(const struct holdfast_reply *reply)
{
    struct hf_answer answer = {.outcome = (enum hf_err)reply->outcome,
                               .is_repeated = reply->is_repeated,
                               .is_unchanged = reply->is_unchanged,
                               .state = (enum hf_state)reply->state,
                               .lsn = reply->lsn};
    for (size_t i = 0; i < reply->lines_count; i++) {
        if (reply->lines[i].line_index < HF_DEED_LINES_MAX) {
            answer.granted[reply->lines[i].line_index] = reply->lines[i].granted;
        }
    }
    return answer;
}

/* ------------------------------------------------------------------ work */

/* A frame in flight. */
struct flight {
    struct hf_live *live;
    uint32_t first;
};

static void take_replies(void *arg, const struct holdfast_reply *replies, size_t count)
{
    struct flight *flight = arg;
    struct hf_live *live = flight->live;

    for (size_t i = 0; i < count; i++) {
        const struct hf_answer answer = answer_of(&replies[i]);
        (void)hf_history_answer(live->history, flight->first + (uint32_t)i, &answer,
                                true); /* a violation is kept */
    }
    free(flight);
    if (live->answered_cb != NULL) {
        live->answered_cb(live->arg);
    }
}

static uint64_t past_us(void)
{
    struct timespec now;
    HF_ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 - PAST_US;
}

/* False: nothing more can be sent. */
static bool submit_frame(struct hf_live *live, struct hf_workload *workload)
{
    struct call calls[HF_WORK_FRAME_MAX];
    struct holdfast_op ops[HF_WORK_FRAME_MAX];
    struct flight *flight = malloc(sizeof *flight);
    HF_ASSERT(flight != NULL);

    *flight = (struct flight){.live = live};
    workload->past_us = past_us();
    const uint32_t count = hf_workload_frame(workload, &flight->first);
    for (uint32_t i = 0; i < count; i++) {
        ops[i] = op_of(live->history, flight->first + i, &calls[i]);
    }
    if (count == 0 || holdfast_submit(live->hf, ops, count, take_replies, flight) != HOLDFAST_OK) {
        free(flight); /* deeds that were not sent stay unknown, which settles like the others */
        return false;
    }
    return true;
}

void hf_live_work(struct hf_live *live, struct hf_workload *workload, uint32_t frames_max)
{
    bool is_going_on = true;

    while (is_going_on || holdfast_in_flight(live->hf) > 0) {
        while (is_going_on && holdfast_in_flight(live->hf) < frames_max) {
            is_going_on = submit_frame(live, workload);
        }
        if (holdfast_in_flight(live->hf) > 0 && holdfast_wait(live->hf, -1) != HOLDFAST_OK) {
            break;
        }
    }
    hf_live_close(live);
}

void hf_live_observe(struct hf_live *live, uint64_t seed, bool with_snapshots, uint32_t rounds)
{
    enum holdfast_outcome outcome = HOLDFAST_OK;

    for (uint32_t i = 0; i < rounds && outcome != HOLDFAST_UNKNOWN; i++) {
        uint64_t lsn = 0;
        const uint32_t way = hf_random(&seed, with_snapshots ? 8 : 4);
        if (way == 0) {
            char hex[33];
            outcome = holdfast_digest(live->hf, &lsn, hex);
        } else if (way == 1) {
            struct holdfast_audit audit = {0};
            outcome = holdfast_audit(live->hf, &audit);
            lsn = audit.lsn;
            if (outcome == HOLDFAST_OK && audit.violations > 0) {
                (void)hf_history_blame(live->history, "an audit at work finds %" PRIu64 ": %s",
                                       audit.violations, audit.first_violation);
            }
        } else if (way < 4) {
            struct holdfast_cell cell = {0};
            char sku[HF_DEED_NAME_BYTES];
            char location[HF_DEED_NAME_BYTES];
            hf_deed_cell_names(hf_random(&seed, HF_DEED_CELLS_COUNT), sku, location);
            outcome = holdfast_get_stock(live->hf, sku, location, &cell);
            lsn = cell.lsn;
        } else {
            outcome = holdfast_snapshot(live->hf, &lsn);
        }
        if (outcome == HOLDFAST_OK) {
            hf_history_see(live->history, lsn);
        }
    }
    hf_live_close(live);
}

/* ------------------------------------------------------------------ the port */

static bool port_execute(void *ctx, const uint32_t *indices, uint32_t count,
                         struct hf_answer *answers)
{
    struct hf_live *live = ctx;
    struct call *calls = calloc(count, sizeof *calls);
    struct holdfast_op *ops = calloc(count, sizeof *ops);
    struct holdfast_reply *replies = calloc(count, sizeof *replies);
    HF_ASSERT(calls != NULL);
    HF_ASSERT(ops != NULL);
    HF_ASSERT(replies != NULL);

    for (uint32_t i = 0; i < count; i++) {
        ops[i] = op_of(live->history, indices[i], &calls[i]);
    }
    const bool is_answered = holdfast_execute(live->hf, ops, count, replies) != HOLDFAST_UNKNOWN;
    for (uint32_t i = 0; i < count; i++) {
        answers[i] = answer_of(&replies[i]);
    }
    free(replies);
    free(ops);
    free(calls);
    return is_answered;
}

static bool take_stat(void *arg, const char *name, uint64_t value)
{
    struct hf_seen_stats *stats = arg;
    if (strcmp(name, "lsn") == 0) {
        stats->lsn = value;
    } else if (strcmp(name, "ledger_first_lsn") == 0) {
        stats->ledger_first_lsn = value;
    }
    return true;
}

static bool port_stats(void *ctx, struct hf_seen_stats *stats)
{
    const struct hf_live *live = ctx;
    return holdfast_get_stats(live->hf, take_stat, stats) == HOLDFAST_OK;
}

/* The callback of a question, and what it needs. */
struct asker {
    const struct hf_live *live;
    hf_seen_cell_cb cell_cb;
    hf_seen_move_cb move_cb;
    void *arg;
};

static bool take_cell(void *arg, const struct holdfast_cell *cell)
{
    const struct asker *asker = arg;
    const struct hf_seen_cell seen = {
        .cell = hf_deed_cell_of(hf_text_of(cell->sku), hf_text_of(cell->location)),
        .after = {cell->on_hand, cell->held, cell->committed, cell->in_transit, cell->damaged,
                  cell->quarantined},
        .ats = cell->ats,
        .version = cell->version,
    };
    asker->cell_cb(asker->arg, &seen);
    return true;
}

static bool port_cells(void *ctx, hf_seen_cell_cb cb, void *arg)
{
    struct hf_live *live = ctx;
    struct asker asker = {.live = live, .cell_cb = cb, .arg = arg};
    const struct holdfast_list_query all = {0};
    return holdfast_list(live->hf, &all, take_cell, &asker) == HOLDFAST_OK;
}

static void copy_counters(int64_t to[HF_COUNTERS_COUNT], const struct holdfast_counters *from)
{
    to[HF_ON_HAND] = from->on_hand;
    to[HF_HELD] = from->held;
    to[HF_COMMITTED] = from->committed;
    to[HF_IN_TRANSIT] = from->in_transit;
    to[HF_DAMAGED] = from->damaged;
    to[HF_QUARANTINED] = from->quarantined;
}

static bool take_move(void *arg, const struct holdfast_move *move)
{
    const struct asker *asker = arg;
    struct hf_seen_move seen = {
        .lsn = move->lsn,
        .ts_us = (uint64_t)move->ts_us,
        .index = move->index,
        .kind = move->kind,
        .deed = hf_deed_of_id(asker->live->history, hf_text_of(move->reservation)),
    };
    copy_counters(seen.delta, &move->delta);
    copy_counters(seen.after, &move->after);
    asker->move_cb(asker->arg, &seen);
    return true;
}

static bool port_moves(void *ctx, uint32_t cell, hf_seen_move_cb cb, void *arg)
{
    struct hf_live *live = ctx;
    struct asker asker = {.live = live, .move_cb = cb, .arg = arg};
    char sku[HF_DEED_NAME_BYTES];
    char location[HF_DEED_NAME_BYTES];

    hf_deed_cell_names(cell, sku, location);
    const struct holdfast_ledger_query query = {.sku = sku, .location = location};
    const enum holdfast_outcome outcome = holdfast_get_ledger(live->hf, &query, take_move, &asker);
    return outcome == HOLDFAST_OK || outcome == HOLDFAST_UNKNOWN_SKU ||
           outcome == HOLDFAST_UNKNOWN_LOCATION;
}

static bool port_reservation(void *ctx, uint32_t deed, struct hf_seen_reservation *out)
{
    struct hf_live *live = ctx;
    struct holdfast_reservation reservation;
    char id[HF_DEED_NAME_BYTES];

    hf_deed_id(deed, id);
    if (holdfast_get_reservation(live->hf, id, &reservation) != HOLDFAST_OK ||
        reservation.lines_count > HF_DEED_LINES_MAX) {
        return false;
    }
    *out = (struct hf_seen_reservation){.state = (enum hf_state)reservation.state,
                                        .lines_count = (uint32_t)reservation.lines_count};
    for (uint32_t i = 0; i < out->lines_count; i++) {
        const struct holdfast_reservation_line *line = &reservation.lines[i];
        out->lines[i].cell = hf_deed_cell_of(hf_text_of(line->sku), hf_text_of(line->location));
        out->lines[i].units = line->units;
        out->lines[i].fulfilled = line->fulfilled;
        out->lines[i].released = line->released;
    }
    return true;
}

static bool port_shipment(void *ctx, uint32_t deed, struct hf_seen_shipment *out)
{
    struct hf_live *live = ctx;
    const bool is_transfer = live->history->deeds[deed].kind == HF_KIND_TRANSFER_CREATE;
    struct holdfast_shipment shipment;
    char id[HF_DEED_NAME_BYTES];

    hf_deed_id(deed, id);
    const enum holdfast_outcome outcome = is_transfer
                                              ? holdfast_get_transfer(live->hf, id, &shipment)
                                              : holdfast_get_inbound(live->hf, id, &shipment);
    if (outcome != HOLDFAST_OK || shipment.lines_count > HF_DEED_LINES_MAX) {
        return false;
    }
    *out = (struct hf_seen_shipment){.state = (enum hf_state)shipment.state,
                                     .lines_count = (uint32_t)shipment.lines_count};
    for (uint32_t i = 0; i < out->lines_count; i++) {
        const struct holdfast_shipment_line *line = &shipment.lines[i];
        int64_t *figures = out->lines[i].figures;
        out->lines[i].cell = hf_deed_cell_of(hf_text_of(line->sku), hf_text_of(shipment.to));
        out->lines[i].units = line->units;
        figures[HF_SEEN_UNSHIPPED] = line->unshipped;
        figures[HF_SEEN_UNDER_WAY] = line->under_way;
        figures[HF_SEEN_RECEIVED] = line->received;
        figures[HF_SEEN_DAMAGED] = line->damaged;
        figures[HF_SEEN_CANCELLED] = line->cancelled;
        figures[HF_SEEN_LOST] = line->lost;
    }
    return true;
}

static bool port_audit(void *ctx, uint64_t *violations_count, char first[256])
{
    struct hf_live *live = ctx;
    struct holdfast_audit audit;

    if (holdfast_audit(live->hf, &audit) != HOLDFAST_OK) {
        return false;
    }
    *violations_count = audit.violations;
    memcpy(first, audit.first_violation, sizeof audit.first_violation);
    return true;
}

struct hf_port hf_live_port(struct hf_live *live)
{
    return (struct hf_port){.ctx = live,
                            .execute = port_execute,
                            .stats = port_stats,
                            .cells = port_cells,
                            .moves = port_moves,
                            .reservation = port_reservation,
                            .shipment = port_shipment,
                            .audit = port_audit};
}
