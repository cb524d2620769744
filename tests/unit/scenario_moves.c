/*
 * scenario_moves.c - what rows say about stock on the move, alerts and shortages: see scenario.h.
 */
#include "tests/unit/scenario_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ledger.h"

#define TEXT(text) (int)(text).bytes_count, (text).bytes

/* ------------------------------------------------------------------ cells */

static bool figure_of(const struct hf_cell_view *view, const char *name, int64_t *figure)
{
    const struct {
        const char *name;
        int64_t figure;
    } figures[] = {
        {"in_transit", view->in_transit},
        {"damaged", view->damaged},
        {"quarantined", view->quarantined},
        {"shortage", view->shortage},
        {"atf", view->atf},
        {"version", (int64_t)view->version},
        {"sold", view->last_sale_us == 0 ? -1 : (int64_t)(view->last_sale_us - BEGIN_US)}};

    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        if (strcmp(figures[i].name, name) == 0) {
            *figure = figures[i].figure;
            return true;
        }
    }
    return false;
}

static void check_figures(struct stage *stage, struct words *words)
{
    const struct hf_op_line line = hf_scenario_line(words->words[0]);
    struct hf_cell_view view;

    assert_int_equal(hf_engine_stock(stage->engine, &line, false, &view), HF_OK);
    for (int i = 2; i + 1 < words->count; i += 2) {
        int64_t figure = 0;

        assert_true(figure_of(&view, words->words[i], &figure));
        expect(stage, figure == atoll(words->words[i + 1]), "cell %s has %s %" PRId64,
               words->words[0], words->words[i], figure);
    }
}

struct listing {
    char text[512]; /* "SKU@LOC " of each cell, in order */
};

static void list_cell(void *arg, const struct hf_cell_view *view)
{
    struct listing *listing = arg;
    const size_t used = strlen(listing->text);

    (void)snprintf(listing->text + used, sizeof listing->text - used, " %.*s@%.*s", TEXT(view->sku),
                   TEXT(view->location));
}

/* The words from `first` on, a space before each. */
static void join(const struct words *words, int first, char *text, size_t text_bytes)
{
    text[0] = '\0';
    for (int i = first; i < words->count; i++) {
        const size_t used = strlen(text);

        (void)snprintf(text + used, text_bytes - used, " %s", words->words[i]);
    }
}

static void check_idle(struct stage *stage, struct words *words)
{
    const struct hf_list_filter filter = {.location = HF_HANDLE_NONE,
                                          .idle_since_us =
                                              stage->now_us - strtoull(words->words[1], NULL, 10)};
    struct listing listing = {0};
    uint64_t cursor = 0;
    char want[512];

    while (hf_engine_list(stage->engine, &filter, &cursor, 100, list_cell, &listing)) {
    }
    join(words, 2, want, sizeof want);
    expect(stage, strcmp(listing.text, want) == 0, "idle are%s, expected%s", listing.text, want);
}

/* ------------------------------------------------------------------ shipments */

static void check_shipment(struct stage *stage, struct words *words)
{
    const enum hf_shipment_kind kind =
        strcmp(words->words[0], "transfer") == 0 ? HF_TRANSFER : HF_INBOUND;
    const char *id = words->words[1];
    struct hf_shipment_view view;
    struct hf_shipment_line_view line;
    const enum hf_err err = hf_engine_shipment(stage->engine, kind, hf_text_of(id), &view);
    uint32_t cursor;
    int64_t open = 0;

    if (strcmp(words->words[2], "unknown") == 0) {
        expect(stage, err == (kind == HF_TRANSFER ? HF_UNKNOWN_TRANSFER : HF_UNKNOWN_INBOUND),
               "%s %s: %s", words->words[0], id, hf_err_name(err));
        return;
    }
    expect(stage, err == HF_OK, "%s %s: %s", words->words[0], id, hf_err_name(err));
    expect(stage, strcmp(hf_state_name(view.state), words->words[2]) == 0, "%s %s is %s",
           words->words[0], id, hf_state_name(view.state));
    cursor = view.first_line;
    for (int i = 3; i + 1 < words->count; i += 2) {
        char told[256];

        expect(stage, hf_engine_shipment_line(stage->engine, &cursor, &line), "%s lacks a line %s",
               id, words->words[i]);
        (void)snprintf(told, sizeof told,
                       "%" PRId64 ":%" PRId64 "/%" PRId64 "/%" PRId64 "/%" PRId64 "/%" PRId64
                       "/%" PRId64,
                       line.units, line.unshipped, line.under_way, line.received, line.damaged,
                       line.cancelled, line.lost);
        open += line.unshipped + line.under_way;
        expect(stage,
               hf_text_equal(line.sku, hf_text_of(words->words[i])) &&
                   strcmp(told, words->words[i + 1]) == 0,
               "%s line %.*s is %s, expected %s", id, TEXT(line.sku), told, words->words[i + 1]);
    }
    if (words->count > 3) {
        expect(stage, !hf_engine_shipment_line(stage->engine, &cursor, &line), "%s has more lines",
               id);
        expect(stage, view.open_units == open, "%s has %" PRId64 " units open", id,
               view.open_units);
    }
}

