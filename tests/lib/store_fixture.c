#include "tests/lib/store_fixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ledger.h"
#include "tests/lib/any_operation.h"

#define SKUS_COUNT 40
#define LOCATIONS_COUNT 3
#define NAME_BYTES 32

void hf_store_fixture_init(struct hf_store_fixture *fixture)
{
    *fixture = (struct hf_store_fixture){
        .disk = hf_sim_disk_create(),
        .config = {.path = HF_FIXTURE_FOLDER,
                   .durability = HF_DURABILITY_SYNC,
                   .segment_bytes = HF_SEGMENT_BYTES_MIN,
                   .snapshots_kept = 2,
                   .new_directory_id = "0123456789abcde"},
        .engine_config = hf_engine_config_default(),
        .now_us = UINT64_C(1700000000000000),
    };
    fixture->engine_config.ledger_bytes = HF_LEDGER_BYTES_MIN;
}

void hf_store_fixture_release(struct hf_store_fixture *fixture)
{
    hf_store_fixture_close(fixture);
    hf_sim_disk_free(fixture->disk);
    free(fixture->digests);
    free(fixture->log);
    *fixture = (struct hf_store_fixture){0};
}

static void own_memory(const struct hf_store_fixture *fixture, bool is_begin)
{
    if (fixture->own_memory_cb != NULL) {
        fixture->own_memory_cb(is_begin);
    }
}

static void keep_line(void *arg, char level, const char *text)
{
    struct hf_store_fixture *fixture = arg;
    const size_t length = strlen(text);

    own_memory(fixture, true);
    fixture->log = realloc(fixture->log, fixture->log_bytes + length + 4);
    own_memory(fixture, false);
    assert_non_null(fixture->log);
    (void)snprintf(fixture->log + fixture->log_bytes, length + 4, "%c %s\n", level, text);
    fixture->log_bytes += length + 3;
}

bool hf_store_fixture_said(const struct hf_store_fixture *fixture, const char *text)
{
    return fixture->log != NULL && strstr(fixture->log, text) != NULL;
}

static void remember_digest(struct hf_store_fixture *fixture)
{
    const uint64_t lsn = hf_engine_lsn(fixture->engine);

    own_memory(fixture, true);
    if (lsn >= fixture->digests_max) {
        const uint64_t max = (lsn + 1) * 2;
        fixture->digests = realloc(fixture->digests, max * sizeof *fixture->digests);
        assert_non_null(fixture->digests);
        memset(fixture->digests + fixture->digests_max, 0,
               (max - fixture->digests_max) * sizeof *fixture->digests);
        fixture->digests_max = max;
    }
    fixture->digests[lsn] = hf_engine_digest(fixture->engine);
    own_memory(fixture, false);
}

bool hf_store_fixture_open(struct hf_store_fixture *fixture)
{
    const struct hf_store_report report = {.arg = fixture, .line = keep_line};

    assert_null(fixture->engine);
    fixture->engine = hf_engine_create(&fixture->engine_config);
    fixture->error[0] = '\0';
    if (fixture->engine == NULL) {
        (void)snprintf(fixture->error, sizeof fixture->error, "out of memory for the engine");
        return false;
    }
    fixture->store =
        hf_store_open(&fixture->config,
                      fixture->table != NULL ? fixture->table : hf_sim_disk_table(fixture->disk),
                      &report, fixture->engine, fixture->error, sizeof fixture->error);
    if (fixture->store == NULL) {
        assert_true(fixture->error[0] != '\0'); /* a refusal says why */
        hf_engine_free(fixture->engine);
        fixture->engine = NULL;
        return false;
    }
    if (fixture->digests == NULL) {
        remember_digest(fixture);
    }
    return true;
}

void hf_store_fixture_close(struct hf_store_fixture *fixture)
{
    hf_store_close(fixture->store);
    hf_engine_free(fixture->engine);
    fixture->store = NULL;
    fixture->engine = NULL;
}

