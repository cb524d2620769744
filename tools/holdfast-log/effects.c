/*
 * effects.c - a record of the log in words: the JSON that `dump` prints.
 *
 * Records name SKUs, locations and regions by handles. Codes come from a snapshot and from the
 * records that made them; a handle whose code is not known prints as "#7".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/record.h"
#include "engine/words.h"
#include "tools/holdfast-log/log_tool.h"

static const char *const counters[HF_COUNTERS_COUNT] = {
    [HF_ON_HAND] = "on_hand",       [HF_HELD] = "held",       [HF_COMMITTED] = "committed",
    [HF_IN_TRANSIT] = "in_transit", [HF_DAMAGED] = "damaged", [HF_QUARANTINED] = "quarantined",
};
static const char *const figures[HF_LINE_FIGURES] = {
    [HF_LINE_UNSHIPPED] = "unshipped", [HF_LINE_UNDER_WAY] = "under_way",
    [HF_LINE_RECEIVED] = "received",   [HF_LINE_DAMAGED] = "damaged",
    [HF_LINE_CANCELLED] = "cancelled", [HF_LINE_LOST] = "lost",
};

/* ------------------------------------------------------------------ codes */

static void put_code(struct hf_codes *codes, uint32_t handle, struct hf_text code)
{
    if (handle >= codes->max) {
        const size_t max = handle < 64 ? 64 : (size_t)handle * 2;
        char **more = realloc(codes->texts, max * sizeof *more);
        if (more == NULL) {
            hf_tool_complain("out of memory");
            exit(HF_LOG_USAGE);
        }
        memset(more + codes->max, 0, (max - codes->max) * sizeof *more);
        codes->texts = more;
        codes->max = max;
    }
    if (codes->texts[handle] == NULL) {
        codes->texts[handle] = strndup(code.bytes, code.bytes_count);
    }
    codes->count = codes->count <= handle ? (size_t)handle + 1 : codes->count;
}

static void take_codes(struct hf_codes *codes, const struct hf_engine *engine, uint64_t count,
                       struct hf_text (*code_of)(const struct hf_engine *, uint32_t))
{
    for (uint32_t handle = 0; handle < count; handle++) {
        put_code(codes, handle, code_of(engine, handle));
    }
}

void hf_log_catalog_take(struct hf_log_catalog *catalog, const struct hf_engine *engine)
{
    struct hf_engine_stats stats;

    hf_engine_stats(engine, &stats);
    take_codes(&catalog->skus, engine, stats.skus_count, hf_engine_sku_code);
    take_codes(&catalog->locations, engine, stats.locations_count, hf_engine_location_code);
    take_codes(&catalog->regions, engine, stats.regions_count, hf_engine_region_code);
}

static void release_codes(struct hf_codes *codes)
{
    for (size_t i = 0; i < codes->count; i++) {
        free(codes->texts[i]);
    }
    free(codes->texts);
    *codes = (struct hf_codes){0};
}

void hf_log_catalog_release(struct hf_log_catalog *catalog)
{
    release_codes(&catalog->skus);
    release_codes(&catalog->locations);
    release_codes(&catalog->regions);
}

void hf_log_catalog_learn(struct hf_log_catalog *catalog, const unsigned char *record,
                          size_t bytes_count)
{
    struct hf_record_reader reader;
    struct hf_record_header header;
    struct hf_effect effect;
    bool is_end = false;

    if (hf_record_open(&reader, &header, record, bytes_count) != HF_OK) {
        return;
    }
    /* Codes come first in a record. */
    while (hf_record_next(&reader, header.lsn, &effect, &is_end) == HF_OK && !is_end) {
        if (effect.tag == HF_EFFECT_SKU) {
            put_code(&catalog->skus, effect.code.handle, effect.code.code);
        } else if (effect.tag == HF_EFFECT_LOCATION) {
            put_code(&catalog->locations, effect.code.handle, effect.code.code);
        } else if (effect.tag == HF_EFFECT_REGION) {
            put_code(&catalog->regions, effect.code.handle, effect.code.code);
        }
    }
}

static void print_code(struct hf_out *out, const char *key, const struct hf_codes *codes,
                       uint32_t handle)
{
    char unknown[16];

    if (handle < codes->count && codes->texts[handle] != NULL) {
        hf_out_string(out, key, codes->texts[handle]);
        return;
    }
    (void)snprintf(unknown, sizeof unknown, "#%" PRIu32, handle);
    hf_out_string(out, key, unknown);
}

/* ------------------------------------------------------------------ effects */

