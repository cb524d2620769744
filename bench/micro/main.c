/*
 * holdfast-micro - what the engine alone can do, in memory: copy, snapshot, load, replay.
 *
 *     make a world --> copy at once --> snapshot in steps --> load --> replay
 *                                                        --> a changing snapshot --> load
 *
 * One thread, no disk, no network. Each part ends with a proof: what was loaded or replayed has the
 * digest of the engine that it came from. Exit codes: 0 done; 1 a proof failed, or no memory; 2
 * wrong usage.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/micro/world.h"
#include "engine/decoded.h"
#include "engine/growth.h"
#include "engine/pool.h"
#include "tools/common/parse.h"

#define CHUNK_BYTES HF_IMAGE_BYTES_MIN
#define KEEP_BYTES_MAX (UINT64_C(4) << 30)

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct arguments {
    uint64_t cells, locations, reservations, records, step_items, step_changes, repeat;
};

static const char usage[] =
    "usage: holdfast-micro [--cells N] [--locations N] [--reservations N] [--records N]\n"
    "                      [--step-items N] [--step-changes N] [--repeat N]\n"
    "\n"
    "Measures the engine alone, in memory and in one thread.\n"
    "\n"
    "  --cells N          stock cells, 2000000 by default, of N / locations SKUs\n"
    "  --locations N      10 by default\n"
    "  --reservations N   open ones, 1000000 by default\n"
    "  --records N        of the log, to replay, 1000000 by default: reserves of one line\n"
    "  --step-items N     slots that one step of a snapshot looks at, 2000 by default\n"
    "  --step-changes N   reserves between two steps of the changing snapshot, 200 by default\n"
    "  --repeat N         load and replay so often and tell the best, 1 by default\n";

/* A moment by both clocks: the wall's, and that of the processor's time we were given. On a machine
 * that others use, too, only the second one says what the engine costs. */
struct moment {
    double wall_s, cpu_s;
};

static double read_clock(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct moment now(void)
{
    return (struct moment){read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_THREAD_CPUTIME_ID)};
}

static struct moment since(struct moment begin)
{
    const struct moment end = now();
    return (struct moment){end.wall_s - begin.wall_s, end.cpu_s - begin.cpu_s};
}

static void add(struct moment *sum, struct moment part)
{
    sum->wall_s += part.wall_s;
    sum->cpu_s += part.cpu_s;
}

/* Chunks of a stream, as a snapshot's file holds them. */
struct stream {
    unsigned char *bytes;
    size_t bytes_count, bytes_max;
    struct chunk {
        size_t at, bytes_count;
    } * chunks;
    size_t chunks_count, chunks_max;
};

/* Room for a chunk at the end; NULL: no memory. */
static unsigned char *stream_room(struct stream *stream)
{
    if (stream->bytes_max - stream->bytes_count < CHUNK_BYTES) {
        const size_t bytes_max = 2 * stream->bytes_max + 64 * (size_t)CHUNK_BYTES;
        unsigned char *bytes = realloc(stream->bytes, bytes_max);
        if (bytes == NULL) {
            return NULL;
        }
        memset(bytes + stream->bytes_max, 0, bytes_max - stream->bytes_max); /* page faults now */
        stream->bytes = bytes;
        stream->bytes_max = bytes_max;
    }
    if (stream->chunks_count == stream->chunks_max) {
        stream->chunks_max = 2 * stream->chunks_max + 1024;
        struct chunk *chunks = realloc(stream->chunks, stream->chunks_max * sizeof *chunks);
        if (chunks == NULL) {
            return NULL;
        }
        stream->chunks = chunks;
    }
    return stream->bytes + stream->bytes_count;
}

static void stream_add(struct stream *stream, size_t bytes_count)
{
    if (bytes_count > 0) {
        stream->chunks[stream->chunks_count++] = (struct chunk){stream->bytes_count, bytes_count};
        stream->bytes_count += bytes_count;
    }
}

static void stream_clear(struct stream *stream)
{
    stream->bytes_count = stream->chunks_count = 0;
}

static bool is_digest_equal(struct hf_digest a, struct hf_digest b)
{
    return a.low == b.low && a.high == b.high;
}

static uint64_t items_count(const struct hf_engine *engine)
{
    struct hf_engine_stats stats;
    hf_engine_stats(engine, &stats);
    return stats.skus_count + stats.locations_count + stats.cells_count + stats.reservations_count +
           stats.reservations_remembered + stats.references_count;
}

static void report(const char *what, struct moment took, uint64_t count, const char *unit)
{
    printf("%-20s %11" PRIu64
           " %-8s %8.3f s  %9.0f/s   processor %8.3f s  %9.0f/s  %7.1f ns each\n",
           what, count, unit, took.wall_s, (double)count / took.wall_s, took.cpu_s,
           (double)count / took.cpu_s, took.cpu_s * 1e9 / (double)count);
    (void)fflush(stdout);
}

/* ------------------------------------------------------------------ out */

