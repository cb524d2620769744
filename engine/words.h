/*
 * words.h - the closed vocabularies of the engine: kinds of operation, reasons, states, fields.
 *
 * Each list gives number, identifier and name. The numbers stand in the log and on the wire, so
 * the lists are append-only. Names are the ones of DESIGN.md section 2, the CLI and JSON.
 */
#ifndef HF_ENGINE_WORDS_H
#define HF_ENGINE_WORDS_H

/* clang-format off */
#define HF_KIND_MAP(X)                          \
    X(1, RECEIVE, "receive")                    \
    X(2, ADJUST, "adjust")                      \
    X(3, SELL, "sell")                          \
    X(4, SET_POLICY, "set_policy")              \
    X(5, SET_LOCATION, "set_location")          \
    X(6, SET_REGION, "set_region")              \
    X(7, RESERVE, "reserve")                    \
    X(8, REPLACE, "replace")                    \
    X(9, CONFIRM, "confirm")                    \
    X(10, EXTEND, "extend")                     \
    X(11, RELEASE, "release")                   \
    X(12, RELEASE_ORDER, "release_order")       \
    X(13, FULFIL, "fulfil")                     \
    X(14, EXPIRE, "expire") /* made by the engine itself; never asked for by a caller */

#define HF_REASON_MAP(X)                        \
    X(0, NONE, "none")                          \
    X(1, PURCHASE, "purchase")                  \
    X(2, RETURN, "return")                      \
    X(3, DAMAGE, "damage")                      \
    X(4, LOSS, "loss")                          \
    X(5, FOUND, "found")                        \
    X(6, COUNT, "count")                        \
    X(7, CORRECTION, "correction")              \
    X(8, PRODUCTION, "production")              \
    X(9, SUPPLIER_RETURN, "supplier_return")    \
    X(10, IMPORT, "import")                     \
    X(11, OPENING, "opening")                   \
    X(12, OTHER, "other")

#define HF_STATE_MAP(X)                         \
    X(0, NONE, "none")                          \
    X(1, HELD, "held")                          \
    X(2, CONFIRMED, "confirmed")                \
    X(3, FULFILLED, "fulfilled")                \
    X(4, RELEASED, "released")                  \
    X(5, EXPIRED, "expired")                    \
    X(6, SUPERSEDED, "superseded")

/* What an invalid_argument points at. */
#define HF_FIELD_MAP(X)                         \
    X(0, NONE, "none")                          \
    X(1, LAYOUT, "layout") /* the bytes of the operation do not add up */ \
    X(2, FLAGS, "flags")                        \
    X(3, ID, "id")                              \
    X(4, OLD_ID, "old_id")                      \
    X(5, REF, "ref")                            \
    X(6, ORDER, "order")                        \
    X(7, BY, "by")                              \
    X(8, REASON, "reason")                      \
    X(9, TTL, "ttl")                            \
    X(10, LINES, "lines") /* too few, too many, or not allowed here */ \
    X(11, SKU, "sku")                           \
    X(12, LOCATION, "location")                 \
    X(13, QUANTITY, "quantity")                 \
    X(14, SAFETY_STOCK, "safety_stock")         \
    X(15, LOW_STOCK, "low_stock")               \
    X(16, BACKORDER, "backorder")               \
    X(17, REGION, "region")                     \
    X(18, CURSOR, "cursor")                     \
    X(19, LIMIT, "limit")                       \
    X(20, OPERATION, "operation") /* a frame asks for an operation this server does not have */ \
    X(21, COUNT, "count") /* too many operations in a frame, or none */ \
    X(22, MAGIC, "magic") /* 22 to 25: of a frame's header; framing is lost */ \
    X(23, PROTOCOL_VERSION, "protocol_version") \
    X(24, BODY_BYTES, "body_bytes")             \
    X(25, CHECKSUM, "checksum")
/* clang-format on */

#define HF_KIND_ENUM(number, identifier, name) HF_KIND_##identifier = (number),
#define HF_REASON_ENUM(number, identifier, name) HF_REASON_##identifier = (number),
#define HF_STATE_ENUM(number, identifier, name) HF_STATE_##identifier = (number),
#define HF_FIELD_ENUM(number, identifier, name) HF_FIELD_##identifier = (number),
enum hf_kind { HF_KIND_MAP(HF_KIND_ENUM) };
enum hf_reason { HF_REASON_MAP(HF_REASON_ENUM) };
enum hf_state { HF_STATE_MAP(HF_STATE_ENUM) };
enum hf_field { HF_FIELD_MAP(HF_FIELD_ENUM) };

#define HF_KINDS_COUNT 15   /* kinds are 1 .. HF_KINDS_COUNT - 1 */
#define HF_REASONS_COUNT 13 /* reasons are 0 .. HF_REASONS_COUNT - 1 */
#define HF_STATES_COUNT 7
#define HF_FIELDS_COUNT 26

/* Names as in the lists above; "unrecognized" for a number that is in none. Static text. */
const char *hf_kind_name(unsigned kind);
const char *hf_reason_name(unsigned reason);
const char *hf_state_name(unsigned state);
const char *hf_field_name(unsigned field);

#endif
