/*
 * test_sim_disk.c - the disk of the simulations forgets what it must, and nothing else.
 *
 * Method: what POSIX promises is checked line by line: a sync of a file saves its bytes and size,
 * a sync of its directory its name; the rest is at the mercy of the crash.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "tests/lib/sim_disk.h"

#define CREATE (HF_DISK_WRITE | HF_DISK_CREATE)

struct world {
    struct hf_sim_disk *sim;
    const struct hf_disk *disk;
};

static int set_up(void **state)
{
    static struct world world;
    world.sim = hf_sim_disk_create();
    world.disk = hf_sim_disk_table(world.sim);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    hf_sim_disk_free(world->sim);
    return 0;
}

static int create(struct world *world, const char *path, const char *text)
{
    const int file = world->disk->open(world->disk->ctx, path, CREATE);
    assert_true(file >= 0);
    assert_int_equal(world->disk->write(world->disk->ctx, file, text, strlen(text), 0),
                     strlen(text));
    return file;
}

static void assert_holds(struct world *world, const char *path, const char *text)
{
    char bytes[64] = "";
    assert_true(hf_sim_disk_exists(world->sim, path));
    assert_int_equal(hf_sim_disk_file_bytes(world->sim, path), strlen(text));
    hf_sim_disk_peek(world->sim, path, 0, bytes, strlen(text));
    assert_string_equal(bytes, text);
}

static void names_need_a_directory_sync(void **state)
{
    struct world *world = *state;
    const struct hf_disk *disk = world->disk;

    const int file = create(world, "/d/a", "hello");
    assert_int_equal(disk->sync(disk->ctx, file), 0);
    hf_sim_disk_crash(world->sim, HF_SIM_DROP, 1);
    assert_false(hf_sim_disk_exists(world->sim, "/d/a"));
    assert_int_equal(disk->close(disk->ctx, file), -EBADF);

    (void)create(world, "/d/a", "hello");
    assert_int_equal(disk->sync_dir(disk->ctx, "/other"), 0);
    hf_sim_disk_crash(world->sim, HF_SIM_DROP, 1);
    assert_false(hf_sim_disk_exists(world->sim, "/d/a"));

    (void)create(world, "/d/a", "hello");
    assert_int_equal(disk->sync_dir(disk->ctx, "/d"), 0);
    hf_sim_disk_crash(world->sim, HF_SIM_DROP, 1);
    assert_holds(world, "/d/a", ""); /* its name, but no bytes */
}

static void bytes_need_a_sync(void **state)
{
    struct world *world = *state;
    const struct hf_disk *disk = world->disk;

    const int file = create(world, "/d/a", "hello");
    assert_int_equal(disk->sync_dir(disk->ctx, "/d"), 0);
    assert_int_equal(disk->sync(disk->ctx, file), 0);
    assert_int_equal(disk->write(disk->ctx, file, "HELLO all", 9, 0), 9);
    struct hf_sim_disk *clone = hf_sim_disk_clone(world->sim);
    hf_sim_disk_crash(clone, HF_SIM_DROP, 1); /* a clone is synced */
    assert_int_equal(hf_sim_disk_file_bytes(clone, "/d/a"), 9);
    hf_sim_disk_free(clone);
    hf_sim_disk_crash(world->sim, HF_SIM_DROP, 1);
    assert_holds(world, "/d/a", "hello");
}

static void kill_keeps_all(void **state)
{
    struct world *world = *state;

    (void)create(world, "/d/a", "hello");
    hf_sim_disk_crash(world->sim, HF_SIM_KEEP, 1);
    assert_holds(world, "/d/a", "hello");
}

