/*
 * event.h - one event of the change feed, as JSON and for people.
 */
#ifndef HF_TOOLS_HOLDFAST_EVENT_H
#define HF_TOOLS_HOLDFAST_EVENT_H

#include <jansson.h>
#include <stdbool.h>

#include "net/holdfast.h"

/* The name that `--kind` takes for all events that change on_hand. */
#define HF_STOCK_MOVED "stock.moved"

/*
 * {"lsn","epoch","ts","kind","sku","location","delta","on_hand","reserved","ats","reason","ref",
 *  "order","by","id","state","deltas","before","after"}; `delta` is that of on_hand, `deltas` has
 * the other counters that changed. A shortage has "missing" and "reservations" besides. Of an event
 * without a cell the figures are null. `as_moved`: the kind is stock.moved, the operation's stands
 * in "operation", and store_id, sku_id, qty_delta and ref_id follow.
 */
json_t *hf_json_event(const struct holdfast_event *event, bool as_moved);

/* One line on standard output. */
void hf_event_print(const struct holdfast_event *event);

#endif
