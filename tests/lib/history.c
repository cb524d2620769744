#include "tests/lib/history.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

#define ASKED_OTHERWISE 20 /* deeds, each time */

uint32_t hf_random(uint64_t *state, uint32_t sides)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) % sides);
}

bool hf_history_init(struct hf_history *history, uint32_t clients_count, uint32_t deeds_max)
{
    HF_ASSERT(clients_count >= 1);
    HF_ASSERT(clients_count <= HF_DEED_CLIENTS_MAX);

    memset(history, 0, sizeof *history);
    history->clients_count = clients_count;
    history->deeds_max = deeds_max;
    atomic_flag_clear(&history->is_blamed);
    history->deeds = calloc((size_t)clients_count * deeds_max, sizeof *history->deeds);
    return history->deeds != NULL;
}

void hf_history_release(struct hf_history *history)
{
    free(history->deeds);
    history->deeds = NULL;
}

uint32_t hf_history_add(struct hf_history *history, uint32_t client)
{
    if (history->counts[client] == history->deeds_max) {
        return HF_DEED_NONE;
    }
    const uint32_t index = client * history->deeds_max + history->counts[client]++;
    history->deeds[index] = (struct hf_deed){
        .status = HF_DEED_SENT,
        .target = HF_DEED_NONE,
        .floor_lsn = atomic_load(&history->seen_lsn),
    };
    return index;
}

void hf_history_drop(struct hf_history *history, uint32_t client)
{
    HF_ASSERT(history->counts[client] > 0);
    history->counts[client]--;
}

uint32_t hf_history_count(const struct hf_history *history)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < history->clients_count; i++) {
        count += history->counts[i];
    }
    return count;
}

uint32_t hf_history_index(const struct hf_history *history, uint32_t number)
{
    uint32_t client = 0;
    while (number >= history->counts[client]) {
        number -= history->counts[client++];
        HF_ASSERT(client < history->clients_count);
    }
    return client * history->deeds_max + number;
}

bool hf_history_blame(struct hf_history *history, const char *format, ...)
{
    if (!atomic_flag_test_and_set(&history->is_blamed)) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(history->violation, sizeof history->violation, format, arguments);
        va_end(arguments);
        atomic_store(&history->is_violated, true);
    }
    return false;
}

void hf_history_see(struct hf_history *history, uint64_t lsn)
{
    uint64_t seen_lsn = atomic_load(&history->seen_lsn);
    while (seen_lsn < lsn && !atomic_compare_exchange_weak(&history->seen_lsn, &seen_lsn, lsn)) {
    }
}

/* ------------------------------------------------------------------ answers */

static const char *kind_of(const struct hf_deed *deed)
{
    return hf_kind_name(deed->kind);
}

/* A deed that was done is asked again. */
static bool judge_repeat(struct hf_history *history, uint32_t index, const struct hf_answer *answer)
{
    const struct hf_deed *deed = &history->deeds[index];

    if (answer->outcome != HF_OK || !answer->is_repeated) {
        return hf_history_blame(history,
                                "lost: %s %" PRIu32 " was acknowledged with LSN %" PRIu64
                                "; asked again it is %s, not repeated",
                                kind_of(deed), index, deed->lsn, hf_err_name(answer->outcome));
    }
    if (answer->lsn != deed->lsn) {
        return hf_history_blame(history,
                                "%s %" PRIu32 " had LSN %" PRIu64 ", repeated it has %" PRIu64,
                                kind_of(deed), index, deed->lsn, answer->lsn);
    }
    return true;
}

static void keep_granted(struct hf_deed *deed, const struct hf_answer *answer)
{
    for (uint32_t i = 0; i < deed->lines_count; i++) {
        deed->lines[i].granted = (int32_t)answer->granted[i];
    }
}

