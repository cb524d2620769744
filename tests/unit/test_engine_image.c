/*
 * test_engine_image.c - the state as items: copied out, loaded again, and never half believed.
 *
 * Method: a small world with every kind of item is copied and loaded: digest, bytes of a second
 * copy and all that happens afterwards are the same. Then the copy is spoilt: every prefix, every
 * item left out, every item twice, every bit flipped; what is not refused must at least be a state
 * that can be copied again. Limits that are too small are named as such.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/image.h"
#include "tests/lib/small_engine.h"

static const char *const story[] = {
    "receive A@W=20 B@W=300 A@V=5 ref=in-1 order=po-7",
    "receive C@W=4 D@V=1000000000000 ref=a-reference-of-64-bytes-0123456789012345678901234567890",
    "set_policy A@W safety=2 low=5 backorder=7",
    "set_policy B@W low=0",
    "set_policy E@V safety=1",
    "set_location V=0",
    "set_region id=north W V",
    "set_region id=south U",
    "reserve r1 A@W=3 B@W=2 A@V=1 ttl=900000000 order=o-1",
    "reserve sixteen-bytes-id B@W=5 order=o-1",
    "reserve seventeen-bytes-i B@W=5 ttl=1000 order=o-2",
    "reserve an-id-of-sixty-four-bytes-01234567890123456789012345678901234567 B@W=1",
    "confirm sixteen-bytes-id",
    "fulfil sixteen-bytes-id B@W=2 ref=f-1",
    "reserve r5 A@W=2 B@W=1 order=o-1",
    "confirm r5",
    "fulfil r5 A@W=1 rest",
    "reserve r6 B@W=9",
    "release r6",
    "replace r8 old=r1 A@W=4 B@W=1",
    "reserve r9 B@W=1 ttl=1",
    "sell B@W=1 order=po-7 by=till",
    "release an-id-of-sixty-four-bytes-01234567890123456789012345678901234567",
    "release_order order=o-2",
    "receive A@W=30 B@W=30 reason=1",
    "transfer_create t1 from=W to=V A=5 B=4 ship order=o-9",
    "transfer_receive t1 A=1 damaged=1",
    "transfer_create t2 from=W to=U B=6",
    "transfer_create t3 from=W to=U B=6 ship",
    "transfer_receive t3",
    "transfer_create a-transfer-whose-id-is-as-long-as-ids-may-be-0123456789012345678 from=W to=V "
    "B=2 "
    "ship order=an-order-that-is-as-long-as-orders-may-be-0123456789012345678901",
    "transfer_close a-transfer-whose-id-is-as-long-as-ids-may-be-0123456789012345678 reason=4",
    "transfer_cancel t2 B=1",
    "inbound_create i1 to=W A=50 C=5 eta=1700000000000000 order=po-9",
    "inbound_receive i1 C=2",
    "inbound_create i2 to=V A=7 sellable",
    "inbound_create i3 to=W C=5",
    "inbound_cancel i3",
    "move_status A@W=1 from=sellable to=damaged reason=3",
    "move_status B@W=1 from=sellable to=quarantined reason=15",
};
#define STORY_COUNT (sizeof story / sizeof story[0])

static void live_the_story(struct hf_small *small)
{
    hf_small_init(small, NULL);
    for (size_t i = 0; i < STORY_COUNT; i++) {
        if (hf_small_do(small, "%s", story[i]) != HF_OK) {
            fail_msg("\"%s\": %s", story[i], hf_err_name(small->result.outcome));
        }
    }
    hf_engine_expire(small->engine, small->now_us, 10);
    hf_small_pin(small);
}

/* ------------------------------------------------------------------ items */

#define ITEMS_MAX 64

struct items {
    unsigned char *bytes;
    size_t ends[ITEMS_MAX]; /* item i is from ends[i - 1] to ends[i] */
    uint32_t count;
};

