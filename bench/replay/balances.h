/*
 * balances.h - one short text for all balances of a server, to compare two runs by.
 *
 * XXH3 (128 bits) over every cell, sorted by the bytes of SKU and then location:
 *     sku, zero byte, location, zero byte, on_hand, held, committed, in_transit (8 bytes each, LE)
 */
#ifndef HF_BENCH_BALANCES_H
#define HF_BENCH_BALANCES_H

#include "net/holdfast.h"

#define HF_BALANCES_TEXT_BYTES 33

/* HOLDFAST_OK: `hex` holds 32 digits, `cells_count` says how many cells. Else what went wrong;
 * HOLDFAST_LIMIT_EXCEEDED: no memory for the list of cells. */
enum holdfast_outcome hf_balances(struct holdfast *hf, char hex[HF_BALANCES_TEXT_BYTES],
                                  uint64_t *cells_count);

#endif
