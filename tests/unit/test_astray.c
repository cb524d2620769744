/*
 * test_astray.c - a write that landed in the wrong place, over the end of the log: told from a torn
 * tail by what stands there, wherever its bytes say what they are; and where they cannot.
 *
 * Method: a store over a simulated disk is worked on, with a snapshot in its middle, and closed. A
 * row of a table then puts bytes of one kind over the last groups, as a disk does that misplaces a
 * write. A start and a verification must both come to the verdict of the row, and name the place
 * where the log should go on and what stands there. Where it is damage, a repair to the LSN before
 * is the way out; where it is a torn tail or a clean end by all that the disk can know (FORMATS.md
 * 2.4), the log goes on from there.
 *
 * Then the other way round: of all writes that a server makes in a life each one is put into every
 * sector of the files, beyond the log's end, too, and is missing where it belongs; the server goes
 * on or ends there. The next start is refused, or has at least what 2.4 says, as it was.
 *
 * A part of the writes and places by default, by SEED; SCALE=full tries them all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persistence/format.h"
#include "persistence/inspect.h"
#include "persistence/manifest.h"
#include "persistence/repair.h"
#include "tests/lib/small_engine.h"
#include "tests/lib/store_fixture.h"

#define SEGMENT HF_FIXTURE_SEGMENT_1
#define GROUPS_COUNT 12
#define SNAPSHOT_GROUP 4 /* behind so many groups; none of the rows reaches it */
#define STRAY_BYTES_MAX 65536u
#define GARBAGE 0xA5

struct group {
    uint64_t offset;
    struct hf_block_header header; /* of its one block */
};

struct log {
    struct hf_store_fixture fixture;
    struct group groups[GROUPS_COUNT];
    uint64_t end; /* where the next group would begin */
    char snapshot[64];
};

/* ------------------------------------------------------------------ what the bytes are */

static void put_snapshot_block(unsigned char *bytes)
{
    struct hf_snapshot_block block = {.index = 7, .raw_bytes = 5, .stored_bytes = 5};
    memcpy(bytes + HF_SNAPSHOT_BLOCK_HEADER_BYTES, "items", 5);
    assert_int_equal(hf_snapshot_block_seal(bytes, &block, 4711), 40);
}

static void put_footer(unsigned char *bytes)
{
    const struct hf_snapshot_footer footer = {
        .blocks_count = 2, .raw_bytes = 30, .file_bytes = 64 + 2 * 32 + 32 + 48, .chain = 1};
    hf_snapshot_footer_encode(&footer, 4711, bytes);
}

/* Each kind at one place, whole and cut by a byte, and with one byte changed: what is known of it
 * must fit to the last bit where there is a checksum that anybody can know. */