/* Only sectors written since the last sync are spoiled. */
static void spoils_by_sector(void **state)
{
    struct world *world = *state;
    const struct hf_disk *disk = world->disk;
    unsigned char bytes[4096];
    unsigned char after[4096];

    memset(bytes, 'a', sizeof bytes);
    const int file = disk->open(disk->ctx, "/d/a", CREATE);
    assert_int_equal(disk->write(disk->ctx, file, bytes, sizeof bytes, 0), sizeof bytes);
    assert_int_equal(disk->sync(disk->ctx, file), 0);
    assert_int_equal(disk->sync_dir(disk->ctx, "/d"), 0);
    assert_int_equal(disk->write(disk->ctx, file, "b", 1, 1024), 1);
    hf_sim_disk_crash(world->sim, HF_SIM_SPOIL, 9);
    hf_sim_disk_peek(world->sim, "/d/a", 0, after, sizeof after);
    assert_memory_equal(after, bytes, 1024);
    assert_memory_not_equal(after + 1024, bytes + 1024, 512);
    assert_memory_equal(after + 1536, bytes + 1536, 4096 - 1536);
}

static void renames(void **state)
{
    struct world *world = *state;
    const struct hf_disk *disk = world->disk;

    int file = create(world, "/d/a", "old");
    assert_int_equal(disk->sync(disk->ctx, file), 0);
    assert_int_equal(disk->sync_dir(disk->ctx, "/d"), 0);
    file = create(world, "/d/a.tmp", "new");
    assert_int_equal(disk->sync(disk->ctx, file), 0);
    assert_int_equal(disk->rename(disk->ctx, "/d/a.tmp", "/d/a"), 0);
    assert_holds(world, "/d/a", "new");
    hf_sim_disk_crash(world->sim, HF_SIM_DROP, 1);
    assert_holds(world, "/d/a", "old"); /* the rename is lost, never half done */

    file = create(world, "/d/a.tmp", "new");
    assert_int_equal(disk->sync(disk->ctx, file), 0);
    assert_int_equal(disk->rename(disk->ctx, "/d/a.tmp", "/d/a"), 0);
    assert_int_equal(disk->sync_dir(disk->ctx, "/d"), 0);
    hf_sim_disk_crash(world->sim, HF_SIM_DROP, 1);
    assert_holds(world, "/d/a", "new");
    assert_false(hf_sim_disk_exists(world->sim, "/d/a.tmp"));

    assert_int_equal(disk->unlink(disk->ctx, "/d/a"), 0);
    hf_sim_disk_crash(world->sim, HF_SIM_DROP, 1);
    assert_holds(world, "/d/a", "new"); /* so is a removal */
}

/* After a sync that failed, a later one that works does not save those bytes. */
static void failed_sync_loses_pages(void **state)
{
    struct world *world = *state;
    const struct hf_disk *disk = world->disk;
    const struct hf_sim_fault fault = {.nth = 1, .calls = HF_SIM_SYNC, .error = EIO};

    const int file = create(world, "/d/a", "hello");
    assert_int_equal(disk->sync_dir(disk->ctx, "/d"), 0);
    hf_sim_disk_fail(world->sim, &fault);
    assert_int_equal(disk->sync(disk->ctx, file), -EIO);
    assert_true(hf_sim_disk_has_failed(world->sim));
    assert_int_equal(disk->sync(disk->ctx, file), 0);
    hf_sim_disk_crash(world->sim, HF_SIM_DROP, 1);
    char bytes[5];
    hf_sim_disk_peek(world->sim, "/d/a", 0, bytes, sizeof bytes);
    assert_memory_equal(bytes, "\0\0\0\0\0", 5);
}

static void faults(void **state)
{
    struct world *world = *state;
    const struct hf_disk *disk = world->disk;
    struct hf_sim_fault fault = {
        .nth = 2, .calls = HF_SIM_WRITE, .error = ENOSPC, .is_short = true};

    const int file = create(world, "/d/a", "");
    hf_sim_disk_fail(world->sim, &fault);
    assert_int_equal(disk->write(disk->ctx, file, "1234", 4, 0), 4);
    assert_int_equal(disk->write(disk->ctx, file, "1234", 4, 0), 2);
    assert_int_equal(disk->write(disk->ctx, file, "1234", 4, 0), 4);
    fault = (struct hf_sim_fault){
        .nth = 1, .calls = HF_SIM_CALLS_ALL, .error = EIO, .is_lasting = true};
    hf_sim_disk_fail(world->sim, &fault);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(disk->sync(disk->ctx, file), -EIO);
        assert_int_equal(disk->open(disk->ctx, "/d/a", 0), -EIO);
    }
    hf_sim_disk_crash(world->sim, HF_SIM_KEEP, 1); /* forgets the fault */
    assert_true(disk->open(disk->ctx, "/d/a", 0) >= 0);
    assert_int_equal(hf_sim_disk_calls(world->sim, HF_SIM_SYNC), 3);
}

