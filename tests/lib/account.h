/*
 * account.h - is the server's stock what the deeds made it? Deeds are replayed, by rules of our
 * own.
 *
 *     history --by LSN--> | receive | reserve | EXPIRE | fulfil | ...  --> cells, reservations
 *                              1         2        3        4                   |
 *     server  --moves of every cell, stock of every cell, states ----------> the same?
 *
 * What must be true once every deed is settled:
 *     B1   every LSN from 1 to the server's is one deed or one expiry, and no two share one:
 *          nothing is invented, nothing is there twice
 *     B2   in that order every deed was allowed: the state of its reservation or shipment, P1 (no
 *          reservation takes ATS below zero, no sale or shipment ATF), no counter ever below zero
 *     B3   the moves in the ledger are those of the deeds, kinds, lines and values after included:
 *          no deed is half there
 *     B4   the six counters, ATS and version of every cell are what comes out at the end
 *     B5   so are the states, units fulfilled and units released of reservations
 *     B6   so are the states and all figures of transfers and inbound shipments; every unit asked
 *          for is in one of them, or there are more only where more has arrived
 *     B7   the audit finds nothing
 *
 * Two things are the server's own, and are read from its ledger: which reservation expired at which
 * LSN, and the time of an LSN, by which levels are set as of a time. They are remembered, because
 * the ledger in memory may forget them.
 */
#ifndef HF_TESTS_ACCOUNT_H
#define HF_TESTS_ACCOUNT_H

#include "tests/lib/history.h"

struct hf_account {
    struct hf_history *history;
    uint64_t *expired_lsn;     /* [deed]: when its reservation expired; 0: it did not */
    uint64_t *times_us;        /* [lsn]: of its record; 0: not seen */
    uint64_t lsn_max;          /* of times_us: every deed, as many expiries, others */
    uint64_t others_first_lsn; /* hf_account_others */
    uint64_t others_last_lsn;  /* 0: nothing */
    uint64_t random;           /* which reservations and shipments are looked at line by line */

    /* of the last proof */
    uint64_t lsn;
    uint64_t expiries_count;
    uint64_t moves_count;
    uint64_t states_count[HF_STATES_COUNT]; /* reservations and shipments in each state */
};

/* False: no memory. */
bool hf_account_init(struct hf_account *account, struct hf_history *history, uint64_t seed);
void hf_account_release(struct hf_account *account);

/* Somebody else did something in this range, to cells that no deed can name. False: no memory. */
bool hf_account_others(struct hf_account *account, uint64_t first_lsn, uint64_t last_lsn);

/* Prove B1 to B7. No deed may be open, and nobody else may be writing. False: a violation, in
 * history->violation. */
bool hf_account_prove(struct hf_account *account, const struct hf_port *port);

#endif
