/*
 * scenario.c - see scenario.h.
 */
#include "tests/unit/scenario_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ledger.h"

#define LINES_MAX 16
#define GROUP_MAX 8

/* An operation as told in a row, and the memory that it points into. */
struct told {
    char text[1024];
    struct hf_op op;
    struct hf_op_line lines[LINES_MAX];
};

/* ------------------------------------------------------------------ reading rows */

static void split(struct words *words, const char *text)
{
    char *rest;

    assert_true(strlen(text) < sizeof words->text);
    memcpy(words->text, text, strlen(text) + 1);
    words->count = 0;
    for (char *word = strtok_r(words->text, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(words->count < WORDS_MAX);
        words->words[words->count] = word;
        words->count += 1;
    }
}

struct hf_op_line hf_scenario_line(char *word)
{
    char *at = strrchr(word, '@');
    struct hf_op_line line = {0};

    assert_non_null(at);
    line.sku = (struct hf_text){word, (uint32_t)(at - word)};
    line.location = hf_text_of(at + 1);
    return line;
}

static enum hf_kind kind_of(const char *name)
{
    for (unsigned kind = 1; kind < HF_KINDS_COUNT; kind++) {
        if (strcmp(hf_kind_name(kind), name) == 0) {
            return (enum hf_kind)kind;
        }
    }
    fail_msg("no kind of operation is called \"%s\"", name);
    return HF_KIND_EXPIRE;
}

static enum hf_reason reason_of(const char *name)
{
    for (unsigned reason = 0; reason < HF_REASONS_COUNT; reason++) {
        if (strcmp(hf_reason_name(reason), name) == 0) {
            return (enum hf_reason)reason;
        }
    }
    fail_msg("no reason is called \"%s\"", name);
    return HF_REASON_NONE;
}

static enum hf_status status_of(const char *name)
{
    for (unsigned status = 0; status < HF_STATUSES_COUNT; status++) {
        if (strcmp(hf_status_name(status), name) == 0) {
            return (enum hf_status)status;
        }
    }
    fail_msg("no status is called \"%s\"", name);
    return HF_STATUS_NONE;
}

static bool is_about_shipment(const struct hf_op *op)
{
    return op->kind >= HF_KIND_TRANSFER_CREATE;
}

/* Fields that say where units are, or when. */
static bool tell_move(struct told *told, const char *name, char *value)
{
    struct hf_op *op = &told->op;
    struct hf_op_line *last = &told->lines[op->lines_count == 0 ? 0 : op->lines_count - 1];

    if (strcmp(name, "from") == 0 && is_about_shipment(op)) {
        op->from = hf_text_of(value);
    } else if (strcmp(name, "to") == 0 && is_about_shipment(op)) {
        op->to = hf_text_of(value);
    } else if (strcmp(name, "from") == 0) {
        op->from_status = status_of(value);
    } else if (strcmp(name, "to") == 0) {
        op->to_status = status_of(value);
    } else if (strcmp(name, "damaged") == 0) {
        op->flags |= HF_OP_DAMAGED;
        last->damaged = strtoll(value, NULL, 10);
    } else if (strcmp(name, "eta") == 0) {
        op->eta_us = BEGIN_US + strtoull(value, NULL, 10);
    } else if (strcmp(name, "as_of") == 0) {
        op->flags |= HF_OP_AS_OF_LSN;
        op->as_of = strtoull(value, NULL, 10);
    } else if (strcmp(name, "as_of_time") == 0) {
        op->flags |= HF_OP_AS_OF_TIME;
        op->as_of = BEGIN_US + (uint64_t)strtoll(value, NULL, 10);
    } else {
        return false;
    }
    return true;
}

/* name=value; false when the name is none of a field. */
static bool tell_field(struct told *told, const char *name, char *value)
{
    struct hf_op *op = &told->op;
    struct hf_op_line *last = &told->lines[op->lines_count == 0 ? 0 : op->lines_count - 1];

    if (strcmp(name, "ref") == 0) {
        op->ref = hf_text_of(value);
    } else if (strcmp(name, "order") == 0) {
        op->order = hf_text_of(value);
    } else if (strcmp(name, "by") == 0) {
        op->by = hf_text_of(value);
    } else if (strcmp(name, "old") == 0) {
        op->old_id = hf_text_of(value);
    } else if (strcmp(name, "reason") == 0) {
        op->reason = reason_of(value);
    } else if (strcmp(name, "ttl") == 0) {
        op->flags |= HF_OP_TTL;
        op->ttl_us = strtoull(value, NULL, 10);
    } else if (strcmp(name, "safety") == 0) {
        last->safety_stock = strtoll(value, NULL, 10);
    } else if (strcmp(name, "low") == 0) {
        last->low_stock = strtoll(value, NULL, 10);
    } else if (strcmp(name, "backorder") == 0) {
        last->backorder_limit = strtoll(value, NULL, 10);
    } else {
        return tell_move(told, name, value);
    }
    return true;
}

static bool tell_flag(struct told *told, const char *word)
{
    static const struct {
        const char *word;
        uint32_t flag;
    } flags[] = {{"partial", HF_OP_PARTIAL},
                 {"fact", HF_OP_FACT},
                 {"ship", HF_OP_SHIP},
                 {"sellable", HF_OP_SELLABLE}};

    if (strcmp(word, "rest") == 0) {
        told->op.flags |= is_about_shipment(&told->op) ? HF_OP_REST : HF_OP_RELEASE_REST;
        return true;
    }

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(flags[i].word, word) == 0) {
            told->op.flags |= flags[i].flag;
            return true;
        }
    }
    return false;
}

