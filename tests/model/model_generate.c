/*
 * model_generate.c - see model_generate.h.
 */
#include "tests/model/model_generate_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

/* ------------------------------------------------------------------ memory and chance */

struct hf_arena_chunk {
    struct hf_arena_chunk *next;
    size_t used;
    _Alignas(16) char bytes[256 * 1024];
};

void *hf_arena_take(struct hf_arena *arena, size_t bytes_count)
{
    struct hf_arena_chunk *chunk = arena->chunks;
    void *taken;

    bytes_count = (bytes_count + 15) / 16 * 16;
    HF_ASSERT(bytes_count <= sizeof chunk->bytes);
    if (chunk == NULL || chunk->used + bytes_count > sizeof chunk->bytes) {
        chunk = malloc(sizeof *chunk);
        HF_ASSERT(chunk != NULL);
        chunk->next = arena->chunks;
        chunk->used = 0;
        arena->chunks = chunk;
    }
    taken = chunk->bytes + chunk->used;
    chunk->used += bytes_count;
    return taken;
}

void hf_arena_release(struct hf_arena *arena)
{
    while (arena->chunks != NULL) {
        struct hf_arena_chunk *next = arena->chunks->next;

        free(arena->chunks);
        arena->chunks = next;
    }
}

/* splitmix64: any seed is a good one. */
uint64_t hf_random_next(struct hf_random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint32_t hf_random_below(struct hf_random *random, uint32_t below)
{
    HF_ASSERT(below > 0);
    return (uint32_t)((hf_random_next(random) >> 32) % below);
}

bool hf_random_chance(struct hf_random *random, uint32_t percent)
{
    return hf_random_below(random, 100) < percent;
}

/* ------------------------------------------------------------------ texts */

/* Among them one byte, 64 bytes, and letters of two, three and four bytes. */
static const char *const sku_codes[8] = {
    "A",
    "phone",
    "a",
    "64-bytes-64-bytes-64-bytes-64-bytes-64-bytes-64-bytes-64-bytes!!",
    "Sch\xC3\xB6n",
    "\xE9\x9D\xB4",
    "\xF0\x9F\x91\x9F@x=1",
    "A "};
static const char *const location_codes[6] = {"W", "store-1", "store-2", "A", "M\xC3\xBC", "x"};
static const char *const region_codes[3] = {"north", "W", "s\xC3\xBC"};

struct hf_text hf_generate_sku(uint32_t i)
{
    return hf_text_of(sku_codes[i % 8]);
}

struct hf_text hf_generate_location(uint32_t i)
{
    return hf_text_of(location_codes[i % 6]);
}

static struct hf_text print_text(struct hf_generator *g, const char *format, uint32_t number)
{
    char *text = hf_arena_take(g->arena, 24);

    (void)snprintf(text, 24, format, number);
    return hf_text_of(text);
}

struct hf_text hf_generate_keep(struct hf_generator *g, const struct hf_model_text *text)
{
    char *copy = hf_arena_take(g->arena, HF_CODE_BYTES_MAX);

    memcpy(copy, text->bytes, text->bytes_count);
    return (struct hf_text){copy, text->bytes_count};
}

struct hf_text hf_generate_name(struct hf_generator *g, uint32_t new_percent)
{
    uint32_t window = g->names_window;

    if (g->names_count == 0 || chance(g, new_percent)) {
        g->names_count += 1;
        return print_text(g, "n%u", g->names_count);
    }
    if (window > g->names_count || chance(g, 5)) {
        window = g->names_count;
    }
    return print_text(g, "n%u", g->names_count - below(g, window));
}

static struct hf_text draw_reservation(struct hf_generator *g)
{
    const uint32_t count = g->model->reservations_count;

    if (count == 0 || chance(g, 5)) {
        return hf_generate_name(g, 30);
    }
    for (int i = 0; i < 12; i++) {
        const struct hf_model_reservation *reservation =
            &g->model->reservations[count - 1 - below(g, count < 30 ? count : 30)];

        if (reservation->state == HF_STATE_HELD || reservation->state == HF_STATE_CONFIRMED ||
            chance(g, 8)) {
            return hf_generate_keep(g, &reservation->id);
        }
    }
    return hf_generate_name(g, 0);
}

static struct hf_text draw_order(struct hf_generator *g)
{
    const uint32_t near = g->names_count / 8; /* a handful of reservations an order */

    return print_text(g, "o%u", near + below(g, 3));
}

static struct hf_text draw_malformed(struct hf_generator *g)
{
    static const char too_long[] =
        "65-bytes-65-bytes-65-bytes-65-bytes-65-bytes-65-bytes-65-bytes-65";
    static const struct hf_text texts[] = {
        {too_long, 65}, {"a\x1F", 2},    {"\x7F", 1},         {"\xC2\x80", 2},
        {"\xC3", 1},    {"\xC0\xAF", 2}, {"\xED\xA0\x80", 3}, {"\xF4\x90\x80\x80", 4},
        {"a\0b", 3},    {"\xFF", 1},     {"\xE2\x82", 2}};

    return texts[below(g, sizeof texts / sizeof texts[0])];
}

/* ------------------------------------------------------------------ quantities */

int64_t hf_generate_near(struct hf_generator *g, int64_t units)
{
    return units + (int64_t)below(g, 3) - 1;
}

static int64_t draw_units(struct hf_generator *g, const struct hf_op_line *line)
{
    const int sku = hf_model_sku(g->model, line->sku);
    const int location = hf_model_location(g->model, line->location);
    const int cell = sku < 0 || location < 0 ? -1 : hf_model_cell(g->model, sku, location);
    int64_t units = 1 + below(g, 9);

    if (chance(g, g->huge_percent)) {
        static const int64_t huge[] = {HF_UNITS_MAX, HF_UNITS_MAX - 1, HF_UNITS_MAX / 2,
                                       HF_UNITS_MAX / 2 + 1};
        units = huge[below(g, 4)];
    } else if (cell >= 0 && chance(g, g->is_crowded ? 1 : 40)) {
        const struct hf_model_cell *known = &g->model->cells[cell];
        const int64_t ats = hf_model_ats(g->model, known);

        switch (below(g, 9)) {
        case 8:
            /* Down to the threshold, or up to where it is over. */
            units = ats > known->low_stock ? ats - known->low_stock
                                           : known->low_stock + known->low_stock / 10 - ats;
            units = hf_generate_near(g, units);
            break;
        case 0:
            units = hf_generate_near(g, ats);
            break;
        case 1:
            units = hf_generate_near(g, ats + known->backorder_limit);
            break;
        case 2:
            units = hf_generate_near(g, known->counters[HF_ON_HAND]);
            break;
        case 3:
            units = hf_generate_near(g, HF_UNITS_MAX - known->counters[HF_ON_HAND]);
            break;
        case 4:
            units = hf_generate_near(g, hf_model_atf(known));
            break;
        case 5:
            units = hf_generate_near(g, known->counters[HF_DAMAGED]);
            break;
        case 6:
            units = hf_generate_near(g, known->counters[HF_QUARANTINED]);
            break;
        default:
            units = hf_generate_near(g, HF_UNITS_MAX - known->counters[HF_HELD]);
            break;
        }
    }
    return units < 1 ? 1 : units > HF_UNITS_MAX ? HF_UNITS_MAX : units;
}

static int64_t draw_figure(struct hf_generator *g, int64_t least)
{
    if (chance(g, 30)) {
        return HF_POLICY_KEEP;
    }
    if (chance(g, g->huge_percent)) {
        return HF_UNITS_MAX - below(g, 2);
    }
    if (chance(g, 10)) {
        return 15 + below(g, 20); /* where a tenth is more than one */
    }
    return chance(g, 40) ? least : (int64_t)below(g, 6);
}

/* ------------------------------------------------------------------ lines */

static void draw_version(struct hf_generator *g, struct hf_op_line *line)
{
    const int sku = hf_model_sku(g->model, line->sku);
    const int location = hf_model_location(g->model, line->location);
    const int cell = sku < 0 || location < 0 ? -1 : hf_model_cell(g->model, sku, location);

    line->if_version = HF_VERSION_ANY;
    if (chance(g, 15)) {
        line->if_version = g->has_versions && chance(g, 50) ? below(g, 2000) : 0;
    } else if (g->has_versions && chance(g, 70)) {
        line->if_version = cell < 0 ? 0 : g->model->cells[cell].version;
    }
}

static struct hf_op_line *draw_lines(struct hf_generator *g, struct hf_op *op)
{
    const bool is_place = op->kind == HF_KIND_SET_LOCATION || op->kind == HF_KIND_SET_REGION;
    const uint32_t most = chance(g, 5) ? HF_MODEL_LINES_MAX : chance(g, 50) ? 1 : 4;
    struct hf_op_line *lines;

    op->lines_count = 1 + below(g, most);
    lines = hf_arena_take(g->arena, op->lines_count * sizeof *lines);
    memset(lines, 0, op->lines_count * sizeof *lines);
    for (uint32_t i = 0; i < op->lines_count; i++) {
        struct hf_op_line *line = &lines[i];

        line->location = hf_generate_location(below(g, g->locations_count));
        if (!is_place) {
            line->sku = hf_generate_sku(below(g, g->skus_count));
        }
        if (op->kind == HF_KIND_SET_LOCATION) {
            line->units = below(g, 2);
        } else if (op->kind == HF_KIND_SET_POLICY) {
            line->safety_stock = draw_figure(g, 0);
            line->low_stock = draw_figure(g, HF_LOW_STOCK_NONE);
            line->backorder_limit = draw_figure(g, 0);
        } else if (!is_place) {
            line->units = draw_units(g, line);
        }
        if (g->is_crowded && op->kind == HF_KIND_RECEIVE) {
            line->units += 1000;
        }
        if (op->kind == HF_KIND_SET) {
            line->units = chance(g, 10) ? 0 : line->units;
            if (chance(g, 90)) { /* a cell at most once, mostly */
                line->sku = hf_generate_sku(i);
                op->lines_count = op->lines_count < g->skus_count ? op->lines_count : g->skus_count;
            }
        }
        if (op->kind == HF_KIND_ADJUST && chance(g, 50)) {
            line->units = -line->units;
        }
        if ((op->flags & HF_OP_VERSIONS) != 0) {
            draw_version(g, line);
        }
    }
    op->lines = lines;
    return lines;
}

/* Lines of a release or a fulfil: mostly parts of the reservation. */
static void draw_parts(struct hf_generator *g, struct hf_op *op)
{
    const int found = hf_model_reservation(g->model, op->id);
    const struct hf_model_reservation *reservation;
    struct hf_op_line *lines = draw_lines(g, op);

    if (found < 0) {
        return;
    }
    reservation = &g->model->reservations[found];
    for (uint32_t i = 0; i < op->lines_count && reservation->lines_count > 0; i++) {
        const struct hf_model_reservation_line *line =
            &reservation->lines[below(g, reservation->lines_count)];
        const struct hf_model_cell *cell = &g->model->cells[line->cell];
        const int64_t open = line->units - line->fulfilled - line->released;

        if (chance(g, 5)) {
            continue;
        }
        for (uint32_t j = 0; j < 8; j++) {
            if (hf_text_equal(hf_generate_sku(j), hf_model_text_view(&g->model->skus[cell->sku]))) {
                lines[i].sku = hf_generate_sku(j);
            }
            if (hf_text_equal(hf_generate_location(j),
                              hf_model_text_view(&g->model->locations[cell->location].code))) {
                lines[i].location = hf_generate_location(j);
            }
        }
        lines[i].units = chance(g, 40) ? open + (chance(g, 20) ? 1 : 0)
                                       : 1 + (int64_t)below(g, open < 9 ? (uint32_t)open + 1 : 9);
        if (lines[i].units < 1) {
            lines[i].units = 1;
        }
    }
}

/* Name codes by their handles; an unknown code by a handle that nobody has. */
static void use_handles(struct hf_generator *g, struct hf_op *op)
{
    struct hf_op_line *lines;

    if (op->lines_count == 0) {
        return;
    }
    lines = hf_arena_take(g->arena, op->lines_count * sizeof *lines);
    for (uint32_t i = 0; i < op->lines_count; i++) {
        const int sku = hf_model_sku(g->model, op->lines[i].sku);
        const int location = hf_model_location(g->model, op->lines[i].location);

        lines[i] = op->lines[i];
        lines[i].sku_handle = op->lines[i].sku.bytes_count == 0 ? HF_HANDLE_NONE
                              : sku < 0                         ? g->model->skus_count + 5
                                                                : (uint32_t)sku;
        lines[i].location_handle = op->lines[i].location.bytes_count == 0 ? HF_HANDLE_NONE
                                   : location < 0 ? g->model->locations_count + 5
                                                  : (uint32_t)location;
        lines[i].sku = (struct hf_text){0};
        lines[i].location = (struct hf_text){0};
    }
    op->lines = lines;
    op->flags |= HF_OP_HANDLES;
}

/* ------------------------------------------------------------------ operations */

static uint64_t draw_ttl(struct hf_generator *g)
{
    const uint64_t longest = g->model->config.life_us_max;
    const uint64_t typical = g->time_step_us * (g->is_crowded ? 2000 : 60);

    if (chance(g, 10)) {
        return chance(g, 50) ? longest : 1;
    }
    return 1 + hf_random_next(&g->random) % (typical < longest ? typical : longest);
}

static enum hf_kind draw_kind(struct hf_generator *g)
{
    static const struct {
        enum hf_kind kind;
        uint32_t weight;
    } kinds[] = {{HF_KIND_RECEIVE, 14},   {HF_KIND_ADJUST, 12},      {HF_KIND_SELL, 8},
                 {HF_KIND_SET_POLICY, 5}, {HF_KIND_SET_LOCATION, 1}, {HF_KIND_SET_REGION, 1},
                 {HF_KIND_RESERVE, 24},   {HF_KIND_REPLACE, 7},      {HF_KIND_CONFIRM, 8},
                 {HF_KIND_EXTEND, 4},     {HF_KIND_RELEASE, 6},      {HF_KIND_RELEASE_ORDER, 2},
                 {HF_KIND_FULFIL, 8}};
    static const enum hf_kind moves[] = {HF_KIND_SET,
                                         HF_KIND_SET,
                                         HF_KIND_SET,
                                         HF_KIND_MOVE_STATUS,
                                         HF_KIND_MOVE_STATUS,
                                         HF_KIND_DISPOSE,
                                         HF_KIND_TRANSFER_CREATE,
                                         HF_KIND_TRANSFER_CREATE,
                                         HF_KIND_TRANSFER_CREATE,
                                         HF_KIND_TRANSFER_SHIP,
                                         HF_KIND_TRANSFER_SHIP,
                                         HF_KIND_TRANSFER_RECEIVE,
                                         HF_KIND_TRANSFER_RECEIVE,
                                         HF_KIND_TRANSFER_RECEIVE,
                                         HF_KIND_TRANSFER_CANCEL,
                                         HF_KIND_TRANSFER_CANCEL,
                                         HF_KIND_TRANSFER_CLOSE,
                                         HF_KIND_INBOUND_CREATE,
                                         HF_KIND_INBOUND_CREATE,
                                         HF_KIND_INBOUND_RECEIVE,
                                         HF_KIND_INBOUND_RECEIVE,
                                         HF_KIND_INBOUND_RECEIVE,
                                         HF_KIND_INBOUND_CANCEL};
    uint32_t at = below(g, 100);
    uint32_t i = 0;

    if (chance(g, g->move_percent)) {
        return moves[below(g, sizeof moves / sizeof moves[0])];
    }
    if (g->is_crowded && chance(g, 50)) {
        return HF_KIND_RESERVE;
    }

    while (at >= kinds[i].weight) {
        at -= kinds[i].weight;
        i += 1;
    }
    return kinds[i].kind;
}

static void draw_target(struct hf_generator *g, struct hf_op *op)
{
    switch (op->kind) {
    case HF_KIND_SET_REGION:
        op->id = hf_text_of(region_codes[below(g, 3)]);
        break;
    case HF_KIND_RESERVE:
        op->id = hf_generate_name(g, 80);
        break;
    case HF_KIND_REPLACE:
        op->id = hf_generate_name(g, 80);
        op->old_id = draw_reservation(g);
        break;
    case HF_KIND_CONFIRM:
    case HF_KIND_EXTEND:
    case HF_KIND_RELEASE:
    case HF_KIND_FULFIL:
        op->id = draw_reservation(g);
        break;
    default:
        break;
    }
    /* The id of a shipment is drawn with its lines. */
    if (op->kind == HF_KIND_RELEASE_ORDER || chance(g, 40)) {
        op->order = draw_order(g);
    }
    if (chance(g, 45)) {
        op->ref = hf_generate_name(g, 70);
    }
    if (chance(g, 20)) {
        op->by = hf_text_of(chance(g, 50) ? "till 3" : "J\xC3\xB6rg");
    }
}

static void draw_op(struct hf_generator *g, struct hf_op *op)
{
    *op = (struct hf_op){.kind = draw_kind(g)};
    draw_target(g, op);

    switch (op->kind) {
    case HF_KIND_RECEIVE:
    case HF_KIND_MOVE_STATUS:
    case HF_KIND_DISPOSE:
        op->reason = (enum hf_reason)below(g, HF_REASONS_COUNT);
        hf_generate_statuses(g, op);
        break;
    case HF_KIND_SET:
        op->reason = (enum hf_reason)below(g, HF_REASONS_COUNT);
        hf_generate_as_of(g, op);
        break;
    case HF_KIND_ADJUST:
        op->reason = (enum hf_reason)below(g, HF_REASONS_COUNT);
        break;
    case HF_KIND_SELL:
        op->flags |= chance(g, 30) ? HF_OP_FACT : 0;
        break;
    case HF_KIND_RESERVE:
        op->flags |= chance(g, 30) ? HF_OP_PARTIAL : 0;
        op->flags |= chance(g, 70) ? HF_OP_TTL : 0;
        break;
    case HF_KIND_REPLACE:
        op->flags |= chance(g, 40) ? HF_OP_TTL : 0;
        break;
    case HF_KIND_EXTEND:
        op->flags |= HF_OP_TTL;
        break;
    case HF_KIND_FULFIL:
        op->flags |= chance(g, 25) ? HF_OP_RELEASE_REST : 0;
        break;
    default:
        break;
    }
    if ((op->flags & HF_OP_TTL) != 0) {
        op->ttl_us = draw_ttl(g);
    }

    if (op->kind >= HF_KIND_TRANSFER_CREATE) {
        hf_generate_shipment(g, op);
    } else if (op->kind == HF_KIND_RELEASE || op->kind == HF_KIND_FULFIL) {
        if (chance(g, 50)) {
            op->flags |= chance(g, 10) ? HF_OP_VERSIONS : 0;
            draw_parts(g, op);
        }
    } else if (op->kind != HF_KIND_CONFIRM && op->kind != HF_KIND_EXTEND &&
               op->kind != HF_KIND_RELEASE_ORDER) {
        if (op->kind != HF_KIND_SET_LOCATION && op->kind != HF_KIND_SET_REGION) {
            op->flags |= chance(g, 12) ? HF_OP_VERSIONS : 0;
        }
        (void)draw_lines(g, op);
    }
    if (chance(g, 15)) {
        use_handles(g, op);
    }
}

/* ------------------------------------------------------------------ spoiling and repeating */

static void spoil_line(struct hf_generator *g, struct hf_op *op)
{
    static const int64_t edges[] = {0,         -1,        HF_UNITS_MAX + 1, -HF_UNITS_MAX - 1,
                                    INT64_MAX, INT64_MIN, INT64_MAX - 1};
    const uint32_t i = below(g, op->lines_count);
    struct hf_op_line *lines = hf_arena_take(g->arena, op->lines_count * sizeof *lines);

    memcpy(lines, op->lines, op->lines_count * sizeof *lines);
    op->lines = lines;
    switch (below(g, 6)) {
    case 0:
    case 1:
        lines[i].units = edges[below(g, 7)];
        break;
    case 5:
        lines[i].damaged = edges[below(g, 7)];
        break;
    case 2:
        lines[i].sku = chance(g, 30) ? (struct hf_text){0} : draw_malformed(g);
        break;
    case 3:
        lines[i].location = chance(g, 30) ? (struct hf_text){0} : draw_malformed(g);
        break;
    default:
        if (op->kind == HF_KIND_SET_POLICY) {
            int64_t *const figures[] = {&lines[i].safety_stock, &lines[i].low_stock,
                                        &lines[i].backorder_limit};
            *figures[below(g, 3)] = chance(g, 50) ? -2 : HF_UNITS_MAX + 1;
        }
        break;
    }
}

static void spoil(struct hf_generator *g, struct hf_op *op)
{
    struct hf_text *const texts[] = {&op->id, &op->old_id, &op->ref, &op->order,
                                     &op->by, &op->from,   &op->to};
    /* Flags about lines are left alone: what they mean without lines is open. */
    static const uint32_t flags[] = {HF_OP_PARTIAL, HF_OP_FACT, HF_OP_RELEASE_REST, HF_OP_TTL, 128};

    switch (below(g, 9)) {
    case 0:
        *texts[below(g, 7)] = draw_malformed(g);
        break;
    case 1:
        *texts[below(g, 7)] = chance(g, 50) ? (struct hf_text){0} : hf_generate_name(g, 50);
        break;
    case 2:
        op->flags ^= flags[below(g, 5)];
        break;
    case 3:
        op->ttl_us = chance(g, 50) ? 0 : g->model->config.life_us_max + below(g, 2);
        break;
    case 4:
        op->reason = (enum hf_reason)(HF_REASONS_COUNT - 1 + below(g, 2));
        break;
    case 5:
        op->kind = (enum hf_kind)below(g, HF_KINDS_COUNT + 2);
        break;
    case 6:
    case 7:
        hf_generate_spoil(g, op);
        break;
    default:
        if (op->lines_count > 0 && (op->flags & HF_OP_HANDLES) == 0) {
            spoil_line(g, op);
        }
        break;
    }
}

/* An operation of before, or one that differs from it in a field. */
static bool repeat(struct hf_generator *g, struct hf_op *op)
{
    const uint32_t window = g->steps_count < 60 ? g->steps_count : 60;
    const struct hf_step *step;

    if (window == 0) {
        return false;
    }
    step = &g->steps[g->steps_count - 1 - below(g, chance(g, 10) ? g->steps_count : window)];
    if (step->ops_count == 0) {
        return false;
    }
    *op = step->ops[below(g, step->ops_count)];
    op->flags &= ~(uint32_t)HF_OP_LINKED;
    if (chance(g, 30)) {
        switch (below(g, 5)) {
        case 0:
            op->by = hf_text_of("another");
            break;
        case 1:
            op->order = draw_order(g);
            break;
        case 2:
            op->ref = hf_generate_name(g, 50);
            break;
        case 3:
            if ((op->flags & HF_OP_HANDLES) == 0) {
                use_handles(g, op); /* the same, said otherwise */
            }
            break;
        default:
            if (op->lines_count > 1) {
                op->lines_count -= 1;
            }
            break;
        }
    }
    return true;
}

/*
 * Some combinations are malformed or not by no word of the contract: flags about lines without
 * lines, handles together with codes. They are not drawn.
 */
static bool is_open_to_reading(const struct hf_op *op)
{
    if (op->lines_count == 0) {
        return (op->flags & (HF_OP_HANDLES | HF_OP_VERSIONS | HF_OP_DAMAGED)) != 0;
    }
    for (uint32_t i = 0; i < op->lines_count; i++) {
        const struct hf_op_line *line = &op->lines[i];
        const bool is_policy =
            line->safety_stock != 0 || line->low_stock != 0 || line->backorder_limit != 0;

        if ((line->damaged != 0 && (op->flags & HF_OP_DAMAGED) == 0) ||
            (is_policy && op->kind != HF_KIND_SET_POLICY) ||
            (line->if_version != 0 && (op->flags & HF_OP_VERSIONS) == 0)) {
            return true;
        }
    }
    return false;
}

static void advance_time(struct hf_generator *g)
{
    const uint64_t deadline_us = hf_model_next_deadline_us(g->model);

    if (chance(g, g->is_crowded ? 1 : 4) && deadline_us != UINT64_MAX) {
        g->now_us = deadline_us - 1 + below(g, 3); /* both sides of the deadline */
    } else if (chance(g, 2)) {
        g->now_us -= below(g, chance(g, 50) ? 20 : 100000); /* a clock that was set back */
    } else if (below(g, g->is_crowded ? 1000 : 100) == 0) {
        g->now_us += g->time_step_us * 50;
    } else if (chance(g, 60)) {
        g->now_us += hf_random_next(&g->random) % (2 * g->time_step_us);
    }
}

void hf_generate_step(struct hf_generator *g, struct hf_step *step)
{
    memset(step, 0, sizeof *step);
    advance_time(g);
    step->now_us = g->now_us;
    if (below(g, 700) == 0) {
        step->is_reload = true;
        return;
    }
    step->is_linked = chance(g, 6);
    step->ops_count = step->is_linked ? 1 + below(g, HF_STEP_OPS_MAX) : 1;
    for (uint32_t i = 0; i < step->ops_count; i++) {
        struct hf_op *op = &step->ops[i];

        do {
            if (!chance(g, 9) || !repeat(g, op)) {
                draw_op(g, op);
            }
            if (chance(g, 3)) {
                spoil(g, op);
            }
        } while (is_open_to_reading(op));
        if (step->is_linked && i + 1 < step->ops_count) {
            op->flags |= HF_OP_LINKED;
        }
    }
}