static void kinds(void **state)
{
    unsigned char bytes[HF_SECTOR_BYTES] = {0};
    const struct hf_segment_header segment = {.epoch = 1, .first_lsn = 2};
    const struct hf_snapshot_header snapshot = {.epoch = 1, .blocks_count = 1, .lsn = 3};

    (void)state;
    assert_null(hf_format_other(bytes, sizeof bytes));
    hf_segment_header_encode(&segment, bytes);
    assert_string_equal(hf_format_other(bytes, 64), "a segment's header");
    assert_null(hf_format_other(bytes, 63));
    bytes[40] ^= 1;
    assert_null(hf_format_other(bytes, 64));

    hf_snapshot_header_encode(&snapshot, bytes);
    assert_string_equal(hf_format_other(bytes, 64), "a snapshot's header");
    assert_null(hf_format_other(bytes, 63));
    bytes[40] ^= 1;
    assert_null(hf_format_other(bytes, 64));

    put_snapshot_block(bytes);
    assert_string_equal(hf_format_other(bytes, 32), "a snapshot's block");
    assert_null(hf_format_other(bytes, 31));
    static const struct {
        size_t at;
        unsigned char byte;
    } block_rows[] = {{8, 'h'}, {12, 2}, {12, 1}, {13, 1}, {15, 1}, {16, 0},
                      {16, 6},  {19, 1}, {20, 4}, {23, 1}, {28, 1}, {31, 1}};
    for (size_t i = 0; i < sizeof block_rows / sizeof block_rows[0]; i++) {
        put_snapshot_block(bytes);
        bytes[block_rows[i].at] = block_rows[i].byte;
        if (hf_format_other(bytes, sizeof bytes) != NULL) {
            fail_msg("byte %zu of a snapshot's block as %u", block_rows[i].at, block_rows[i].byte);
        }
    }

    put_footer(bytes);
    assert_string_equal(hf_format_other(bytes, 48), "a snapshot's footer");
    assert_null(hf_format_other(bytes, 47));
    static const struct {
        uint64_t blocks, raw, file;
        bool want;
    } footer_rows[] = {
        {1, 1, 152, true},   {1, 1, 144, false}, {1, 8, 160, false},
        {0, 1, 152, false},  {1, 0, 152, false}, {1, HF_SNAPSHOT_RAW_BYTES_MAX, 152, true},
        {1, 9, 160, true},   {1, 9, 168, false}, {1, HF_SNAPSHOT_RAW_BYTES_MAX + 1, 152, false},
        {2, 3, 192, true},   {2, 3, 188, false}, {UINT32_MAX, 1, 152, false},
        {3, 2, 1000, false},
    };
    for (size_t i = 0; i < sizeof footer_rows / sizeof footer_rows[0]; i++) {
        const struct hf_snapshot_footer footer = {.blocks_count = footer_rows[i].blocks,
                                                  .raw_bytes = footer_rows[i].raw,
                                                  .file_bytes = footer_rows[i].file};
        hf_snapshot_footer_encode(&footer, 0, bytes);
        if ((hf_format_other(bytes, sizeof bytes) != NULL) != footer_rows[i].want) {
            fail_msg("footer %zu", i);
        }
    }

    static const char line[] = "holdfast-manifest 1\ndirectory";
    assert_true(hf_manifest_begins(line, 20));
    assert_false(hf_manifest_begins(line, 19));
    assert_true(hf_manifest_begins("holdfast-manifest 12\n", 21));
    assert_false(hf_manifest_begins("holdfast-manifest \n1", 20));
    assert_false(hf_manifest_begins("holdfast-Manifest 1\n", 20));
}

/* ------------------------------------------------------------------ rows */

enum what {
    SNAPSHOT_BLOCK, /* the first one of the log's own snapshot, and the next bytes of the file */
    SNAPSHOT_HEADER,
    SNAPSHOT_FOOTER,
    SEGMENT_HEADER,
    MANIFEST,
    OLD_GROUP,    /* the second group of the log */
    BROKEN_BLOCK, /* SNAPSHOT_BLOCK without its magic */
    MAGICS,       /* every magic word, but nothing that belongs behind it */
    NOISE,
    ZEROS
};