static void tell_line(struct stage *stage, struct told *told, char *word, char *value)
{
    struct hf_op_line *line = &told->lines[told->op.lines_count];
    struct hf_cell_view view;
    char *version = value == NULL ? NULL : strstr(value, ":v");

    assert_true(told->op.lines_count < LINES_MAX);
    told->op.lines_count += 1;
    *line = strchr(word, '@') != NULL      ? hf_scenario_line(word)
            : is_about_shipment(&told->op) ? (struct hf_op_line){.sku = hf_text_of(word)}
                                           : (struct hf_op_line){.location = hf_text_of(word)};
    line->units = value == NULL ? 0 : strtoll(value, NULL, 10);
    if (told->op.kind == HF_KIND_SET_POLICY) {
        line->safety_stock = line->low_stock = line->backorder_limit = HF_POLICY_KEEP;
    }
    if (version == NULL) {
        line->if_version = HF_VERSION_ANY;
        return;
    }
    told->op.flags |= HF_OP_VERSIONS;
    line->if_version = strtoull(version + 2, NULL, 10);
    if (strcmp(version, ":v=") == 0) {
        assert_int_equal(hf_engine_stock(stage->engine, line, false, &view), HF_OK);
        line->if_version = view.version;
    }
}

static void tell(struct stage *stage, struct told *told, const char *does)
{
    struct words words;
    bool is_place;

    split(&words, does);
    memset(told, 0, sizeof *told);
    memcpy(told->text, words.text, sizeof told->text);
    told->op.kind = kind_of(words.words[0]);
    told->op.lines = told->lines;
    is_place = told->op.kind == HF_KIND_SET_LOCATION || told->op.kind == HF_KIND_SET_REGION;

    for (int i = 1; i < words.count; i++) {
        char *word = told->text + (words.words[i] - words.text);
        char *value = strrchr(word, '=');

        if (value != NULL && value > word &&
            strcmp(value - 2 > word ? value - 2 : word, ":v=") == 0) {
            value = strchr(word, '='); /* the line's own, before the version's */
        }
        if (value != NULL) {
            *value = '\0';
            value += 1;
        }
        if (value != NULL && tell_field(told, word, value)) {
            continue;
        }
        if (value == NULL && tell_flag(told, word)) {
            continue;
        }
        if (strchr(word, '@') != NULL || (is_about_shipment(&told->op) && value != NULL) ||
            (is_place && (value != NULL || told->op.kind == HF_KIND_SET_LOCATION ||
                          told->op.id.bytes_count > 0))) {
            tell_line(stage, told, word, value);
        } else {
            told->op.id = hf_text_of(word);
        }
    }
    for (uint32_t i = 0; i < told->op.lines_count && (told->op.flags & HF_OP_VERSIONS) == 0; i++) {
        told->lines[i].if_version = 0;
    }
}

/* ------------------------------------------------------------------ what is then true */

