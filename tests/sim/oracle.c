#include "tests/sim/oracle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"

#define PROGRESS_STEPS_MAX 4000u /* with no fault left, everybody has an answer by then */
#define PROGRESS_DEEDS 5u        /* that each client is given then */

void hf_run_tell(const struct hf_run *run, const char *format, ...)
{
    va_list arguments;

    if (run->options->trace == NULL) {
        return;
    }
    va_start(arguments, format);
    (void)vfprintf(run->options->trace, format, arguments);
    va_end(arguments);
    (void)fputc('\n', run->options->trace);
}

/* ------------------------------------------------------------------ every step */

struct telling {
    struct hf_run *run;
    bool is_good;
};

static void take_event(void *arg, const struct hf_event *event)
{
    struct telling *telling = arg;
    telling->is_good = telling->is_good && hf_follow_take(&telling->run->follow, event);
}

bool hf_oracle_begin(struct hf_run *run)
{
    hf_follow_init(&run->follow, &run->history, "engine", hf_engine_lsn(run->node.engine));
    return true;
}

bool hf_oracle_step(struct hf_run *run)
{
    struct hf_node *node = &run->node;
    const uint64_t lsn = hf_engine_lsn(node->engine);
    const uint64_t durable_lsn = hf_store_durable_lsn(node->store);
    struct telling telling = {run, true};

    run->report->steps_count++;
    if (hf_store_synced_lsn(node->store) > node->published_lsn ||
        durable_lsn > node->published_lsn || node->published_lsn > lsn) {
        return hf_history_blame(&run->history,
                                "LSNs out of order: synced %" PRIu64 ", durable %" PRIu64
                                ", published %" PRIu64 ", newest %" PRIu64,
                                hf_store_synced_lsn(node->store), durable_lsn, node->published_lsn,
                                lsn);
    }
    for (uint64_t at = run->follow.lsn + 1; telling.is_good && at <= lsn; at++) {
        uint32_t bytes_count;
        const unsigned char *record =
            hf_ledger_get(hf_engine_ledger(node->engine), at, &bytes_count);
        if (record == NULL || hf_engine_events(node->engine, record, bytes_count, false, take_event,
                                               &telling) != HF_OK) {
            return hf_history_blame(&run->history, "LSN %" PRIu64 " is not in the ledger", at);
        }
        telling.is_good = telling.is_good && hf_follow_even(&run->follow, at);
    }
    return telling.is_good;
}

/* ------------------------------------------------------------------ digests */

static bool is_same(struct hf_digest a, struct hf_digest b)
{
    return a.low == b.low && a.high == b.high;
}

/* The digest of a replay of the log alone, up to `lsn`; false: a record does not replay. The ledger
 * must reach back to the first record. */
static bool replay(struct hf_run *run, struct hf_engine *from, uint64_t lsn,
                   struct hf_digest *digest)
{
    const struct hf_ledger *ledger = hf_engine_ledger(from);
    struct hf_engine *engine = hf_engine_create(&run->node.engine_config);
    const char *why = "";
    bool is_good = true;

    HF_ASSERT(engine != NULL);
    for (uint64_t at = 1; is_good && at <= lsn; at++) {
        uint32_t bytes_count;
        const unsigned char *record = hf_ledger_get(ledger, at, &bytes_count);
        hf_ledger_pin(hf_engine_ledger(engine), at - 1);
        if (record == NULL || hf_engine_replay(engine, record, bytes_count, &why) != HF_OK) {
            is_good = hf_history_blame(
                &run->history, "the record at LSN %" PRIu64 " does not replay: %s", at, why);
        }
    }
    *digest = hf_engine_digest(engine);
    hf_engine_free(engine);
    run->report->replays_count++;
    return is_good;
}

/* P7: the log alone gives the same state, where it reaches back to its first record. */
static bool judge_replay(struct hf_run *run)
{
    struct hf_engine *engine = run->node.engine;
    const uint64_t lsn = hf_engine_lsn(engine);
    struct hf_digest digest;

    if (lsn == 0 || hf_engine_ledger(engine)->first_lsn != 1) {
        return true;
    }
    if (!replay(run, engine, lsn, &digest)) {
        return false;
    }
    return is_same(digest, hf_engine_digest(engine)) ||
           hf_history_blame(&run->history, "the digest at LSN %" PRIu64 " is not that of its log",
                            lsn);
}

