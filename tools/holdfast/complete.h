/*
 * complete.h - what may stand at the end of a line that is being typed.
 *
 *     tran                      transfer
 *     transfer re               receive
 *     receive A@L 5 --re        --ref --reason
 *     receive A@L 5 --reason p  purchase production perished
 *
 * The table of commands is all it knows; codes and ids are the server's and are not asked for.
 */
#ifndef HF_TOOLS_HOLDFAST_COMPLETE_H
#define HF_TOOLS_HOLDFAST_COMPLETE_H

#include <stddef.h>

#define HF_CANDIDATES_MAX 96
#define HF_CANDIDATE_BYTES 40

struct hf_candidates {
    char texts[HF_CANDIDATES_MAX][HF_CANDIDATE_BYTES]; /* in the order of the tables, each once */
    size_t count;
    size_t typed_bytes; /* of each, that stand in the line already */
};

/* The words that may go on where `line` ends. */
void hf_complete(const char *line, struct hf_candidates *candidates);
/* Bytes that all candidates have in common; at least typed_bytes when there are any. */
size_t hf_candidates_common_bytes(const struct hf_candidates *candidates);

#endif
