/*
 * test_planted.c - proof that the simulator can fail: defects are planted, and found.
 *
 * Method: the same programs and the same seeds as in test_sim.c, but the linker puts functions of
 * this file in the place of some of the server's (--wrap, see the Makefile): production code has no
 * switches. Each defect is one that a real engine has had:
 *
 *     reply before sync       a reply leaves when its record is in memory, not on the disk
 *     torn tail accepted      whatever does not read as a block at the end of the log is cut off
 *     write astray accepted   a tail is torn whatever stands there that no write of the log leaves
 *     local clock             recovery counts a hold's time-to-live from its own clock
 *     forgotten reference     the snapshot holds no references, and the digest does not look
 *     names not synced        the directory is not synced after a file was made or renamed
 *
 * Each must be found within a thousand seeds; how many it took is printed, with what was said.
 * Without a defect the same build finds nothing in the same seeds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/effect.h"
#include "engine/image.h"
#include "persistence/tail.h"
#include "tests/sim/run.h"

#define SEEDS_MAX 1000u
#define SEEDS_SOUND 10u

enum defect {
    NONE,
    REPLY_EARLY,
    TORN_TAIL,
    WRITE_ASTRAY,
    LOCAL_CLOCK,
    FORGOTTEN_REFERENCE,
    NAMES_UNSYNCED
};

/* The functions below are called from everywhere: which defect is planted cannot be handed in. */
static enum defect planted;
static uint64_t local_us; /* the clock of the machine that recovers, apart from all others */

/* ------------------------------------------------------------------ the defects */

enum hf_tail __real_hf_tail_judge(const struct hf_tail_facts *facts, char *text, size_t text_bytes);
enum hf_tail __wrap_hf_tail_judge(const struct hf_tail_facts *facts, char *text, size_t text_bytes);
enum hf_tail __wrap_hf_tail_judge(const struct hf_tail_facts *facts, char *text, size_t text_bytes)
{
    struct hf_segment_rest rest = *facts->rest;
    struct hf_tail_facts others = *facts;

    if (planted == WRITE_ASTRAY) {
        rest.other = NULL;
        others.rest = &rest;
    }
    const enum hf_tail tail = __real_hf_tail_judge(&others, text, text_bytes);
    if (planted != TORN_TAIL || tail != HF_TAIL_DAMAGED || facts->snapshot_lsn >= facts->lsn) {
        return tail; /* recovery asserts that nothing is cut below a snapshot */
    }
    text[0] = '\0';
    return HF_TAIL_TORN;
}

enum hf_err __real_hf_effect_apply(struct hf_engine *engine, struct hf_effect_context *context,
                                   struct hf_effect *effect, bool is_replay, const char **why);
enum hf_err __wrap_hf_effect_apply(struct hf_engine *engine, struct hf_effect_context *context,
                                   struct hf_effect *effect, bool is_replay, const char **why);
enum hf_err __wrap_hf_effect_apply(struct hf_engine *engine, struct hf_effect_context *context,
                                   struct hf_effect *effect, bool is_replay, const char **why)
{
    if (planted == LOCAL_CLOCK && is_replay) {
        local_us += 10;
        if (effect->tag == HF_EFFECT_OPEN && effect->reservation.life_us != 0 &&
            local_us > context->header->ts_us) {
            effect->reservation.life_us += local_us - context->header->ts_us;
        }
    }
    return __real_hf_effect_apply(engine, context, effect, is_replay, why);
}

/* The name of every reference becomes another one on its way through a snapshot: loading finds as
 * many as the head counts, and none that anybody will ask for. */
bool __real_hf_image_read_ref(struct hf_reader *in, struct hf_image_ref *ref);
bool __wrap_hf_image_read_ref(struct hf_reader *in, struct hf_image_ref *ref);
bool __wrap_hf_image_read_ref(struct hf_reader *in, struct hf_image_ref *ref)
{
    if (!__real_hf_image_read_ref(in, ref)) {
        return false;
    }
    if (planted == FORGOTTEN_REFERENCE && ref->text.bytes_count > 0) {
        *(char *)(uintptr_t)ref->text.bytes = '~'; /* in the loader's own buffer */
    }
    return true;
}

/* ... and the digest does not look at the letter that changes. */
unsigned char *__real_hf_image_put(const struct hf_engine *engine, enum hf_item item,
                                   uint32_t index, unsigned char *at);
