/*
 * question.h - the reading half of dispatch: one item of a question becomes one reply item.
 *
 * Answers are bounded: by the entries asked for and by the bytes a frame may have. What does not
 * fit on one page goes on at a cursor, which is opaque to the client:
 *     list     the engine's
 *     order    the LSN that opened the last reservation given
 *     ledger   the LSN to go on below * 2^14 + how many moves of the operation there are given
 *              already. One operation may be more than a page long (releasing a large order).
 */
#ifndef HF_NET_QUESTION_H
#define HF_NET_QUESTION_H

#include "engine/engine.h"
#include "net/codec.h"

struct hf_question {
    struct hf_engine *engine;
    struct hf_buffer *out;
    unsigned operation;
    uint64_t now_us;
    size_t bytes_end; /* hf_buffer_count(out) must not grow past this */
};

/* True for the operations answered here: stock .. lookup. */
static inline bool hf_operation_is_question(unsigned operation)
{
    return operation >= HF_ASK_STOCK && operation <= HF_ASK_LOOKUP;
}

/*
 * Answer one item. HF_INVALID_ARGUMENT for a field that the question does not read or that is
 * malformed; HF_LIMIT_EXCEEDED: the answer does not fit into what is left of the frame.
 */
void hf_question_answer(const struct hf_question *question, const struct hf_request *request);

#endif