/* The image, item by item. */
static void take_items(const struct hf_engine *engine, struct items *items)
{
    items->bytes = malloc(HF_IMAGE_BYTES_MIN);
    items->count = 0;
    assert_non_null(items->bytes);
    unsigned char *at = items->bytes;
    for (unsigned item = HF_ITEM_HEAD; item < HF_ITEMS_END; item++) {
        const uint64_t size = hf_image_section_size(engine, (enum hf_item)item);
        for (uint64_t i = 0; i < size; i++) {
            unsigned char *end = hf_image_put(engine, (enum hf_item)item, (uint32_t)i, at);
            assert_true((size_t)(end - at) <=
                        hf_image_item_bound(engine, (enum hf_item)item, (uint32_t)i));
            if (end != at) {
                assert_true(items->count < ITEMS_MAX);
                items->ends[items->count++] = (size_t)(end - items->bytes);
                at = end;
            }
        }
    }
}

static const unsigned char *item_at(const struct items *items, uint32_t index, size_t *bytes_count)
{
    const size_t start = index == 0 ? 0 : items->ends[index - 1];
    *bytes_count = items->ends[index] - start;
    return items->bytes + start;
}

static size_t image_bytes(const struct items *items)
{
    return items->ends[items->count - 1];
}

/* Load bytes as one chunk and end; the engine is the caller's. */
static enum hf_err load(struct hf_engine *engine, const void *bytes, size_t bytes_count,
                        const char **why)
{
    const enum hf_err err = hf_engine_load(engine, bytes, bytes_count, why);
    return err != HF_OK ? err : hf_engine_load_end(engine, why);
}

static struct hf_engine *new_engine(void)
{
    const struct hf_engine_config config = hf_small_config();
    struct hf_engine *engine = hf_engine_create(&config);
    assert_non_null(engine);
    return engine;
}

static void check_refused(const void *bytes, size_t bytes_count)
{
    struct hf_engine *engine = new_engine();
    const char *why = "";

    assert_int_equal(load(engine, bytes, bytes_count, &why), HF_CORRUPT);
    assert_true(why[0] != '\0');
    hf_engine_free(engine);
}

/* ------------------------------------------------------------------ tests */

static void copy_and_load(void **state)
{
    struct hf_small small;
    struct hf_small loaded;
    struct items items;
    struct items again;
    const char *why = "";
    unsigned char *chunk = malloc(HF_IMAGE_BYTES_MIN);
    struct hf_image_cursor cursor = {0};
    (void)state;

    live_the_story(&small);
    const size_t bytes_count = hf_engine_copy(small.engine, &cursor, chunk, HF_IMAGE_BYTES_MIN);
    take_items(small.engine, &items);
    assert_int_equal(bytes_count, image_bytes(&items));
    assert_memory_equal(chunk, items.bytes, bytes_count);
    assert_int_equal(hf_engine_copy(small.engine, &cursor, chunk, HF_IMAGE_BYTES_MIN), 0);
    unsigned kinds = 0;
    for (uint32_t i = 0; i < items.count; i++) {
        size_t item_bytes;
        kinds |= 1u << item_at(&items, i, &item_bytes)[0];
    }
    assert_int_equal(kinds, /* every kind of item, and none of format 1 */
                     1u << HF_TAG_HEAD | 1u << HF_TAG_REGION | 1u << HF_TAG_LOCATION |
                         1u << HF_TAG_SKU | 1u << HF_TAG_CELL | 1u << HF_TAG_RESERVATION |
                         1u << HF_TAG_REF | 1u << HF_TAG_SHIPMENT);

    hf_small_init(&loaded, NULL);
    loaded.now_us = small.now_us;
    assert_int_equal(load(loaded.engine, chunk, bytes_count, &why), HF_OK);
    assert_true(
        hf_digest_is_equal(hf_engine_digest(small.engine), hf_engine_digest(loaded.engine)));
    assert_null(hf_small_violation(loaded.engine));
    take_items(loaded.engine, &again);
    assert_int_equal(image_bytes(&again), bytes_count);
    assert_memory_equal(again.bytes, items.bytes, bytes_count);

    struct hf_engine_stats stats[2];
    hf_engine_stats(small.engine, &stats[0]);
    hf_engine_stats(loaded.engine, &stats[1]);
    assert_int_equal(stats[0].reservations_count, stats[1].reservations_count);
    assert_int_equal(stats[0].reservations_remembered, stats[1].reservations_remembered);
    assert_int_equal(stats[0].references_count, stats[1].references_count);
    assert_int_equal(stats[0].transfers_count, stats[1].transfers_count);
    assert_int_equal(stats[0].inbound_count, stats[1].inbound_count);
    assert_int_equal(hf_engine_next_deadline_us(small.engine) == UINT64_MAX,
                     hf_engine_next_deadline_us(loaded.engine) == UINT64_MAX);
    free(items.bytes);
    free(again.bytes);
    free(chunk);
    hf_small_release(&small);
    hf_small_release(&loaded);
}