unsigned char *__wrap_hf_image_put(const struct hf_engine *engine, enum hf_item item,
                                   uint32_t index, unsigned char *at);
unsigned char *__wrap_hf_image_put(const struct hf_engine *engine, enum hf_item item,
                                   uint32_t index, unsigned char *at)
{
    unsigned char *end = __real_hf_image_put(engine, item, index, at);
    const bool is_planted = planted == FORGOTTEN_REFERENCE && item == HF_ITEM_REF;

    for (unsigned char *byte = at; is_planted && byte + 4 < end; byte++) {
        if (memcmp(byte, "ref-", 4) == 0) {
            byte[0] = '~';
        }
    }
    return end;
}

int __real_hf_directory_sync(const struct hf_directory *directory);
int __wrap_hf_directory_sync(const struct hf_directory *directory);
int __wrap_hf_directory_sync(const struct hf_directory *directory)
{
    return planted == NAMES_UNSYNCED ? 0 : __real_hf_directory_sync(directory);
}

/* ------------------------------------------------------------------ the hunt */

static bool run_seed(uint64_t seed, enum defect defect, const struct hf_plan_cut *cut,
                     struct hf_sim_report *report)
{
    const struct hf_sim_options options = {
        .seed = seed,
        .cut = cut,
        .is_replying_early = defect == REPLY_EARLY,
        .is_synced = defect == WRITE_ASTRAY,
        .is_aiming = defect == WRITE_ASTRAY,
    };

    planted = defect;
    local_us = HF_WORLD_START_US;
    const bool is_good = hf_sim_run(&options, report);
    planted = NONE;
    return is_good;
}

/* Found within the seeds, by one of the violations that it must lead to. */
static void hunt(enum defect defect, const char *name, const char *said, const char *or_said)
{
    for (uint64_t seed = 1; seed <= SEEDS_MAX; seed++) {
        struct hf_sim_report report = {0};
        if (run_seed(seed, defect, NULL, &report)) {
            continue;
        }
        print_message("ok: %s was found by seed %" PRIu64 " of %u: %s\n", name, seed, SEEDS_MAX,
                      report.violation);
        if (strstr(report.violation, said) == NULL && strstr(report.violation, or_said) == NULL) {
            fail_msg("it should have been \"%s\" or \"%s\"", said, or_said);
        }
        return;
    }
    fail_msg("%s was not found in %u seeds", name, SEEDS_MAX);
}

static void nothing_is_found_where_nothing_is_planted(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS_SOUND; seed++) {
        struct hf_sim_report report = {0};
        if (!run_seed(seed, NONE, NULL, &report)) {
            fail_msg("SEED=%" PRIu64 ": %s", seed, report.violation);
        }
    }
}

static void a_reply_before_the_sync(void **state)
{
    (void)state;
    hunt(REPLY_EARLY, "a reply before the sync", "lost: ", "lost: ");
}

static void a_torn_tail_that_is_none(void **state)
{
    (void)state;
    hunt(TORN_TAIL, "a torn tail that is none", "loses without a word", "lost: ");
}

static void a_write_astray_that_is_a_torn_tail(void **state)
{
    (void)state;
    hunt(WRITE_ASTRAY, "a write astray that is a torn tail", "loses without a word", "lost: ");
}

static void a_time_to_live_by_the_local_clock(void **state)
{
    (void)state;
    hunt(LOCAL_CLOCK, "a time-to-live by the local clock", "digest", "expire");
}

static void a_reference_that_the_snapshot_forgets(void **state)
{
    (void)state;
    hunt(FORGOTTEN_REFERENCE, "a reference that the snapshot forgets", "not repeated", "repeated");
}

static void names_that_are_not_synced(void **state)
{
    (void)state;
    hunt(NAMES_UNSYNCED, "a directory that is not synced", "lost: ", "refuse");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_found_where_nothing_is_planted),
        cmocka_unit_test(a_reply_before_the_sync),
        cmocka_unit_test(a_torn_tail_that_is_none),
        cmocka_unit_test(a_write_astray_that_is_a_torn_tail),
        cmocka_unit_test(a_time_to_live_by_the_local_clock),
        cmocka_unit_test(a_reference_that_the_snapshot_forgets),
        cmocka_unit_test(names_that_are_not_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