static bool copy_at_once(const struct hf_world *world, struct stream *stream)
{
    struct hf_image_cursor cursor = {0};
    struct moment took = {0};

    for (size_t bytes_count = 1; bytes_count > 0;) {
        unsigned char *room = stream_room(stream);
        if (room == NULL) {
            return false;
        }
        const struct moment begin = now();
        bytes_count = hf_engine_copy(world->engine, &cursor, room, CHUNK_BYTES);
        add(&took, since(begin));
        stream_add(stream, bytes_count);
    }
    report("copy at once", took, items_count(world->engine), "items");
    return true;
}

/* A snapshot with `changes_count` reserves between two steps. */
static bool snapshot(struct hf_world *world, const struct arguments *arguments,
                     uint64_t changes_count, const char *what, struct stream *stream)
{
    const uint64_t count = items_count(world->engine);
    struct moment took = {0};
    double longest_s = 0;
    uint64_t kept_bytes = 0, steps_count = 0;
    struct moment begin = now();

    if (!hf_engine_snapshot_begin(world->engine, KEEP_BYTES_MAX)) {
        return false;
    }
    const double first_s = since(begin).cpu_s;
    for (bool is_end = false; !is_end; steps_count++) {
        size_t bytes_used;
        unsigned char *room = stream_room(stream);
        if (room == NULL) {
            return false;
        }
        begin = now();
        if (hf_engine_snapshot_step(world->engine, (uint32_t)arguments->step_items, room,
                                    CHUNK_BYTES, &bytes_used, &is_end) != HF_OK) {
            return false;
        }
        const struct moment step = since(begin);
        add(&took, step);
        longest_s = step.cpu_s > longest_s ? step.cpu_s : longest_s;
        stream_add(stream, bytes_used);
        if (!hf_world_reserve(world, changes_count, NULL)) {
            return false;
        }
    }
    kept_bytes = hf_engine_snapshot_kept_bytes(world->engine);
    begin = now();
    hf_engine_snapshot_end(world->engine);
    const double end_s = since(begin).cpu_s;
    report(what, took, count, "items");
    printf("%-20s begin %.0f us, longest of %" PRIu64
           " steps %.0f us, end %.0f us, kept %.1f MiB\n",
           "", first_s * 1e6, steps_count, longest_s * 1e6, end_s * 1e6,
           (double)kept_bytes / (1024 * 1024));
    return true;
}

/* ------------------------------------------------------------------ in */

/* What a load took: the two halves, which a server does in two threads at once, and the end. */
struct load_times {
    struct moment prepare, join, all;
};

static struct hf_engine *load(const struct hf_world *world, const struct stream *stream,
                              struct load_times *took)
{
    struct hf_engine *engine = hf_world_engine(world);
    const char *why = "out of memory";
    enum hf_err err = engine == NULL ? HF_NO_MEMORY : HF_OK;
    const struct moment begin = now();

    *took = (struct load_times){0};
    for (size_t i = 0; err == HF_OK && i < stream->chunks_count; i++) {
        struct hf_image_part part;
        const struct moment at = now();
        hf_engine_load_prepare(engine, stream->bytes + stream->chunks[i].at,
                               stream->chunks[i].bytes_count, &part);
        add(&took->prepare, since(at));
        const struct moment then = now();
        err = hf_engine_load_join(engine, &part, &why);
        add(&took->join, since(then));
    }
    if (err != HF_OK || hf_engine_load_end(engine, &why) != HF_OK) {
        (void)fprintf(stderr, "holdfast-micro: could not load: %s\n", why);
        hf_engine_free(engine);
        return NULL;
    }
    took->all = since(begin);
    return engine;
}

#define LOOK_PIECES 8 /* as in a recovery, where the thread that decodes does this */

static void make_ahead(struct hf_growth *growth, struct hf_engine *engine)
{
    struct hf_memory_part parts[2];
    const uint32_t count = hf_growth_look(growth, engine, parts, 2);

    for (uint32_t i = 0; i < count; i++) {
        hf_memory_populate(parts[i].memory, parts[i].bytes_count);
    }
}

/* Decode and apply in turns; `decoded` is what the first half took. */
static bool replay(struct hf_engine *engine, const struct hf_records *records,
                   struct moment *decoded, struct moment *took)
{
    struct hf_decoded *ahead = hf_decoded_create();
    struct hf_growth growth;
    const char *why = "out of memory";
    bool is_done = ahead != NULL;
    uint32_t pieces_count = 0;

    hf_growth_begin(&growth, engine);
    *decoded = *took = (struct moment){0};
    for (size_t at = 0; is_done && at < records->bytes_count;) {
        const struct moment begin = now();
        at += hf_decoded_take(ahead, records->bytes + at, records->bytes_count - at);
        if (++pieces_count % LOOK_PIECES == 0) {
            make_ahead(&growth, engine);
        }
        add(decoded, since(begin));
        const struct moment middle = now();
        is_done = ahead->why == NULL;
        for (uint32_t i = 0; is_done && i < ahead->records_count; i++) {
            is_done = hf_engine_replay_decoded(engine, ahead, i, &why) == HF_OK;
        }
        add(took, since(middle));
    }
    hf_decoded_free(ahead);
    if (!is_done) {
        (void)fprintf(stderr, "holdfast-micro: could not replay: %s\n", why);
    }
    return is_done;
}

