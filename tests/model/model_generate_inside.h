/* model_generate_inside.h - between the generator's files: chance, names, and the kinds of stock on
 * the move. */
#ifndef HF_TESTS_MODEL_GENERATE_INSIDE_H
#define HF_TESTS_MODEL_GENERATE_INSIDE_H

#include "tests/model/model_generate.h"

static inline uint32_t below(struct hf_generator *g, uint32_t limit)
{
    return hf_random_below(&g->random, limit);
}

static inline bool chance(struct hf_generator *g, uint32_t percent)
{
    return hf_random_chance(&g->random, percent);
}

/* A name of an operation: one space for references and ids, so that they meet. */
struct hf_text hf_generate_name(struct hf_generator *g, uint32_t new_percent);
/* One less, the same, or one more. */
int64_t hf_generate_near(struct hf_generator *g, int64_t units);
/* The same text, in the arena. */
struct hf_text hf_generate_keep(struct hf_generator *g, const struct hf_model_text *text);

/* model_generate_moves.c: what a set is as of, statuses; ids and lines of shipments. */
void hf_generate_as_of(struct hf_generator *g, struct hf_op *op);
void hf_generate_statuses(struct hf_generator *g, struct hf_op *op);
void hf_generate_shipment(struct hf_generator *g, struct hf_op *op);
/* Spoil a field that only these kinds read. */
void hf_generate_spoil(struct hf_generator *g, struct hf_op *op);

#endif