bool hf_history_answer(struct hf_history *history, uint32_t index, const struct hf_answer *answer,
                       bool is_first)
{
    struct hf_deed *deed = &history->deeds[index];

    if (answer->outcome == HF_UNKNOWN) {
        return true;
    }
    (void)atomic_fetch_add(&history->answers_count, 1);
    if (deed->status == HF_DEED_DONE) {
        return judge_repeat(history, index, answer);
    }
    if (answer->outcome == HF_REFERENCE_CONFLICT || answer->outcome == HF_INVALID_ARGUMENT) {
        return hf_history_blame(history, "%s %" PRIu32 " is refused as %s", kind_of(deed), index,
                                hf_err_name(answer->outcome)); /* A3 */
    }
    if (answer->outcome != HF_OK) {
        deed->status = HF_DEED_REFUSED;
        deed->outcome = (uint8_t)answer->outcome;
        hf_history_see(history, answer->lsn);
        return true;
    }
    if (answer->is_unchanged) {
        if (answer->is_repeated || answer->lsn < deed->floor_lsn) {
            return hf_history_blame(history,
                                    "%s %" PRIu32 " changed nothing at LSN %" PRIu64
                                    ", but %" PRIu64 " was told of before it was asked",
                                    kind_of(deed), index, answer->lsn, deed->floor_lsn);
        }
        deed->status = HF_DEED_UNCHANGED;
        hf_history_see(history, answer->lsn);
        return true;
    }
    if (is_first && answer->is_repeated) {
        return hf_history_blame(history,
                                "invented: %s %" PRIu32 " is repeated (LSN %" PRIu64
                                "), but was never asked before",
                                kind_of(deed), index, answer->lsn); /* A2 */
    }
    if (answer->lsn <= deed->floor_lsn) {
        return hf_history_blame(history,
                                "%s %" PRIu32 " has LSN %" PRIu64 ", but %" PRIu64
                                " was told of before it was asked",
                                kind_of(deed), index, answer->lsn, deed->floor_lsn); /* A1 */
    }
    deed->status = HF_DEED_DONE;
    deed->lsn = answer->lsn;
    if ((deed->flags & HF_OP_PARTIAL) != 0) {
        keep_granted(deed, answer);
    }
    hf_history_see(history, answer->lsn);
    return true;
}

/* ------------------------------------------------------------------ asking again */

/* Frames of one kind under way to the port. */
struct batch {
    uint32_t indices[HF_DEED_FRAME_MAX];
    uint32_t count;
};

static bool send_batch(struct hf_history *history, const struct hf_port *port, struct batch *batch,
                       uint64_t settled_counts[3])
{
    struct hf_answer answers[HF_DEED_FRAME_MAX];
    const uint32_t count = batch->count;

    batch->count = 0;
    if (count == 0) {
        return true;
    }
    if (!port->execute(port->ctx, batch->indices, count, answers)) {
        return hf_history_blame(history, "the server does not answer deeds asked again");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (answers[i].outcome == HF_UNKNOWN) {
            return hf_history_blame(history, "a deed asked again is answered unknown");
        }
        if (!hf_history_answer(history, batch->indices[i], &answers[i], false)) {
            return false;
        }
        if (settled_counts != NULL) {
            settled_counts[answers[i].outcome != HF_OK ? 2 : answers[i].is_repeated ? 0 : 1]++;
        }
    }
    return true;
}

static bool is_linked(const struct hf_history *history, uint32_t index)
{
    return (history->deeds[index].flags & HF_OP_LINKED) != 0;
}

/* Deeds that were done stay as they are, so their order does not matter: one batch a kind. */
bool hf_history_ask_again(struct hf_history *history, const struct hf_port *port)
{
    struct batch *batches = calloc(HF_KINDS_COUNT, sizeof *batches);
    const uint32_t count = hf_history_count(history);
    bool is_good = batches != NULL;

    for (uint32_t i = 0; is_good && i < count; i++) {
        const uint32_t index = hf_history_index(history, i);
        struct batch *batch = &batches[history->deeds[index].kind];
        if (history->deeds[index].status != HF_DEED_DONE) {
            continue;
        }
        batch->indices[batch->count++] = index;
        /* A linked group is asked as it was: it may not be cut, and is at most a few deeds long. */
        if (batch->count >= HF_DEED_FRAME_MAX - 8 && !is_linked(history, index)) {
            is_good = send_batch(history, port, batch, NULL);
        }
    }
    for (uint32_t kind = 0; is_good && kind < HF_KINDS_COUNT; kind++) {
        is_good = send_batch(history, port, &batches[kind], NULL);
    }
    free(batches);
    return is_good;
}

