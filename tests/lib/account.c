#include "tests/lib/account.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tests/lib/workload.h"

#define TRIES_MAX 200     /* holds go on to expire while we read */
#define LOOK_AT_COUNT 40u /* reservations compared line by line */
#define EXPIRY (UINT32_C(1) << 31)

enum { ON_HAND, HELD, COMMITTED };

struct cell {
    int64_t units[3];
    uint64_t version;
    uint32_t newest_move; /* index + 1; 0: none */
};

struct hold {
    uint8_t state; /* enum hf_state; HF_STATE_NONE: it is no reservation */
    uint8_t lines_count;
    struct {
        uint32_t cell;
        int32_t units, fulfilled, released;
    } lines[HF_DEED_LINES_MAX];
};

/* What one operation did to one cell, its moves of that cell added up. */
struct move {
    uint64_t lsn;
    uint32_t cell;
    uint32_t older; /* of the same cell; index + 1; 0: none */
    int64_t delta[3];
    int64_t after[3];
};

struct book {
    struct hf_account *account;
    struct hf_history *history;
    const struct hf_port *port;
    uint32_t *by_lsn;   /* [lsn]: deed + 1, with EXPIRY when it ended then; 0: nothing */
    struct hold *holds; /* [deed] */
    struct cell cells[HF_DEED_CELLS_COUNT];
    struct move *moves; /* from 1 on */
    uint32_t moves_count;
    uint32_t moves_max;
    uint64_t lsn;
    uint64_t ledger_first_lsn;
    uint32_t deed; /* at work, for messages */
    bool is_good;

    /* the cell whose moves are being read */
    uint32_t read_cell;
    bool is_learning; /* of expiries; else comparing */
    struct move read; /* moves of one LSN, added up */
    uint32_t read_index;
    uint32_t expected; /* the next move to compare; index + 1 */
};

bool hf_account_init(struct hf_account *account, struct hf_history *history, uint64_t seed)
{
    *account = (struct hf_account){.history = history, .random = seed};
    account->expired_lsn =
        calloc((size_t)history->clients_count * history->deeds_max, sizeof *account->expired_lsn);
    return account->expired_lsn != NULL;
}

void hf_account_release(struct hf_account *account)
{
    free(account->expired_lsn);
    account->expired_lsn = NULL;
}

#define BLAME(book, ...) ((book)->is_good = hf_history_blame((book)->history, __VA_ARGS__))

/* ------------------------------------------------------------------ replay */

static void add_move(struct book *book, uint64_t lsn, uint32_t cell_index, int64_t on_hand,
                     int64_t held, int64_t committed)
{
    struct cell *cell = &book->cells[cell_index];
    const int64_t delta[3] = {on_hand, held, committed};

    if (cell->newest_move == 0 || book->moves[cell->newest_move].lsn != lsn) {
        if (book->moves_count + 1 >= book->moves_max) {
            book->moves_max = book->moves_max * 2 + 4096;
            book->moves = realloc(book->moves, book->moves_max * sizeof *book->moves);
            HF_ASSERT(book->moves != NULL);
        }
        book->moves[++book->moves_count] =
            (struct move){.lsn = lsn, .cell = cell_index, .older = cell->newest_move};
        cell->newest_move = book->moves_count;
    }
    struct move *move = &book->moves[cell->newest_move];
    for (int i = 0; i < 3; i++) {
        cell->units[i] += delta[i];
        move->delta[i] += delta[i];
        move->after[i] = cell->units[i];
        if (cell->units[i] < 0) {
            BLAME(book,
                  "deed %" PRIu32 " at LSN %" PRIu64 ": counter %d of cell %" PRIu32 " is %" PRId64,
                  book->deed, lsn, i, cell_index, cell->units[i]);
        }
    }
    cell->version = lsn;
}

static int64_t ats(const struct cell *cell)
{
    return cell->units[ON_HAND] - cell->units[HELD] - cell->units[COMMITTED];
}

/* P1, for an operation that took units of the cell. */
static void check_ats(struct book *book, uint64_t lsn, uint32_t cell)
{
    if (ats(&book->cells[cell]) < 0) {
        BLAME(book,
              "oversold: %s %" PRIu32 " at LSN %" PRIu64 " leaves ATS %" PRId64 " on cell %" PRIu32,
              hf_kind_name(book->history->deeds[book->deed].kind), book->deed, lsn,
              ats(&book->cells[cell]), cell);
    }
}

