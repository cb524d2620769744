#include "tests/unit/shipment_drafts.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static const char *const story[] = {"receive A@W=20 B@W=10 A@V=5 C@W=4",
                                    "transfer_create t1 from=W to=V A=6 B=4",
                                    "transfer_ship t1 A=4",
                                    "transfer_create t2 from=W to=V C=3",
                                    "inbound_create i1 to=W A=10 C=5",
                                    "inbound_receive i1 A=7",
                                    "transfer_create t3 from=V to=W A=1 ship",
                                    "transfer_receive t3",
                                    "reserve r1 B@W=2",
                                    "receive A@V=1 ref=n10"};
_Static_assert(sizeof story / sizeof story[0] == HF_SHIPMENT_STORY_LSN, "a record each");

/* Cells after the story. */
static const struct cell {
    uint64_t version;
    int64_t on_hand, held, in_transit;
} cells[3][2] = {
    {{8, 24, 0, 3}, {10, 5, 0, 4}},
    {{9, 10, 2, 0}, {0}},
    {{5, 4, 0, 5}, {0}},
};

struct hf_effect hf_draft_move(uint32_t sku, uint32_t location, int64_t on_hand, int64_t in_transit,
                               int64_t damaged)
{
    const struct cell *cell = &cells[sku][location];
    struct hf_effect effect = {.tag = HF_EFFECT_MOVE};

    effect.move = (struct hf_effect_move){
        .sku = sku,
        .location = location,
        .version_before = cell->version,
        .delta = {[HF_ON_HAND] = on_hand, [HF_IN_TRANSIT] = in_transit, [HF_DAMAGED] = damaged},
        .after = {[HF_ON_HAND] = cell->on_hand + on_hand,
                  [HF_HELD] = cell->held,
                  [HF_IN_TRANSIT] = cell->in_transit + in_transit,
                  [HF_DAMAGED] = damaged},
    };
    return effect;
}

struct hf_effect hf_draft_once_more(const struct hf_effect *before, struct hf_effect effect)
{
    effect.move.version_before = HF_SHIPMENT_STORY_LSN + 1;
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        effect.move.after[i] += before->move.delta[i];
    }
    return effect;
}

struct hf_effect hf_draft_opened(const char *id, enum hf_shipment_kind kind, enum hf_state state)
{
    struct hf_effect effect = {.tag = HF_EFFECT_SHIPMENT_OPEN};

    effect.shipment =
        (struct hf_effect_shipment){.id = hf_text_of(id),
                                    .state = state,
                                    .kind = kind,
                                    .from = kind == HF_TRANSFER ? (uint32_t)W : HF_HANDLE_NONE,
                                    .to = V};
    return effect;
}

struct hf_effect hf_draft_changed(const char *id, enum hf_state state)
{
    struct hf_effect effect = {.tag = HF_EFFECT_SHIPMENT_STATE};

    effect.shipment = (struct hf_effect_shipment){.id = hf_text_of(id), .state = state};
    return effect;
}

struct hf_effect hf_draft_line(uint32_t sku, int64_t units, const int64_t *figures)
{
    struct hf_effect effect = {.tag = HF_EFFECT_LINE};

    effect.line = (struct hf_effect_line){.sku = sku, .units = units};
    memcpy(effect.line.delta, figures, sizeof effect.line.delta);
    return effect;
}

struct hf_effect hf_draft_reservation(enum hf_effect_tag tag, const char *id, enum hf_state state)
{
    struct hf_effect effect = {.tag = tag};

    effect.reservation = (struct hf_effect_reservation){.id = hf_text_of(id), .state = state};
    return effect;
}

void hf_shipment_story(struct hf_small *small)
{
    hf_draft_live(small, story, HF_SHIPMENT_STORY_LSN);
    assert_string_equal(hf_small_cell(small->engine, "A@W"), "24 0 0 3 v8");
    assert_string_equal(hf_small_cell(small->engine, "A@V"), "5 0 0 4 v10");
    assert_string_equal(hf_small_cell(small->engine, "B@W"), "10 2 0 0 v9");
    assert_string_equal(hf_small_cell(small->engine, "C@W"), "4 0 0 5 v5");
}

void hf_shipment_draft_check(void **state)
{
    struct hf_small small;

    hf_shipment_story(&small);
    hf_draft_check(&small, *state);
    hf_small_release(&small);
}