/* ------------------------------------------------------------------ a disk beside the server's */

static void drop_line(void *arg, char level, const char *text)
{
    (void)arg;
    (void)level;
    (void)text;
}

/* An engine recovered from the disk; NULL: the start is refused, with `error`. */
static struct hf_engine *recover(struct hf_run *run, struct hf_sim_disk *disk, char *error,
                                 size_t error_bytes)
{
    const struct hf_store_report report = {.line = drop_line};
    struct hf_engine *engine = hf_engine_create(&run->node.engine_config);

    HF_ASSERT(engine != NULL);
    struct hf_store *store = hf_store_open(&run->node.store_config, hf_sim_disk_table(disk),
                                           &report, engine, error, error_bytes);
    if (store == NULL) {
        hf_engine_free(engine);
        return NULL;
    }
    hf_store_close(store);
    return engine;
}

/* What is recovered from a copy of the files is what the server has. */
static bool judge_copy(struct hf_run *run)
{
    char error[1024] = "";

    while (hf_node_log_step(&run->node)) {
    }
    if (!hf_store_log_sync(run->node.store)) {
        return hf_history_blame(&run->history, "a whole disk does not sync");
    }
    const struct hf_sim_disk *twin = run->node.mirror.twin;
    struct hf_sim_disk *disk = hf_sim_disk_clone(twin != NULL ? twin : run->node.disk);
    struct hf_engine *engine = recover(run, disk, error, sizeof error);
    bool is_good = true;
    if (engine == NULL) {
        is_good = hf_history_blame(&run->history, "a copy of the disk is refused: %s", error);
    } else if (hf_engine_lsn(engine) != hf_engine_lsn(run->node.engine) ||
               !is_same(hf_engine_digest(engine), hf_engine_digest(run->node.engine))) {
        is_good = hf_history_blame(&run->history,
                                   "a copy of the disk gives another digest: LSN %" PRIu64
                                   ", the server has %" PRIu64,
                                   hf_engine_lsn(engine), hf_engine_lsn(run->node.engine));
    }
    hf_engine_free(engine);
    hf_sim_disk_free(disk);
    run->report->copies_count++;
    return is_good;
}

/* Two engines agree up to the LSN that both have. */
static bool agree(struct hf_run *run, struct hf_engine *a, struct hf_engine *b)
{
    struct hf_engine *engines[] = {a, b};
    struct hf_digest digests[2];
    const uint64_t lsn = hf_engine_lsn(a) < hf_engine_lsn(b) ? hf_engine_lsn(a) : hf_engine_lsn(b);

    for (int i = 0; i < 2; i++) {
        if (hf_engine_lsn(engines[i]) == lsn) {
            digests[i] = hf_engine_digest(engines[i]);
        } else if (hf_engine_ledger(engines[i])->first_lsn != 1) {
            return true; /* not to be known */
        } else if (!replay(run, engines[i], lsn, &digests[i])) {
            return false;
        }
    }
    return is_same(digests[0], digests[1]);
}

bool hf_oracle_damage(struct hf_run *run)
{
    char error[1024] = "";
    enum hf_sim_damage damage = HF_DAMAGE_HARMLESS;
    bool is_good = true;

    if (run->broken == NULL) {
        return true;
    }
    struct hf_engine *engine = recover(run, run->broken, error, sizeof error);
    if (engine == NULL) {
        damage = HF_DAMAGE_REFUSED;
        hf_run_tell(run, "  the damaged disk is refused: %s", error);
    } else {
        const uint64_t lsn = hf_engine_lsn(engine);
        hf_run_tell(run,
                    "  the damaged disk gives LSN %" PRIu64 ", the whole one %" PRIu64
                    "; at least %" PRIu64 " it must",
                    lsn, hf_engine_lsn(run->node.engine), run->broken_lsn);
        if (!agree(run, engine, run->node.engine)) {
            is_good = hf_history_blame(&run->history,
                                       "a damaged disk gives another digest at LSN %" PRIu64, lsn);
        } else if (lsn < run->broken_lsn) {
            is_good = hf_history_blame(
                &run->history, "a damaged disk loses without a word: LSN %" PRIu64 " of %" PRIu64,
                lsn, run->broken_lsn);
        } else if (lsn < atomic_load(&run->history.seen_lsn)) {
            damage = HF_DAMAGE_CUT;
        }
    }
    run->report->damage_counts[damage]++;
    hf_engine_free(engine);
    hf_sim_disk_free(run->broken);
    run->broken = NULL;
    return is_good;
}

