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
    X(14, EXPIRE, "expire") /* made by the engine itself; never asked for by a caller */ \
    X(15, SET, "set")                           \
    X(16, MOVE_STATUS, "move_status")           \
    X(17, DISPOSE, "dispose")                   \
    X(18, TRANSFER_CREATE, "transfer_create")   \
    X(19, TRANSFER_SHIP, "transfer_ship")       \
    X(20, TRANSFER_RECEIVE, "transfer_receive") \
    X(21, TRANSFER_CANCEL, "transfer_cancel")   \
    X(22, TRANSFER_CLOSE, "transfer_close")     \
    X(23, INBOUND_CREATE, "inbound_create")     \
    X(24, INBOUND_RECEIVE, "inbound_receive")   \
    X(25, INBOUND_CANCEL, "inbound_cancel")

/* What an event may tell beside the kinds of operation (event.h); numbers share their space. */
#define HF_ALERT_MAP(X)                         \
    X(64, LOW_STOCK, "low_stock")               \
    X(65, LOW_STOCK_OVER, "low_stock_over")     \
    X(66, OUT_OF_STOCK, "out_of_stock")         \
    X(67, BACK_IN_STOCK, "back_in_stock")       \
    X(68, SHORTAGE, "shortage")

/* Where units physically are; 0 is none. */
#define HF_STATUS_MAP(X)                        \
    X(0, NONE, "none")                          \
    X(1, SELLABLE, "sellable")                  \
    X(2, DAMAGED, "damaged")                    \
    X(3, QUARANTINED, "quarantined")

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
    X(12, OTHER, "other")                       \
    X(13, THEFT, "theft")                       \
    X(14, PERISHED, "perished")                 \
    X(15, QUALITY, "quality")

#define HF_STATE_MAP(X)                         \
    X(0, NONE, "none")                          \
    X(1, HELD, "held")                          \
    X(2, CONFIRMED, "confirmed")                \
    X(3, FULFILLED, "fulfilled")                \
    X(4, RELEASED, "released")                  \
    X(5, EXPIRED, "expired")                    \
    X(6, SUPERSEDED, "superseded")              \
    X(7, DRAFT, "draft") /* 7 to 11: of transfers and inbound shipments */ \
    X(8, IN_TRANSIT, "in_transit")              \
    X(9, RECEIVED, "received")                  \
    X(10, CANCELLED, "cancelled")               \
    X(11, CLOSED, "closed")

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
    X(25, CHECKSUM, "checksum")                 \
    X(26, FROM, "from")                         \
    X(27, TO, "to")                             \
    X(28, STATUS, "status")                     \
    X(29, AS_OF, "as_of")                       \
    X(30, ETA, "eta")                           \
    X(31, DAMAGED, "damaged")                   \
    X(32, TOKEN, "token")
/* clang-format on */

#define HF_KIND_ENUM(number, identifier, name) HF_KIND_##identifier = (number),
#define HF_REASON_ENUM(number, identifier, name) HF_REASON_##identifier = (number),
#define HF_STATE_ENUM(number, identifier, name) HF_STATE_##identifier = (number),
#define HF_FIELD_ENUM(number, identifier, name) HF_FIELD_##identifier = (number),
#define HF_ALERT_ENUM(number, identifier, name) HF_ALERT_##identifier = (number),
#define HF_STATUS_ENUM(number, identifier, name) HF_STATUS_##identifier = (number),
enum hf_kind { HF_KIND_MAP(HF_KIND_ENUM) };
enum hf_reason { HF_REASON_MAP(HF_REASON_ENUM) };
enum hf_state { HF_STATE_MAP(HF_STATE_ENUM) };
enum hf_field { HF_FIELD_MAP(HF_FIELD_ENUM) };
enum hf_alert { HF_ALERT_MAP(HF_ALERT_ENUM) };
enum hf_status { HF_STATUS_MAP(HF_STATUS_ENUM) };

#define HF_KINDS_COUNT 26   /* kinds are 1 .. HF_KINDS_COUNT - 1 */
#define HF_REASONS_COUNT 16 /* reasons are 0 .. HF_REASONS_COUNT - 1 */
#define HF_STATES_COUNT 12
#define HF_FIELDS_COUNT 33
#define HF_STATUSES_COUNT 4
#define HF_EVENT_KINDS_END 128 /* kinds of operation and alerts are below */

/* Names as in the lists above; "unrecognized" for a number that is in none. Static text. */
const char *hf_kind_name(unsigned kind); /* of alerts, too */
const char *hf_status_name(unsigned status);
const char *hf_reason_name(unsigned reason);
const char *hf_state_name(unsigned state);
const char *hf_field_name(unsigned field);

#endif
