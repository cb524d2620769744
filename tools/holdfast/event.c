#include "tools/holdfast/event.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/holdfast/when.h"

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

static const char *reason_text(const struct holdfast_event *event)
{
    return event->reason == HOLDFAST_REASON_NONE ? NULL : holdfast_reason_name(event->reason);
}

/* ------------------------------------------------------------------ JSON */

/* Room for `bytes` more. */
static char *reserve(struct hf_event_line *line, size_t bytes)
{
    if (line->max - line->count < bytes) {
        const size_t max = (line->count + bytes) * 2;
        char *grown = realloc(line->bytes, max);
        if (grown == NULL) {
            (void)fputs("holdfast: out of memory\n", stderr);
            exit(3); /* an event may have been lost: as bad as not having one */
        }
        line->bytes = grown;
        line->max = max;
    }
    return line->bytes + line->count;
}

static void put_bytes(struct hf_event_line *line, const char *bytes, size_t count)
{
    memcpy(reserve(line, count), bytes, count);
    line->count += count;
}

/* `,"key":`; the first key of an object has no comma. */
static void put_key(struct hf_event_line *line, const char *key)
{
    const char last = line->bytes[line->count - 1];
    if (last != '{' && last != '[') {
        put_bytes(line, ",", 1);
    }
    put_bytes(line, "\"", 1);
    put_bytes(line, key, strlen(key));
    put_bytes(line, "\":", 2);
}

static void put_null(struct hf_event_line *line, const char *key)
{
    put_key(line, key);
    put_bytes(line, "null", 4);
}

static void put_count(struct hf_event_line *line, const char *key, uint64_t number)
{
    char digits[HF_NUMBER_BYTES];
    char *p = digits + sizeof digits;

    do {
        *--p = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    put_key(line, key);
    put_bytes(line, p, (size_t)(digits + sizeof digits - p));
}

static void put_number(struct hf_event_line *line, const char *key, int64_t number)
{
    if (number >= 0) {
        put_count(line, key, (uint64_t)number);
        return;
    }
    char text[HF_NUMBER_BYTES];
    put_key(line, key);
    put_bytes(line, text, (size_t)snprintf(text, sizeof text, "%" PRId64, number));
}

/* Text as JSON, null when it is NULL. Codes are UTF-8; what JSON does not take as it is has an
 * escape of two or six bytes. */
static void put_text(struct hf_event_line *line, const char *key, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        put_null(line, key);
        return;
    }
    put_key(line, key);
    char *begin = reserve(line, strlen(text) * 6 + 2);
    char *to = begin;
    *to++ = '"';
    for (const char *p = text; *p != '\0'; p++) {
        const unsigned char byte = (unsigned char)*p;
        if (byte < 0x20) {
            to += snprintf(to, 7, "\\u%04x", byte);
            continue;
        }
        if (byte == '"' || byte == '\\') {
            *to++ = '\\';
        }
        *to++ = *p;
    }
    *to++ = '"';
    line->count += (size_t)(to - begin);
}

/* RFC 3339 with microseconds, like hf_time_text. */
static void put_time(struct hf_event_line *line, const char *key, int64_t time_us)
{
    const int64_t second = time_us / HOLDFAST_SECOND_US;
    const int64_t micros = time_us % HOLDFAST_SECOND_US;

    if (second != line->second || line->second_text[0] == '\0') {
        line->second = second;
        (void)hf_time_text(second * HOLDFAST_SECOND_US, line->second_text);
    }
    put_key(line, key);
    char text[HF_TIME_BYTES + 12];
    const size_t whole = strlen(line->second_text) - 1; /* without the Z */
    char *to = text;
    *to++ = '"';
    memcpy(to, line->second_text, whole);
    to += whole;
    if (micros != 0) {
        *to++ = '.';
        int64_t unit = HOLDFAST_SECOND_US / 10;
        for (; unit > 0; unit /= 10) {
            *to++ = (char)('0' + micros / unit % 10);
        }
    }
    *to++ = 'Z';
    *to++ = '"';
    put_bytes(line, text, (size_t)(to - text));
}

