#include "tools/holdfast/event.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "engine/assert.h"
#include "tools/holdfast/output.h"

#define COUNTERS_COUNT 6

struct counter {
    const char *name;
    int64_t delta;
    int64_t after;
};

/* The counters of an event, in the order of the dictionary; the first is on_hand. */
static void counters_of(const struct holdfast_event *event, struct counter counters[COUNTERS_COUNT])
{
    const struct holdfast_counters *delta = &event->delta;
    const struct holdfast_counters *after = &event->after;

    counters[0] = (struct counter){"on_hand", delta->on_hand, after->on_hand};
    counters[1] = (struct counter){"held", delta->held, after->held};
    counters[2] = (struct counter){"committed", delta->committed, after->committed};
    counters[3] = (struct counter){"in_transit", delta->in_transit, after->in_transit};
    counters[4] = (struct counter){"damaged", delta->damaged, after->damaged};
    counters[5] = (struct counter){"quarantined", delta->quarantined, after->quarantined};
}

/* ------------------------------------------------------------------ JSON */

/* Changes, values before and values after. */
static void set_counters(json_t *object, const struct holdfast_event *event)
{
    struct counter counters[COUNTERS_COUNT];
    json_t *deltas = hf_json_object();
    json_t *before = hf_json_object();

    counters_of(event, counters);
    for (size_t i = 0; i < COUNTERS_COUNT; i++) {
        const struct counter *counter = &counters[i];
        if (i > 0 && counter->delta != 0) {
            hf_json_set(deltas, counter->name, json_integer(counter->delta));
        }
        hf_json_set(before, counter->name, json_integer(counter->after - counter->delta));
    }
    hf_json_set(object, "deltas", deltas);
    hf_json_set(object, "before", before);
    hf_json_set(object, "after", hf_json_counters(&event->after));
}

static json_t *figure(const struct holdfast_event *event, int64_t number)
{
    return event->sku == NULL ? json_null() : json_integer(number);
}

static const char *reason_text(const struct holdfast_event *event)
{
    return event->reason == HOLDFAST_REASON_NONE ? NULL : holdfast_reason_name(event->reason);
}

/* What the consumers of stock.moved know an event by. */
static void set_moved(json_t *object, const struct holdfast_event *event)
{
    const char *operation = holdfast_kind_name(event->kind);
    const char *reason = reason_text(event);

    hf_json_set(object, "kind", hf_json_text(HF_STOCK_MOVED));
    hf_json_set(object, "operation", hf_json_text(operation));
    hf_json_set(object, "reason", hf_json_text(reason == NULL ? operation : reason));
    hf_json_set(object, "store_id", hf_json_text(event->location));
    hf_json_set(object, "sku_id", hf_json_text(event->sku));
    hf_json_set(object, "qty_delta", json_integer(event->delta.on_hand));
    hf_json_set(object, "ref_id", hf_json_text(event->ref == NULL ? event->id : event->ref));
}

json_t *hf_json_event(const struct holdfast_event *event, bool as_moved)
{
    const struct holdfast_counters *after = &event->after;
    const bool has_state = event->state != HOLDFAST_STATE_NONE;
    json_t *object = hf_json_object();

    hf_json_set(object, "lsn", hf_json_count(event->lsn));
    hf_json_set(object, "epoch", hf_json_count(event->epoch));
    hf_json_set(object, "ts", hf_json_time(event->ts_us));
    hf_json_set(object, "kind", hf_json_text(holdfast_kind_name(event->kind)));
    hf_json_set(object, "sku", hf_json_text(event->sku));
    hf_json_set(object, "location", hf_json_text(event->location));
    hf_json_set(object, "delta", figure(event, event->delta.on_hand));
    hf_json_set(object, "on_hand", figure(event, after->on_hand));
    hf_json_set(object, "reserved", figure(event, after->held + after->committed));
    hf_json_set(object, "ats", figure(event, event->ats));
    hf_json_set(object, "reason", hf_json_text(reason_text(event)));
    hf_json_set(object, "ref", hf_json_text(event->ref));
    hf_json_set(object, "order", hf_json_text(event->order));
    hf_json_set(object, "by", hf_json_text(event->by));
    hf_json_set(object, "id", hf_json_text(event->id));
    hf_json_set(object, "state",
                hf_json_text(has_state ? holdfast_state_name(event->state) : NULL));
    if (event->kind == HOLDFAST_SHORTAGE) {
        hf_json_set(object, "missing", json_integer(event->missing));
        hf_json_set(object, "reservations", hf_json_hits(event->hits, event->hits_count));
    }
    if (event->sku != NULL) {
        set_counters(object, event);
    }
    if (as_moved) {
        set_moved(object, event);
    }
    return object;
}

/* ------------------------------------------------------------------ for people */

/* "  (reason damage, ref x, order y, by anna, cart-1 is held)" */
static void print_papers(const struct holdfast_event *event)
{
    const struct paper {
        const char *title;
        const char *text;
    } papers[] = {{"", reason_text(event)},
                  {"ref ", event->ref},
                  {"order ", event->order},
                  {"by ", event->by}};
    const char *between = "  (";

    for (size_t i = 0; i < sizeof papers / sizeof papers[0]; i++) {
        if (papers[i].text != NULL) {
            (void)printf("%s%s%s", between, papers[i].title, papers[i].text);
            between = ", ";
        }
    }
    if (event->id != NULL && event->state != HOLDFAST_STATE_NONE) {
        (void)printf("%s%s is %s", between, event->id, holdfast_state_name(event->state));
        between = ", ";
    }
    (void)fputs(between[0] == ',' ? ")" : "", stdout);
}

void hf_event_print(const struct holdfast_event *event)
{
    struct counter counters[COUNTERS_COUNT];
    char time[HF_TIME_BYTES];
    const char *between = "  ";

    (void)printf("%s  %" PRIu64 "  %s", hf_time_text(event->ts_us, time), event->lsn,
                 holdfast_kind_name(event->kind));
    if (event->sku != NULL) {
        HF_ASSERT(event->location != NULL);
        (void)printf("  %s@%s", event->sku, event->location);
        counters_of(event, counters);
        for (size_t i = 0; i < COUNTERS_COUNT; i++) {
            if (counters[i].delta != 0) {
                (void)printf("%s%s %+" PRId64 " = %" PRId64, between, counters[i].name,
                             counters[i].delta, counters[i].after);
                between = ", ";
            }
        }
        (void)printf("%sATS %" PRId64, between, event->ats);
    }
    if (event->kind == HOLDFAST_SHORTAGE) {
        (void)printf("  missing %" PRId64, event->missing);
        for (size_t i = 0; i < event->hits_count; i++) {
            (void)printf("%s%s (%" PRId64 ")", i == 0 ? ": " : ", ", event->hits[i].reservation,
                         event->hits[i].units);
        }
    }
    print_papers(event);
    (void)putchar('\n');
}
