#include "tests/lib/small_engine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/assert.h"
#include "engine/ledger.h"

struct hf_engine_config hf_small_config(void)
{
    return (struct hf_engine_config){
        .skus_max = 64,
        .locations_max = 16,
        .cells_max = 128,
        .reservations_max = 256,
        .lines_max = 512,
        .shipments_max = 64,
        .shipment_lines_max = 256,
        .references_max = 64,
        .reference_retention_us = UINT64_C(24) * 3600 * 1000000,
        .life_us_max = UINT64_C(30) * 24 * 3600 * 1000000,
        .ledger_bytes = HF_LEDGER_BYTES_MIN,
    };
}

void hf_small_init(struct hf_small *small, const struct hf_engine_config *config)
{
    *small = (struct hf_small){.now_us = HF_SMALL_BEGIN_US};
    small->config = config == NULL ? hf_small_config() : *config;
    small->engine = hf_engine_create(&small->config);
    HF_ASSERT(small->engine != NULL);
}

void hf_small_release(struct hf_small *small)
{
    hf_engine_free(small->engine);
    *small = (struct hf_small){0};
}

/* ------------------------------------------------------------------ texts */

static enum hf_kind kind_of(const char *name)
{
    unsigned kind = 1;
    while (kind < HF_KINDS_COUNT && strcmp(hf_kind_name(kind), name) != 0) {
        kind++;
    }
    HF_ASSERT(kind < HF_KINDS_COUNT);
    return (enum hf_kind)kind;
}

static bool is_shipment(enum hf_kind kind)
{
    return kind >= HF_KIND_TRANSFER_CREATE && kind <= HF_KIND_INBOUND_CANCEL;
}

static enum hf_status status_of(const char *name)
{
    unsigned status = 1;
    while (status < HF_STATUSES_COUNT && strcmp(hf_status_name(status), name) != 0) {
        status++;
    }
    HF_ASSERT(status < HF_STATUSES_COUNT);
    return (enum hf_status)status;
}

static struct hf_op_line *last_line(struct hf_told *told)
{
    HF_ASSERT(told->op.lines_count > 0);
    return &told->lines[told->op.lines_count - 1];
}

static bool tell_field(struct hf_told *told, const char *name, const char *value)
{
    struct hf_op *op = &told->op;

    if (strcmp(name, "id") == 0) {
        op->id = hf_text_of(value);
    } else if (strcmp(name, "old") == 0) {
        op->old_id = hf_text_of(value);
    } else if (strcmp(name, "ref") == 0) {
        op->ref = hf_text_of(value);
    } else if (strcmp(name, "order") == 0) {
        op->order = hf_text_of(value);
    } else if (strcmp(name, "by") == 0) {
        op->by = hf_text_of(value);
    } else if (strcmp(name, "reason") == 0) {
        op->reason = (enum hf_reason)atoi(value);
    } else if (strcmp(name, "ttl") == 0) {
        op->flags |= HF_OP_TTL;
        op->ttl_us = strtoull(value, NULL, 10);
    } else if (strcmp(name, "from") == 0 || strcmp(name, "to") == 0) {
        const bool is_from = name[0] == 'f';
        if (is_shipment(op->kind)) {
            *(is_from ? &op->from : &op->to) = hf_text_of(value);
        } else {
            *(is_from ? &op->from_status : &op->to_status) = status_of(value);
        }
    } else if (strcmp(name, "eta") == 0) {
        op->eta_us = strtoull(value, NULL, 10);
    } else if (strcmp(name, "as_of") == 0) {
        op->flags |= HF_OP_AS_OF_LSN;
        op->as_of = strtoull(value, NULL, 10);
    } else if (strcmp(name, "damaged") == 0) {
        op->flags |= HF_OP_DAMAGED;
        last_line(told)->damaged = strtoll(value, NULL, 10);
    } else if (strcmp(name, "v") == 0) {
        op->flags |= HF_OP_VERSIONS;
        last_line(told)->if_version = strtoull(value, NULL, 10);
    } else if (strcmp(name, "safety") == 0) {
        last_line(told)->safety_stock = strtoll(value, NULL, 10);
    } else if (strcmp(name, "low") == 0) {
        last_line(told)->low_stock = strtoll(value, NULL, 10);
    } else if (strcmp(name, "backorder") == 0) {
        last_line(told)->backorder_limit = strtoll(value, NULL, 10);
    } else {
        return false;
    }
    return true;
}

static bool tell_flag(struct hf_told *told, const char *word)
{
    static const struct {
        const char *word;
        uint32_t flag;
    } flags[] = {{"partial", HF_OP_PARTIAL},
                 {"fact", HF_OP_FACT},
                 {"ship", HF_OP_SHIP},
                 {"sellable", HF_OP_SELLABLE},
                 {"rest", HF_OP_RELEASE_REST}};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(flags[i].word, word) == 0) {
            const bool is_rest = flags[i].flag == HF_OP_RELEASE_REST;
            told->op.flags |=
                is_rest && is_shipment(told->op.kind) ? (uint32_t)HF_OP_REST : flags[i].flag;
            return true;
        }
    }
    return false;
}

