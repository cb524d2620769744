/*
 * limits.h - every bound of the engine that is not configured, with its reason.
 *
 * Bounds that a user may set (how many cells, reservations, how long a reference is kept) are in
 * struct hf_engine_config (engine.h); these are the ones other bounds and formats rely on.
 */
#ifndef HF_ENGINE_LIMITS_H
#define HF_ENGINE_LIMITS_H

#include <stdint.h>

#define HF_UNITS_MAX                                                                               \
    INT64_C(1000000000000)   /* one counter; nine million full cells sum in int64                  \
                              */
#define HF_CODE_BYTES_MAX 64 /* a code, id, reference, order or who */
#define HF_LINES_MAX 4096    /* lines of one operation */

/* Moves of one record. Releasing an order may touch many reservations; past this it is refused. */
#define HF_MOVES_MAX 16384

/* Longest life a reservation may be configured to have: it is kept in 48 bits of microseconds. */
#define HF_LIFE_US_LIMIT (UINT64_C(366) * 24 * 3600 * 1000000)

/* The wheel reads times as nine digits of six bits: up to the year 2540. Later ones are refused. */
#define HF_TIME_US_MAX ((UINT64_C(1) << 54) - 1 - HF_LIFE_US_LIMIT)

/*
 * Bytes of one record: a header, texts, and for each move at most a tag, two handles, the version
 * before, a mask, marks, six changes and six values of up to 6 bytes and the gap (110 in all); new
 * codes; a shipment's lines; the shortages of at most a line each, and the reservations they hit.
 */
#define HF_RECORD_BYTES_MAX (4u * 1024 * 1024)
#define HF_RECORD_HITS_BYTES_MAX (512u * 1024)
_Static_assert((HF_MOVES_MAX + HF_LINES_MAX) * 110 + HF_LINES_MAX * 2 * 80 +
                       (int)HF_RECORD_HITS_BYTES_MAX + 4096 <
                   (int)HF_RECORD_BYTES_MAX,
               "the largest operation fits a record");

/* The ledger ring holds several of the largest records. */
#define HF_LEDGER_BYTES_MIN (4u * HF_RECORD_BYTES_MAX)

#define HF_SKUS_LIMIT (UINT32_C(1) << 30)
#define HF_LOCATIONS_LIMIT (UINT32_C(1) << 24) /* a cell keeps its location in 24 bits */

#endif
