#include "bench/replay/player.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "bench/replay/schedule.h"
#include "engine/assert.h"
#include "tools/common/progress.h"

#define OPS_PER_EVENT_MAX 3
#define ID_BYTES 40
#define REF_BYTES 64
#define WAIT_MS 1000
#define SILENCE_US INT64_C(60000000) /* a server that answers nothing for longer is gone */

struct player {
    struct holdfast *hf;
    const struct hf_order_file *file;
    const struct hf_play_options *options;
    struct hf_play_totals *totals;
    struct hf_schedule schedule;
    struct hf_event *openings; /* before the events of the file */
    struct hf_event_line *opening_lines;
    uint32_t openings_count;
    uint64_t key;
    struct ticket *tickets; /* one an event in flight */
    uint32_t *free_tickets;
    uint32_t free_tickets_count;
    struct holdfast_line *lines; /* room for the longest order */
    uint64_t settled_count;
    bool has_trouble; /* an answer was busy or unknown: look at the connection */
    enum holdfast_outcome fatal;
    int64_t started_us;
    struct hf_progress progress;
    int64_t answered_us; /* when the last answer came */
};

/* An event in flight: one frame an operation, answered in the order they were sent. */
struct ticket {
    struct player *player;
    uint32_t event;
    uint32_t ops_count; /* frames that were sent */
    uint32_t answered_count;
    enum holdfast_outcome outcomes[OPS_PER_EVENT_MAX];
    bool is_repeated; /* the first operation had been done before */
    bool is_cut;      /* not all of its frames could be sent */
};

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Openings come first, then the events of the file. */
static const struct hf_event *event_at(const struct player *player, uint32_t index)
{
    if (index < player->openings_count) {
        return &player->openings[index];
    }
    HF_ASSERT(index - player->openings_count < player->file->events_count);
    return &player->file->events[index - player->openings_count];
}

static const struct hf_event_line *lines_of(const struct player *player,
                                            const struct hf_event *event)
{
    return event->kind == HF_EVENT_OPENING ? player->opening_lines : player->file->lines;
}

/* ------------------------------------------------------------------ preparation */

static bool make_openings(struct player *player)
{
    const struct hf_order_file *file = player->file;
    player->openings = calloc((size_t)file->skus.count + 1, sizeof *player->openings);
    player->opening_lines = calloc((size_t)file->skus.count + 1, sizeof *player->opening_lines);
    if (player->openings == NULL || player->opening_lines == NULL) {
        return false;
    }
    for (uint32_t sku = 0; sku < file->skus.count; sku++) {
        const int64_t units = player->options->opening_units == HF_OPENING_DEMAND
                                  ? file->demand_units[sku]
                                  : player->options->opening_units;
        if (units == 0) {
            continue; /* nothing to receive; a return or a find will create the SKU */
        }
        const uint32_t at = player->openings_count++;
        player->opening_lines[at] =
            (struct hf_event_line){.sku = sku, .next = UINT32_MAX, .units = units};
        player->openings[at] = (struct hf_event){.kind = HF_EVENT_OPENING,
                                                 .first_line = at,
                                                 .last_line = at,
                                                 .lines_count = 1,
                                                 .row = sku};
    }
    return true;
}

static bool make_schedule(struct player *player)
{
    uint32_t longest = 1;
    for (uint32_t i = 0; i < player->file->events_count; i++) {
        const uint32_t count = player->file->events[i].lines_count;
        longest = count > longest ? count : longest;
    }
    player->lines = calloc(longest, sizeof *player->lines);
    uint32_t *skus = calloc(longest, sizeof *skus);
    bool is_made = player->lines != NULL && skus != NULL &&
                   hf_schedule_init(&player->schedule, player->file->skus.count);

    const uint32_t events_count = player->openings_count + player->file->events_count;
    for (uint32_t i = 0; is_made && i < events_count; i++) {
        const struct hf_event *event = event_at(player, i);
        const struct hf_event_line *lines = lines_of(player, event);
        size_t count = 0;
        for (uint32_t line = event->first_line; line != UINT32_MAX; line = lines[line].next) {
            skus[count++] = lines[line].sku;
        }
        HF_ASSERT(count == event->lines_count);
        is_made = hf_schedule_add(&player->schedule, skus, count);
    }
    free(skus);
    return is_made && hf_schedule_start(&player->schedule);
}

