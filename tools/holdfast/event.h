/*
 * event.h - one event of the change feed, as a line of JSON and for people.
 *
 * A feed brings tens of thousands of events a second, and a consumer that is slower than the server
 * is cut off in the end. So the line is written by hand into a buffer that is used again, not built
 * as an object first: that takes a twentieth of the time.
 */
#ifndef HF_TOOLS_HOLDFAST_EVENT_H
#define HF_TOOLS_HOLDFAST_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/holdfast.h"
#include "tools/holdfast/output.h"

/* The name that `--kind` takes for all events that change on_hand. */
#define HF_STOCK_MOVED "stock.moved"

/* A line that is being written. Zero is an empty one. */
struct hf_event_line {
    char *bytes;
    size_t count;
    size_t max;
    int64_t second; /* the newest that was written, and its text: most events share it */
    char second_text[HF_TIME_BYTES];
};

/*
 * {"lsn","epoch","ts","kind","sku","location","delta","on_hand","reserved","ats","reason","ref",
 *  "order","by","id","state","deltas","before","after"}; `delta` is that of on_hand, `deltas` has
 * the other counters that changed. A shortage has "missing" and "reservations" besides. Of an event
 * without a cell the figures are null, and the last three are left out. `as_moved`: the kind is
 * stock.moved, the operation's stands in "operation", and store_id, sku_id, qty_delta and ref_id
 * follow. The object is still open: hf_event_line_close ends it. The line must be empty.
 */
void hf_event_line_put(struct hf_event_line *line, const struct holdfast_event *event,
                       bool as_moved);
/* Add the token, print the line on standard output and make it empty. */
void hf_event_line_close(struct hf_event_line *line, struct holdfast_token token);
void hf_event_line_release(struct hf_event_line *line);

/* One line for people on standard output. */
void hf_event_print(const struct holdfast_event *event);

#endif