/* From then on both live alike: repeats, orders, expiry, and names forgotten in the same order. */
static void loaded_engine_goes_on(void **state)
{
    static const char *const later[] = {
        "receive A@W=20 B@W=300 A@V=5 ref=in-1 order=po-7", /* a repeat */
        "reserve r8 A@W=4",                                 /* another content */
        "fulfil sixteen-bytes-id rest",
        "reserve r1 A@W=1",
        "reserve r10 A@W=1 ttl=5 order=o-1",
        "confirm r9",
        "release_order order=o-1",
        "reserve r6 B@W=9",
        "set_region id=south V",
        "set_policy E@V safety=0",
        "sell D@V=1000000000000 C@W=4",
        "receive F@X=1",
        "transfer_create t3 from=W to=U B=6 ship", /* a repeat */
        "transfer_create t3 from=W to=U B=7 ship", /* another content */
        "transfer_ship t2",
        "transfer_receive t1 A=1 rest",
        "inbound_receive i1",
        "sell A@V=1",
        "inbound_cancel i2",
        "confirm r10",
    };
    struct hf_small both[2];
    struct items items;
    const char *why = "";
    (void)state;

    live_the_story(&both[0]);
    take_items(both[0].engine, &items);
    hf_small_init(&both[1], NULL);
    both[1].now_us = both[0].now_us;
    assert_int_equal(load(both[1].engine, items.bytes, image_bytes(&items), &why), HF_OK);
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        const enum hf_err first = hf_small_do(&both[0], "%s", later[i]);
        assert_int_equal(hf_small_do(&both[1], "%s", later[i]), first);
        assert_int_equal(both[0].result.is_repeated, both[1].result.is_repeated);
        assert_int_equal(both[0].result.state, both[1].result.state);
        assert_true(
            hf_digest_is_equal(hf_engine_digest(both[0].engine), hf_engine_digest(both[1].engine)));
    }
    for (uint32_t i = 0; i < 3; i++) { /* past the retention of this or that name */
        for (uint32_t j = 0; j < 2; j++) {
            both[j].now_us += UINT64_C(24) * 3600 * 1000000 - 20 + i * 10;
            assert_int_equal(hf_small_do(&both[j], "receive A@W=1"), HF_OK);
        }
        assert_true(
            hf_digest_is_equal(hf_engine_digest(both[0].engine), hf_engine_digest(both[1].engine)));
    }
    for (uint32_t j = 0; j < 2; j++) {
        assert_null(hf_small_violation(both[j].engine));
        hf_small_release(&both[j]);
    }
    free(items.bytes);
}

static void prefixes_are_refused(void **state)
{
    struct hf_small small;
    struct items items;
    (void)state;

    live_the_story(&small);
    take_items(small.engine, &items);
    for (size_t size = 0; size < image_bytes(&items); size++) {
        unsigned char *prefix = malloc(size == 0 ? 1 : size); /* of its own size, for ASan */
        memcpy(prefix, items.bytes, size);
        check_refused(prefix, size);
        free(prefix);
    }
    free(items.bytes);
    hf_small_release(&small);
}