static const struct row {
    const char *name;
    enum what what;
    int group;       /* at which the bytes are put; GROUPS_COUNT: at the end of the log */
    uint64_t behind; /* by so many bytes behind its begin */
    bool is_long;    /* garbage follows up to the end of the log; ZEROS: zeros do */
    enum hf_inspect_verdict want;
    const char *want_text;
} rows[] = {
    /* name                                    what        group behind long want */
    {"over five groups", SNAPSHOT_BLOCK, 7, 0, true, HF_INSPECT_DAMAGED, "a snapshot's block"},
    {"over the last group", SNAPSHOT_BLOCK, 11, 0, true, HF_INSPECT_DAMAGED, "a snapshot's block"},
    {"its first sector left", SNAPSHOT_BLOCK, 7, 512, true, HF_INSPECT_DAMAGED,
     "a snapshot's block"},
    {"two sectors left", SNAPSHOT_BLOCK, 9, 1024, true, HF_INSPECT_DAMAGED, "a snapshot's block"},
    {"not at a sector's begin", SNAPSHOT_BLOCK, 8, 520, true, HF_INSPECT_DAMAGED,
     "a snapshot's block"},
    {"right at the log's end", SNAPSHOT_BLOCK, GROUPS_COUNT, 0, false, HF_INSPECT_DAMAGED,
     "a snapshot's block"},
    {"behind zeros", SNAPSHOT_BLOCK, GROUPS_COUNT, 4096, false, HF_INSPECT_DAMAGED,
     "a snapshot's block"},
    {"a header of one", SNAPSHOT_HEADER, 10, 0, true, HF_INSPECT_DAMAGED, "a snapshot's header"},
    {"a footer of one", SNAPSHOT_FOOTER, 11, 512, true, HF_INSPECT_DAMAGED, "a snapshot's footer"},
    {"a segment's header", SEGMENT_HEADER, 11, 0, false, HF_INSPECT_DAMAGED, "a segment's header"},
    {"a manifest", MANIFEST, 11, 0, false, HF_INSPECT_DAMAGED, "a manifest"},
    {"an old group", OLD_GROUP, 9, 512, true, HF_INSPECT_DAMAGED, "which comes before"},
    {"an old group at the end", OLD_GROUP, GROUPS_COUNT, 512, false, HF_INSPECT_DAMAGED,
     "which comes before"},
    {"an old group where one begins", OLD_GROUP, 9, 0, true, HF_INSPECT_DAMAGED, ""},
    /* Not the last groups: those behind bear witness, whatever it is. */
    {"noise before the last group", NOISE, 10, 0, false, HF_INSPECT_DAMAGED, "it was durable"},
    {"zeros before the last group", ZEROS, 10, 0, false, HF_INSPECT_DAMAGED, "it was durable"},
    /* A torn group may hold anything, magic words among it. */
    {"a snapshot's block, broken", BROKEN_BLOCK, 11, 0, true, HF_INSPECT_TORN, ""},
    {"magic words at its begin", MAGICS, 11, 0, false, HF_INSPECT_TORN, ""},
    {"magic words inside of it", MAGICS, 11, 512, false, HF_INSPECT_TORN, ""},
    {"noise at its end", NOISE, 11, 512, false, HF_INSPECT_TORN, ""},
    /* What no disk can know by itself (FORMATS.md 2.4): nothing is left that bears witness. */
    {"noise over the last groups", NOISE, 7, 0, true, HF_INSPECT_TORN, ""},
    {"noise over all but a sector", NOISE, 7, 512, true, HF_INSPECT_TORN, ""},
    {"zeros over the last groups", ZEROS, 7, 0, true, HF_INSPECT_SOUND, ""},
    {"zeros over all but a sector", ZEROS, 7, 512, true, HF_INSPECT_TORN, ""},
    {"the last group never came", ZEROS, 11, 0, true, HF_INSPECT_SOUND, ""},
};

/* A closed store: groups of one block of three sectors and more, and a snapshot behind a few. */
static void make_log(struct log *log)
{
    struct hf_store_fixture *fixture = &log->fixture;

    hf_store_fixture_init(fixture);
    assert_true(hf_store_fixture_open(fixture));
    for (int i = 0; i < GROUPS_COUNT; i++) {
        hf_store_fixture_work(fixture, 60);
        assert_true(hf_store_fixture_drain(fixture));
        if (i + 1 == SNAPSHOT_GROUP) {
            assert_int_equal(hf_store_fixture_snapshot(fixture), HF_OK);
            (void)snprintf(log->snapshot, sizeof log->snapshot,
                           HF_FIXTURE_FOLDER "/snapshot-%020" PRIu64 ".hfs",
                           hf_engine_lsn(fixture->engine));
        }
    }
    hf_store_fixture_close(fixture);
    log->end = HF_SECTOR_BYTES;
    for (int i = 0; i < GROUPS_COUNT; i++) {
        unsigned char bytes[HF_BLOCK_HEADER_BYTES];
        const char *why = NULL;
        struct group *group = &log->groups[i];
        group->offset = log->end;
        hf_sim_disk_peek(fixture->disk, SEGMENT, log->end, bytes, sizeof bytes);
        assert_int_equal(hf_block_peek(&group->header, bytes, sizeof bytes, &why), HF_OK);
        log->end = hf_format_group_offset(log->end + hf_block_bytes(&group->header));
        assert_true(log->end - group->offset >= 3 * (uint64_t)HF_SECTOR_BYTES);
    }
}