static void check_cell(struct stage *stage, struct words *words)
{
    struct hf_op_line line = hf_scenario_line(words->words[0]);
    struct hf_cell_view view;
    const enum hf_err err = hf_engine_stock(stage->engine, &line, false, &view);

    if (words->count == 2) {
        expect(stage, strcmp(hf_err_name(err), words->words[1]) == 0, "cell %s: %s",
               words->words[0], hf_err_name(err));
        return;
    }
    assert_int_equal(words->count, 5);
    expect(stage, err == HF_OK, "cell %s: %s", words->words[0], hf_err_name(err));
    expect(stage,
           view.on_hand == atoll(words->words[1]) && view.held == atoll(words->words[2]) &&
               view.committed == atoll(words->words[3]) && view.ats == atoll(words->words[4]),
           "cell %s has %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, words->words[0],
           view.on_hand, view.held, view.committed, view.ats);
}

static void check_reservation_lines(struct stage *stage, struct words *words,
                                    const struct hf_reservation_view *view)
{
    uint32_t cursor = view->first_line;
    struct hf_reservation_line_view line;

    for (int i = 2; i + 1 < words->count; i += 2) {
        const struct hf_op_line want = hf_scenario_line(words->words[i]);
        int64_t units, fulfilled, released;

        assert_int_equal(sscanf(words->words[i + 1], "%" SCNd64 "/%" SCNd64 "/%" SCNd64, &units,
                                &fulfilled, &released),
                         3);
        do {
            expect(stage, hf_engine_reservation_line(stage->engine, &cursor, &line),
                   "reservation %s has no line %s", words->words[0], words->words[i]);
        } while (line.units == 0); /* granted nothing: kept or not */
        expect(stage,
               hf_text_equal(line.sku, want.sku) && hf_text_equal(line.location, want.location) &&
                   line.units == units && line.fulfilled == fulfilled && line.released == released,
               "reservation %s line %s: %" PRId64 "/%" PRId64 "/%" PRId64, words->words[0],
               words->words[i], line.units, line.fulfilled, line.released);
    }
}

static void check_reservation(struct stage *stage, struct words *words)
{
    struct hf_reservation_view view;
    const enum hf_err err =
        hf_engine_reservation(stage->engine, hf_text_of(words->words[0]), stage->now_us, &view);

    if (strcmp(words->words[1], "unknown") == 0) {
        expect(stage, err == HF_UNKNOWN_RESERVATION, "reservation %s is known", words->words[0]);
        return;
    }
    expect(stage, err == HF_OK, "reservation %s: %s", words->words[0], hf_err_name(err));
    if (strcmp(words->words[1], "until") == 0) {
        const uint64_t after = strtoull(words->words[2], NULL, 10);

        expect(stage, view.expires_at_us == (after == 0 ? 0 : BEGIN_US + after),
               "reservation %s ends at %" PRId64, words->words[0],
               (int64_t)(view.expires_at_us - BEGIN_US));
        return;
    }
    expect(stage, strcmp(hf_state_name(view.state), words->words[1]) == 0, "reservation %s is %s",
           words->words[0], hf_state_name(view.state));
    check_reservation_lines(stage, words, &view);
}

static void check_ats(struct stage *stage, struct words *words)
{
    struct hf_op_line line = {.sku = hf_text_of(words->words[1])};
    struct hf_text region = {0};
    struct hf_ats ats = {0};
    const char *want = words->words[words->count - 1];
    enum hf_err err;

    if (words->count == 4 && words->words[2][0] == '%') {
        region = hf_text_of(words->words[2] + 1);
    } else if (words->count == 4) {
        line.location = hf_text_of(words->words[2]);
    }
    err = hf_engine_ats(stage->engine, &line, false, region, &ats);
    if (strncmp(want, "unknown", 7) == 0) {
        expect(stage, strcmp(hf_err_name(err), want) == 0, "ats: %s", hf_err_name(err));
        return;
    }
    expect(stage, err == HF_OK && ats.ats == atoll(want), "ats of %s: %s %" PRId64, words->words[1],
           hf_err_name(err), ats.ats);
}