static void missing_and_double_items_are_refused(void **state)
{
    struct hf_small small;
    struct items items;
    (void)state;

    live_the_story(&small);
    take_items(small.engine, &items);
    unsigned char *spoilt = malloc(image_bytes(&items) * 2);
    assert_non_null(spoilt);
    for (uint32_t i = 0; i < items.count; i++) {
        size_t item_bytes;
        const unsigned char *item = item_at(&items, i, &item_bytes);
        const size_t before = (size_t)(item - items.bytes);
        const size_t after = image_bytes(&items) - before - item_bytes;
        memcpy(spoilt, items.bytes, before);
        memcpy(spoilt + before, item + item_bytes, after);
        check_refused(spoilt, before + after);

        memcpy(spoilt, items.bytes, before + item_bytes);
        memcpy(spoilt + before + item_bytes, item, item_bytes + after);
        check_refused(spoilt, image_bytes(&items) + item_bytes);
    }
    memcpy(spoilt, items.bytes, image_bytes(&items)); /* the whole image twice */
    memcpy(spoilt + image_bytes(&items), items.bytes, image_bytes(&items));
    check_refused(spoilt, image_bytes(&items) * 2);
    spoilt[image_bytes(&items)] = HF_TAG_RESERVATION + 1; /* an item of tomorrow */
    check_refused(spoilt, image_bytes(&items) + 1);
    free(spoilt);
    free(items.bytes);
    hf_small_release(&small);
}

/* Checksums are the snapshot's; here a wrong bit may pass, but only as a state that is one. */
static void flipped_bits_are_refused_or_make_sense(void **state)
{
    struct hf_small small;
    struct items items;
    uint32_t refused = 0;
    uint32_t accepted = 0;
    (void)state;

    live_the_story(&small);
    take_items(small.engine, &items);
    const size_t bytes_count = image_bytes(&items);
    for (size_t at = 0; at < bytes_count * 8; at++) {
        struct hf_engine *engine = new_engine();
        const char *why = "";
        items.bytes[at / 8] ^= (unsigned char)(1u << at % 8);
        const enum hf_err err = load(engine, items.bytes, bytes_count, &why);
        if (err == HF_OK) {
            struct items again;
            struct hf_engine *second = new_engine();
            take_items(engine, &again);
            assert_int_equal(load(second, again.bytes, image_bytes(&again), &why), HF_OK);
            assert_true(hf_digest_is_equal(hf_engine_digest(engine), hf_engine_digest(second)));
            (void)hf_small_violation(second); /* may find something, must come to an end */
            free(again.bytes);
            hf_engine_free(second);
            accepted++;
        } else {
            assert_true(err == HF_CORRUPT || err == HF_LIMIT_EXCEEDED);
            refused++;
        }
        hf_engine_free(engine);
        items.bytes[at / 8] ^= (unsigned char)(1u << at % 8);
    }
    assert_true(refused > 0 && accepted > 0);
    free(items.bytes);
    hf_small_release(&small);
}

/* ------------------------------------------------------------------ limits */

static const struct limit_row {
    const char *name;
    size_t offset; /* of the limit in struct hf_engine_config */
    uint32_t enough;
} limits[] = {
    {"SKUs", offsetof(struct hf_engine_config, skus_max), 5},
    {"locations", offsetof(struct hf_engine_config, locations_max), 3},
    {"cells", offsetof(struct hf_engine_config, cells_max), 8},
    {"reservations", offsetof(struct hf_engine_config, reservations_max), 8},
    {"lines", offsetof(struct hf_engine_config, lines_max), 12},
    {"shipments", offsetof(struct hf_engine_config, shipments_max), 7},
    {"shipment lines", offsetof(struct hf_engine_config, shipment_lines_max), 9},
};