/* The bytes of the row; returns how many. */
static size_t make_stray(const struct log *log, enum what what, unsigned char *bytes)
{
    const struct hf_sim_disk *disk = log->fixture.disk;
    const uint64_t snapshot_bytes = hf_sim_disk_file_bytes(disk, log->snapshot);
    const size_t old_bytes = (size_t)(log->groups[2].offset - log->groups[1].offset);

    switch (what) {
    case SNAPSHOT_BLOCK:
    case BROKEN_BLOCK:
        hf_sim_disk_peek(disk, log->snapshot, HF_SNAPSHOT_HEADER_BYTES, bytes, 2048);
        bytes[8] ^= what == BROKEN_BLOCK ? 1 : 0;
        return 2048;
    case SNAPSHOT_HEADER:
        hf_sim_disk_peek(disk, log->snapshot, 0, bytes, HF_SNAPSHOT_HEADER_BYTES);
        return HF_SNAPSHOT_HEADER_BYTES;
    case SNAPSHOT_FOOTER:
        hf_sim_disk_peek(disk, log->snapshot, snapshot_bytes - HF_SNAPSHOT_FOOTER_BYTES, bytes,
                         HF_SNAPSHOT_FOOTER_BYTES);
        return HF_SNAPSHOT_FOOTER_BYTES;
    case SEGMENT_HEADER:
        hf_sim_disk_peek(disk, SEGMENT, 0, bytes, HF_SEGMENT_HEADER_BYTES);
        return HF_SEGMENT_HEADER_BYTES;
    case MANIFEST:
        hf_sim_disk_peek(disk, HF_FIXTURE_FOLDER "/MANIFEST", 0, bytes, 80);
        return 80;
    case OLD_GROUP:
        hf_sim_disk_peek(disk, SEGMENT, log->groups[1].offset, bytes, old_bytes);
        return old_bytes;
    case MAGICS:
        memset(bytes, GARBAGE, HF_SECTOR_BYTES);
        memcpy(bytes + 8, "HFSB", 4);
        memcpy(bytes + 64, "HFSEGMNT", 8);
        memcpy(bytes + 128, "HFSNAPSH", 8);
        memcpy(bytes + 192 + 8, "HFSNPEND", 8);
        memcpy(bytes + 256, "holdfast-manifest ", 18);
        memcpy(bytes + 320 + 8, "HFBK\2\0\0\0", 8);
        return HF_SECTOR_BYTES;
    case NOISE:
        memset(bytes, GARBAGE, HF_SECTOR_BYTES);
        return HF_SECTOR_BYTES;
    case ZEROS:
        memset(bytes, 0, HF_SECTOR_BYTES);
        return HF_SECTOR_BYTES;
    }
    return 0;
}

/* Do what the row says; the group at which the log breaks off. */
static const struct group *put_stray(const struct log *log, const struct row *row)
{
    static unsigned char bytes[STRAY_BYTES_MAX];
    const uint64_t begin =
        (row->group < GROUPS_COUNT ? log->groups[row->group].offset : log->end) + row->behind;

    size_t bytes_count = make_stray(log, row->what, bytes);
    if (row->is_long && begin + bytes_count < log->end) {
        const size_t wanted = (size_t)(log->end - begin);
        assert_true(wanted <= sizeof bytes);
        memset(bytes + bytes_count, row->what == ZEROS ? 0 : GARBAGE, wanted - bytes_count);
        bytes_count = wanted;
    }
    hf_sim_disk_poke(log->fixture.disk, SEGMENT, begin, bytes, bytes_count);
    return row->group < GROUPS_COUNT ? &log->groups[row->group] : NULL;
}

struct heard {
    char text[512];
    uint64_t offset, lsn;
};

static void hear(void *arg, const struct hf_inspect_finding *finding)
{
    struct heard *heard = arg;

    if (heard->text[0] == '\0' && finding->verdict != HF_INSPECT_SOUND) {
        (void)snprintf(heard->text, sizeof heard->text, "%s", finding->text);
        heard->offset = finding->offset;
        heard->lsn = finding->lsn;
    }
}

