/*
 * test_disk.c - the real disk behind the table of disk.h, in a temporary folder.
 *
 * Method: every call once as the log uses it, and once as it must be refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "persistence/disk.h"

#define CREATE (HF_DISK_WRITE | HF_DISK_CREATE)

static char folder[256];
static char path_a[300];
static char path_b[300];

static int set_up(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/hf-disk-XXXXXX", parent != NULL ? parent : "/tmp");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path_a, sizeof path_a, "%s/a", folder);
    (void)snprintf(path_b, sizeof path_b, "%s/b", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path_a);
    (void)unlink(path_b);
    return rmdir(folder);
}

static void files(void **state)
{
    const struct hf_disk *disk = hf_disk_posix();
    char bytes[16] = "";

    (void)state;
    assert_int_equal(disk->open(disk->ctx, path_a, HF_DISK_READ), -ENOENT);
    int file = disk->open(disk->ctx, path_a, CREATE);
    assert_true(file >= 0);
    assert_int_equal(disk->open(disk->ctx, path_a, CREATE), -EEXIST);
    assert_int_equal(disk->write(disk->ctx, file, "hello", 5, 3), 5);
    assert_int_equal(disk->size(disk->ctx, file), 8);
    assert_int_equal(disk->sync(disk->ctx, file), 0);
    assert_int_equal(disk->read(disk->ctx, file, bytes, 8, 0), 8);
    assert_memory_equal(bytes, "\0\0\0hello", 8);
    assert_int_equal(disk->read(disk->ctx, file, bytes, 8, 6), 2); /* short at the end only */
    assert_int_equal(disk->read(disk->ctx, file, bytes, 8, 100), 0);
    assert_int_equal(disk->truncate(disk->ctx, file, 4), 0);
    assert_int_equal(disk->size(disk->ctx, file), 4);
    assert_int_equal(disk->close(disk->ctx, file), 0);

    file = disk->open(disk->ctx, path_a, HF_DISK_READ);
    assert_true(file >= 0);
    assert_int_equal(disk->write(disk->ctx, file, "x", 1, 0), -EBADF);
    assert_int_equal(disk->close(disk->ctx, file), 0);
    assert_int_equal(disk->close(disk->ctx, -1), -EBADF);
}

/* New space reads as zeros; what was there stays. */
static void allocate(void **state)
{
    const struct hf_disk *disk = hf_disk_posix();
    const uint64_t bytes_max = 1000 * 1000 + 7;
    unsigned char byte;

    (void)state;
    const int file = disk->open(disk->ctx, path_a, CREATE);
    assert_int_equal(disk->write(disk->ctx, file, "abc", 3, 0), 3);
    assert_int_equal(disk->allocate(disk->ctx, file, bytes_max), 0);
    assert_int_equal(disk->size(disk->ctx, file), bytes_max);
    for (uint64_t at = 0; at < bytes_max; at += at < 10 ? 1 : 997) {
        assert_int_equal(disk->read(disk->ctx, file, &byte, 1, at), 1);
        assert_int_equal(byte, at < 3 ? "abc"[at] : 0);
    }
    assert_int_equal(disk->allocate(disk->ctx, file, 10), 0); /* never shrinks */
    assert_int_equal(disk->size(disk->ctx, file), bytes_max);
    assert_int_equal(disk->close(disk->ctx, file), 0);
}

static void count_name(void *arg, const char *name)
{
    int *counts = arg;
    counts[0] += strcmp(name, "a") == 0;
    counts[1] += strcmp(name, "b") == 0;
    counts[2]++;
}

static void names(void **state)
{
    const struct hf_disk *disk = hf_disk_posix();
    int counts[3] = {0};

    (void)state;
    assert_int_equal(disk->close(disk->ctx, disk->open(disk->ctx, path_a, CREATE)), 0);
    assert_int_equal(disk->rename(disk->ctx, path_a, path_b), 0);
    assert_int_equal(disk->rename(disk->ctx, path_a, path_b), -ENOENT);
    assert_int_equal(disk->close(disk->ctx, disk->open(disk->ctx, path_a, CREATE)), 0);
    assert_int_equal(disk->sync_dir(disk->ctx, folder), 0);
    assert_int_equal(disk->list(disk->ctx, folder, count_name, counts), 0);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 1);
    assert_int_equal(counts[2], 2);
    assert_int_equal(disk->unlink(disk->ctx, path_a), 0);
    assert_int_equal(disk->unlink(disk->ctx, path_a), -ENOENT);
    assert_int_equal(disk->list(disk->ctx, path_a, count_name, counts), -ENOENT);
    assert_int_equal(disk->sync_dir(disk->ctx, path_a), -ENOENT);

    assert_int_equal(disk->make_dir(disk->ctx, folder), 0); /* there already */
    assert_int_equal(disk->make_dir(disk->ctx, path_b), -ENOTDIR);
}

/* The lock holds against this process and against others, and ends with the file's closing. */
static void locks(void **state)
{
    const struct hf_disk *disk = hf_disk_posix();
    int status = 0;

    (void)state;
    int file = disk->open(disk->ctx, path_a, CREATE | HF_DISK_LOCK);
    assert_true(file >= 0);
    assert_int_equal(disk->open(disk->ctx, path_a, HF_DISK_WRITE | HF_DISK_LOCK), -EAGAIN);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(disk->open(disk->ctx, path_a, HF_DISK_WRITE | HF_DISK_LOCK) == -EAGAIN ? 7 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_int_equal(disk->close(disk->ctx, file), 0);
    file = disk->open(disk->ctx, path_a, HF_DISK_WRITE | HF_DISK_LOCK);
    assert_true(file >= 0);
    assert_int_equal(disk->close(disk->ctx, file), 0);
}

static int held = -1;

static void let_go(int signal_number)
{
    (void)signal_number;
    (void)close(held);
    held = -1;
}

/* Who waits gets the lock of one who only looked, and gives up on one who stays. */
static void patient_locks(void **state)
{
    const struct hf_disk *disk = hf_disk_posix();
    const struct sigaction action = {.sa_handler = let_go};
    const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    const int flags = HF_DISK_WRITE | HF_DISK_LOCK | HF_DISK_PATIENT;

    (void)state;
    held = disk->open(disk->ctx, path_a, CREATE | HF_DISK_LOCK);
    assert_true(held >= 0);
    assert_int_equal(disk->open(disk->ctx, path_a, flags), -EAGAIN);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    const int file = disk->open(disk->ctx, path_a, flags);
    assert_true(file >= 0);
    assert_int_equal(held, -1);
    assert_int_equal(disk->close(disk->ctx, file), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(files), TEST(allocate), TEST(names), TEST(locks),
                                       TEST(patient_locks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
