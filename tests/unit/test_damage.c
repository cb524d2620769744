/*
 * test_damage.c - one byte of a small data directory is changed, and then every other one.
 *
 * Method: a directory of three log segments, two snapshots, the manifest, the lock and a spare
 * segment, each group synced. Each byte of each file is changed in two ways: one bit, and all of
 * them. hf_inspect_verify must find it, and change nothing. A start must be refused, or be
 * harmless: the very state of before; or the state before the last group, when that is what was
 * hit, because of the newest group nothing can tell decay from tearing (FORMATS.md 2.3). It is
 * never a state that history has not had at that LSN.
 *
 * Every so many-th byte by default, by SEED, and the last ones of the log; SCALE=full tries them
 * all, in both ways.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persistence/inspect.h"
#include "tests/lib/small_engine.h"
#include "tests/lib/store_fixture.h"

#define FOLDER HF_FIXTURE_FOLDER "/"
#define SLACK_BYTES 4096u /* of the zeros at the end of segments and spare */
#define MADE_CALLS (HF_SIM_CALLS_CHANGING & ~(unsigned)HF_SIM_OPEN)

struct damage {
    struct hf_store_fixture fixture;
    struct hf_sim_disk *whole; /* the directory as it should be */
    uint64_t lsn;              /* its end */
    uint64_t last_group_lsn;   /* the first LSN of the last group */
    uint64_t tried_count, torn_count, damaged_count;
    uint64_t refused_count, same_count, cut_count;
    char findings[1024];
};

static bool is_full(void)
{
    const char *scale = getenv("SCALE");
    return scale != NULL && strcmp(scale, "full") == 0;
}

/* ------------------------------------------------------------------ the directory */

/* A few groups of one block each. */
static void work(struct damage *damage, uint32_t groups_count)
{
    struct hf_store_fixture *fixture = &damage->fixture;

    for (uint32_t i = 0; i < groups_count; i++) {
        const uint64_t lsn = hf_engine_lsn(fixture->engine);
        while (hf_engine_lsn(fixture->engine) == lsn) { /* one that is not refused */
            hf_store_fixture_work_any(fixture, 3);
        }
        damage->last_group_lsn = lsn + 1;
        assert_true(hf_store_fixture_drain(fixture));
    }
}

static void trim_all(struct damage *damage, const char *what, uint64_t slack_bytes)
{
    const char *path;

    for (size_t i = 0; (path = hf_sim_disk_name(damage->fixture.disk, i)) != NULL; i++) {
        if (strstr(path, what) != NULL) {
            hf_sim_disk_trim(damage->fixture.disk, path, slack_bytes);
        }
    }
}

static void make_directory(struct damage *damage)
{
    struct hf_store_fixture *fixture = &damage->fixture;

    *damage = (struct damage){0};
    hf_store_fixture_init(fixture);
    fixture->random = hf_random_seed();
    for (uint32_t segment = 0; segment < 3; segment++) {
        assert_true(hf_store_fixture_open(fixture));
        work(damage, 3);
        if (segment < 2) {
            assert_int_equal(hf_store_fixture_snapshot(fixture), HF_OK);
            work(damage, 1);
        } else {
            assert_true(hf_store_spare_step(fixture->store));
        }
        damage->lsn = hf_engine_lsn(fixture->engine);
        hf_store_fixture_close(fixture);
        trim_all(damage, "/wal-", segment < 2 ? 0 : SLACK_BYTES); /* so that the log rolls over */
    }
    trim_all(damage, "/spare", SLACK_BYTES);
    damage->whole = fixture->disk;
    fixture->disk = NULL;
}

static void release(struct damage *damage)
{
    hf_store_fixture_release(&damage->fixture);
    hf_sim_disk_free(damage->whole);
}

/* ------------------------------------------------------------------ one damage */

static void keep_finding(void *arg, const struct hf_inspect_finding *finding)
{
    struct damage *damage = arg;
    const size_t used = strlen(damage->findings);

    (void)snprintf(damage->findings + used, sizeof damage->findings - used, "%s %" PRIu64 ": %s; ",
                   finding->name, finding->offset, finding->text);
}

static enum hf_inspect_verdict verify(struct damage *damage)
{
    struct hf_store_fixture *fixture = &damage->fixture;
    const uint64_t calls_count = hf_sim_disk_calls(fixture->disk, MADE_CALLS);

    damage->findings[0] = '\0';
    const enum hf_inspect_verdict verdict =
        hf_inspect_verify(HF_FIXTURE_FOLDER, hf_sim_disk_table(fixture->disk),
                          &fixture->engine_config, NULL, keep_finding, damage);
    assert_int_equal(hf_sim_disk_calls(fixture->disk, MADE_CALLS), calls_count);
    return verdict;
}