static bool make_tickets(struct player *player)
{
    const uint32_t count = player->options->in_flight;
    player->tickets = calloc(count, sizeof *player->tickets);
    player->free_tickets = calloc(count, sizeof *player->free_tickets);
    if (player->tickets == NULL || player->free_tickets == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        player->tickets[i].player = player;
        player->free_tickets[player->free_tickets_count++] = count - 1 - i;
    }
    return true;
}

/* The same file, location and opening have the same key; another of them is another replay. */
static uint64_t key_of(const struct hf_order_file *file, const struct hf_play_options *options)
{
    return XXH3_64bits_withSeed(options->location, strlen(options->location),
                                file->key ^ (uint64_t)options->opening_units * 0x9E3779B97F4A7C15u);
}

static void release(struct player *player)
{
    free(player->openings);
    free(player->opening_lines);
    free(player->lines);
    free(player->tickets);
    free(player->free_tickets);
    hf_schedule_release(&player->schedule);
}

/* ------------------------------------------------------------------ answers */

static bool is_trouble(enum holdfast_outcome outcome)
{
    return outcome == HOLDFAST_BUSY || outcome == HOLDFAST_UNKNOWN;
}

static bool is_fatal(enum holdfast_outcome outcome)
{
    return outcome == HOLDFAST_READ_ONLY || outcome == HOLDFAST_NOT_PRIMARY;
}

static int64_t units_of(const struct player *player, const struct hf_event *event)
{
    const struct hf_event_line *lines = lines_of(player, event);
    int64_t units = 0;
    for (uint32_t line = event->first_line; line != UINT32_MAX; line = lines[line].next) {
        units += lines[line].units;
    }
    return units;
}

static void count_order(struct player *player, const struct hf_event *event,
                        const enum holdfast_outcome *outcomes)
{
    struct hf_play_totals *totals = player->totals;

    totals->orders++;
    totals->lines += event->lines_count;
    if (outcomes[0] != HOLDFAST_OK) {
        totals->orders_refused++;
        totals->refusals_by_outcome[outcomes[0]]++;
    } else if (outcomes[1] == HOLDFAST_OK && outcomes[2] == HOLDFAST_OK) {
        totals->orders_fulfilled++;
        totals->units += (uint64_t)units_of(player, event);
    } else {
        totals->orders_unfinished++;
    }
}

static void count_move(struct player *player, const struct hf_event *event,
                       enum holdfast_outcome outcome)
{
    struct hf_play_totals *totals = player->totals;
    const bool is_opening = event->kind == HF_EVENT_OPENING;

    *(is_opening ? &totals->openings : &totals->moves) += 1;
    totals->lines += is_opening ? 0 : 1;
    if (outcome != HOLDFAST_OK) {
        *(is_opening ? &totals->openings_refused : &totals->moves_refused) += 1;
        totals->refusals_by_outcome[outcome]++;
    } else if (event->kind == HF_EVENT_LOSS) {
        totals->units_out += units_of(player, event);
    } else if (!is_opening) {
        totals->units_in += units_of(player, event);
    }
}

/* Every frame of the event is answered: it is done with, or it has to be sent again. */
static void finish(struct player *player, struct ticket *ticket)
{
    const struct hf_event *event = event_at(player, ticket->event);

    player->free_tickets[player->free_tickets_count++] = (uint32_t)(ticket - player->tickets);
    bool is_in_trouble = ticket->is_cut;
    for (uint32_t i = 0; i < ticket->ops_count; i++) {
        if (is_fatal(ticket->outcomes[i])) {
            player->fatal = ticket->outcomes[i];
        }
        is_in_trouble =
            is_in_trouble || is_trouble(ticket->outcomes[i]) || is_fatal(ticket->outcomes[i]);
    }
    if (is_in_trouble) {
        /* Nobody else has touched its SKUs: sent again, it ends as it would have now. */
        player->has_trouble = true;
        player->totals->sent_again++;
        hf_schedule_put_back(&player->schedule, ticket->event);
        return;
    }
    if (event->kind == HF_EVENT_ORDER) {
        count_order(player, event, ticket->outcomes);
    } else {
        count_move(player, event, ticket->outcomes[0]);
    }
    player->totals->repeated += ticket->is_repeated ? 1 : 0;
    player->settled_count++;
    hf_schedule_settle(&player->schedule, ticket->event);
}