static void limits_are_named(void **state)
{
    const struct limit_row *row = *state;
    struct hf_small small;
    struct items items;

    live_the_story(&small);
    take_items(small.engine, &items);
    for (uint32_t value = 1; value <= row->enough; value++) {
        struct hf_engine_config config = hf_small_config();
        const char *why = "";
        memcpy((char *)&config + row->offset, &value, sizeof value);
        struct hf_engine *engine = hf_engine_create(&config);
        const enum hf_err err = load(engine, items.bytes, image_bytes(&items), &why);
        assert_int_equal(err, value < row->enough ? HF_LIMIT_EXCEEDED : HF_OK);
        if (err != HF_OK) {
            assert_string_equal(why, "the configured limits are too small for the snapshot");
        } else {
            assert_true(
                hf_digest_is_equal(hf_engine_digest(engine), hf_engine_digest(small.engine)));
        }
        hf_engine_free(engine);
    }
    free(items.bytes);
    hf_small_release(&small);
}

/* ------------------------------------------------------------------ chunks */

/* More than a chunk: whole items only, none twice, and cut anywhere between two of them. */
static void many_chunks(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    struct hf_image_cursor cursor = {0};
    unsigned char *chunk = malloc(HF_IMAGE_BYTES_MIN);
    uint32_t chunks = 0;
    const char *why = "";
    (void)state;

    config.reservations_max = 9000;
    config.lines_max = 40000;
    config.references_max = 9000;
    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=90000 B@W=90000 C@W=90000 D@W=90000"), HF_OK);
    for (uint32_t i = 0; i < 9000; i++) {
        assert_int_equal(
            hf_small_do(&small,
                        "reserve id-that-is-long-%u-and-more order=order-that-is-long-too-%u "
                        "A@W=2 B@W=3 C@W=1 D@W=9 ref=a-reference-that-is-long-as-well-%u",
                        i, i / 3, i),
            HF_OK);
        if (i % 3 == 0) {
            assert_int_equal(hf_small_do(&small, "release id-that-is-long-%u-and-more", i), HF_OK);
        }
    }
    struct hf_engine *loaded = hf_engine_create(&config);
    for (size_t bytes_count;
         (bytes_count = hf_engine_copy(small.engine, &cursor, chunk, HF_IMAGE_BYTES_MIN)) > 0;) {
        assert_true(bytes_count <= HF_IMAGE_BYTES_MIN);
        assert_int_equal(hf_engine_load(loaded, chunk, bytes_count, &why), HF_OK);
        chunks++;
    }
    assert_true(chunks > 1);
    assert_int_equal(hf_engine_load_end(loaded, &why), HF_OK);
    assert_true(hf_digest_is_equal(hf_engine_digest(loaded), hf_engine_digest(small.engine)));
    assert_null(hf_small_violation(loaded));
    hf_engine_free(loaded);
    free(chunk);
    hf_small_release(&small);
}

static void empty_engine(void **state)
{
    struct hf_engine *engine = new_engine();
    struct hf_engine *loaded = new_engine();
    struct items items;
    const char *why = "";
    (void)state;

    take_items(engine, &items);
    assert_int_equal(items.count, 1);
    assert_int_equal(load(loaded, items.bytes, image_bytes(&items), &why), HF_OK);
    assert_true(hf_digest_is_equal(hf_engine_digest(engine), hf_engine_digest(loaded)));
    check_refused(items.bytes, 0);
    free(items.bytes);
    hf_engine_free(engine);
    hf_engine_free(loaded);
}

int main(void)
{
    struct CMUnitTest tests[sizeof limits / sizeof limits[0] + 7];
    size_t count = 0;

    for (; count < sizeof limits / sizeof limits[0]; count++) {
        tests[count] = (struct CMUnitTest){.name = limits[count].name,
                                           .test_func = limits_are_named,
                                           .initial_state = (void *)(uintptr_t)&limits[count]};
    }
    const struct CMUnitTest others[] = {
        cmocka_unit_test(copy_and_load),
        cmocka_unit_test(loaded_engine_goes_on),
        cmocka_unit_test(prefixes_are_refused),
        cmocka_unit_test(missing_and_double_items_are_refused),
        cmocka_unit_test(flipped_bits_are_refused_or_make_sense),
        cmocka_unit_test(many_chunks),
        cmocka_unit_test(empty_engine),
    };
    memcpy(tests + count, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
