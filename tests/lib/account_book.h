/*
 * account_book.h - the inside of account.h: cells, reservations and shipments, made anew from the
 * deeds, one LSN after the other, by rules of our own.
 *
 *     account.c        what is asked of the server, and whether it is the same
 *     account_book.c   cells, moves, reservations
 *     account_goods.c  levels, statuses, transfers and inbound shipments
 *
 * A deed that the rules do not allow is told by hf_history_blame and ends the replay.
 */
#ifndef HF_TESTS_ACCOUNT_BOOK_H
#define HF_TESTS_ACCOUNT_BOOK_H

#include "tests/lib/account.h"

#define HF_BOOK_EXPIRY (UINT32_C(1) << 31)

struct hf_book_cell {
    int64_t units[HF_COUNTERS_COUNT];
    int64_t inbound_sellable; /* of in_transit; what inbound shipments bring, ... */
    int64_t inbound_kept;     /* ... and may be sold before it arrives, or not */
    uint64_t version;
    uint32_t newest_move; /* index; 0: none */
};

struct hf_book_hold {
    uint8_t state; /* enum hf_state; HF_STATE_NONE: it is no reservation */
    uint8_t lines_count;
    struct {
        uint32_t cell;
        int32_t units, fulfilled, released;
    } lines[HF_DEED_LINES_MAX];
};

/* A transfer or inbound shipment. */
struct hf_book_goods {
    uint8_t state; /* enum hf_state; HF_STATE_NONE: it is none */
    uint8_t lines_count;
    struct {
        uint32_t cell; /* it goes to */
        int32_t units;
        int32_t figures[HF_SEEN_FIGURES];
    } lines[HF_DEED_LINES_MAX];
};

/* What one operation did to one cell, its moves of that cell added up. */
struct hf_book_move {
    uint64_t lsn;
    uint32_t cell;
    uint32_t older; /* of the same cell: index; 0: none */
    unsigned kind;  /* enum hf_kind */
    int64_t delta[HF_COUNTERS_COUNT];
    int64_t after[HF_COUNTERS_COUNT];
};

struct hf_book {
    struct hf_account *account;
    struct hf_history *history;
    const struct hf_port *port;
    uint32_t *by_lsn; /* [lsn]: deed + 1, with HF_BOOK_EXPIRY when it ended then; 0: nothing */
    struct hf_book_hold *holds;  /* [deed] */
    struct hf_book_goods *goods; /* [deed] */
    struct hf_book_cell cells[HF_DEED_CELLS_COUNT];
    bool is_keeping[HF_DEED_LOCATIONS_COUNT]; /* transfers may not be sold before they arrive */
    struct hf_book_move *moves;               /* from 1 on */
    uint32_t moves_count;
    uint32_t moves_max;
    uint64_t lsn;
    uint64_t ledger_first_lsn;
    uint64_t at_lsn; /* at work: this LSN, ... */
    uint32_t deed;   /* ... and whose it is */
    bool is_good;

    /* the cell whose moves are being read (account.c) */
    uint32_t read_cell;
    bool is_learning;         /* of expiries and times; else comparing */
    struct hf_book_move read; /* moves of one LSN, added up */
    uint32_t read_index;
    uint32_t expected; /* the next move to compare; index; 0: none */
};

#define BLAME(book, ...) ((book)->is_good = hf_history_blame((book)->history, __VA_ARGS__))

/* No deed and no expiry need be there (account.h). */
static inline bool hf_book_is_others(const struct hf_book *book, uint64_t lsn)
{
    return lsn >= book->account->others_first_lsn && lsn <= book->account->others_last_lsn;
}

/* Take every LSN of by_lsn in its order. */
void hf_book_replay(struct hf_book *book);

/* The deed at work changes a counter of a cell by some units; zero is no move. */
void hf_book_move(struct hf_book *book, uint32_t cell, enum hf_counter counter, int64_t units);
/* Say of the deed at work what is wrong. */
void hf_book_blame(struct hf_book *book, const char *what);
int64_t hf_book_atf(const struct hf_book_cell *cell);
int64_t hf_book_ats(const struct hf_book *book, uint32_t cell);
/* P1, for the deed at work, which took units of the cell. */
void hf_book_check_atf(struct hf_book *book, uint32_t cell);
void hf_book_check_ats(struct hf_book *book, uint32_t cell);

/* Lines of one cell added up, by first appearance. */
struct hf_book_sums {
    uint32_t count;
    struct {
        uint32_t cell;
        int32_t units, damaged;
    } of[HF_DEED_LINES_MAX];
};
struct hf_book_sums hf_book_add_up(const struct hf_deed *deed);

/* The kinds from HF_KIND_SET on. */
void hf_book_replay_goods(struct hf_book *book, const struct hf_deed *deed);

#endif