static void count_shipment(void *arg, const struct hf_shipment_view *view)
{
    (void)view;
    *(uint64_t *)arg += 1;
}

static void check_late(struct stage *stage, struct words *words)
{
    const struct hf_shipment_filter filter = {
        .kind = HF_INBOUND, .location = HF_HANDLE_NONE, .late_us = stage->now_us};
    uint64_t cursor = 0;
    uint64_t count = 0;

    while (hf_engine_shipments(stage->engine, &filter, &cursor, 100, count_shipment, &count)) {
    }
    expect(stage, count == strtoull(words->words[1], NULL, 10), "%" PRIu64 " are late", count);
}

/* ------------------------------------------------------------------ alerts, shortages */

struct alerts {
    const char *cell; /* of the shortage that is looked for; NULL: all alerts are listed */
    bool is_found;
    char text[2048];
};

static void print_hits(char *text, size_t text_bytes, int64_t missing, const struct hf_hit *hits,
                       uint32_t hits_count)
{
    (void)snprintf(text, text_bytes, " %" PRId64, missing);
    for (uint32_t i = 0; i < hits_count; i++) {
        const size_t used = strlen(text);

        (void)snprintf(text + used, text_bytes - used, " %.*s:%" PRId64, TEXT(hits[i].reservation),
                       hits[i].units);
    }
}

static void see_event(void *arg, const struct hf_event *event)
{
    struct alerts *alerts = arg;
    const size_t used = strlen(alerts->text);
    char cell[160];

    if (event->kind < HF_ALERT_LOW_STOCK) {
        return;
    }
    (void)snprintf(cell, sizeof cell, "%.*s@%.*s", TEXT(event->sku), TEXT(event->location));
    if (alerts->cell == NULL) {
        (void)snprintf(alerts->text + used, sizeof alerts->text - used, " %s %s",
                       hf_kind_name(event->kind), cell);
    } else if (event->kind == HF_ALERT_SHORTAGE && strcmp(cell, alerts->cell) == 0) {
        alerts->is_found = true;
        print_hits(alerts->text, sizeof alerts->text, event->missing, event->hits,
                   event->hits_count);
    }
}

static void read_events(struct stage *stage, struct alerts *alerts)
{
    for (uint64_t lsn = stage->lsn_before + 1; lsn <= hf_engine_lsn(stage->engine); lsn++) {
        uint32_t bytes_count = 0;
        const unsigned char *record =
            hf_ledger_get(hf_engine_ledger(stage->engine), lsn, &bytes_count);

        assert_non_null(record);
        assert_int_equal(
            hf_engine_events(stage->engine, record, bytes_count, false, see_event, alerts), HF_OK);
    }
}

static void check_alerts(struct stage *stage, struct words *words)
{
    struct alerts alerts = {0};
    char want[1024];

    read_events(stage, &alerts);
    join(words, 1, want, sizeof want);
    expect(stage, strcmp(alerts.text, want) == 0, "the alerts are%s, expected%s", alerts.text,
           want);
}

static void check_told(struct stage *stage, struct words *words)
{
    struct alerts alerts = {.cell = words->words[1]};
    char want[1024];

    read_events(stage, &alerts);
    join(words, 2, want, sizeof want);
    expect(stage, alerts.is_found, "no shortage of %s is told", words->words[1]);
    expect(stage, strcmp(alerts.text, want) == 0, "told are%s, expected%s", alerts.text, want);
}

static void see_shortage(void *arg, const struct hf_cell_view *view, const struct hf_hit *hits,
                         uint32_t hits_count)
{
    char *text = arg;
    size_t used = strlen(text);

    (void)snprintf(text + used, 2048 - used, " %.*s@%.*s", TEXT(view->sku), TEXT(view->location));
    used = strlen(text);
    print_hits(text + used, 2048 - used, view->shortage, hits, hits_count);
}

static void check_shortages(struct stage *stage, struct words *words)
{
    char text[2048] = "";
    char want[1024];
    uint64_t cursor = 0;

    while (hf_engine_shortages(stage->engine, &cursor, 100, see_shortage, text)) {
    }
    join(words, 1, want, sizeof want);
    expect(stage, strcmp(text, want) == 0, "shortages are%s, expected%s", text, want);
}

bool hf_scenario_check_moves(struct stage *stage, struct words *words)
{
    const struct {
        const char *word;
        void (*check)(struct stage *, struct words *);
    } checks[] = {{"transfer", check_shipment},  {"inbound", check_shipment}, {"late", check_late},
                  {"idle", check_idle},          {"alerts", check_alerts},    {"told", check_told},
                  {"shortages", check_shortages}};

    if (words->count > 2 && strcmp(words->words[1], "has") == 0) {
        check_figures(stage, words);
        return true;
    }
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (strcmp(words->words[0], checks[i].word) == 0) {
            checks[i].check(stage, words);
            return true;
        }
    }
    return false;
}
