/*
 * test_engine_load_threads.c - the two halves of loading, each on a thread of its own.
 *
 * Method: a state of several chunks with everything in it that the halves share: reservations of
 * many lines, open and closed, in orders, with long ids; references; cells with an extra. One
 * thread prepares up to a few chunks ahead of the other, which joins them; the digest must be that
 * of the state. Under ThreadSanitizer (`make tsan`) this shows that each thing has one owner.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "persistence/ahead.h"
#include "tests/lib/small_engine.h"

#define RESERVATIONS 12000u
#define CHUNKS_MAX 64
#define SLOTS 4

struct loading {
    struct hf_engine *engine;
    struct {
        unsigned char *bytes;
        size_t bytes_count;
    } chunks[CHUNKS_MAX];
    uint32_t chunks_count;
    uint32_t prepared_count;
    struct hf_image_part parts[SLOTS];
};

static struct hf_engine_config config_of_test(void)
{
    struct hf_engine_config config = hf_small_config();

    config.reservations_max = RESERVATIONS;
    config.lines_max = 4 * RESERVATIONS;
    config.references_max = RESERVATIONS;
    return config;
}

static void live(struct hf_small *small)
{
    const struct hf_engine_config config = config_of_test();

    hf_small_init(small, &config);
    assert_int_equal(hf_small_do(small, "receive A@W=90000 B@W=90000 C@W=90000 D@W=90000"), HF_OK);
    assert_int_equal(hf_small_do(small, "set_policy B@W safety=5"), HF_OK);
    assert_int_equal(hf_small_do(small, "transfer_create t1 from=W to=V A=4 ship"), HF_OK);
    for (uint32_t i = 0; i < RESERVATIONS; i++) {
        assert_int_equal(
            hf_small_do(small,
                        "reserve id-that-is-long-%u-and-more order=order-that-is-long-too-%u "
                        "A@W=2 B@W=3 C@W=1 D@W=9 ref=a-reference-that-is-long-as-well-%u",
                        i, i / 3, i),
            HF_OK);
        if (i % 3 == 0) {
            assert_int_equal(hf_small_do(small, "release id-that-is-long-%u-and-more", i), HF_OK);
        }
    }
}

/* The state as a snapshot's file would hold it. */
static void take_chunks(const struct hf_small *small, struct loading *loading)
{
    struct hf_image_cursor cursor = {0};

    for (;;) {
        unsigned char *bytes = malloc(HF_IMAGE_BYTES_MIN);
        assert_non_null(bytes);
        const size_t bytes_count =
            hf_engine_copy(small->engine, &cursor, bytes, HF_IMAGE_BYTES_MIN);
        assert_true(loading->chunks_count < CHUNKS_MAX);
        if (bytes_count == 0) {
            free(bytes);
            return;
        }
        loading->chunks[loading->chunks_count].bytes = bytes;
        loading->chunks[loading->chunks_count++].bytes_count = bytes_count;
    }
}

static bool prepare_next(void *arg, uint32_t slot)
{
    struct loading *loading = arg;
    const uint32_t at = loading->prepared_count++;

    hf_engine_load_prepare(loading->engine, loading->chunks[at].bytes,
                           loading->chunks[at].bytes_count, &loading->parts[slot]);
    return loading->prepared_count < loading->chunks_count;
}

static void halves_meet(void **state)
{
    static struct loading loading;
    const struct hf_engine_config config = config_of_test();
    const bool has_thread = *state != NULL;
    struct hf_small small;
    const char *why = "";
    uint32_t slot = 0;

    loading = (struct loading){.engine = hf_engine_create(&config)};
    assert_non_null(loading.engine);
    live(&small);
    take_chunks(&small, &loading);
    assert_true(loading.chunks_count > 1);
    struct hf_ahead *ahead = hf_ahead_start(SLOTS, has_thread, prepare_next, &loading);
    assert_non_null(ahead);
    while (hf_ahead_take(ahead, &slot)) {
        assert_int_equal(hf_engine_load_join(loading.engine, &loading.parts[slot], &why), HF_OK);
        while (!hf_ahead_is_ready(ahead) && hf_engine_load_idle(loading.engine)) {
            /* until the next part has come */
        }
    }
    hf_ahead_end(ahead);
    assert_int_equal(hf_engine_load_end(loading.engine, &why), HF_OK);
    assert_true(
        hf_digest_is_equal(hf_engine_digest(loading.engine), hf_engine_digest(small.engine)));
    assert_null(hf_small_violation(loading.engine));
    for (uint32_t i = 0; i < loading.chunks_count; i++) {
        free(loading.chunks[i].bytes);
    }
    hf_engine_free(loading.engine);
    hf_small_release(&small);
}

int main(void)
{
    static bool has_thread = true;
    const struct CMUnitTest tests[] = {
        {.name = "one thread does both", .test_func = halves_meet},
        {.name = "two threads", .test_func = halves_meet, .initial_state = &has_thread},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