static void on_replies(void *arg, const struct holdfast_reply *replies, size_t count)
{
    struct ticket *ticket = arg;
    struct player *player = ticket->player;

    HF_ASSERT(count == 1);
    HF_ASSERT(ticket->answered_count < ticket->ops_count);
    player->answered_us = now_us();
    if (ticket->answered_count == 0) {
        ticket->is_repeated = replies[0].is_repeated;
    }
    ticket->outcomes[ticket->answered_count++] = replies[0].outcome;
    if (ticket->answered_count == ticket->ops_count) {
        finish(player, ticket);
    }
}

/* ------------------------------------------------------------------ questions */

static enum holdfast_reason reason_of(const struct hf_event *event)
{
    switch (event->kind) {
    case HF_EVENT_OPENING:
        return HOLDFAST_OPENING;
    case HF_EVENT_RETURN:
        return HOLDFAST_RETURN;
    case HF_EVENT_LOSS:
        return event->is_damage ? HOLDFAST_DAMAGE : HOLDFAST_LOSS;
    case HF_EVENT_FOUND:
        return HOLDFAST_FOUND;
    case HF_EVENT_ORDER:
        break;
    }
    return HOLDFAST_REASON_NONE;
}

/* Send the operations of the ticket's event. When one is not taken, those after it are not sent. */
static enum holdfast_outcome submit(struct player *player, struct ticket *ticket)
{
    const struct hf_event *event = event_at(player, ticket->event);
    const struct hf_event_line *lines = lines_of(player, event);
    const int64_t sign = event->kind == HF_EVENT_LOSS ? -1 : 1;
    const bool is_order = event->kind == HF_EVENT_ORDER;
    const bool is_opening = event->kind == HF_EVENT_OPENING;
    char id[ID_BYTES], confirm[REF_BYTES], fulfil[REF_BYTES];

    size_t count = 0;
    for (uint32_t line = event->first_line; line != UINT32_MAX; line = lines[line].next) {
        player->lines[count++] =
            (struct holdfast_line){.sku = player->file->skus.texts[lines[line].sku],
                                   .location = player->options->location,
                                   .units = sign * lines[line].units};
    }
    (void)snprintf(id, sizeof id, "%016" PRIx64 "-%s%" PRIu64, player->key, is_opening ? "o" : "",
                   event->row);
    (void)snprintf(confirm, sizeof confirm, "%s-confirm", id);
    (void)snprintf(fulfil, sizeof fulfil, "%s-fulfil", id);

    const struct holdfast_op ops[OPS_PER_EVENT_MAX] = {
        {.kind = is_order     ? HOLDFAST_RESERVE
                 : is_opening ? HOLDFAST_RECEIVE
                              : HOLDFAST_ADJUST,
         .reason = reason_of(event),
         .id = is_order ? id : NULL,
         .ref = is_order ? NULL : id,
         .order = event->invoice,
         .lines = player->lines,
         .lines_count = count},
        {.kind = HOLDFAST_CONFIRM, .id = id, .ref = confirm, .order = event->invoice},
        {.kind = HOLDFAST_FULFIL, .id = id, .ref = fulfil, .order = event->invoice},
    };
    const uint32_t ops_count = is_order ? OPS_PER_EVENT_MAX : 1;
    for (uint32_t i = 0; i < ops_count; i++) {
        const enum holdfast_outcome outcome =
            holdfast_submit(player->hf, &ops[i], 1, on_replies, ticket);
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        ticket->ops_count++;
    }
    return HOLDFAST_OK;
}