/* Changes, values before and values after. */
static void put_counters(struct hf_event_line *line, const struct holdfast_event *event)
{
    struct counter counters[COUNTERS_COUNT];
    counters_of(event, counters);

    put_key(line, "deltas");
    put_bytes(line, "{", 1);
    for (size_t i = 1; i < COUNTERS_COUNT; i++) {
        if (counters[i].delta != 0) {
            put_number(line, counters[i].name, counters[i].delta);
        }
    }
    put_bytes(line, "}", 1);
    put_key(line, "before");
    put_bytes(line, "{", 1);
    for (size_t i = 0; i < COUNTERS_COUNT; i++) {
        put_number(line, counters[i].name, counters[i].after - counters[i].delta);
    }
    put_bytes(line, "}", 1);
    put_key(line, "after");
    put_bytes(line, "{", 1);
    for (size_t i = 0; i < COUNTERS_COUNT; i++) {
        put_number(line, counters[i].name, counters[i].after);
    }
    put_bytes(line, "}", 1);
}

/* The figures of the cell, null when there is none. */
static void put_figures(struct hf_event_line *line, const struct holdfast_event *event)
{
    const struct holdfast_counters *after = &event->after;

    if (event->sku == NULL) {
        put_null(line, "delta");
        put_null(line, "on_hand");
        put_null(line, "reserved");
        put_null(line, "ats");
        return;
    }
    put_number(line, "delta", event->delta.on_hand);
    put_number(line, "on_hand", after->on_hand);
    put_number(line, "reserved", after->held + after->committed);
    put_number(line, "ats", event->ats);
}

static void put_shortage(struct hf_event_line *line, const struct holdfast_event *event)
{
    put_number(line, "missing", event->missing);
    put_key(line, "reservations");
    put_bytes(line, "[", 1);
    for (size_t i = 0; i < event->hits_count; i++) {
        put_bytes(line, i == 0 ? "{" : ",{", i == 0 ? 1 : 2);
        put_text(line, "id", event->hits[i].reservation);
        put_number(line, "qty", event->hits[i].units);
        put_bytes(line, "}", 1);
    }
    put_bytes(line, "]", 1);
}

void hf_event_line_put(struct hf_event_line *line, const struct holdfast_event *event,
                       bool as_moved)
{
    HF_ASSERT(line->count == 0);

    const char *kind = holdfast_kind_name(event->kind);
    const char *reason = reason_text(event);
    const bool has_state = event->state != HOLDFAST_STATE_NONE;

    put_bytes(line, "{", 1);
    put_count(line, "lsn", event->lsn);
    put_count(line, "epoch", event->epoch);
    put_time(line, "ts", event->ts_us);
    put_text(line, "kind", as_moved ? HF_STOCK_MOVED : kind);
    put_text(line, "sku", event->sku);
    put_text(line, "location", event->location);
    put_figures(line, event);
    put_text(line, "reason", as_moved && reason == NULL ? kind : reason);
    put_text(line, "ref", event->ref);
    put_text(line, "order", event->order);
    put_text(line, "by", event->by);
    put_text(line, "id", event->id);
    put_text(line, "state", has_state ? holdfast_state_name(event->state) : NULL);
    if (event->kind == HOLDFAST_SHORTAGE) {
        put_shortage(line, event);
    }
    if (event->sku != NULL) {
        put_counters(line, event);
    }
    if (as_moved) { /* what the consumers of stock.moved know an event by */
        put_text(line, "operation", kind);
        put_text(line, "store_id", event->location);
        put_text(line, "sku_id", event->sku);
        put_number(line, "qty_delta", event->delta.on_hand);
        put_text(line, "ref_id", event->ref == NULL ? event->id : event->ref);
    }
}

void hf_event_line_close(struct hf_event_line *line, struct holdfast_token token)
{
    HF_ASSERT(line->count > 0);

    char text[HF_TOKEN_BYTES];
    put_text(line, "token", hf_when_token_text(token, text));
    put_bytes(line, "}\n", 2);
    if (fwrite(line->bytes, 1, line->count, stdout) != line->count) {
        (void)fputs("holdfast: could not write to standard output\n", stderr);
        exit(3);
    }
    line->count = 0;
}

void hf_event_line_release(struct hf_event_line *line)
{
    free(line->bytes);
    *line = (struct hf_event_line){0};
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
