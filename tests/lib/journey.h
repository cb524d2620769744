/*
 * journey.h - a transfer or inbound shipment of hundreds of lines, whose every step is known
 * beforehand.
 *
 *     create [ship some [ship the rest]]  receive part 0 .. parts - 1   receive | rest | cancel |
 *                                         (some of it damaged)                             close
 *
 * A number names a journey and decides all about it: its lines, units, steps. What the server must
 * show after the first k steps is worked out here, by rules of our own; so whoever looks at a
 * server that has died can tell how many steps were done, and whether one was done by half.
 *
 * All stock comes from one depot, which has enough of everything; so every step that is asked in
 * its order succeeds. Where the units of a line are, is also what they have changed:
 *
 *     depot   on_hand = opening - under way - received - damaged - lost       (transfers)
 *     shop    in_transit = under way, on_hand = received, damaged = damaged
 */
#ifndef HF_TESTS_JOURNEY_H
#define HF_TESTS_JOURNEY_H

#include "net/holdfast.h"

#define HF_JOURNEY_SKUS_COUNT 400u
#define HF_JOURNEY_LINES_MIN 100u
#define HF_JOURNEY_LINES_MAX HF_JOURNEY_SKUS_COUNT
#define HF_JOURNEY_SHOPS_COUNT 4u
#define HF_JOURNEY_STEPS_MAX 8u
#define HF_JOURNEY_OPENING INT64_C(1000000000)
#define HF_JOURNEY_NAME_BYTES 24

enum hf_journey_figure {
    HF_JOURNEY_UNSHIPPED,
    HF_JOURNEY_UNDER_WAY,
    HF_JOURNEY_RECEIVED,
    HF_JOURNEY_DAMAGED,
    HF_JOURNEY_CANCELLED,
    HF_JOURNEY_LOST,
    HF_JOURNEY_FIGURES
};

struct hf_journey {
    uint32_t number;
    uint32_t lines_count;
    uint32_t parts_count; /* of its receipts */
    uint32_t shop;        /* where it goes */
    bool is_inbound;
    bool is_draft; /* shipped by a step of its own */
    bool is_short; /* some lines never leave */
    uint8_t steps[HF_JOURNEY_STEPS_MAX];
    uint32_t steps_count;

    /* what a test has asked and been told */
    uint32_t sent_count;
    uint32_t done_count; /* acknowledged; the first ones */
    uint64_t lsns[HF_JOURNEY_STEPS_MAX];
};

/* Memory for the operation of one step. */
struct hf_journey_call {
    struct holdfast_op op;
    struct holdfast_line lines[HF_JOURNEY_LINES_MAX];
    char skus[HF_JOURNEY_SKUS_COUNT][HF_JOURNEY_NAME_BYTES];
    char id[HF_JOURNEY_NAME_BYTES], ref[HF_JOURNEY_NAME_BYTES], shop[HF_JOURNEY_NAME_BYTES];
};

void hf_journey_init(struct hf_journey *journey, uint32_t number);
void hf_journey_id(const struct hf_journey *journey, char id[HF_JOURNEY_NAME_BYTES]);
/* The journey's SKU on this line. */
uint32_t hf_journey_sku(const struct hf_journey *journey, uint32_t line);
int64_t hf_journey_units(const struct hf_journey *journey, uint32_t line);

void hf_journey_call_init(struct hf_journey_call *call);
/* call->op is a step's operation, every time the same. */
void hf_journey_ask(const struct hf_journey *journey, uint32_t step, struct hf_journey_call *call);
/* ... the receive that gives the depot its opening stock. */
void hf_journey_ask_opening(struct hf_journey_call *call);

/* Figures of every line, and the state, once the first `steps_count` (above 0) are done. */
enum holdfast_state hf_journey_after(const struct hf_journey *journey, uint32_t steps_count,
                                     int64_t figures[HF_JOURNEY_LINES_MAX][HF_JOURNEY_FIGURES]);

/* Numbers of "item-7" and "shop-2"; -1: another name. */
int32_t hf_journey_sku_of(const char *name);
int32_t hf_journey_shop_of(const char *name);
#define HF_JOURNEY_DEPOT "depot"

#endif