/* Add up lines of one cell: units by first appearance. */
struct sums {
    uint32_t count;
    struct {
        uint32_t cell;
        int32_t units;
    } of[HF_DEED_LINES_MAX];
};

static struct sums add_up(const struct hf_deed *deed)
{
    struct sums sums = {0};
    const bool is_granted = (deed->flags & HF_OP_PARTIAL) != 0;

    for (uint32_t i = 0; i < deed->lines_count; i++) {
        const int32_t units = is_granted ? deed->lines[i].granted : deed->lines[i].units;
        uint32_t at = 0;
        while (at < sums.count && sums.of[at].cell != deed->lines[i].cell) {
            at++;
        }
        if (at == sums.count) {
            sums.of[sums.count].cell = deed->lines[i].cell;
            sums.of[sums.count++].units = 0;
        }
        sums.of[at].units += units;
    }
    return sums;
}

static int32_t open_units(const struct hold *hold, uint32_t line)
{
    return hold->lines[line].units - hold->lines[line].fulfilled - hold->lines[line].released;
}

static bool is_open(const struct hold *hold)
{
    return hold->state == HF_STATE_HELD || hold->state == HF_STATE_CONFIRMED;
}

static int64_t fulfilled_units(const struct hold *hold)
{
    int64_t units = 0;
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        units += hold->lines[i].fulfilled;
    }
    return units;
}

/* Give back `units` of a line, or take them out of the house. */
static void settle_line(struct book *book, uint64_t lsn, struct hold *hold, uint32_t line,
                        int32_t units, bool is_fulfilled)
{
    const bool is_held = hold->state == HF_STATE_HELD;

    if (is_fulfilled) {
        hold->lines[line].fulfilled += units;
    } else {
        hold->lines[line].released += units;
    }
    add_move(book, lsn, hold->lines[line].cell, is_fulfilled ? -units : 0, is_held ? -units : 0,
             is_held ? 0 : -units);
}

/* All that is open goes back, and the reservation ends as `state`. */
static void end_hold(struct book *book, uint64_t lsn, struct hold *hold, enum hf_state state)
{
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        if (open_units(hold, i) > 0) {
            settle_line(book, lsn, hold, i, open_units(hold, i), false);
        }
    }
    hold->state = (uint8_t)state;
}

static void open_hold(struct book *book, uint64_t lsn, const struct hf_deed *deed,
                      enum hf_state state)
{
    const struct sums sums = add_up(deed);
    struct hold *hold = &book->holds[book->deed];
    int64_t total = 0;

    *hold = (struct hold){.state = (uint8_t)state};
    for (uint32_t i = 0; i < sums.count; i++) {
        const int32_t units = sums.of[i].units;
        total += units;
        if (units <= 0) {
            continue;
        }
        hold->lines[hold->lines_count].cell = sums.of[i].cell;
        hold->lines[hold->lines_count++].units = units;
        add_move(book, lsn, sums.of[i].cell, 0, state == HF_STATE_HELD ? units : 0,
                 state == HF_STATE_HELD ? 0 : units);
    }
    if (total == 0) {
        BLAME(book, "%s %" PRIu32 " at LSN %" PRIu64 " got nothing and was done all the same",
              hf_kind_name(deed->kind), book->deed, lsn);
    }
}

static void replay_stock(struct book *book, uint64_t lsn, const struct hf_deed *deed)
{
    const struct sums sums = add_up(deed);
    for (uint32_t i = 0; i < sums.count; i++) {
        const int32_t units = sums.of[i].units;
        add_move(book, lsn, sums.of[i].cell, deed->kind == HF_KIND_SELL ? -units : units, 0, 0);
        if (deed->kind == HF_KIND_SELL && (deed->flags & HF_OP_FACT) == 0) {
            check_ats(book, lsn, sums.of[i].cell);
        }
    }
}

static void replay_reserve(struct book *book, uint64_t lsn, const struct hf_deed *deed)
{
    open_hold(book, lsn, deed, HF_STATE_HELD);
    const struct hold *hold = &book->holds[book->deed];
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        check_ats(book, lsn, hold->lines[i].cell);
    }
}

