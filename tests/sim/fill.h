/*
 * fill.h - brings the log near the end of its first segment, so that work soon goes on in the next.
 *
 *     segment 1   | groups of the opening | one receipt after the other ...         | room |
 *
 * The smallest segment is far larger than what a run writes, and yet the step into a new one is
 * where names change, space is taken and disks are full. So somebody else, whom no client knows,
 * receives goods at a place of his own, with texts that do not compress, until little room is left.
 */
#ifndef HF_SIM_FILL_H
#define HF_SIM_FILL_H

#include "tests/sim/node.h"

#define HF_FILL_LOCATION "elsewhere"

/* The LSNs that somebody else's operations got, besides expiries. */
struct hf_fill_range {
    uint64_t first_lsn, last_lsn;
};

/* The node is up, and rests; afterwards all is synced, and about so much room is left. False: the
 * log has failed. */
bool hf_fill(struct hf_node *node, uint64_t room_bytes, struct hf_fill_range *range);

#endif