bool hf_history_ask_otherwise(struct hf_history *history, const struct hf_port *port,
                              uint64_t *random)
{
    const uint32_t count = hf_history_count(history);

    for (uint32_t i = 0; count > 0 && i < ASKED_OTHERWISE; i++) {
        struct hf_answer answer = {.outcome = HF_REFERENCE_CONFLICT};
        const uint32_t index = hf_history_index(history, hf_random(random, count));
        struct hf_deed *deed = &history->deeds[index];
        if (deed->status != HF_DEED_DONE || deed->lines_count == 0 || is_linked(history, index)) {
            continue;
        }
        const int32_t more = deed->lines[0].units < 0 ? -1 : 1;
        deed->lines[0].units += more;
        const bool is_answered = port->execute(port->ctx, &index, 1, &answer);
        deed->lines[0].units -= more;
        if (!is_answered || answer.outcome != HF_REFERENCE_CONFLICT) {
            return hf_history_blame(history, "%s %" PRIu32 " with other content is %s",
                                    kind_of(deed), index, hf_err_name(answer.outcome));
        }
    }
    return true;
}

bool hf_history_settle(struct hf_history *history, const struct hf_port *port,
                       uint64_t settled_counts[3])
{
    struct batch *batch = calloc(1, sizeof *batch);
    const uint32_t count = hf_history_count(history);
    bool is_good = batch != NULL;
    unsigned kind = 0;

    for (uint32_t i = 0; is_good && i < count; i++) {
        const uint32_t index = hf_history_index(history, i);
        if (history->deeds[index].status != HF_DEED_SENT) {
            continue;
        }
        const bool is_cut_allowed =
            batch->count == 0 || !is_linked(history, batch->indices[batch->count - 1]);
        if (is_cut_allowed &&
            (history->deeds[index].kind != kind || batch->count >= HF_DEED_FRAME_MAX - 8)) {
            is_good = send_batch(history, port, batch, settled_counts);
        }
        kind = history->deeds[index].kind;
        batch->indices[batch->count++] = index;
    }
    is_good = is_good && send_batch(history, port, batch, settled_counts);
    free(batch);
    return is_good;
}

/* ------------------------------------------------------------------ names */

bool hf_deed_opens(const struct hf_deed *deed)
{
    return deed->kind == HF_KIND_RESERVE || deed->kind == HF_KIND_REPLACE;
}

bool hf_deed_sends(const struct hf_deed *deed)
{
    return deed->kind == HF_KIND_TRANSFER_CREATE || deed->kind == HF_KIND_INBOUND_CREATE;
}

void hf_deed_id(uint32_t index, char id[HF_DEED_NAME_BYTES])
{
    (void)snprintf(id, HF_DEED_NAME_BYTES, "id-%" PRIu32, index);
}

static void name_location(uint32_t location, char name[HF_DEED_NAME_BYTES])
{
    (void)snprintf(name, HF_DEED_NAME_BYTES, "place-%" PRIu32, location);
}

void hf_deed_cell_names(uint32_t cell, char sku[HF_DEED_NAME_BYTES],
                        char location[HF_DEED_NAME_BYTES])
{
    (void)snprintf(sku, HF_DEED_NAME_BYTES, "sku-%" PRIu32, cell / HF_DEED_LOCATIONS_COUNT);
    name_location(cell % HF_DEED_LOCATIONS_COUNT, location);
}