/* The words of a failure: file, offset, mask. */
struct place {
    const char *path;
    uint64_t offset;
    unsigned char mask;
};

static void start(struct damage *damage, const struct place *place)
{
    struct hf_store_fixture *fixture = &damage->fixture;

    fixture->log_bytes = 0;
    if (!hf_store_fixture_open(fixture)) {
        damage->refused_count++;
        return;
    }
    const uint64_t lsn = hf_engine_lsn(fixture->engine);
    if (lsn == damage->lsn) {
        damage->same_count++;
    } else if (lsn == damage->last_group_lsn - 1) {
        damage->cut_count++;
        assert_true(hf_store_fixture_said(fixture, "torn tail"));
    } else {
        fail_msg("%s at %" PRIu64 " by %02x: a start took LSN %" PRIu64 " for the end of the log",
                 place->path, place->offset, place->mask, lsn);
    }
    if (!hf_digest_is_equal(hf_engine_digest(fixture->engine), fixture->digests[lsn])) {
        fail_msg("%s at %" PRIu64 " by %02x: a start took another state for that of LSN %" PRIu64,
                 place->path, place->offset, place->mask, lsn);
    }
    hf_store_fixture_close(fixture);
}

/* Verify and start the directory in fixture->disk, which is damaged at `place`, and drop it. */
static void judge(struct damage *damage, const struct place *place)
{
    switch (verify(damage)) {
    case HF_INSPECT_SOUND:
        fail_msg("%s at %" PRIu64 " by %02x: the damage was not found", place->path, place->offset,
                 place->mask);
        break;
    case HF_INSPECT_TORN:
        damage->torn_count++;
        break;
    case HF_INSPECT_DAMAGED:
        damage->damaged_count++;
        break;
    }
    const char *name = place->path + strlen(FOLDER);
    if (strstr(damage->findings, name) == NULL) {
        fail_msg("%s at %" PRIu64 " by %02x: said was only: %s", place->path, place->offset,
                 place->mask, damage->findings);
    }
    start(damage, place);
    damage->tried_count++;
    hf_sim_disk_free(damage->fixture.disk);
    damage->fixture.disk = NULL;
}

static void flip(struct damage *damage, const struct place *place)
{
    damage->fixture.disk = hf_sim_disk_clone(damage->whole);
    hf_sim_disk_flip(damage->fixture.disk, place->path, place->offset, place->mask);
    judge(damage, place);
}

static void print_counts(const struct damage *damage, const char *what)
{
    print_message("ok %s: %" PRIu64 " changes tried; verify found %" PRIu64 " damaged, %" PRIu64
                  " torn; at start %" PRIu64 " refused, %" PRIu64 " harmless, %" PRIu64
                  " cut the last group\n",
                  what, damage->tried_count, damage->damaged_count, damage->torn_count,
                  damage->refused_count, damage->same_count, damage->cut_count);
}

/* ------------------------------------------------------------------ tests */

/* The directory itself is sound, and stays so over a start. */
static void whole(void **state)
{
    struct damage damage;

    (void)state;
    make_directory(&damage);
    damage.fixture.disk = hf_sim_disk_clone(damage.whole);
    for (int i = 0; i < 2; i++) {
        if (verify(&damage) != HF_INSPECT_SOUND) {
            fail_msg("%s", damage.findings);
        }
        start(&damage, &(struct place){.path = FOLDER});
    }
    assert_int_equal(damage.same_count, 2);
    release(&damage);
}

/* Where the last byte of the log's last group is; `*path`: its segment, the newest. */
static uint64_t find_log_end(const struct damage *damage, const char **path)
{
    const char *name;
    unsigned char byte = 0;

    for (size_t i = 0; (name = hf_sim_disk_name(damage->whole, i)) != NULL; i++) {
        *path = strstr(name, "/wal-") != NULL ? name : *path; /* in the order of names */
    }
    uint64_t at = hf_sim_disk_file_bytes(damage->whole, *path);
    while (byte == 0) { /* a group ends in one that is not */
        hf_sim_disk_peek(damage->whole, *path, --at, &byte, 1);
    }
    return at;
}