/* ------------------------------------------------------------------ verdict */

bool hf_oracle_verdict(struct hf_run *run)
{
    const struct hf_port port = hf_client_port(&run->auditor);
    const uint64_t seen_lsn = atomic_load(&run->history.seen_lsn);
    const uint64_t lsn = hf_engine_lsn(run->node.engine);

    hf_node_spare_step(&run->node); /* so that nothing is refused for want of a place */
    hf_node_turn(&run->node);
    if (!judge_replay(run) || !hf_history_ask_again(&run->history, &port)) {
        return false;
    }
    if (seen_lsn > lsn) {
        return hf_history_blame(&run->history,
                                "lost: a reply told of LSN %" PRIu64 ", recovered are %" PRIu64,
                                seen_lsn, lsn);
    }
    if (!hf_history_ask_otherwise(&run->history, &port, &run->world.random) ||
        !hf_history_settle(&run->history, &port, run->report->unknown_counts) ||
        !hf_account_prove(&run->account, &port)) {
        return false;
    }
    return hf_roll(&run->world, 2) == 0 || judge_copy(run);
}

/* ------------------------------------------------------------------ progress */

static bool has_arrived(const struct hf_run *run, const uint32_t *sent_counts)
{
    for (uint32_t i = 0; i < run->plan.clients_count; i++) {
        if (run->clients[i].in_flight_count > 0 || sent_counts[i] < PROGRESS_DEEDS) {
            return false;
        }
    }
    for (uint32_t i = 0; i < HF_RUN_CONSUMERS_COUNT; i++) {
        if (run->consumers[i].token.lsn != hf_engine_lsn(run->node.engine)) {
            return false;
        }
    }
    return true;
}

bool hf_oracle_progress(struct hf_run *run)
{
    const struct hf_port port = hf_client_port(&run->auditor);
    struct hf_node *node = &run->node;
    uint32_t sent_counts[HF_PLAN_CLIENTS_MAX] = {0};

    for (uint32_t i = 0; !has_arrived(run, sent_counts); i++) {
        if (i == PROGRESS_STEPS_MAX) {
            return hf_history_blame(&run->history,
                                    "no progress: %u steps after the last fault somebody still "
                                    "waits for an answer",
                                    PROGRESS_STEPS_MAX);
        }
        struct hf_client *client = &run->clients[i % run->plan.clients_count];
        struct hf_consumer *consumer = &run->consumers[i % HF_RUN_CONSUMERS_COUNT];
        uint32_t *sent_count = &sent_counts[i % run->plan.clients_count];
        if (*sent_count < PROGRESS_DEEDS) {
            *sent_count += hf_client_send(client) || client->lost_count == 0 ? 1 : 0;
        }
        hf_consumer_connect(consumer);
        for (uint32_t link = 0; link < HF_NODE_LINKS_MAX; link++) {
            hf_node_deliver(node, link, SIZE_MAX);
        }
        hf_node_turn(node);
        (void)hf_node_log_step(node);
        hf_node_snapshot_step(node);
        hf_node_spare_step(node);
        hf_node_read_step(node);
        hf_node_turn(node);
        run->world.now_us += 1000;
        if (!hf_client_read(client) || !hf_consumer_read(consumer) || !hf_oracle_step(run)) {
            return false;
        }
        if (hf_node_is_dying(node)) {
            return hf_history_blame(&run->history, "the server stops, with no fault left");
        }
    }
    for (uint32_t i = 0; i < HF_RUN_CONSUMERS_COUNT; i++) {
        if (!hf_follow_compare(&run->consumers[i].follow, &port)) {
            return false;
        }
    }
    return hf_follow_compare(&run->follow, &port);
}