static void check_result_lines(struct stage *stage, struct words *words, bool is_refused)
{
    expect(stage, stage->result.lines_count == (uint32_t)words->count - 1, "%u result lines",
           stage->result.lines_count);
    for (int i = 1; i < words->count; i++) {
        const struct hf_result_line *line = &stage->result.lines[i - 1];
        char told[128];

        if (is_refused) {
            (void)snprintf(told, sizeof told, "%u:%" PRId64 "/%" PRId64 "/%" PRId64,
                           line->line_index, line->requested, line->ats, line->shortfall);
        } else {
            (void)snprintf(told, sizeof told, "%u:%" PRId64 "/%" PRId64, line->line_index,
                           line->requested, line->granted);
        }
        expect(stage, strcmp(told, words->words[i]) == 0, "result line %d is %s, expected %s",
               i - 1, told, words->words[i]);
    }
}

static void check_part(struct stage *stage, const char *part)
{
    struct words words;
    const char *first;

    split(&words, part);
    assert_true(words.count > 0);
    first = words.words[0];
    if (hf_scenario_check_moves(stage, &words)) {
        return;
    }
    if (strcmp(first, "ats") == 0) {
        check_ats(stage, &words);
    } else if (strcmp(first, "refused") == 0 || strcmp(first, "granted") == 0) {
        check_result_lines(stage, &words, strcmp(first, "refused") == 0);
    } else if (strcmp(first, "earliest") == 0) {
        const uint64_t after = strtoull(words.words[1], NULL, 10);

        expect(stage,
               stage->result.lines_count > 0 &&
                   stage->result.lines[0].earliest_expiry_us == (after == 0 ? 0 : BEGIN_US + after),
               "the earliest hold ends otherwise");
    } else if (strcmp(first, "repeated") == 0 || strcmp(first, "fresh") == 0) {
        expect(stage, stage->result.is_repeated == (strcmp(first, "repeated") == 0), "repeated: %d",
               stage->result.is_repeated);
    } else if (strcmp(first, "state") == 0) {
        expect(stage, strcmp(hf_state_name(stage->result.state), words.words[1]) == 0,
               "the result's state is %s", hf_state_name(stage->result.state));
    } else if (strcmp(first, "field") == 0) {
        expect(stage, strcmp(hf_field_name(stage->result.field), words.words[1]) == 0,
               "the result's field is %s", hf_field_name(stage->result.field));
    } else if (strcmp(first, "lsn") == 0) {
        expect(stage, stage->result.lsn == strtoull(words.words[1], NULL, 10),
               "the result's LSN is %" PRIu64, stage->result.lsn);
    } else if (strcmp(first, "logged") == 0) {
        expect(stage,
               hf_engine_lsn(stage->engine) - stage->lsn_before ==
                   strtoull(words.words[1], NULL, 10),
               "%" PRIu64 " records were logged", hf_engine_lsn(stage->engine) - stage->lsn_before);
    } else if (strchr(first, '@') != NULL) {
        check_cell(stage, &words);
    } else {
        check_reservation(stage, &words);
    }
}

static void check_then(struct stage *stage, const char *then)
{
    while (then != NULL) {
        const char *end = strstr(then, "; ");
        char part[512];

        (void)snprintf(part, sizeof part, "%.*s",
                       end == NULL ? (int)strlen(then) : (int)(end - then), then);
        check_part(stage, part);
        then = end == NULL ? NULL : end + 2;
    }
}

/* ------------------------------------------------------------------ playing */

static void follow(struct stage *stage)
{
    struct hf_ledger *ledger = hf_engine_ledger(stage->engine);
    struct hf_audit audit = {0};
    struct hf_digest digest, followed;

    while (hf_engine_lsn(stage->follower) < hf_engine_lsn(stage->engine)) {
        uint32_t bytes_count = 0;
        const char *why = "";
        const unsigned char *record =
            hf_ledger_get(ledger, hf_engine_lsn(stage->follower) + 1, &bytes_count);
        enum hf_err err;

        assert_non_null(record);
        err = hf_engine_replay(stage->follower, record, bytes_count, &why);
        expect(stage, err == HF_OK, "replay: %s: %s", hf_err_name(err), why);
    }
    hf_ledger_pin(ledger, hf_engine_lsn(stage->engine));
    digest = hf_engine_digest(stage->engine);
    followed = hf_engine_digest(stage->follower);
    expect(stage, digest.low == followed.low && digest.high == followed.high,
           "the digest differs after replay");
    while (!hf_engine_audit(stage->engine, &audit, 100)) {
    }
    expect(stage, audit.violations_count == 0, "audit: %s", audit.first_violation);
}