/* The number after `prefix`; HF_DEED_NONE when that is not what the text is. */
static uint32_t number_after(const char *prefix, struct hf_text text)
{
    char copy[HF_DEED_NAME_BYTES];
    const size_t prefix_bytes = strlen(prefix);

    if (text.bytes_count <= prefix_bytes || text.bytes_count >= sizeof copy ||
        memcmp(text.bytes, prefix, prefix_bytes) != 0) {
        return HF_DEED_NONE;
    }
    memcpy(copy, text.bytes, text.bytes_count);
    copy[text.bytes_count] = '\0';
    return (uint32_t)strtoul(copy + prefix_bytes, NULL, 10);
}

uint32_t hf_deed_cell_of(struct hf_text sku, struct hf_text location)
{
    const uint32_t sku_number = number_after("sku-", sku);
    const uint32_t location_number = number_after("place-", location);
    if (sku_number >= HF_DEED_SKUS_COUNT || location_number >= HF_DEED_LOCATIONS_COUNT) {
        return HF_DEED_NONE;
    }
    return sku_number * HF_DEED_LOCATIONS_COUNT + location_number;
}

uint32_t hf_deed_of_id(const struct hf_history *history, struct hf_text id)
{
    const uint32_t index = number_after("id-", id);
    if (index >= history->clients_count * history->deeds_max ||
        index % history->deeds_max >= history->counts[index / history->deeds_max]) {
        return HF_DEED_NONE;
    }
    return index;
}

/* What the operation as a whole names. */
static void name_op(const struct hf_deed *deed, uint32_t index, struct hf_deed_words *words,
                    struct hf_op *op)
{
    if (hf_deed_opens(deed) || hf_deed_sends(deed)) {
        hf_deed_id(index, words->id);
        op->id = hf_text_of(words->id);
        if (deed->target != HF_DEED_NONE) {
            hf_deed_id(deed->target, words->old_id);
            op->old_id = hf_text_of(words->old_id);
        }
    } else if (deed->target != HF_DEED_NONE) {
        hf_deed_id(deed->target, words->id);
        op->id = hf_text_of(words->id);
    }
    if (deed->has_ref) {
        (void)snprintf(words->ref, sizeof words->ref, "ref-%" PRIu32, index);
        op->ref = hf_text_of(words->ref);
    }
    if (deed->order != 0) {
        (void)snprintf(words->order, sizeof words->order, "order-%" PRIu32, deed->order);
        op->order = hf_text_of(words->order);
    }
    if (deed->kind == HF_KIND_TRANSFER_CREATE) {
        name_location(deed->from, words->from);
        op->from = hf_text_of(words->from);
    }
    if (hf_deed_sends(deed)) {
        name_location(deed->to, words->to);
        op->to = hf_text_of(words->to);
    }
}

struct hf_op hf_deed_op(const struct hf_history *history, uint32_t index,
                        struct hf_deed_words *words)
{
    const struct hf_deed *deed = &history->deeds[index];
    const bool has_sku = deed->kind != HF_KIND_SET_LOCATION;
    const bool has_location = deed->kind < HF_KIND_TRANSFER_CREATE;
    struct hf_op op = {.kind = (enum hf_kind)deed->kind,
                       .flags = deed->flags,
                       .reason = (enum hf_reason)deed->reason,
                       .from_status = (enum hf_status)deed->from_status,
                       .to_status = (enum hf_status)deed->to_status,
                       .ttl_us = deed->ttl_us,
                       .as_of = deed->as_of,
                       .eta_us = deed->eta_us,
                       .lines = deed->lines_count == 0 ? NULL : words->lines,
                       .lines_count = deed->lines_count};

    name_op(deed, index, words, &op);
    for (uint32_t i = 0; i < deed->lines_count; i++) {
        struct hf_op_line *line = &words->lines[i];
        hf_deed_cell_names(deed->lines[i].cell, words->skus[i], words->locations[i]);
        *line =
            (struct hf_op_line){.units = deed->lines[i].units, .damaged = deed->lines[i].damaged};
        line->sku = has_sku ? hf_text_of(words->skus[i]) : line->sku;
        line->location = has_location ? hf_text_of(words->locations[i]) : line->location;
    }
    return op;
}