/* A start is refused with the same words; a repair is the way out. */
static void check_damage(struct log *log, const struct row *row, uint64_t offset, uint64_t lsn)
{
    struct hf_store_fixture *fixture = &log->fixture;
    char place[128], error[1024] = "";

    (void)snprintf(place, sizeof place, "%s\" at offset %" PRIu64 " (LSN %" PRIu64 ")",
                   strrchr(SEGMENT, '/') + 1, offset, lsn);
    if (hf_store_fixture_open(fixture)) {
        fail_msg("%s: the start is not refused", row->name);
    }
    if (strstr(fixture->error, place) == NULL || strstr(fixture->error, row->want_text) == NULL ||
        strstr(fixture->error, "holdfast-log verify") == NULL) {
        fail_msg("%s: \"%s\"", row->name, fixture->error);
    }
    struct hf_repair *repair = hf_repair_begin(HF_FIXTURE_FOLDER, hf_sim_disk_table(fixture->disk),
                                               lsn - 1, error, sizeof error);
    if (repair == NULL || hf_repair_run(repair, error, sizeof error) != HF_OK) {
        fail_msg("%s: no repair: %s", row->name, error);
    }
    hf_repair_end(repair);
}

static void check_row(struct log *log, const struct row *row)
{
    struct hf_store_fixture *fixture = &log->fixture;
    struct hf_inspect_totals totals;
    struct heard heard = {.text = ""};

    const uint64_t last_lsn = log->groups[GROUPS_COUNT - 1].header.last_lsn;
    const struct group *group = put_stray(log, row);
    const uint64_t offset = group != NULL ? group->offset : log->end;
    const uint64_t lsn = group != NULL ? group->header.first_lsn : last_lsn + 1;
    const enum hf_inspect_verdict verdict = hf_inspect_verify(
        HF_FIXTURE_FOLDER, hf_sim_disk_table(fixture->disk), NULL, &totals, hear, &heard);
    if (verdict != row->want || strstr(heard.text, row->want_text) == NULL) {
        fail_msg("%s: verdict %d, \"%s\"", row->name, verdict, heard.text);
    }
    if (verdict != HF_INSPECT_SOUND && (heard.offset != offset || heard.lsn != lsn)) {
        fail_msg("%s: at offset %" PRIu64 ", LSN %" PRIu64, row->name, heard.offset, heard.lsn);
    }
    if (verdict == HF_INSPECT_DAMAGED) {
        check_damage(log, row, offset, lsn);
    }
    fixture->acked_lsn = 0; /* what is lost here was told of */
    if (!hf_store_fixture_open(fixture)) {
        fail_msg("%s: %s", row->name, fixture->error);
    }
    assert_int_equal(hf_engine_lsn(fixture->engine), lsn - 1);
    hf_store_fixture_close(fixture);
    assert_int_equal(hf_inspect_verify(HF_FIXTURE_FOLDER, hf_sim_disk_table(fixture->disk), NULL,
                                       &totals, hear, &heard),
                     HF_INSPECT_SOUND);
}

static void strays(void **state)
{
    struct log log;

    (void)state;
    make_log(&log);
    struct hf_sim_disk *sound = log.fixture.disk;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        log.fixture.disk = hf_sim_disk_clone(sound);
        check_row(&log, &rows[i]);
        hf_sim_disk_free(log.fixture.disk);
    }
    log.fixture.disk = sound;
    hf_store_fixture_release(&log.fixture);
}

/* ------------------------------------------------------------------ every write, everywhere */

/*
 * The write that goes astray. The disk's table has no place for it: its functions know their own
 * context only.
 */
static struct detour {
    const struct hf_disk *below;
    struct hf_sim_disk *disk;
    uint64_t writes_left; /* until it comes; 0: it does not */
    const char *path;     /* where it lands */
    uint64_t offset;
    bool has_strayed, is_zeros;
} detour;

static int64_t detoured_write(void *ctx, int file, const void *bytes, size_t bytes_count,
                              uint64_t offset)
{
    static const unsigned char zeros[512];
    if (detour.writes_left == 0 || --detour.writes_left > 0) {
        return detour.below->write(ctx, file, bytes, bytes_count, offset);
    }
    /* In a file that is gone by now, or shorter, it lands nowhere. */
    const uint64_t file_bytes = hf_sim_disk_exists(detour.disk, detour.path)
                                    ? hf_sim_disk_file_bytes(detour.disk, detour.path)
                                    : 0;
    if (detour.offset < file_bytes) {
        const uint64_t room = file_bytes - detour.offset;
        hf_sim_disk_poke(detour.disk, detour.path, detour.offset, bytes,
                         bytes_count < room ? bytes_count : (size_t)room);
    }
    detour.has_strayed = true;
    detour.is_zeros = memcmp(bytes, zeros, bytes_count < 512 ? bytes_count : 512) == 0;
    return (int64_t)bytes_count;
}