/* Play the row, and the rows it is linked with; the number of rows played. */
static int play(struct stage *stage, const struct hf_scenario_row *rows)
{
    static struct told told[GROUP_MAX];
    struct hf_op ops[GROUP_MAX];
    struct hf_result results[GROUP_MAX];
    struct hf_digest before = hf_engine_digest(stage->engine);
    struct hf_digest after;
    int count = 1;

    stage->row = rows;
    stage->lsn_before = hf_engine_lsn(stage->engine);
    if (strncmp(rows->does, "wait ", 5) == 0) {
        stage->now_us += strtoull(rows->does + 5, NULL, 10);
        check_then(stage, rows->then);
        return 1;
    }
    if (strcmp(rows->does, "expire") == 0) {
        (void)hf_engine_expire(stage->engine, stage->now_us, UINT32_MAX);
        check_then(stage, rows->then);
        return 1;
    }

    while (rows[count - 1].does[0] == '+') {
        count += 1;
        assert_true(count <= GROUP_MAX);
    }
    for (int i = 0; i < count; i++) {
        const bool is_linked = rows[i].does[0] == '+';

        tell(stage, &told[i], rows[i].does + (is_linked ? 1 : 0));
        told[i].op.flags |= is_linked ? HF_OP_LINKED : 0;
        ops[i] = told[i].op;
    }
    stage->lsn_before = hf_engine_lsn(stage->engine);
    if (count > 1) {
        hf_engine_apply_linked(stage->engine, ops, (uint32_t)count, stage->now_us, results);
    } else {
        hf_engine_apply(stage->engine, ops, stage->now_us, results);
    }
    for (int i = 0; i < count; i++) {
        stage->row = &rows[i];
        expect(stage, results[i].outcome == rows[i].want, "%s, expected %s",
               hf_err_name(results[i].outcome), hf_err_name(rows[i].want));
    }
    for (int i = 0; i < count; i++) {
        stage->row = &rows[i];
        stage->result = results[i];
        check_then(stage, rows[i].then);
    }
    after = hf_engine_digest(stage->engine);
    /* A refusal may have logged what was due before; without that nothing has changed. */
    expect(stage,
           results[count - 1].outcome == HF_OK ||
               hf_engine_lsn(stage->engine) != stage->lsn_before ||
               (before.low == after.low && before.high == after.high),
           "a refusal changed the digest");
    return count;
}

void hf_scenario_run(void **state)
{
    const struct hf_scenario *scenario = *state;
    struct hf_engine_config config = hf_engine_config_default();
    struct stage stage = {.now_us = BEGIN_US};

    config.skus_max = config.locations_max = config.cells_max = 1000;
    config.reservations_max = config.lines_max = config.references_max = 10000;
    config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    config.shipments_max = 1000;
    config.shipment_lines_max = 10000;
    config.over_receipt_percent = scenario->over_receipt_percent;
    if (scenario->life_us_max != 0) {
        config.life_us_max = scenario->life_us_max;
    }
    if (scenario->retention_us != 0) {
        config.reference_retention_us = scenario->retention_us;
    }
    if (scenario->references_max != 0) {
        config.references_max = scenario->references_max;
    }
    stage.engine = hf_engine_create(&config);
    stage.follower = hf_engine_create(&config);
    assert_non_null(stage.engine);
    assert_non_null(stage.follower);

    for (int i = 0; i < HF_SCENARIO_ROWS_MAX && scenario->rows[i].does != NULL;) {
        i += play(&stage, &scenario->rows[i]);
        follow(&stage);
    }
    hf_engine_free(stage.engine);
    hf_engine_free(stage.follower);
}

int hf_scenarios_run(const struct hf_scenario *scenarios, size_t count)
{
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    int failed_count;

    assert_non_null(tests);
    for (size_t i = 0; i < count; i++) {
        tests[i] = (struct CMUnitTest){.name = scenarios[i].name,
                                       .test_func = hf_scenario_run,
                                       .initial_state = (void *)&scenarios[i]};
    }
    failed_count = _cmocka_run_group_tests("scenarios", tests, count, NULL, NULL);
    free(tests);
    return failed_count;
}
