/*
 * watch.c - the change feed on standard output, until somebody has seen enough.
 *
 * It holds a connection of its own, because a connection that subscribes carries nothing else. When
 * that breaks, another is opened and asked to go on after the last event that was printed: no gap,
 * no repeat. The server decides when there is an end: `gone` (the log no longer reaches back) and
 * `busy` (this consumer is too slow) come with the token to start anew from.
 *
 * The token of a printed event means "everything after it". Several events may be of one operation,
 * and a token cannot stand inside one: all but the last of them carry the token of the place before
 * the operation. So each event waits for the one behind it, or for the end of its batch, before it
 * is printed. Whoever goes on after the token of any line misses nothing.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/assert.h"
#include "tools/holdfast/cli.h"
#include "tools/holdfast/event.h"
#include "tools/holdfast/output.h"
#include "tools/holdfast/when.h"

/* A signal that comes just before the wait is seen when the wait is over. */
#define WAIT_MS 250
#define PAUSE_FIRST_MS 50
#define PAUSE_LAST_MS 2000

struct watch {
    const struct hf_cli *cli;
    struct holdfast *hf;
    struct holdfast_subscription subscription;
    struct holdfast_token token; /* everything up to it has been printed */
    uint64_t limit;              /* events; UINT64_MAX: none */
    uint64_t count;
    struct hf_event_line waiting; /* the newest event, without its token; empty: none */
    struct holdfast_token waiting_at;
};

static volatile sig_atomic_t is_ended;

static void on_end(int signal_number)
{
    (void)signal_number;
    is_ended = 1;
}

/* ------------------------------------------------------------------ what was asked for */

/* The kinds into a mask; stock.moved stands for all operations that change on_hand. */
static enum hf_exit set_kinds(const struct hf_cli *cli, struct holdfast_subscription *subscription)
{
    for (size_t i = 0; i < cli->args.kinds_count; i++) {
        const char *name = cli->args.kinds[i];
        if (strcmp(name, HF_STOCK_MOVED) == 0) {
            if (cli->args.kinds_count > 1) {
                return hf_cli_usage(cli, "--kind %s stands alone: it is of every kind",
                                    HF_STOCK_MOVED);
            }
            subscription->flags |= HOLDFAST_FEED_STOCK;
            return HF_EXIT_DONE;
        }
        const int kind = holdfast_kind_of(name);
        if (kind <= 0 || kind >= 128) {
            return hf_cli_usage(cli, "--kind \"%s\" is not a kind of event", name);
        }
        subscription->kinds[kind / 64] |= UINT64_C(1) << (kind % 64);
    }
    return HF_EXIT_DONE;
}

static enum hf_exit set_subscription(const struct hf_cli *cli, struct watch *watch)
{
    const char *from = cli->args.values[HF_OPTION_FROM];
    const char *limit = cli->args.values[HF_OPTION_LIMIT];
    struct holdfast_subscription *subscription = &watch->subscription;

    subscription->location = cli->args.values[HF_OPTION_LOCATION];
    subscription->sku_prefix = cli->args.values[HF_OPTION_PREFIX];
    subscription->flags = hf_args_has(&cli->args, HF_OPTION_MOVES) ? HOLDFAST_FEED_MOVES : 0;
    if (from != NULL && !hf_when_parse_token(from, &subscription->after)) {
        return hf_cli_usage(cli, "--from \"%s\" is neither EPOCH:LSN nor now", from);
    }
    watch->limit = UINT64_MAX;
    if (limit != NULL && (!hf_args_count(limit, &watch->limit) || watch->limit == 0)) {
        return hf_cli_usage(cli, "--limit \"%s\" is not a number from 1", limit);
    }
    return set_kinds(cli, subscription);
}

/* ------------------------------------------------------------------ events */

/* Print the event that waits; everything up to `at` is printed with it. */
static void print_waiting(struct watch *watch, struct holdfast_token at)
{
    if (watch->waiting.count > 0) {
        hf_event_line_close(&watch->waiting, at);
    }
}

static void on_event(void *arg, const struct holdfast_event *event)
{
    struct watch *watch = arg;
    const bool is_moved = (watch->subscription.flags & HOLDFAST_FEED_STOCK) != 0;
    const struct holdfast_token at = {.epoch = event->epoch, .lsn = event->lsn};

    /* The one before is the last of its operation, or this one is of the same. */
    struct holdfast_token before = watch->waiting_at;
    before.lsn -= before.lsn == at.lsn && before.lsn > 0 ? 1 : 0;
    print_waiting(watch, before);
    if (watch->count == watch->limit) {
        return; /* the batch goes on, but no more of it was asked for */
    }
    watch->count += 1;
    if (watch->count == watch->limit) {
        watch->token = at;
    }
    if (!watch->cli->is_json) {
        hf_event_print(event);
        return;
    }
    hf_event_line_put(&watch->waiting, event, is_moved);
    watch->waiting_at = at;
}

/* Wait for events and print them. */
static enum holdfast_outcome take_batch(struct watch *watch)
{
    struct holdfast_token token = watch->token;
    const enum holdfast_outcome outcome =
        holdfast_next_events(watch->hf, WAIT_MS, on_event, watch, &token);

