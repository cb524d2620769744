/*
 * model_steps.c - a snapshot in steps while operations go on, made into an engine at its end.
 *
 * See model_run.h. A snapshot begins now and then; after most steps a few slots of it are copied.
 * At its end the stream is loaded into an empty engine: that must have the digest and the LSN that
 * the engine had when the snapshot began, pass the audit, and know every name that the model knew
 * then (a digest is made of the same items as a snapshot; names are asked for one by one). Some
 * snapshots get so little memory that they may be lost, which is said in words, and some are ended
 * early.
 */
#include "tests/model/model_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/state.h"

#define BYTES_PLENTY (UINT64_C(64) << 20)
#define BYTES_SMALL UINT64_C(4608) /* a page of places, and hardly more */
#define STREAM_BYTES_MAX (16u * 1024 * 1024)

/* Names that the engine knew at the begin, as text and kind; the model knows the same ones. */
static void note_names(struct hf_run *run)
{
    const struct hf_names *names = &run->engine->names;
    struct hf_run_steps *steps = &run->steps;

    steps->names_count = hf_names_count(names);
    steps->names = malloc((steps->names_count + 1) * sizeof *steps->names);
    HF_ASSERT(steps->names != NULL);
    for (uint64_t i = 0; i < steps->names_count; i++) {
        const uint32_t name = hf_name_slot_at(names, names->queue_first + i)->name;
        const uint32_t index = hf_name_index(name);
        const struct hf_text text =
            hf_name_kind(name) == HF_NAME_REF ? hf_ref_text(hf_ref_at(names, name))
            : hf_name_kind(name) == HF_NAME_SHIPMENT
                ? hf_shipment_id(hf_shipment_at(names->shipments, index))
                : hf_reservation_id(names->reservations,
                                    hf_reservation_at(names->reservations, index));
        steps->names[i].kind = hf_name_kind(name);
        steps->names[i].bytes_count = (uint8_t)text.bytes_count;
        memcpy(steps->names[i].bytes, text.bytes, text.bytes_count);
    }
}

static void begin(struct hf_run *run)
{
    struct hf_run_steps *steps = &run->steps;

    steps->is_small = run->steps_count % 4 == 1;
    if (!hf_engine_snapshot_begin(run->engine, steps->is_small ? BYTES_SMALL : BYTES_PLENTY) ||
        hf_engine_snapshot_begin(run->engine, BYTES_PLENTY)) {
        hf_run_fail(run, "a snapshot does not begin, or begins twice");
        return;
    }
    steps->is_on = true;
    steps->lsn = hf_engine_lsn(run->engine);
    steps->digest = hf_engine_digest(run->engine);
    steps->bytes_count = 0;
    steps->stream = malloc(STREAM_BYTES_MAX);
    HF_ASSERT(steps->stream != NULL);
    note_names(run);
}

void hf_run_end_snapshot(struct hf_run *run)
{
    if (run->steps.is_on) {
        hf_engine_snapshot_end(run->engine);
        free(run->steps.stream);
        free(run->steps.names);
        run->steps = (struct hf_run_steps){0};
    }
}

static void compare_names(struct hf_run *run, const struct hf_engine *loaded)
{
    const struct hf_run_steps *steps = &run->steps;

    for (uint64_t i = 0; i < steps->names_count && !run->has_failed; i++) {
        const struct hf_text text = {steps->names[i].bytes, steps->names[i].bytes_count};
        const uint32_t name = hf_names_find(&loaded->names, text, hf_name_hash(text));
        if (name == HF_NONE || hf_name_kind(name) != steps->names[i].kind) {
            hf_run_fail(run, "the snapshot has forgotten the name %.*s", (int)text.bytes_count,
                        text.bytes);
        }
    }
}

/* Make an engine of the stream. */
static void load(struct hf_run *run)
{
    const struct hf_run_steps *steps = &run->steps;
    struct hf_engine *loaded = hf_engine_create(&run->config);
    struct hf_audit audit = {0};
    const char *why = "";

    HF_ASSERT(loaded != NULL);
    if (hf_engine_load(loaded, steps->stream, steps->bytes_count, &why) != HF_OK ||
        hf_engine_load_end(loaded, &why) != HF_OK) {
        hf_run_fail(run, "load of a snapshot in steps: %s", why);
    } else {
        const struct hf_digest digest = hf_engine_digest(loaded);
        while (!hf_engine_audit(loaded, &audit, 100)) {
        }
        if (digest.low != steps->digest.low || digest.high != steps->digest.high ||
            hf_engine_lsn(loaded) != steps->lsn || audit.violations_count != 0) {
            hf_run_fail(run, "a snapshot in steps is not the state at which it began");
        }
        compare_names(run, loaded);
    }
    hf_engine_free(loaded);
}

void hf_run_copy_on(struct hf_run *run)
{
    struct hf_run_steps *steps = &run->steps;
    const uint32_t items_max = 1 + (uint32_t)(run->steps_count * 17 % 11);
    size_t bytes_used;
    bool is_end;

    if (!steps->is_on) {
        if (run->steps_count % 19 == 0) {
            begin(run);
        }
        return;
    }
    if (run->steps_count % 3 == 1) {
        return; /* let some changes come before the next items */
    }
    if (run->steps_count % 251 == 0) {
        hf_run_end_snapshot(run); /* before its end */
        return;
    }
    HF_ASSERT(STREAM_BYTES_MAX - steps->bytes_count >= HF_IMAGE_BYTES_MIN);
    const enum hf_err err =
        hf_engine_snapshot_step(run->engine, items_max, steps->stream + steps->bytes_count,
                                STREAM_BYTES_MAX - steps->bytes_count, &bytes_used, &is_end);
    if (err == HF_LIMIT_EXCEEDED && steps->is_small) {
        hf_run_end_snapshot(run);
        run->lost_snapshots_count += 1;
        return;
    }
    if (err != HF_OK || hf_engine_snapshot_lsn(run->engine) != steps->lsn) {
        hf_run_fail(run, "a snapshot's step: %s, of LSN %" PRIu64, hf_err_name(err),
                    hf_engine_snapshot_lsn(run->engine));
        return;
    }
    steps->bytes_count += bytes_used;
    if (is_end) {
        load(run);
        hf_run_end_snapshot(run);
        run->snapshots_count += 1;
    }
}