void hf_store_fixture_crash(struct hf_store_fixture *fixture, enum hf_sim_fate fate, uint64_t seed)
{
    hf_store_fixture_close(fixture);
    hf_sim_disk_crash(fixture->disk, fate, seed);
}

/* ------------------------------------------------------------------ operations */

static uint32_t roll(struct hf_store_fixture *fixture, uint32_t sides)
{
    uint64_t z = (fixture->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) % sides);
}

struct names {
    char sku[NAME_BYTES], location[NAME_BYTES], id[NAME_BYTES], order[NAME_BYTES];
};

/* An operation that may well be refused; that is part of the work. */
static struct hf_op random_op(struct hf_store_fixture *fixture, struct names *names,
                              struct hf_op_line *line)
{
    const uint64_t number = ++fixture->names_count;
    const uint64_t older = number - roll(fixture, 30) % number;

    (void)snprintf(names->sku, NAME_BYTES, "sku-%" PRIu32, roll(fixture, SKUS_COUNT));
    (void)snprintf(names->location, NAME_BYTES, "location-%" PRIu32,
                   roll(fixture, LOCATIONS_COUNT));
    (void)snprintf(names->order, NAME_BYTES, "order-%" PRIu32, roll(fixture, 200));
    (void)snprintf(names->id, NAME_BYTES, "name-%" PRIu64, number);
    *line = (struct hf_op_line){.sku = hf_text_of(names->sku),
                                .location = hf_text_of(names->location),
                                .units = 1 + roll(fixture, 20)};
    struct hf_op op = {.lines = line, .lines_count = 1};
    switch (roll(fixture, 8)) {
    case 0:
    case 1:
        op.kind = HF_KIND_RECEIVE;
        op.ref = hf_text_of(names->id);
        line->units += 50;
        break;
    case 2:
        op.kind = HF_KIND_ADJUST;
        op.reason = HF_REASON_COUNT;
        op.ref = hf_text_of(names->id);
        op.order = hf_text_of(names->order);
        break;
    case 3:
    case 4:
    case 5:
        op.kind = HF_KIND_RESERVE;
        op.id = hf_text_of(names->id);
        op.order = hf_text_of(names->order);
        op.flags = HF_OP_TTL;
        op.ttl_us = 1000000 * (1 + roll(fixture, 100));
        break;
    case 6:
        (void)snprintf(names->id, NAME_BYTES, "name-%" PRIu64, older);
        op.kind = HF_KIND_CONFIRM;
        op.id = hf_text_of(names->id);
        op.lines_count = 0;
        break;
    default:
        (void)snprintf(names->id, NAME_BYTES, "name-%" PRIu64, older);
        op.kind = roll(fixture, 2) == 0 ? HF_KIND_RELEASE : HF_KIND_FULFIL;
        op.id = hf_text_of(names->id);
        op.lines_count = 0;
        break;
    }
    return op;
}

static void publish(struct hf_store_fixture *fixture)
{
    remember_digest(fixture);
    hf_store_publish(fixture->store, hf_engine_lsn(fixture->engine));
}

static void work_linked(struct hf_store_fixture *fixture)
{
    struct names names[8];
    struct hf_op_line lines[8];
    struct hf_op ops[8];
    struct hf_result results[8];
    const uint32_t count = 2 + roll(fixture, 7);

    for (uint32_t i = 0; i < count; i++) {
        ops[i] = random_op(fixture, &names[i], &lines[i]);
        ops[i].flags |= i + 1 < count ? HF_OP_LINKED : 0;
    }
    hf_engine_apply_linked(fixture->engine, ops, count, fixture->now_us, results);
}

void hf_store_fixture_work(struct hf_store_fixture *fixture, uint32_t operations_count)
{
    for (uint32_t i = 0; i < operations_count; i++) {
        fixture->now_us += 1 + roll(fixture, 100000);
        if (roll(fixture, 10) == 0) {
            work_linked(fixture);
        } else {
            struct names names;
            struct hf_op_line line;
            struct hf_result result;
            const struct hf_op op = random_op(fixture, &names, &line);
            hf_engine_apply(fixture->engine, &op, fixture->now_us, &result);
        }
        publish(fixture);
    }
}