struct everywhere {
    struct hf_store_fixture fixture;
    struct hf_store_fixture begun;       /* its figures when the life begins */
    struct hf_sim_disk *disk;            /* then; its log has a torn tail */
    uint64_t end;                        /* of the log then */
    uint64_t begun_lsn;                  /* its newest LSN then */
    uint64_t begun_bound_lsn, bound_lsn; /* synced before the newest group */
    bool has_grouped;                    /* since the write went astray */
    uint64_t refused_count, same_count, cut_count, zeros_count;
};

/* A life before: groups, a snapshot, and a loss of power with a group on its way. */
static void begin_everywhere(struct everywhere *all)
{
    struct hf_store_fixture *fixture = &all->fixture;

    *all = (struct everywhere){.end = 0};
    hf_store_fixture_init(fixture);
    assert_true(hf_store_fixture_open(fixture));
    for (int i = 0; i < 8; i++) {
        all->begun_bound_lsn = hf_store_synced_lsn(fixture->store);
        hf_store_fixture_work(fixture, 12);
        assert_true(hf_store_fixture_drain(fixture));
        if (i == 2) {
            assert_int_equal(hf_store_fixture_snapshot(fixture), HF_OK);
        }
    }
    all->begun_lsn = hf_store_synced_lsn(fixture->store);
    /* The sync of the last group, a long one, fails: it is neither there nor not. */
    hf_store_fixture_work(fixture, 200);
    hf_sim_disk_fail(fixture->disk,
                     &(struct hf_sim_fault){.nth = 1, .calls = HF_SIM_SYNC, .error = EIO});
    assert_false(hf_store_fixture_drain(fixture));
    hf_store_fixture_crash(fixture, HF_SIM_SPOIL, 1);
    unsigned char word[8] = {0};
    for (uint64_t at = 0; at < STRAY_BYTES_MAX; at += 8) {
        hf_sim_disk_peek(fixture->disk, SEGMENT, at, word, sizeof word);
        all->end = memcmp(word, "\0\0\0\0\0\0\0\0", 8) != 0 ? at + 8 : all->end;
    }
    all->disk = fixture->disk;
    all->begun = *fixture;
}

/* Open, groups, the spare, snapshots. */
static const char deeds[] = "oggsgSgggSg";
#define DEEDS_MAX 11

/* The next deed of the life; false: there is none, or the server has stopped. */
static bool do_next(struct everywhere *all, int deed)
{
    struct hf_store_fixture *fixture = &all->fixture;

    switch (deeds[deed]) {
    case 'o':
        return hf_store_fixture_open(fixture);
    case 's':
        (void)hf_store_spare_step(fixture->store);
        return true;
    case 'S':
        (void)hf_store_fixture_snapshot(fixture); /* one that reads back badly is none */
        return !hf_store_failed(fixture->store);
    case 'g': {
        const uint64_t synced_lsn = hf_store_synced_lsn(fixture->store);
        const bool had_strayed = detour.has_strayed;
        hf_store_fixture_work(fixture, 12);
        if (!hf_store_fixture_drain(fixture)) {
            return false;
        }
        all->bound_lsn = synced_lsn;
        all->has_grouped |= had_strayed;
        return true;
    }
    default:
        return false;
    }
}