static void replay_replace(struct book *book, uint64_t lsn, const struct hf_deed *deed)
{
    struct hold *old = &book->holds[deed->target];
    const struct hold before = *old;

    if (!is_open(old) || fulfilled_units(old) > 0) {
        BLAME(book, "replace %" PRIu32 " at LSN %" PRIu64 " of a reservation that is %s",
              book->deed, lsn, hf_state_name(old->state));
        return;
    }
    end_hold(book, lsn, old, HF_STATE_SUPERSEDED);
    open_hold(book, lsn, deed, (enum hf_state)before.state);
    const struct hold *hold = &book->holds[book->deed];
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        int32_t old_units = 0;
        for (uint32_t j = 0; j < before.lines_count; j++) {
            old_units += before.lines[j].cell == hold->lines[i].cell ? open_units(&before, j) : 0;
        }
        if (hold->lines[i].units > old_units) {
            check_ats(book, lsn, hold->lines[i].cell);
        }
    }
}

/* Release and fulfil, whole or by lines. */
static void replay_settle(struct book *book, uint64_t lsn, const struct hf_deed *deed)
{
    const bool is_fulfil = deed->kind == HF_KIND_FULFIL;
    struct hold *hold = &book->holds[deed->target];

    if (!is_open(hold) || (is_fulfil && hold->state != HF_STATE_CONFIRMED)) {
        BLAME(book, "%s %" PRIu32 " at LSN %" PRIu64 " of a reservation that is %s",
              hf_kind_name(deed->kind), book->deed, lsn, hf_state_name(hold->state));
        return;
    }
    const struct sums sums = add_up(deed);
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        int32_t units = deed->lines_count == 0 ? open_units(hold, i) : 0;
        for (uint32_t j = 0; j < sums.count; j++) {
            units += sums.of[j].cell == hold->lines[i].cell ? sums.of[j].units : 0;
        }
        if (units > open_units(hold, i)) {
            BLAME(book, "%s %" PRIu32 " at LSN %" PRIu64 " takes more than was left",
                  hf_kind_name(deed->kind), book->deed, lsn);
        } else if (units > 0) {
            settle_line(book, lsn, hold, i, units, is_fulfil);
        }
    }
    int64_t left = 0;
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        left += open_units(hold, i);
    }
    if (left == 0 || (deed->flags & HF_OP_RELEASE_REST) != 0) {
        end_hold(book, lsn, hold,
                 fulfilled_units(hold) > 0 ? HF_STATE_FULFILLED : HF_STATE_RELEASED);
    }
}

static void replay_confirm(struct book *book, uint64_t lsn, const struct hf_deed *deed)
{
    struct hold *hold = &book->holds[deed->target];

    if (hold->state != HF_STATE_HELD) {
        BLAME(book, "%s %" PRIu32 " at LSN %" PRIu64 " of a reservation that is %s",
              hf_kind_name(deed->kind), book->deed, lsn, hf_state_name(hold->state));
        return;
    }
    if (deed->kind == HF_KIND_EXTEND) {
        return;
    }
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        const int32_t units = open_units(hold, i);
        if (units > 0) {
            add_move(book, lsn, hold->lines[i].cell, 0, -units, units);
        }
    }
    hold->state = HF_STATE_CONFIRMED;
}

/* Open reservations of the order. A replacement without an order of its own has the old one's. */
static uint32_t order_of(const struct book *book, uint32_t index)
{
    const struct hf_deed *deed = &book->history->deeds[index];
    while (deed->order == 0 && deed->kind == HF_KIND_REPLACE) {
        deed = &book->history->deeds[deed->target];
    }
    return deed->order;
}

static void replay_release_order(struct book *book, uint64_t lsn, const struct hf_deed *deed)
{
    const uint32_t count = hf_history_count(book->history);
    uint32_t released_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t index = hf_history_index(book->history, i);
        struct hold *hold = &book->holds[index];
        if (is_open(hold) && order_of(book, index) == deed->order) {
            end_hold(book, lsn, hold,
                     fulfilled_units(hold) > 0 ? HF_STATE_FULFILLED : HF_STATE_RELEASED);
            released_count++;
        }
    }
    if (released_count == 0) {
        BLAME(book, "release_order %" PRIu32 " at LSN %" PRIu64 " had nothing to release",
              book->deed, lsn);
    }
}

static void replay_expiry(struct book *book, uint64_t lsn)
{
    struct hold *hold = &book->holds[book->deed];
    if (hold->state != HF_STATE_HELD) {
        BLAME(book, "the hold of deed %" PRIu32 " expires at LSN %" PRIu64 " and is %s", book->deed,
              lsn, hf_state_name(hold->state));
        return;
    }
    end_hold(book, lsn, hold, HF_STATE_EXPIRED);
}