static void print_counters(struct hf_out *out, const char *key, const int64_t *units,
                           bool with_zeros)
{
    hf_out_key(out, key);
    hf_out_begin(out, '{');
    for (size_t i = 0; i < HF_COUNTERS_COUNT; i++) {
        if (units[i] != 0 || (with_zeros && i < HF_COUNTERS_HOT)) {
            hf_out_units(out, counters[i], units[i]);
        }
    }
    hf_out_end(out, '}');
}

/* The cell behind an effect: its counters, ATS, and the marks that alerts are told by. */
static void print_after(struct hf_out *out, const int64_t *after, const struct hf_effect_tell *tell,
                        uint64_t version_before)
{
    print_counters(out, "after", after, true);
    if (!tell->is_format_1) { /* which does not know it */
        hf_out_units(out, "ats",
                     after[HF_ON_HAND] - after[HF_HELD] - after[HF_COMMITTED] + tell->gap);
    }
    if (tell->marks != 0) {
        hf_out_bool(out, "is_low", (tell->marks & HF_MARK_IS_LOW) != 0);
        hf_out_bool(out, "is_out", (tell->marks & HF_MARK_IS_OUT) != 0);
        hf_out_bool(out, "alerts", (tell->marks & (HF_MARK_TELL_LOW | HF_MARK_TELL_OUT)) != 0);
    }
    hf_out_count(out, "version_before", version_before);
}

static void print_policy(struct hf_out *out, const struct hf_log_catalog *catalog,
                         const struct hf_effect_policy *policy)
{
    print_code(out, "sku", &catalog->skus, policy->sku);
    print_code(out, "location", &catalog->locations, policy->location);
    hf_out_units(out, "safety_stock", policy->policy.safety_stock);
    if (policy->policy.low_stock == HF_LOW_STOCK_NONE) {
        hf_out_string(out, "low_stock", NULL);
    } else {
        hf_out_units(out, "low_stock", policy->policy.low_stock);
    }
    hf_out_units(out, "backorder_limit", policy->policy.backorder_limit);
    print_after(out, policy->after, &policy->tell, policy->version_before);
}

static void print_shipment(struct hf_out *out, const struct hf_log_catalog *catalog,
                           const struct hf_effect *effect)
{
    const struct hf_effect_shipment *shipment = &effect->shipment;

    hf_out_text(out, "id", shipment->id);
    hf_out_string(out, "state", hf_state_name(shipment->state));
    if (effect->tag != HF_EFFECT_SHIPMENT_OPEN) {
        return;
    }
    const bool is_transfer = shipment->kind == HF_TRANSFER;
    hf_out_string(out, "kind", is_transfer ? "transfer" : "inbound");
    if (is_transfer) {
        print_code(out, "from", &catalog->locations, shipment->from);
    }
    print_code(out, "to", &catalog->locations, shipment->to);
    if (!is_transfer) {
        hf_out_bool(out, "sellable", shipment->is_sellable);
        hf_out_time(out, "eta", shipment->eta_us);
    }
}

static void print_line(struct hf_out *out, const struct hf_log_catalog *catalog,
                       const struct hf_effect_line *line)
{
    print_code(out, "sku", &catalog->skus, line->sku);
    if (line->units != 0) {
        hf_out_units(out, "qty", line->units);
    }
    hf_out_key(out, "delta");
    hf_out_begin(out, '{');
    for (size_t i = 0; i < HF_LINE_FIGURES; i++) {
        if (line->delta[i] != 0) {
            hf_out_units(out, figures[i], line->delta[i]);
        }
    }
    hf_out_end(out, '}');
}

static void print_shortage(struct hf_out *out, const struct hf_log_catalog *catalog,
                           const struct hf_effect_shortage *shortage)
{
    struct hf_hit hits[HF_HITS_MAX];

    print_code(out, "sku", &catalog->skus, shortage->sku);
    print_code(out, "location", &catalog->locations, shortage->location);
    hf_out_units(out, "missing", shortage->missing);
    hf_record_hits(shortage, hits);
    hf_out_key(out, "hits");
    hf_out_begin(out, '[');
    for (uint32_t i = 0; i < shortage->hits_count; i++) {
        hf_out_key(out, NULL);
        hf_out_begin(out, '{');
        hf_out_text(out, "id", hits[i].reservation);
        hf_out_units(out, "qty", hits[i].units);
        hf_out_end(out, '}');
    }
    hf_out_end(out, ']');
}