/* False: nothing more may be sent before something was answered. */
static bool send_one(struct player *player)
{
    if (player->free_tickets_count == 0 || player->has_trouble) {
        return false;
    }
    const uint32_t event = hf_schedule_take(&player->schedule);
    if (event == HF_EVENT_NONE) {
        return false;
    }
    struct ticket *ticket = &player->tickets[player->free_tickets[--player->free_tickets_count]];
    *ticket = (struct ticket){.player = player, .event = event};

    const enum holdfast_outcome outcome = submit(player, ticket);
    if (outcome == HOLDFAST_OK) {
        return true;
    }
    /* A full buffer or a broken connection passes; what cannot be sent at all is a refusal. */
    if (ticket->ops_count > 0) {
        ticket->is_cut = true; /* its answers finish it */
        return false;
    }
    const bool never_fits = outcome == HOLDFAST_BUSY && holdfast_in_flight(player->hf) == 0;
    ticket->outcomes[0] = never_fits ? HOLDFAST_LIMIT_EXCEEDED : outcome;
    ticket->ops_count = 1;
    ticket->answered_count = 1;
    finish(player, ticket);
    return true;
}

static enum hf_play_result play(struct player *player, char *error, size_t error_bytes)
{
    while (player->settled_count < player->schedule.events_count) {
        while (send_one(player)) {
        }
        hf_progress_show(&player->progress, player->settled_count);
        if (holdfast_in_flight(player->hf) > 0) {
            (void)holdfast_wait(player->hf, WAIT_MS); /* what broke, the callbacks have seen */
            if (now_us() - player->answered_us > SILENCE_US) {
                (void)snprintf(error, error_bytes, "the server has answered nothing for 60 s");
                return HF_PLAY_NO_SERVER;
            }
            if (player->fatal == HOLDFAST_OK) {
                continue;
            }
        }
        if (player->fatal != HOLDFAST_OK) {
            (void)snprintf(error, error_bytes, "the server answered %s: %s",
                           holdfast_outcome_name(player->fatal),
                           holdfast_outcome_text(player->fatal));
            return player->fatal == HOLDFAST_READ_ONLY ? HF_PLAY_STOPPED : HF_PLAY_NO_SERVER;
        }
        HF_ASSERT(player->has_trouble || player->schedule.ready_count > 0 ||
                  player->settled_count == player->schedule.events_count);
        if (player->has_trouble && holdfast_ping(player->hf) != HOLDFAST_OK) {
            (void)snprintf(error, error_bytes, "%s", holdfast_error(player->hf));
            return HF_PLAY_NO_SERVER;
        }
        player->has_trouble = false;
    }
    return HF_PLAY_DONE;
}

enum hf_play_result hf_play(struct holdfast **hf, const struct hf_order_file *file,
                            const struct hf_play_options *options, struct hf_play_totals *totals,
                            char *error, size_t error_bytes)
{
    HF_ASSERT(options->in_flight >= 1 && options->in_flight <= HF_PLAY_IN_FLIGHT_MAX);
    HF_ASSERT(options->opening_units >= HF_OPENING_DEMAND);

    struct player player = {.hf = *hf,
                            .file = file,
                            .options = options,
                            .totals = totals,
                            .key = key_of(file, options),
                            .started_us = now_us(),
                            .answered_us = now_us()};
    *totals = (struct hf_play_totals){0};

    enum hf_play_result result = HF_PLAY_NO_MEMORY;
    (void)snprintf(error, error_bytes, "no memory to play the file");
    if (make_openings(&player) && make_schedule(&player) && make_tickets(&player)) {
        hf_progress_init(&player.progress, stderr, options->has_progress, "orders and moves",
                         player.schedule.events_count);
        result = play(&player, error, error_bytes);
        hf_progress_end(&player.progress, player.settled_count);
    }
    totals->seconds = (double)(now_us() - player.started_us) / 1e6;
    if (result != HF_PLAY_DONE) {
        holdfast_close(*hf); /* frames in flight call back into `player`: they end before it does */
        *hf = NULL;
    }
    release(&player);
    return result;
}
