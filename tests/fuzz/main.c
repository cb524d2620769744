/*
 * main.c - a fuzz target without libFuzzer: every input that is kept in the tree, once.
 *
 *     fuzz_wal               tests/fuzz/corpus/fuzz_wal/..., the golden bytes, then some mutations
 *     fuzz_wal INPUT...      these only
 *     fuzz_wal --seeds DIR   writes the good files that the target makes, for the corpus
 *
 * So an input that has once ended a target is a test from then on, in every build and sanitizer. A
 * target with a mutator of its own gets MUTATIONS of each input as well, by the seed that is
 * printed. An input that ends the program is left in $HOLDFAST_BUILD, and named.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/assert.h"
#include "tests/fuzz/mutate.h"
#include "tests/lib/small_engine.h"

#define PATH_BYTES 4096
#define FILES_MAX 4096
#define MUTATIONS 5 /* of each input; ten times as many with SCALE=full */

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
    __attribute__((weak));
size_t hf_fuzz_seed_input(size_t index, unsigned char *bytes, const char **name)
    __attribute__((weak));

static unsigned char input[HF_FUZZ_INPUT_BYTES_MAX];
static size_t input_bytes;
static char left_path[PATH_BYTES]; /* where an input is left that ends the program */
static uint64_t runs_count;

/* Only calls that a signal handler may make. */
static void leave_input(int signal_number)
{
    const int file = open(left_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    const char said[] = "the input that ended this program was left in ";

    if (file >= 0 && write(file, input, input_bytes) == (ssize_t)input_bytes &&
        write(STDERR_FILENO, said, sizeof said - 1) > 0 &&
        write(STDERR_FILENO, left_path, strlen(left_path)) > 0) {
        (void)!write(STDERR_FILENO, "\n", 1);
    }
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void run_input(void)
{
    runs_count++;
    (void)LLVMFuzzerTestOneInput(input, input_bytes);
}

static bool load(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        (void)fprintf(stderr, "could not open \"%s\"\n", path);
        return false;
    }
    input_bytes = fread(input, 1, sizeof input, file);
    (void)fclose(file);
    return true;
}

/* The input as it is, and what the target's own mutator makes of it, one after the other. */
static bool run_file(const char *path, uint64_t mutations, uint64_t seed)
{
    if (!load(path)) {
        return false;
    }
    run_input();
    for (uint64_t i = 0; LLVMFuzzerCustomMutator != NULL && i < mutations; i++) {
        if (i % 5 == 0 && !load(path)) { /* five steps away from it at most */
            return false;
        }
        input_bytes = LLVMFuzzerCustomMutator(input, input_bytes, sizeof input,
                                              (unsigned)hf_random_next(&seed));
        run_input();
    }
    return true;
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Every file of the folder in the order of names; -1: one cannot be read, 0: there is no folder. */
static long run_folder(const char *folder, uint64_t mutations, uint64_t seed)
{
    static char *names[FILES_MAX];
    DIR *listed = opendir(folder);
    long count = 0;
    bool is_well = true;

    if (listed == NULL) {
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(listed)) != NULL;) {
        if (entry->d_type == DT_REG && count < FILES_MAX) {
            names[count] = strdup(entry->d_name);
            HF_ASSERT(names[count] != NULL);
            count++;
        }
    }
    (void)closedir(listed);
    qsort(names, (size_t)count, sizeof names[0], compare);
    for (long i = 0; i < count; i++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        is_well = is_well && run_file(path, mutations, seed + (uint64_t)i);
        free(names[i]);
    }
    return is_well ? count : -1;
}

static int write_seeds(const char *folder)
{
    const char *name = "";

    for (size_t i = 0; hf_fuzz_seed_input != NULL; i++) {
        char path[PATH_BYTES];
        input_bytes = hf_fuzz_seed_input(i, input, &name);
        if (input_bytes == 0) {
            break;
        }
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *file = fopen(path, "wb");
        if (file == NULL || fwrite(input, 1, input_bytes, file) != input_bytes ||
            fclose(file) != 0) {
            (void)fprintf(stderr, "could not write \"%s\"\n", path);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

static int run_tree(const char *target)
{
    const char *scale = getenv("SCALE");
    const bool is_full = scale != NULL && strcmp(scale, "full") == 0;
    const uint64_t seed = hf_random_seed();
    char folder[PATH_BYTES];

    (void)snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", target);
    const long kept = run_folder(folder, is_full ? MUTATIONS * 10 : MUTATIONS, seed);
    const long golden = run_folder("tests/golden", 0, 0);
    const long wire = run_folder("tests/golden/wire", 0, 0);
    if (kept < 0 || golden < 0 || wire < 0) {
        return EXIT_FAILURE;
    }
    if (golden == 0) {
        (void)fprintf(stderr, "no tests/golden here: start it at the top of the tree\n");
        return EXIT_FAILURE;
    }
    (void)printf("ok %s: %ld inputs of its corpus, %ld golden ones, %" PRIu64 " runs\n", target,
                 kept, golden + wire, runs_count);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *target = slash == NULL ? argv[0] : slash + 1;
    const char *build = getenv("HOLDFAST_BUILD");

    (void)snprintf(left_path, sizeof left_path, "%s/crash-%s", build == NULL ? "build" : build,
                   target);
    (void)signal(SIGABRT, leave_input);
    (void)signal(SIGSEGV, leave_input);
    (void)signal(SIGBUS, leave_input);
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
        return write_seeds(argv[2]);
    }
    if (argc == 1) {
        return run_tree(target);
    }
    for (int i = 1; i < argc; i++) {
        if (!run_file(argv[i], 0, 0)) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