static void every_byte(void **state)
{
    const uint64_t stride = is_full() ? 1 : 11;
    const uint64_t zeros_stride = is_full() ? 1 : 211;
    struct damage damage;
    const char *path;
    uint64_t files_bytes = 0;

    (void)state;
    make_directory(&damage);
    for (size_t i = 0; (path = hf_sim_disk_name(damage.whole, i)) != NULL; i++) {
        const uint64_t bytes_count = hf_sim_disk_file_bytes(damage.whole, path);
        for (uint64_t at = (damage.fixture.random + i) % stride; at < bytes_count;) {
            struct place place = {
                .path = path, .offset = at, .mask = (unsigned char)(1u << at % 8)};
            unsigned char around[32] = {0};
            const unsigned char zeros[sizeof around] = {0};
            if (is_full() || at % 2 == 0) {
                flip(&damage, &place);
            }
            if (is_full() || at % 2 == 1) {
                place.mask = 0xff;
                flip(&damage, &place);
            }
            const uint64_t left = bytes_count - at;
            hf_sim_disk_peek(damage.whole, path, at, around,
                             left < sizeof around ? (size_t)left : sizeof around);
            at += memcmp(around, zeros, sizeof around) == 0 ? zeros_stride : stride;
        }
        files_bytes += bytes_count;
    }
    struct place place = {.path = "", .mask = 0x40};
    place.offset = find_log_end(&damage, &place.path);
    for (int i = 0; i < 4; i++, place.offset--) {
        flip(&damage, &place);
    }
    print_message("%" PRIu64 " bytes in all files\n", files_bytes);
    print_counts(&damage, "bytes");
    assert_int_equal(damage.damaged_count + damage.torn_count, damage.tried_count);
    assert_true(damage.refused_count > 0 && damage.same_count > 0 && damage.cut_count > 0);
    release(&damage);
}

/* Every file longer by one byte, and shorter: the last byte of each is missing, or its half. */
static void every_size(void **state)
{
    struct damage damage;
    const char *path;

    (void)state;
    make_directory(&damage);
    for (size_t i = 0; (path = hf_sim_disk_name(damage.whole, i)) != NULL; i++) {
        const uint64_t bytes_count = hf_sim_disk_file_bytes(damage.whole, path);
        unsigned char *bytes = calloc(1, (size_t)bytes_count + 1);
        assert_non_null(bytes);
        hf_sim_disk_peek(damage.whole, path, 0, bytes, (size_t)bytes_count);
        bytes[bytes_count] = 'x';
        damage.fixture.disk = hf_sim_disk_clone(damage.whole);
        hf_sim_disk_put(damage.fixture.disk, path, bytes, (size_t)bytes_count + 1);
        judge(&damage, &(struct place){.path = path, .offset = bytes_count});
        if (strstr(path, "/MANIFEST") != NULL || strstr(path, "/snapshot-") != NULL) {
            for (uint64_t count = bytes_count / 2; count < bytes_count; count += bytes_count / 4) {
                damage.fixture.disk = hf_sim_disk_clone(damage.whole);
                hf_sim_disk_put(damage.fixture.disk, path, bytes, (size_t)count);
                judge(&damage, &(struct place){.path = path, .offset = count});
            }
        }
        free(bytes);
    }
    print_counts(&damage, "sizes");
    release(&damage);
}

/*
 * Every file missing. Verify misses what the state needs. The oldest segment, from before the
 * current snapshot, is not needed for that: without it the older snapshot is remarked upon, which
 * no start could use. The older snapshot might have been dropped. The newest segment, when no
 * snapshot is of an LSN in it, is missed by nobody: that a log ends is all that it says.
 */
static void every_file(void **state)
{
    struct damage damage;
    const char *path;
    const char *newest = "";
    int missed_count = 0;
    int remarked_count = 0;

    (void)state;
    make_directory(&damage);
    for (size_t i = 0; (path = hf_sim_disk_name(damage.whole, i)) != NULL; i++) {
        newest = strstr(path, "/wal-") != NULL ? path : newest; /* in the order of names */
    }
    for (size_t i = 0; (path = hf_sim_disk_name(damage.whole, i)) != NULL; i++) {
        if (path == newest) {
            continue;
        }
        damage.fixture.disk = hf_sim_disk_clone(damage.whole);
        hf_sim_disk_remove(damage.fixture.disk, path);
        const bool is_missed = verify(&damage) == HF_INSPECT_DAMAGED;
        const uint64_t refused_count = damage.refused_count;
        start(&damage, &(struct place){.path = path});
        missed_count += is_missed ? 1 : 0;
        remarked_count += strstr(damage.findings, "no start could use it") != NULL ? 1 : 0;
        assert_true(is_missed || damage.refused_count == refused_count);
        damage.tried_count++;
        hf_sim_disk_free(damage.fixture.disk);
        damage.fixture.disk = NULL;
    }
    print_message("ok files: %" PRIu64 " taken away, verify misses %d, a start refuses %" PRIu64
                  "\n",
                  damage.tried_count, missed_count, damage.refused_count);
    assert_int_equal(missed_count, 3);   /* the manifest, its snapshot, the second segment */
    assert_int_equal(remarked_count, 1); /* the oldest segment */
    release(&damage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(every_byte),
        cmocka_unit_test(every_size),
        cmocka_unit_test(every_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