static const char *effect_name(const struct hf_effect *effect)
{
    switch (effect->tag) {
    case HF_EFFECT_SKU:
        return "sku";
    case HF_EFFECT_LOCATION:
        return "location";
    case HF_EFFECT_REGION:
        return "region";
    case HF_EFFECT_PLACE:
        return "place";
    case HF_EFFECT_POLICY:
        return "policy";
    case HF_EFFECT_OPEN:
        return "open";
    case HF_EFFECT_STATE:
        return "state";
    case HF_EFFECT_MOVE:
        return "move";
    case HF_EFFECT_SHIPMENT_OPEN:
        return "shipment_open";
    case HF_EFFECT_SHIPMENT_STATE:
        return "shipment_state";
    case HF_EFFECT_LINE:
        return effect->line.units != 0 ? "line_new" : "line";
    case HF_EFFECT_SHORTAGE:
        return "shortage";
    case HF_EFFECT_END:
        break;
    }
    return "end";
}

static void print_effect(struct hf_out *out, const struct hf_log_catalog *catalog,
                         const struct hf_effect *effect)
{
    hf_out_key(out, NULL);
    hf_out_begin(out, '{');
    hf_out_string(out, "effect", effect_name(effect));
    switch (effect->tag) {
    case HF_EFFECT_SKU:
    case HF_EFFECT_LOCATION:
    case HF_EFFECT_REGION:
        hf_out_text(out, "code", effect->code.code);
        hf_out_count(out, "handle", effect->code.handle);
        break;
    case HF_EFFECT_PLACE:
        print_code(out, "location", &catalog->locations, effect->place.location);
        if (effect->place.region == HF_HANDLE_NONE) {
            hf_out_string(out, "region", NULL);
        } else {
            print_code(out, "region", &catalog->regions, effect->place.region);
        }
        hf_out_bool(out, "in_transit_sellable", effect->place.is_in_transit_sellable);
        break;
    case HF_EFFECT_POLICY:
        print_policy(out, catalog, &effect->policy);
        break;
    case HF_EFFECT_OPEN:
    case HF_EFFECT_STATE:
        hf_out_text(out, "id", effect->reservation.id);
        hf_out_string(out, "state", hf_state_name(effect->reservation.state));
        hf_out_count(out, "life_us", effect->reservation.life_us);
        break;
    case HF_EFFECT_MOVE:
        print_code(out, "sku", &catalog->skus, effect->move.sku);
        print_code(out, "location", &catalog->locations, effect->move.location);
        print_counters(out, "delta", effect->move.delta, false);
        print_after(out, effect->move.after, &effect->move.tell, effect->move.version_before);
        break;
    case HF_EFFECT_SHIPMENT_OPEN:
    case HF_EFFECT_SHIPMENT_STATE:
        print_shipment(out, catalog, effect);
        break;
    case HF_EFFECT_LINE:
        print_line(out, catalog, &effect->line);
        break;
    case HF_EFFECT_SHORTAGE:
        print_shortage(out, catalog, &effect->shortage);
        break;
    case HF_EFFECT_END:
        break;
    }
    hf_out_end(out, '}');
}

void hf_log_record_print(struct hf_out *out, const struct hf_log_catalog *catalog,
                         const unsigned char *record, size_t bytes_count, uint32_t epoch)
{
    struct hf_record_reader reader;
    struct hf_record_header header;
    struct hf_effect effect;
    bool is_end = false;

    const enum hf_err err = hf_record_open(&reader, &header, record, bytes_count);
    HF_ASSERT(err == HF_OK); /* the walk has read it before */
    hf_out_count(out, "lsn", header.lsn);
    hf_out_count(out, "epoch", epoch);
    hf_out_time(out, "ts", header.ts_us);
    hf_out_string(out, "kind", hf_kind_name(header.kind));
    hf_out_string(out, "reason",
                  header.reason == HF_REASON_NONE ? NULL : hf_reason_name(header.reason));
    hf_out_text(out, "ref", hf_record_reference(&header, reader));
    hf_out_text(out, "order", header.order);
    hf_out_text(out, "by", header.by);
    if ((header.flags & HF_RECORD_LINKED) != 0) {
        hf_out_bool(out, "linked", true); /* with the next one */
    }
    if (header.retired_count != 0) {
        hf_out_count(out, "retired", header.retired_count);
    }
    hf_out_key(out, "effects");
    hf_out_begin(out, '[');
    while (hf_record_next(&reader, header.lsn, &effect, &is_end) == HF_OK && !is_end) {
        print_effect(out, catalog, &effect);
    }
    hf_out_end(out, ']');
}
