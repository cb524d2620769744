/*
 * tail.h - what stands behind the last block of the newest log segment: the clean end of the log,
 * a torn tail, or damage (FORMATS.md 2.3). Recovery acts on it, the log tools report it; there is
 * one judge so that the two cannot differ.
 */
#ifndef HF_PERSISTENCE_TAIL_H
#define HF_PERSISTENCE_TAIL_H

#include "persistence/segment.h"

enum hf_tail {
    HF_TAIL_CLEAN,  /* zeros up to the end of the file */
    HF_TAIL_TORN,   /* bytes of which nothing says that they were synced: they are cut */
    HF_TAIL_DAMAGED /* something says that there was more, and that it was synced */
};

struct hf_tail_facts {
    const struct hf_segment_rest *rest;
    uint64_t offset;       /* where the next block should begin */
    uint64_t lsn;          /* with this LSN */
    uint64_t previous;     /* and this chain */
    uint64_t snapshot_lsn; /* the newest one: in the manifest, or found whole; 0: none */
    uint64_t epoch_lsn;    /* with which the current epoch begins */
    const char *why;       /* why no block stands there */
};

/* For HF_TAIL_DAMAGED `text` says what speaks against a torn tail; else it stays empty. */
enum hf_tail hf_tail_judge(const struct hf_tail_facts *facts, char *text, size_t text_bytes);

#endif