    print_waiting(watch, watch->waiting_at); /* a batch ends where an operation does */
    if (watch->count < watch->limit) {
        watch->token = token;
    }
    if (fflush(stdout) != 0) {
        (void)fputs("holdfast: could not write to standard output\n", stderr);
        exit(HF_EXIT_UNKNOWN);
    }
    return outcome;
}

/* ------------------------------------------------------------------ connections */

static enum holdfast_outcome subscribe(struct watch *watch)
{
    struct holdfast_token token = watch->token;
    const enum holdfast_outcome outcome =
        holdfast_subscribe(watch->hf, &watch->subscription, &token);

    if (outcome == HOLDFAST_OK || outcome == HOLDFAST_GONE) {
        watch->token = token;
    }
    return outcome;
}

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL); /* a signal ends it early, and is looked at next */
}

/* The connection is broken: another one that goes on where this one was. HOLDFAST_OK also when it
 * was ended meanwhile. */
static enum holdfast_outcome connect_again(struct watch *watch)
{
    const struct holdfast_options options = {.name = "holdfast watch"};
    char error[512];
    char text[HF_TOKEN_BYTES];
    long pause = PAUSE_FIRST_MS;

    (void)fprintf(stderr, "holdfast: %s; connecting again\n", holdfast_error(watch->hf));
    while (!is_ended) {
        holdfast_close(watch->hf);
        watch->hf = holdfast_connect(hf_cli_address(watch->cli), &options, error, sizeof error);
        if (watch->hf != NULL) {
            watch->subscription.after = watch->token;
            const enum holdfast_outcome outcome = subscribe(watch);
            if (outcome == HOLDFAST_OK) {
                (void)fprintf(stderr, "holdfast: connected again, goes on after %s\n",
                              hf_when_token_text(watch->token, text));
            }
            if (outcome != HOLDFAST_UNKNOWN) {
                return outcome;
            }
        }
        pause_ms(pause);
        pause = pause * 2 < PAUSE_LAST_MS ? pause * 2 : PAUSE_LAST_MS;
    }
    return HOLDFAST_OK;
}

/* ------------------------------------------------------------------ the command */

/* The server has refused or ended it. */
static enum hf_exit report_end(const struct watch *watch, enum holdfast_outcome outcome)
{
    const bool has_token = outcome == HOLDFAST_GONE || outcome == HOLDFAST_BUSY;
    const bool has_more = outcome == HOLDFAST_INVALID_ARGUMENT || outcome == HOLDFAST_UNKNOWN;
    const char *text = has_more && holdfast_error(watch->hf)[0] != '\0'
                           ? holdfast_error(watch->hf)
                           : holdfast_outcome_text(outcome);
    char token[HF_TOKEN_BYTES];

    (void)hf_when_token_text(watch->token, token);
    if (watch->cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text(holdfast_outcome_name(outcome)));
        hf_json_set(object, "message", hf_json_text(text));
        if (has_token) {
            hf_json_set(object, "token", hf_json_text(token));
        }
        hf_json_print(object);
    } else {
        (void)printf("%s: %s\n", holdfast_outcome_name(outcome), text);
    }
    if (outcome == HOLDFAST_GONE) {
        (void)fprintf(stderr, "holdfast: take an export, then start again with --from %s\n", token);
    } else if (outcome == HOLDFAST_BUSY) {
        (void)fprintf(stderr, "holdfast: too slow; go on with --from %s\n", token);
    }
    return hf_cli_exit_of(outcome);
}

static enum hf_exit follow(struct watch *watch)
{
    enum holdfast_outcome outcome = subscribe(watch);
    char text[HF_TOKEN_BYTES];

    if (outcome == HOLDFAST_OK) { /* whoever waits for what it does itself now can begin */
        (void)fprintf(stderr, "holdfast: watching, everything after %s\n",
                      hf_when_token_text(watch->token, text));
    }
    while (outcome == HOLDFAST_OK && !is_ended && watch->count < watch->limit) {
        outcome = take_batch(watch);
        if (outcome == HOLDFAST_UNKNOWN) {
            outcome = connect_again(watch);
        }
    }
    HF_ASSERT(watch->waiting.count == 0);
    if (outcome != HOLDFAST_OK) {
        return report_end(watch, outcome);
    }
    (void)fprintf(stderr, "holdfast: go on with --from %s\n",
                  hf_when_token_text(watch->token, text));
    return HF_EXIT_DONE;
}

enum hf_exit hf_cli_watch(struct hf_cli *cli)
{
    const struct holdfast_options options = {.name = "holdfast watch"};
    const struct sigaction ending = {.sa_handler = on_end}; /* no SA_RESTART: waiting ends */
    struct sigaction before[2];
    struct watch watch = {.cli = cli};
    enum hf_exit code = set_subscription(cli, &watch);

    if (code != HF_EXIT_DONE) {
        return code;
    }
    watch.hf = hf_cli_open(cli, &options, NULL);
    if (watch.hf == NULL) {
        return HF_EXIT_UNKNOWN;
    }
    is_ended = 0;
    (void)sigaction(SIGINT, &ending, &before[0]);
    (void)sigaction(SIGTERM, &ending, &before[1]);
    code = follow(&watch);
    (void)sigaction(SIGINT, &before[0], NULL);
    (void)sigaction(SIGTERM, &before[1], NULL);
    holdfast_close(watch.hf);
    hf_event_line_release(&watch.waiting);
    return code;
}
