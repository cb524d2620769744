/*
 * question.h - the reading half of dispatch: one item of a question becomes one reply item.
 *
 * Answers are bounded: by the entries asked for and by the bytes a frame may have. What does not
 * fit on one page goes on at a cursor, which is opaque to the client:
 *     list, shortages, transfers, inbound shipments
 *              the engine's
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

/* True for the operations answered here: stock .. inbound shipments. */
static inline bool hf_operation_is_question(unsigned operation)
{
    return operation >= HF_ASK_STOCK && operation <= HF_ASK_INBOUND_SHIPMENTS;
}

/* True for those of them whose answer takes a walk through many cells, records or shipments. */
static inline bool hf_operation_is_paged(unsigned operation)
{
    return operation == HF_ASK_ORDER || operation == HF_ASK_LEDGER || operation == HF_ASK_LIST ||
           operation == HF_ASK_SHORTAGES || operation == HF_ASK_TRANSFERS ||
           operation == HF_ASK_INBOUND_SHIPMENTS;
}

/* Entries on a page, as asked for within what is allowed (dispatch.h). */
uint32_t hf_question_page_entries(uint32_t limit);

/*
 * What is wrong with the fields of a question, or of an export, whatever the stock is? *line_index
 * (UINT32_MAX: of none) says of which line. HF_FIELD_NONE: nothing.
 */
enum hf_field hf_question_judge(unsigned operation, const struct hf_request *request,
                                uint32_t *line_index);

/*
 * Answer one item. HF_INVALID_ARGUMENT for a field that the question does not read or that is
 * malformed; HF_LIMIT_EXCEEDED: the answer does not fit into what is left of the frame.
 */
void hf_question_answer(const struct hf_question *question, const struct hf_request *request);

#endif