static void replay(struct book *book)
{
    for (uint64_t lsn = 1; book->is_good && lsn <= book->lsn; lsn++) {
        book->deed = (book->by_lsn[lsn] & ~EXPIRY) - 1;
        if ((book->by_lsn[lsn] & EXPIRY) != 0) {
            replay_expiry(book, lsn);
            continue;
        }
        const struct hf_deed *deed = &book->history->deeds[book->deed];
        switch ((enum hf_kind)deed->kind) {
        case HF_KIND_RECEIVE:
        case HF_KIND_ADJUST:
        case HF_KIND_SELL:
            replay_stock(book, lsn, deed);
            break;
        case HF_KIND_RESERVE:
            replay_reserve(book, lsn, deed);
            break;
        case HF_KIND_REPLACE:
            replay_replace(book, lsn, deed);
            break;
        case HF_KIND_RELEASE:
        case HF_KIND_FULFIL:
            replay_settle(book, lsn, deed);
            break;
        case HF_KIND_RELEASE_ORDER:
            replay_release_order(book, lsn, deed);
            break;
        default:
            replay_confirm(book, lsn, deed);
            break;
        }
    }
}

/* ------------------------------------------------------------------ one LSN, one deed */

static void take_lsn(struct book *book, uint64_t lsn, uint32_t entry)
{
    if (lsn == 0 || lsn > book->lsn) {
        BLAME(book, "lost: deed %" PRIu32 " has LSN %" PRIu64 ", the server stands at %" PRIu64,
              (entry & ~EXPIRY) - 1, lsn, book->lsn);
        return;
    }
    if (book->by_lsn[lsn] != 0) {
        BLAME(book, "LSN %" PRIu64 " is both deed %" PRIu32 " and deed %" PRIu32, lsn,
              (book->by_lsn[lsn] & ~EXPIRY) - 1, (entry & ~EXPIRY) - 1);
        return;
    }
    book->by_lsn[lsn] = entry;
}

/* B1 */
static void place_deeds(struct book *book)
{
    const uint32_t count = hf_history_count(book->history);

    book->account->expiries_count = 0;
    for (uint32_t i = 0; book->is_good && i < count; i++) {
        const uint32_t index = hf_history_index(book->history, i);
        const struct hf_deed *deed = &book->history->deeds[index];
        if (deed->status == HF_DEED_SENT) {
            BLAME(book, "deed %" PRIu32 " was not settled", index);
        }
        if (deed->status == HF_DEED_DONE) {
            take_lsn(book, deed->lsn, index + 1);
        }
        if (book->account->expired_lsn[index] != 0) {
            book->account->expiries_count++;
            take_lsn(book, book->account->expired_lsn[index], (index + 1) | EXPIRY);
        }
    }
    for (uint64_t lsn = 1; book->is_good && lsn <= book->lsn; lsn++) {
        if (book->by_lsn[lsn] == 0) {
            BLAME(book, "invented: LSN %" PRIu64 " of %" PRIu64 " is no deed that was done", lsn,
                  book->lsn);
        }
    }
}

/* ------------------------------------------------------------------ moves */

static void learn_expiry(struct book *book, const struct hf_seen_move *move)
{
    if (move->kind != HF_KIND_EXPIRE) {
        return;
    }
    if (move->deed == HF_DEED_NONE) {
        BLAME(book, "invented: an expiry at LSN %" PRIu64 " of no reservation", move->lsn);
        return;
    }
    uint64_t *lsn = &book->account->expired_lsn[move->deed];
    if (*lsn != 0 && *lsn != move->lsn) {
        BLAME(book, "the hold of deed %" PRIu32 " expired at LSN %" PRIu64 " and at %" PRIu64,
              move->deed, *lsn, move->lsn);
    }
    *lsn = move->lsn;
}

/* B3: the server's moves of one LSN and cell against ours. */
static void compare_move(struct book *book)
{
    const struct move *read = &book->read;

    if (read->lsn == 0 || !book->is_good) {
        return;
    }
    const struct move *want = &book->moves[book->expected];
    if (book->expected == 0 || want->lsn != read->lsn) {
        BLAME(book,
              "cell %" PRIu32 ": a move at LSN %" PRIu64 ", where LSN %" PRIu64 " should be next",
              book->read_cell, read->lsn, book->expected == 0 ? 0 : want->lsn);
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (want->delta[i] != read->delta[i] || want->after[i] != read->after[i]) {
            BLAME(book,
                  "cell %" PRIu32 ", LSN %" PRIu64 ", counter %d: moved by %" PRId64 " to %" PRId64
                  ", the deeds say by %" PRId64 " to %" PRId64,
                  book->read_cell, read->lsn, i, read->delta[i], read->after[i], want->delta[i],
                  want->after[i]);
            return;
        }
    }
    book->expected = want->older;
    book->account->moves_count++;
}

