/*
 * codec_entry.h - what all entries of replies have in common (PROTOCOL.md 3.3): a length in front,
 * fixed fields, texts behind them, zeros up to a multiple of 8. For the codec's own files.
 */
#ifndef HF_NET_CODEC_ENTRY_H
#define HF_NET_CODEC_ENTRY_H

#include "net/codec.h"

/* Take `bytes_count` bytes from the front of `left`; NULL when they are not there. */
const unsigned char *hf_items_take(struct hf_items *left, size_t bytes_count);

/*
 * Take an item or entry that begins with its own length and is at least `fixed_bytes` long; `rest`
 * is what follows the fixed part. NULL when it does not lie whole in `left`.
 */
const unsigned char *hf_entry_take(struct hf_items *left, size_t fixed_bytes,
                                   struct hf_items *rest);
/* Read `count` texts whose lengths stand at `lengths`. False when they are not there. */
bool hf_entry_texts(struct hf_items rest, const unsigned char *lengths, uint32_t count,
                    struct hf_text *texts);

/*
 * Add an entry of `fixed_bytes` and the texts after them; the fixed part is zeroed but its length.
 * NULL: out has failed.
 */
unsigned char *hf_entry_put(struct hf_buffer *out, size_t fixed_bytes, const struct hf_text *texts,
                            uint32_t count);

#endif