static void keep_best(struct moment *best, struct moment took)
{
    if (best->cpu_s == 0 || took.cpu_s < best->cpu_s) {
        *best = took;
    }
}

/* Load the stream, which must give `digest`; then replay, which must give the world's. As often as
 * is asked for; the best of each is told. */
static bool restore(const struct hf_world *world, const struct arguments *arguments,
                    const struct stream *stream, struct hf_digest digest,
                    const struct hf_records *records)
{
    struct load_times best_load = {0}, load_took = {0};
    struct moment best_decode = {0}, best_replay = {0}, took = {0}, decoded;
    uint64_t count = 0;
    bool is_done = true;

    for (uint64_t i = 0; is_done && i < arguments->repeat; i++) {
        struct hf_engine *engine = load(world, stream, &load_took);
        is_done = engine != NULL && is_digest_equal(hf_engine_digest(engine), digest);
        count = is_done ? items_count(engine) : 0;
        if (best_load.all.cpu_s == 0 || load_took.all.cpu_s < best_load.all.cpu_s) {
            best_load = load_took;
        }
        if (is_done && records != NULL) {
            is_done = replay(engine, records, &decoded, &took) &&
                      is_digest_equal(hf_engine_digest(engine), hf_engine_digest(world->engine));
            keep_best(&best_decode, decoded);
            keep_best(&best_replay, took);
        }
        hf_engine_free(engine);
    }
    if (is_done) {
        report("load", best_load.all, count, "items");
        report("  prepare", best_load.prepare, count, "items");
        report("  join", best_load.join, count, "items");
    }
    if (is_done && records != NULL) {
        report("decode", best_decode, records->count, "records");
        report("replay", best_replay, records->count, "records");
    }
    return is_done;
}

static bool measure(const struct arguments *arguments)
{
    struct hf_world world;
    struct stream stream = {0};
    struct hf_records records = {0};
    /* The changing snapshot reserves on: room for as many as it can come to. */
    const uint64_t changes_max =
        ((arguments->cells + arguments->reservations + arguments->records) * 2 /
             arguments->step_items +
         100) *
        arguments->step_changes;
    struct moment begin = now();
    bool is_done = hf_world_init(&world, (uint32_t)arguments->cells, (uint32_t)arguments->locations,
                                 arguments->reservations + arguments->records + changes_max) &&
                   hf_world_reserve(&world, arguments->reservations, NULL);

    if (is_done) {
        report("make the world", since(begin), arguments->cells + arguments->reservations, "items");
        is_done = copy_at_once(&world, &stream);
    }
    if (is_done) {
        stream_clear(&stream);
        is_done = snapshot(&world, arguments, 0, "snapshot in steps", &stream);
    }
    if (is_done) {
        const struct hf_digest digest = hf_engine_digest(world.engine);
        begin = now();
        is_done = hf_world_reserve(&world, arguments->records, &records);
        report("reserve", since(begin), arguments->records, "records");
        is_done = is_done && restore(&world, arguments, &stream, digest, &records);
    }
    if (is_done) {
        const struct hf_digest digest = hf_engine_digest(world.engine);
        records.bytes_count = 0;
        stream_clear(&stream);
        is_done =
            snapshot(&world, arguments, arguments->step_changes, "snapshot, changing", &stream) &&
            restore(&world, arguments, &stream, digest, NULL);
    }
    free(stream.bytes);
    free(stream.chunks);
    free(records.bytes);
    hf_world_release(&world);
    return is_done;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"cells", required_argument, NULL, 'c'},
        {"locations", required_argument, NULL, 'l'},
        {"reservations", required_argument, NULL, 'r'},
        {"records", required_argument, NULL, 'n'},
        {"step-items", required_argument, NULL, 'i'},
        {"step-changes", required_argument, NULL, 'g'},
        {"repeat", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct arguments arguments = {2000000, 10, 1000000, 1000000, 2000, 200, 1};
    struct {
        int option;
        uint64_t *value;
        uint64_t min, max;
    } const numbers[] = {
        {'c', &arguments.cells, 1, 500000000},
        {'l', &arguments.locations, 1, 10000},
        {'r', &arguments.reservations, 1, 200000000},
        {'n', &arguments.records, 1, 200000000},
        {'i', &arguments.step_items, 1, 100000000},
        {'g', &arguments.step_changes, 0, 1000000},
        {'p', &arguments.repeat, 1, 1000},
    };

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            if (numbers[i].option == option) {
                is_known = hf_parse_count(optarg, numbers[i].max, numbers[i].value) &&
                           *numbers[i].value >= numbers[i].min;
            }
        }
        if (!is_known) {
            (void)fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_DONE : EXIT_USAGE;
        }
    }
    if (optind != argc) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (!measure(&arguments)) {
        (void)fprintf(stderr, "holdfast-micro: a proof failed, or there is no memory\n");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}
