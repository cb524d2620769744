/*
 * model_generate.h - random operations that go where the rules have their edges.
 *
 * Few codes, few ids and small numbers, so that operations meet each other: quantities are often
 * exactly what a cell has, or one more; ids are often those of open reservations; references are
 * often used before; a few operations in a hundred are malformed. What is drawn depends only on
 * the seed and on the model's state, and is kept as steps, so a failing run can be run again
 * without the generator and with steps left out (test_model.c).
 */
#ifndef HF_TESTS_MODEL_GENERATE_H
#define HF_TESTS_MODEL_GENERATE_H

#include "tests/model/reference.h"

#define HF_STEP_OPS_MAX 4

struct hf_step {
    uint64_t now_us;
    bool is_linked;
    bool is_reload; /* no operation: the engine is replaced by a copy of itself */
    uint32_t ops_count;
    struct hf_op ops[HF_STEP_OPS_MAX];
};

/* Memory for texts and lines of steps, given back all at once. */
struct hf_arena_chunk;
struct hf_arena {
    struct hf_arena_chunk *chunks;
};
void *hf_arena_take(struct hf_arena *arena, size_t bytes_count);
void hf_arena_release(struct hf_arena *arena);

struct hf_random {
    uint64_t state;
};
uint64_t hf_random_next(struct hf_random *random);
/* 0 .. below - 1 */
uint32_t hf_random_below(struct hf_random *random, uint32_t below);
/* True in `percent` of a hundred cases. */
bool hf_random_chance(struct hf_random *random, uint32_t percent);

/* What an episode is like. */
struct hf_generator {
    struct hf_random random;
    struct hf_arena *arena;
    const struct hf_model *model;
    uint64_t now_us;
    uint32_t skus_count, locations_count; /* codes in use */
    uint32_t names_count;                 /* names drawn so far; new ones come after them */
    uint32_t names_window;                /* how far back a name is drawn again */
    uint64_t time_step_us;                /* typical time between operations */
    bool is_crowded;                      /* many small holds, most of them for long */
    bool has_versions;                    /* conditions on LSNs may be drawn */
    uint32_t move_percent;                /* of operations that are about stock on the move */
    uint32_t huge_percent;                /* of quantities that are near the limits */
    const struct hf_step *steps;          /* the steps so far, to repeat operations from */
    uint32_t steps_count;
};

/* Draw the next step. */
void hf_generate_step(struct hf_generator *generator, struct hf_step *step);
/* For tests that draw texts themselves: SKU number i, below 8; location number i, below 6. */
struct hf_text hf_generate_sku(uint32_t i);
struct hf_text hf_generate_location(uint32_t i);

#endif