static void take_move(void *arg, const struct hf_seen_move *move)
{
    struct book *book = arg;

    if (book->is_learning) {
        learn_expiry(book, move);
        return;
    }
    if (move->lsn != book->read.lsn) {
        compare_move(book);
        book->read = (struct move){.lsn = move->lsn};
        book->read_index = 0;
    }
    for (int i = 0; i < 3; i++) {
        book->read.delta[i] += move->delta[i];
        if (move->index >= book->read_index) {
            book->read.after[i] = move->after[i];
        }
    }
    book->read_index = move->index > book->read_index ? move->index : book->read_index;
}

static void read_moves(struct book *book, bool is_learning)
{
    book->is_learning = is_learning;
    book->account->moves_count = 0;
    for (uint32_t i = 0; book->is_good && i < HF_DEED_CELLS_COUNT; i++) {
        book->read_cell = i;
        book->read = (struct move){0};
        book->expected = book->cells[i].newest_move;
        if (!book->port->moves(book->port->ctx, i, take_move, book)) {
            BLAME(book, "the ledger of cell %" PRIu32 " is not to be had", i);
        }
        if (is_learning) {
            continue;
        }
        compare_move(book);
        if (book->is_good && book->expected != 0 &&
            book->moves[book->expected].lsn >= book->ledger_first_lsn) {
            BLAME(book, "cell %" PRIu32 ": the ledger has no move at LSN %" PRIu64, i,
                  book->moves[book->expected].lsn);
        }
    }
}

/* ------------------------------------------------------------------ balances and states */

struct cells_seen {
    struct book *book;
    bool is_seen[HF_DEED_CELLS_COUNT];
};

/* B4 */
static void compare_cell(void *arg, const struct hf_seen_cell *seen)
{
    struct cells_seen *all = arg;
    struct book *book = all->book;

    if (seen->cell == HF_DEED_NONE || all->is_seen[seen->cell]) {
        BLAME(book, "invented: a cell that no deed has made, or the same twice");
        return;
    }
    all->is_seen[seen->cell] = true;
    const struct cell *cell = &book->cells[seen->cell];
    for (int i = 0; i < 3; i++) {
        if (cell->units[i] != seen->after[i]) {
            BLAME(book,
                  "cell %" PRIu32 ", counter %d: the server has %" PRId64
                  ", the deeds make %" PRId64,
                  seen->cell, i, seen->after[i], cell->units[i]);
        }
    }
    if (cell->version != seen->version || seen->in_transit != 0) {
        BLAME(book, "cell %" PRIu32 " has version %" PRIu64 ", its last deed was LSN %" PRIu64,
              seen->cell, seen->version, cell->version);
    }
}

static void compare_cells(struct book *book)
{
    struct cells_seen all = {.book = book};

    if (!book->port->cells(book->port->ctx, compare_cell, &all)) {
        BLAME(book, "the cells are not to be had");
    }
    for (uint32_t i = 0; book->is_good && i < HF_DEED_CELLS_COUNT; i++) {
        if (!all.is_seen[i] && book->cells[i].newest_move != 0) {
            BLAME(book, "lost: cell %" PRIu32 " is not there", i);
        }
    }
}

/* B5 */
static void compare_hold(struct book *book, uint32_t index)
{
    const struct hold *hold = &book->holds[index];
    struct hf_seen_reservation seen = {0};

    if (!book->port->reservation(book->port->ctx, index, &seen)) {
        BLAME(book, "reservation %" PRIu32 " is not to be had", index);
        return;
    }
    const bool is_due = hold->state == HF_STATE_HELD && seen.state == HF_STATE_EXPIRED;
    if (seen.state != (enum hf_state)hold->state && !is_due) {
        BLAME(book, "reservation %" PRIu32 " is %s, the deeds make it %s", index,
              hf_state_name(seen.state), hf_state_name(hold->state));
        return;
    }
    bool is_same = seen.lines_count == hold->lines_count;
    for (uint32_t i = 0; is_same && i < hold->lines_count; i++) {
        is_same = seen.lines[i].cell == hold->lines[i].cell &&
                  seen.lines[i].units == hold->lines[i].units &&
                  seen.lines[i].fulfilled == hold->lines[i].fulfilled &&
                  seen.lines[i].released == hold->lines[i].released;
    }
    if (!is_same) {
        BLAME(book, "reservation %" PRIu32 ": a line has other units than the deeds give it",
              index);
    }
}

