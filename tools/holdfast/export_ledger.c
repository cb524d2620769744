/*
 * export_ledger.c - the ledger: every move from where the log begins, up to what is durable now.
 *
 * The change feed gives it, in LSN order and without a gap, so the file is of one LSN although the
 * server goes on meanwhile: what happens after the start is not read.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/common/csv.h"
#include "tools/common/parse.h"
#include "tools/holdfast/export.h"
#include "tools/holdfast/output.h"
#include "tools/holdfast/when.h"

#define WAIT_MS 1000
#define SILENCES_MAX 60 /* waits in a row that bring nothing: the server is gone */
#define STARTS_MAX 3    /* in a row that bring nothing */

struct goal {
    struct hf_export *export;
    uint64_t lsn; /* the last operation that is wanted */
};

static bool take_stat(void *arg, const char *name, uint64_t value)
{
    struct holdfast_token *now = arg;

    if (strcmp(name, "durable_lsn") == 0) {
        now->lsn = value;
    } else if (strcmp(name, "epoch") == 0) {
        now->epoch = (uint32_t)value;
    }
    return true;
}

/* ------------------------------------------------------------------ one move */

static void put_text(FILE *out, const char *text)
{
    if (text != NULL) {
        hf_csv_put(out, text, strlen(text));
    }
    (void)putc(',', out);
}

static void put_counters(FILE *out, const struct holdfast_counters *counters, char after)
{
    (void)fprintf(out, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "%c",
                  counters->on_hand, counters->held, counters->committed, counters->in_transit,
                  counters->damaged, counters->quarantined, after);
}

static void put_csv(FILE *out, const struct holdfast_event *event)
{
    char time[HF_TIME_BYTES];

    (void)fprintf(out, "%" PRIu64 ",%" PRIu32 ",%s,", event->lsn, event->index,
                  hf_time_text(event->ts_us, time));
    put_text(out, holdfast_kind_name(event->kind));
    put_text(out,
             event->reason == HOLDFAST_REASON_NONE ? NULL : holdfast_reason_name(event->reason));
    put_text(out, event->sku);
    put_text(out, event->location);
    put_text(out, event->ref);
    put_text(out, event->order);
    put_text(out, event->by);
    put_text(out, event->id);
    put_counters(out, &event->delta, ',');
    put_counters(out, &event->after, '\n');
}

static void copy_text(char to[65], const char *from)
{
    (void)snprintf(to, 65, "%s", from == NULL ? "" : from);
}

static void put_json(FILE *out, const struct holdfast_event *event)
{
    struct holdfast_move move = {.lsn = event->lsn,
                                 .index = event->index,
                                 .ts_us = event->ts_us,
                                 .kind = event->kind,
                                 .reason = event->reason,
                                 .delta = event->delta,
                                 .after = event->after};
    copy_text(move.sku, event->sku);
    copy_text(move.location, event->location);
    copy_text(move.ref, event->ref);
    copy_text(move.order, event->order);
    copy_text(move.by, event->by);
    copy_text(move.reservation, event->id);

    json_t *object = hf_json_move(&move);
    hf_json_set(object, "index", hf_json_count(event->index));
    (void)json_dumpf(object, out, JSON_COMPACT); /* a failed write shows in ferror */
    (void)putc('\n', out);
    json_decref(object);
}

static void put_event(void *arg, const struct holdfast_event *event)
{
    const struct goal *goal = arg;
    struct hf_export *export = goal->export;

    if (event->lsn > goal->lsn || event->sku == NULL) {
        return; /* later than the export; or no move: a setting, a region */
    }
    if (export->form == HF_EXPORT_CSV) {
        put_csv(export->out, event);
    } else {
        put_json(export->out, event);
    }
    export->rows_count += 1;
}

/* ------------------------------------------------------------------ the feed */

/* Begin after `token`, or where the log begins. */
static enum holdfast_outcome begin(struct hf_export *export, struct holdfast_token *token,
                                   bool may_move)
{
    struct holdfast_subscription subscription = {
        .after = *token, .location = export->location, .flags = HOLDFAST_FEED_MOVES};
    enum holdfast_outcome outcome = holdfast_subscribe(export->hf, &subscription, token);

    if (outcome == HOLDFAST_GONE && may_move) {
        char text[HF_TOKEN_BYTES];
        (void)fprintf(stderr, "note: the log begins after %s; what was before is not in it\n",
                      hf_when_token_text(*token, text));
        subscription.after = *token;
        outcome = holdfast_subscribe(export->hf, &subscription, token);
    }
    return outcome;
}

/*
 * The server has ended the subscription, or the whole connection, because this reader is slow (its
 * own reader is: a pipe, a terminal). Nothing is lost: go on where it stood.
 */
static enum holdfast_outcome begin_again(struct hf_export *export, struct holdfast_token *token)
{
    const struct holdfast_options options = {.name = "holdfast export"};

    holdfast_close(export->hf);
    export->hf = hf_cli_open(export->cli, &options, NULL);
    if (export->hf == NULL) {
        export->is_told = true;
        return HOLDFAST_UNKNOWN;
    }
    return begin(export, token, false);
}

enum holdfast_outcome hf_export_ledger(struct hf_export *export)
{
    struct holdfast_token now = {0};
    struct holdfast_token token = {.epoch = 1, .lsn = 0};
    unsigned silences = 0;
    unsigned starts = 0; /* since something came */

    enum holdfast_outcome outcome = holdfast_get_stats(export->hf, take_stat, &now);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    export->at = now;
    if (export->has_since) {
        token = export->since;
        token.epoch = token.epoch == 0 ? now.epoch : token.epoch;
    }
    if (token.lsn >= now.lsn) {
        return HOLDFAST_OK; /* nothing yet, or nothing since */
    }
    outcome = begin(export, &token, !export->has_since);

    struct goal goal = {.export = export, .lsn = now.lsn};
    export->progress.total = now.lsn;
    while (outcome == HOLDFAST_OK && token.lsn < now.lsn && ferror(export->out) == 0) {
        const uint64_t before = token.lsn;
        outcome = holdfast_next_events(export->hf, WAIT_MS, put_event, &goal, &token);
        silences = token.lsn > before ? 0 : silences + 1;
        starts = token.lsn > before ? 0 : starts;
        hf_progress_show(&export->progress, token.lsn < now.lsn ? token.lsn : now.lsn);
        const bool is_ended = outcome == HOLDFAST_BUSY || outcome == HOLDFAST_UNKNOWN;
        if (is_ended && token.lsn < now.lsn && starts++ < STARTS_MAX) {
            outcome = begin_again(export, &token);
        }
        if (outcome == HOLDFAST_OK && silences > SILENCES_MAX) {
            outcome = HOLDFAST_UNKNOWN;
        }
    }
    return outcome;
}