void hf_store_fixture_work_any(struct hf_store_fixture *fixture, uint32_t operations_count)
{
    for (uint32_t i = 0; i < operations_count; i++) {
        struct hf_any_operation any[3];
        struct hf_op ops[3];
        struct hf_result results[3];
        const uint32_t count = roll(fixture, 4) == 0 ? 3 : 1;

        for (uint32_t k = 0; k < count; k++) {
            hf_any_operation(&any[k], &fixture->random);
            ops[k] = any[k].op;
            ops[k].flags |= k + 1 < count ? (uint32_t)HF_OP_LINKED : 0u;
        }
        fixture->now_us += 1 + roll(fixture, 1000);
        hf_engine_apply_linked(fixture->engine, ops, count, fixture->now_us, results);
        publish(fixture);
        if (roll(fixture, 8) == 0) {
            (void)hf_engine_expire(fixture->engine, fixture->now_us, 4);
            publish(fixture);
        }
    }
}

void hf_store_fixture_work_large(struct hf_store_fixture *fixture, uint32_t lines_count)
{
    struct hf_op_line *lines = calloc(lines_count, sizeof *lines);
    char(*skus)[NAME_BYTES] = calloc(lines_count, sizeof *skus);
    struct hf_result result;

    assert_non_null(lines);
    assert_non_null(skus);
    for (uint32_t i = 0; i < lines_count; i++) {
        (void)snprintf(skus[i], NAME_BYTES, "large-%" PRIu32, i);
        lines[i] = (struct hf_op_line){.sku = hf_text_of(skus[i]),
                                       .location = hf_text_of("warehouse"),
                                       .units = 1 + roll(fixture, 1000000000)};
    }
    const struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = lines, .lines_count = lines_count};
    hf_engine_apply(fixture->engine, &op, ++fixture->now_us, &result);
    if (result.outcome == HF_BUSY) { /* it has no place yet: what the spare thread would do */
        (void)hf_store_spare_step(fixture->store);
        (void)hf_store_fixture_drain(fixture);
        hf_engine_apply(fixture->engine, &op, ++fixture->now_us, &result);
    }
    assert_int_equal(result.outcome, HF_OK);
    publish(fixture);
    free(skus);
    free(lines);
}

bool hf_store_fixture_drain(struct hf_store_fixture *fixture)
{
    while (hf_store_log_step(fixture->store, fixture->now_us)) {
    }
    fixture->acked_lsn = hf_store_synced_lsn(fixture->store);
    hf_store_pin(fixture->store);
    return !hf_store_failed(fixture->store);
}

enum hf_err hf_store_fixture_snapshot(struct hf_store_fixture *fixture)
{
    if (!hf_store_fixture_drain(fixture) || !hf_store_log_sync(fixture->store)) {
        return HF_IO;
    }
    return hf_store_snapshot_all(fixture->store, fixture->engine, fixture->error,
                                 sizeof fixture->error);
}

void hf_store_fixture_check(struct hf_store_fixture *fixture)
{
    const uint64_t lsn = hf_engine_lsn(fixture->engine);
    const struct hf_digest digest = hf_engine_digest(fixture->engine);

    assert_true(lsn >= fixture->acked_lsn);  /* nothing acknowledged is lost */
    assert_true(lsn < fixture->digests_max); /* nothing is invented */
    const struct hf_digest *was = &fixture->digests[lsn];
    assert_true(was->low != 0 || was->high != 0); /* no half of an operation */
    assert_int_equal(digest.low, was->low);
    assert_int_equal(digest.high, was->high);
    assert_int_equal(hf_store_durable_lsn(fixture->store), lsn);
    memset(fixture->digests + lsn + 1, 0,
           (fixture->digests_max - lsn - 1) * sizeof *fixture->digests);
}

void hf_store_fixture_audit(struct hf_store_fixture *fixture)
{
    struct hf_audit audit = {0};
    while (!hf_engine_audit(fixture->engine, &audit, 1000)) {
    }
    assert_int_equal(audit.violations_count, 0);
}