/* What the next start makes of it. */
static void judge_everywhere(struct everywhere *all, const char *text)
{
    struct hf_store_fixture *fixture = &all->fixture;
    const bool is_up = fixture->engine != NULL;
    const uint64_t last_lsn = is_up ? hf_engine_lsn(fixture->engine) : all->begun_lsn;

    /* Zeros in the wrong place are missed by the very start that wrote them. */
    if (!is_up && detour.is_zeros && strstr(fixture->error, "could not mend") == NULL) {
        fail_msg("%s: \"%s\"", text, fixture->error);
    }
    hf_store_fixture_close(fixture);
    fixture->table = NULL;
    if (!hf_store_fixture_open(fixture)) {
        all->refused_count++;
        return;
    }
    const uint64_t lsn = hf_engine_lsn(fixture->engine);
    if (!hf_digest_is_equal(hf_engine_digest(fixture->engine), fixture->digests[lsn])) {
        fail_msg("%s: another digest at LSN %" PRIu64, text, lsn);
    }
    if (is_up && detour.is_zeros && lsn != last_lsn) {
        fail_msg("%s: a start that went on with its zeros in the wrong place", text);
    }
    if (lsn == last_lsn) {
        all->same_count++;
    } else if (lsn >= all->bound_lsn) {
        all->cut_count++;
    } else if (detour.is_zeros && !all->has_grouped) {
        all->zeros_count++; /* FORMATS.md 2.4 */
    } else {
        fail_msg("%s: LSN %" PRIu64 " of %" PRIu64 ", at least %" PRIu64 " it must", text, lsn,
                 last_lsn, all->bound_lsn);
    }
}

/* The life with the nth write at the place; so many deeds follow. False: there is no such one. */
static bool live(struct everywhere *all, uint64_t nth, const char *path, uint64_t offset,
                 int deeds_after)
{
    struct hf_store_fixture *fixture = &all->fixture;
    struct hf_disk table;
    char text[160];

    fixture->disk = hf_sim_disk_clone(all->disk);
    fixture->now_us = all->begun.now_us;
    fixture->random = all->begun.random;
    fixture->names_count = all->begun.names_count;
    all->bound_lsn = all->begun_bound_lsn;
    all->has_grouped = false;
    detour = (struct detour){.below = hf_sim_disk_table(fixture->disk),
                             .disk = fixture->disk,
                             .writes_left = nth,
                             .path = path,
                             .offset = offset};
    table = *detour.below;
    table.write = detoured_write;
    fixture->table = &table;
    for (int deed = 0; deeds_after >= 0 && do_next(all, deed); deed++) {
        deeds_after -= detour.has_strayed ? 1 : 0;
    }
    (void)snprintf(text, sizeof text, "write %" PRIu64 " at %s, %" PRIu64 ", then %d", nth, path,
                   offset, deeds_after);
    if (detour.has_strayed) {
        judge_everywhere(all, text);
    }
    hf_store_fixture_close(fixture);
    hf_sim_disk_free(fixture->disk);
    fixture->log_bytes = 0;
    return detour.has_strayed;
}

static void every_write_everywhere(void **state)
{
    static const int deeds_after[] = {0, 1, DEEDS_MAX};
    const char *scale = getenv("SCALE");
    const uint64_t each = scale != NULL && strcmp(scale, "full") == 0 ? 1 : 7;
    struct everywhere all;
    const char *path;

    (void)state;
    begin_everywhere(&all);
    uint64_t count = hf_random_seed();
    assert_false(live(&all, UINT64_MAX, SEGMENT, 0, 0));
    const uint64_t writes_count = UINT64_MAX - detour.writes_left;
    for (size_t file = 0; (path = hf_sim_disk_name(all.disk, file)) != NULL; file++) {
        const uint64_t file_bytes = hf_sim_disk_file_bytes(all.disk, path);
        const uint64_t used = strcmp(path, SEGMENT) == 0 ? all.end + 16 * 512 : 4 * 512;
        for (uint64_t at = 0; at < used && at < file_bytes; at += HF_SECTOR_BYTES) {
            for (uint64_t nth = 1; nth <= writes_count; nth++) {
                for (size_t i = 0; i < sizeof deeds_after / sizeof deeds_after[0]; i++) {
                    if (count++ % each == 0) {
                        assert_true(live(&all, nth, path, at, deeds_after[i]));
                    }
                }
            }
        }
    }
    print_message("%" PRIu64 " writes; %" PRIu64 " refused, %" PRIu64 " the same, %" PRIu64
                  " lost the last group, %" PRIu64 " more below zeros\n",
                  writes_count, all.refused_count, all.same_count, all.cut_count, all.zeros_count);
    assert_true(writes_count >= 10);
    assert_true(all.refused_count > 500 / each);
    assert_true(all.same_count > 100 / each);
    all.fixture.disk = all.disk;
    hf_store_fixture_release(&all.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(strays),
        cmocka_unit_test(every_write_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