static void locks(void **state)
{
    struct world *world = *state;
    const struct hf_disk *disk = world->disk;

    const int file = disk->open(disk->ctx, "/d/LOCK", CREATE | HF_DISK_LOCK);
    assert_true(file >= 0);
    assert_int_equal(disk->open(disk->ctx, "/d/LOCK", CREATE | HF_DISK_LOCK), -EEXIST);
    assert_int_equal(disk->open(disk->ctx, "/d/LOCK", HF_DISK_WRITE | HF_DISK_LOCK), -EAGAIN);
    assert_int_equal(disk->close(disk->ctx, file), 0);
    assert_true(disk->open(disk->ctx, "/d/LOCK", HF_DISK_WRITE | HF_DISK_LOCK) >= 0);
    hf_sim_disk_crash(world->sim, HF_SIM_KEEP, 1);
    assert_true(disk->open(disk->ctx, "/d/LOCK", HF_DISK_WRITE | HF_DISK_LOCK) >= 0);
}

static void a_full_disk_refuses_to_grow(void **state)
{
    struct world *world = *state;
    const struct hf_disk *disk = world->disk;

    const int file = create(world, "/d/a", "12345");
    (void)create(world, "/d/b", "12345678");
    hf_sim_disk_limit(world->sim, 3);
    assert_int_equal(disk->write(disk->ctx, file, "abcde", 5, 0), 5); /* there already */
    assert_int_equal(disk->write(disk->ctx, file, "fghi", 4, 5), -ENOSPC);
    assert_int_equal(disk->write(disk->ctx, file, "fgh", 3, 5), 3);
    assert_int_equal(disk->allocate(disk->ctx, file, 9), -ENOSPC);
    assert_int_equal(disk->unlink(disk->ctx, "/d/b"), 0);
    assert_int_equal(disk->allocate(disk->ctx, file, 16), 0);
    assert_int_equal(disk->allocate(disk->ctx, file, 17), -ENOSPC);
    hf_sim_disk_limit(world->sim, UINT64_MAX);
    assert_int_equal(disk->allocate(disk->ctx, file, 17), 0);
}

/* A twin has the same sectors at stake; from then on the two go their own ways. */
static void a_twin_is_in_the_same_state(void **state)
{
    struct world *world = *state;
    const struct hf_disk *disk = world->disk;

    const int file = create(world, "/d/a", "hello");
    assert_int_equal(disk->sync(disk->ctx, file), 0);
    assert_int_equal(disk->sync_dir(disk->ctx, "/d"), 0);
    assert_int_equal(disk->write(disk->ctx, file, "HELLO", 5, 0), 5);
    (void)create(world, "/d/b", "there");
    struct hf_sim_disk *twins[] = {hf_sim_disk_twin(world->sim), hf_sim_disk_twin(world->sim)};

    struct world dropped = {twins[0], hf_sim_disk_table(twins[0])};
    hf_sim_disk_crash(dropped.sim, HF_SIM_DROP, 1);
    assert_holds(&dropped, "/d/a", "hello");
    assert_false(hf_sim_disk_exists(dropped.sim, "/d/b"));
    struct world kept = {twins[1], hf_sim_disk_table(twins[1])};
    hf_sim_disk_crash(kept.sim, HF_SIM_KEEP, 1);
    assert_holds(&kept, "/d/a", "HELLO");
    assert_holds(&kept, "/d/b", "there");
    assert_holds(world, "/d/a", "HELLO");
    hf_sim_disk_free(twins[0]);
    hf_sim_disk_free(twins[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(names_need_a_directory_sync),
        TEST(bytes_need_a_sync),
        TEST(kill_keeps_all),
        TEST(spoils_by_sector),
        TEST(renames),
        TEST(failed_sync_loses_pages),
        TEST(faults),
        TEST(locks),
        TEST(a_full_disk_refuses_to_grow),
        TEST(a_twin_is_in_the_same_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
