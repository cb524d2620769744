/*
 * err.h - every result the program can give, in one list: number, identifier, name, text.
 *
 * Numbers below 200 are outcomes: they go on the wire and into clients (net/PROTOCOL.md 4), so
 * the list is append-only and a retired number stays reserved. Numbers from 200 up are results
 * between the parts of one process and never leave it.
 */
#ifndef HF_ENGINE_ERR_H
#define HF_ENGINE_ERR_H

/* clang-format off */
#define HF_OUTCOME_MAP(X)                                                                        \
    X(0, OK, "ok", "done")                                                                       \
    X(1, INSUFFICIENT_STOCK, "insufficient_stock", "less stock may be promised than was asked")  \
    X(2, INSUFFICIENT_ON_HAND, "insufficient_on_hand", "fewer units are on hand than was asked") \
    X(3, UNKNOWN_SKU, "unknown_sku", "no SKU has this code")                                     \
    X(4, UNKNOWN_LOCATION, "unknown_location", "no location or region has this code")            \
    X(5, UNKNOWN_RESERVATION, "unknown_reservation", "no reservation is known by this id")       \
    X(6, REFERENCE_CONFLICT, "reference_conflict", "the reference names another operation")      \
    X(7, VERSION_CONFLICT, "version_conflict", "the cell has changed since that version")        \
    X(8, EXCEEDS_RESERVATION, "exceeds_reservation", "more than is left of the reservation")     \
    X(9, NOT_CONFIRMED, "not_confirmed", "the reservation is not confirmed")                     \
    X(10, ALREADY_CONFIRMED, "already_confirmed", "the reservation is confirmed")                \
    X(11, ALREADY_FULFILLED, "already_fulfilled", "the reservation is fulfilled, or in part")    \
    X(12, ALREADY_RELEASED, "already_released", "the reservation was released")                  \
    X(13, EXPIRED, "expired", "the reservation's time-to-live has ended")                        \
    X(14, SUPERSEDED, "superseded", "the reservation was replaced by another")                   \
    X(15, LINKED_FAILED, "linked_failed", "another operation of the linked group was refused")   \
    X(16, INVALID_ARGUMENT, "invalid_argument", "a field is malformed or out of range")          \
    X(17, LIMIT_EXCEEDED, "limit_exceeded", "a configured limit is reached")                     \
    X(18, BUSY, "busy", "a queue is full for the moment; try again")                             \
    X(19, READ_ONLY, "read_only", "the server accepts no writes now")                            \
    X(20, NOT_PRIMARY, "not_primary", "this server is not the primary")                          \
    X(21, STALE_HANDLE, "stale_handle", "the handles belong to another directory or epoch")      \
    X(22, UNKNOWN, "unknown", "the outcome is not known; retry with the same reference")         \
    X(23, UNKNOWN_TRANSFER, "unknown_transfer", "no transfer is known by this id")               \
    X(24, UNKNOWN_INBOUND, "unknown_inbound", "no inbound shipment is known by this id")         \
    X(25, WRONG_STATE, "wrong_state", "the transfer or shipment is not in a state for this")     \
    X(26, EXCEEDS_SHIPMENT, "exceeds_shipment", "more than is left of the transfer or shipment") \
    X(27, TOO_OLD, "too_old", "the history does not reach back that far")                        \
    X(28, GONE, "gone", "the log no longer holds what follows the token")

#define HF_INTERNAL_MAP(X)                                                                       \
    X(200, NO_MEMORY, "no_memory", "memory for the configured limits is not available")          \
    X(201, CORRUPT, "corrupt", "stored bytes are damaged")                                       \
    X(202, IO, "io", "a file could not be read or written")                                      \
    X(203, TRUNCATED, "truncated", "the bytes end before the message does")
/* clang-format on */

#define HF_ERR_ENUM(number, identifier, name, text) HF_##identifier = (number),
enum hf_err { HF_OUTCOME_MAP(HF_ERR_ENUM) HF_INTERNAL_MAP(HF_ERR_ENUM) };

#define HF_OUTCOMES_COUNT 29 /* outcomes are 0 .. HF_OUTCOMES_COUNT - 1 */

/* The name used on the wire's documents, in the CLI and in JSON; "unrecognized" for no error. */
const char *hf_err_name(enum hf_err err);
/* A sentence for people: lower case, no full stop. Static text, never NULL. */
const char *hf_strerror(enum hf_err err);

#endif