static void compare_holds(struct book *book)
{
    const uint32_t count = hf_history_count(book->history);

    memset(book->account->states_count, 0, sizeof book->account->states_count);
    for (uint32_t i = 0; i < count; i++) {
        book->account->states_count[book->holds[hf_history_index(book->history, i)].state]++;
    }
    for (uint32_t i = 0; book->is_good && count > 0 && i < LOOK_AT_COUNT * 4; i++) {
        const uint32_t index =
            hf_history_index(book->history, hf_random(&book->account->random, count));
        if (book->holds[index].state != HF_STATE_NONE) {
            compare_hold(book, index);
        }
    }
}

static void compare_audit(struct book *book)
{
    uint64_t violations_count = 0;
    char first[256] = "";

    if (!book->port->audit(book->port->ctx, &violations_count, first)) {
        BLAME(book, "the audit does not answer");
    } else if (violations_count > 0) {
        BLAME(book, "the audit finds %" PRIu64 ": %s", violations_count, first);
    }
}

/* ------------------------------------------------------------------ the proof */

static bool read_stats(struct book *book, struct hf_seen_stats *stats)
{
    if (!book->port->stats(book->port->ctx, stats)) {
        return BLAME(book, "the server's figures are not to be had");
    }
    return true;
}

/* One try. True when nothing has happened meanwhile, so that it counts (or a violation did). */
static bool try_to_prove(struct book *book)
{
    struct hf_seen_stats stats;

    if (!read_stats(book, &stats)) {
        return true;
    }
    read_moves(book, true);
    /* What expired while the ledger was read belongs to the state now. */
    if (!book->is_good || !read_stats(book, &stats)) {
        return true;
    }
    book->lsn = stats.lsn;
    book->ledger_first_lsn = stats.ledger_first_lsn;
    read_moves(book, true);
    if (book->is_good && read_stats(book, &stats) && stats.lsn != book->lsn) {
        return false;
    }
    book->by_lsn = calloc(book->lsn + 1, sizeof *book->by_lsn);
    HF_ASSERT(book->by_lsn != NULL);
    place_deeds(book);
    replay(book);
    if (!book->is_good) {
        return true;
    }
    /* Compare with what the server says; start again when it has moved on meanwhile. A violation
     * found in a state that moves would be none, so it is told only when it stood still. */
    struct hf_history *real = book->history;
    struct hf_history scratch = {
        .deeds = real->deeds, .clients_count = real->clients_count, .deeds_max = real->deeds_max};
    memcpy(scratch.counts, real->counts, sizeof scratch.counts);
    atomic_flag_clear(&scratch.is_blamed);
    book->history = &scratch;
    read_moves(book, false);
    if (book->is_good) {
        compare_cells(book);
    }
    compare_holds(book);
    if (book->is_good) {
        compare_audit(book);
    }
    book->history = real;
    const bool was_good = book->is_good;
    if (read_stats(book, &stats) && stats.lsn != book->lsn) {
        return false;
    }
    if (!was_good) {
        (void)hf_history_blame(real, "%s", scratch.violation);
        book->is_good = false;
    }
    return true;
}

bool hf_account_prove(struct hf_account *account, const struct hf_port *port)
{
    const size_t deeds_max = (size_t)account->history->clients_count * account->history->deeds_max;
    struct book *book = calloc(1, sizeof *book);
    bool is_done = false;
    bool is_good = false;

    HF_ASSERT(book != NULL);
    HF_ASSERT(deeds_max < EXPIRY - 1);
    for (uint32_t tries = 0; !is_done && tries < TRIES_MAX; tries++) {
        *book = (struct book){.account = account,
                              .history = account->history,
                              .port = port,
                              .is_good = true,
                              .holds = calloc(deeds_max, sizeof *book->holds)};
        HF_ASSERT(book->holds != NULL);
        is_done = try_to_prove(book);
        is_good = book->is_good;
        account->lsn = book->lsn;
        free(book->by_lsn);
        free(book->holds);
        free(book->moves);
    }
    free(book);
    if (!is_done) {
        return hf_history_blame(account->history, "the server does not come to rest");
    }
    return is_good;
}