static void tell_line(struct hf_told *told, char *word, const char *value)
{
    HF_ASSERT(told->op.lines_count < HF_TOLD_LINES_MAX);
    struct hf_op_line *line = &told->lines[told->op.lines_count++];
    char *at = strrchr(word, '@');

    line->if_version = HF_VERSION_ANY;
    if (at != NULL) {
        line->sku = (struct hf_text){word, (uint32_t)(at - word)};
    }
    if (is_shipment(told->op.kind)) {
        line->sku = hf_text_of(word); /* a shipment's lines name no location */
    } else {
        line->location = hf_text_of(at == NULL ? word : at + 1);
    }
    line->units = value == NULL ? 0 : strtoll(value, NULL, 10);
    if (told->op.kind == HF_KIND_SET_POLICY) {
        line->safety_stock = line->low_stock = line->backorder_limit = HF_POLICY_KEEP;
    }
}

void hf_tell(struct hf_told *told, const char *text)
{
    char *rest = NULL;

    memset(told, 0, sizeof *told);
    HF_ASSERT(strlen(text) < sizeof told->text);
    strcpy(told->text, text);
    char *word = strtok_r(told->text, " ", &rest);
    HF_ASSERT(word != NULL);
    told->op.kind = kind_of(word);
    told->op.lines = told->lines;
    const bool is_place =
        told->op.kind == HF_KIND_SET_LOCATION || told->op.kind == HF_KIND_SET_REGION;
    while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
        char *value = strrchr(word, '=');
        if (value != NULL) {
            *value++ = '\0';
        }
        if (value != NULL ? tell_field(told, word, value) : tell_flag(told, word)) {
            continue;
        }
        if (strchr(word, '@') != NULL || is_place ||
            (value != NULL && is_shipment(told->op.kind))) {
            tell_line(told, word, value);
        } else {
            HF_ASSERT(value == NULL);
            told->op.id = hf_text_of(word);
        }
    }
}

/* ------------------------------------------------------------------ doing */

void hf_small_pin(struct hf_small *small)
{
    hf_ledger_pin(hf_engine_ledger(small->engine), hf_engine_lsn(small->engine));
}

enum hf_err hf_small_do(struct hf_small *small, const char *format, ...)
{
    struct hf_told told;
    char text[sizeof told.text];
    va_list arguments;

    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    HF_ASSERT(length > 0 && (size_t)length < sizeof text);
    hf_tell(&told, text);
    hf_engine_apply(small->engine, &told.op, ++small->now_us, &small->result);
    if (!small->is_pin_kept) {
        hf_small_pin(small);
    }
    return small->result.outcome;
}

enum hf_err hf_small_do_linked(struct hf_small *small, const char *const *texts, uint32_t count,
                               struct hf_result *results)
{
    struct hf_told *told = calloc(count, sizeof *told);
    struct hf_op *ops = calloc(count, sizeof *ops);
    enum hf_err err = HF_OK;

    HF_ASSERT(told != NULL && ops != NULL);
    for (uint32_t i = 0; i < count; i++) {
        hf_tell(&told[i], texts[i]);
        ops[i] = told[i].op;
        ops[i].flags |= i + 1 < count ? HF_OP_LINKED : 0u;
    }
    hf_engine_apply_linked(small->engine, ops, count, ++small->now_us, results);
    for (uint32_t i = 0; i < count && err == HF_OK; i++) {
        err = results[i].outcome == HF_LINKED_FAILED ? HF_OK : results[i].outcome;
    }
    if (!small->is_pin_kept) {
        hf_small_pin(small);
    }
    free(told);
    free(ops);
    return err;
}

enum hf_err hf_small_follow(struct hf_small *small, struct hf_engine *follower, const char **why)
{
    for (uint64_t lsn = hf_engine_lsn(follower) + 1; lsn <= hf_engine_lsn(small->engine); lsn++) {
        uint32_t bytes_count;
        const unsigned char *record =
            hf_ledger_get(hf_engine_ledger(small->engine), lsn, &bytes_count);
        HF_ASSERT(record != NULL);
        const enum hf_err err = hf_engine_replay(follower, record, bytes_count, why);
        if (err != HF_OK) {
            return err;
        }
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ looking */

bool hf_digest_is_equal(struct hf_digest a, struct hf_digest b)
{
    return a.low == b.low && a.high == b.high;
}

const char *hf_small_violation(struct hf_engine *engine)
{
    static struct hf_audit audit;

    audit = (struct hf_audit){0};
    while (!hf_engine_audit(engine, &audit, 1000)) {
    }
    return audit.violations_count == 0 ? NULL : audit.first_violation;
}

const char *hf_small_cell(struct hf_engine *engine, const char *cell)
{
    static char text[160];
    const char *at = strrchr(cell, '@');
    struct hf_cell_view view;

    HF_ASSERT(at != NULL);
    const struct hf_op_line line = {.sku = {cell, (uint32_t)(at - cell)},
                                    .location = hf_text_of(at + 1)};
    const enum hf_err err = hf_engine_stock(engine, &line, false, &view);
    if (err != HF_OK) {
        return hf_err_name(err);
    }
    (void)snprintf(text, sizeof text, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " v%" PRIu64,
                   view.on_hand, view.held, view.committed, view.in_transit, view.version);
    return text;
}

/* ------------------------------------------------------------------ chance */

uint64_t hf_random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t hf_random_below(uint64_t *state, uint64_t below)
{
    return hf_random_next(state) % below;
}

uint64_t hf_random_seed(void)
{
    const char *given = getenv("SEED");
    const uint64_t seed = given != NULL && given[0] != '\0'
                              ? strtoull(given, NULL, 0)
                              : (uint64_t)time(NULL) * UINT64_C(2654435761) & 0xFFFFFFFF;

    (void)printf("seed %" PRIu64 "\n", seed);
    return seed;
}
