#include "tests/lib/account.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tests/lib/account_book.h"

#define TRIES_MAX 200     /* holds go on to expire while we read */
#define LOOK_AT_COUNT 40u /* reservations, and shipments, compared line by line */

bool hf_account_init(struct hf_account *account, struct hf_history *history, uint64_t seed)
{
    const size_t deeds_max = (size_t)history->clients_count * history->deeds_max;

    *account = (struct hf_account){.history = history, .lsn_max = 2 * deeds_max, .random = seed};
    account->expired_lsn = calloc(deeds_max, sizeof *account->expired_lsn);
    account->times_us = calloc(account->lsn_max + 1, sizeof *account->times_us);
    if (account->expired_lsn == NULL || account->times_us == NULL) {
        hf_account_release(account);
        return false;
    }
    return true;
}

void hf_account_release(struct hf_account *account)
{
    free(account->expired_lsn);
    free(account->times_us);
    account->expired_lsn = NULL;
    account->times_us = NULL;
}

bool hf_account_others(struct hf_account *account, uint64_t first_lsn, uint64_t last_lsn)
{
    const uint64_t lsn_max = account->lsn_max + (last_lsn + 1 - first_lsn);
    uint64_t *times_us = realloc(account->times_us, (lsn_max + 1) * sizeof *times_us);

    if (times_us == NULL) {
        return false;
    }
    memset(times_us + account->lsn_max + 1, 0, (lsn_max - account->lsn_max) * sizeof *times_us);
    account->times_us = times_us;
    account->lsn_max = lsn_max;
    account->others_first_lsn = first_lsn;
    account->others_last_lsn = last_lsn;
    return true;
}

/* ------------------------------------------------------------------ one LSN, one deed */

static void take_lsn(struct hf_book *book, uint64_t lsn, uint32_t entry)
{
    if (lsn == 0 || lsn > book->lsn) {
        BLAME(book, "lost: deed %" PRIu32 " has LSN %" PRIu64 ", the server stands at %" PRIu64,
              (entry & ~HF_BOOK_EXPIRY) - 1, lsn, book->lsn);
        return;
    }
    if (book->by_lsn[lsn] != 0) {
        BLAME(book, "LSN %" PRIu64 " is both deed %" PRIu32 " and deed %" PRIu32, lsn,
              (book->by_lsn[lsn] & ~HF_BOOK_EXPIRY) - 1, (entry & ~HF_BOOK_EXPIRY) - 1);
        return;
    }
    book->by_lsn[lsn] = entry;
}

/* B1 */
static void place_deeds(struct hf_book *book)
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
            take_lsn(book, book->account->expired_lsn[index], (index + 1) | HF_BOOK_EXPIRY);
        }
    }
    for (uint64_t lsn = 1; book->is_good && lsn <= book->lsn; lsn++) {
        if (book->by_lsn[lsn] == 0 && !hf_book_is_others(book, lsn)) {
            BLAME(book, "invented: LSN %" PRIu64 " of %" PRIu64 " is no deed that was done", lsn,
                  book->lsn);
        }
    }
}

/* ------------------------------------------------------------------ moves */

static void learn(struct hf_book *book, const struct hf_seen_move *move)
{
    if (move->lsn <= book->account->lsn_max) {
        book->account->times_us[move->lsn] = move->ts_us;
    }
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
static void compare_move(struct hf_book *book)
{
    const struct hf_book_move *read = &book->read;

    if (read->lsn == 0 || !book->is_good) {
        return;
    }
    const struct hf_book_move *want = &book->moves[book->expected];
    if (book->expected == 0 || want->lsn != read->lsn) {
        BLAME(book,
              "cell %" PRIu32 ": a move at LSN %" PRIu64 ", where LSN %" PRIu64 " should be next",
              book->read_cell, read->lsn, book->expected == 0 ? 0 : want->lsn);
        return;
    }
    if (want->kind != read->kind) {
        BLAME(book, "cell %" PRIu32 ", LSN %" PRIu64 ": a move by %s, the deed is %s",
              book->read_cell, read->lsn, hf_kind_name(read->kind), hf_kind_name(want->kind));
        return;
    }
    for (int i = 0; i < HF_COUNTERS_COUNT; i++) {
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
    struct hf_book *book = arg;

    if (book->is_learning) {
        learn(book, move);
        return;
    }
    if (move->lsn != book->read.lsn) {
        compare_move(book);
        book->read = (struct hf_book_move){.lsn = move->lsn, .kind = move->kind};
        book->read_index = 0;
    }
    for (int i = 0; i < HF_COUNTERS_COUNT; i++) {
        book->read.delta[i] += move->delta[i];
        if (move->index >= book->read_index) {
            book->read.after[i] = move->after[i];
        }
    }
    book->read_index = move->index > book->read_index ? move->index : book->read_index;
}

static void read_moves(struct hf_book *book, bool is_learning)
{
    book->is_learning = is_learning;
    book->account->moves_count = 0;
    for (uint32_t i = 0; book->is_good && i < HF_DEED_CELLS_COUNT; i++) {
        book->read_cell = i;
        book->read = (struct hf_book_move){0};
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
    struct hf_book *book;
    bool is_seen[HF_DEED_CELLS_COUNT];
};

/* B4 */
static void compare_cell(void *arg, const struct hf_seen_cell *seen)
{
    struct cells_seen *all = arg;
    struct hf_book *book = all->book;

    if (seen->cell == HF_DEED_NONE || all->is_seen[seen->cell]) {
        BLAME(book, "invented: a cell that no deed has made, or the same twice");
        return;
    }
    all->is_seen[seen->cell] = true;
    const struct hf_book_cell *cell = &book->cells[seen->cell];
    for (int i = 0; i < HF_COUNTERS_COUNT; i++) {
        if (cell->units[i] != seen->after[i]) {
            BLAME(book,
                  "cell %" PRIu32 ", counter %d: the server has %" PRId64
                  ", the deeds make %" PRId64,
                  seen->cell, i, seen->after[i], cell->units[i]);
        }
    }
    if (hf_book_ats(book, seen->cell) != seen->ats) {
        BLAME(book, "cell %" PRIu32 ": the server's ATS is %" PRId64 ", the deeds make it %" PRId64,
              seen->cell, seen->ats, hf_book_ats(book, seen->cell));
    }
    if (cell->version != seen->version) {
        BLAME(book, "cell %" PRIu32 " has version %" PRIu64 ", its last deed was LSN %" PRIu64,
              seen->cell, seen->version, cell->version);
    }
}

static void compare_cells(struct hf_book *book)
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
static void compare_hold(struct hf_book *book, uint32_t index)
{
    const struct hf_book_hold *hold = &book->holds[index];
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

/* B6 */
static void compare_goods(struct hf_book *book, uint32_t index)
{
    const struct hf_book_goods *goods = &book->goods[index];
    struct hf_seen_shipment seen = {0};

    if (!book->port->shipment(book->port->ctx, index, &seen)) {
        BLAME(book, "shipment %" PRIu32 " is not to be had", index);
        return;
    }
    if (seen.state != (enum hf_state)goods->state || seen.lines_count != goods->lines_count) {
        BLAME(book, "shipment %" PRIu32 " is %s, the deeds make it %s", index,
              hf_state_name(seen.state), hf_state_name(goods->state));
        return;
    }
    const bool is_inbound = book->history->deeds[index].kind == HF_KIND_INBOUND_CREATE;
    for (uint32_t i = 0; i < goods->lines_count; i++) {
        int64_t sum = 0;
        bool is_same = seen.lines[i].cell == goods->lines[i].cell &&
                       seen.lines[i].units == goods->lines[i].units;
        for (int j = 0; j < HF_SEEN_FIGURES; j++) {
            sum += seen.lines[i].figures[j];
            is_same = is_same && seen.lines[i].figures[j] == goods->lines[i].figures[j];
        }
        if (!is_same) {
            BLAME(book, "shipment %" PRIu32 ", line %" PRIu32 ": not what the deeds make it", index,
                  i);
        }
        if (is_inbound ? sum < seen.lines[i].units : sum != seen.lines[i].units) {
            BLAME(book,
                  "shipment %" PRIu32 ", line %" PRIu32 ": of %" PRId64 " units %" PRId64
                  " are accounted for",
                  index, i, seen.lines[i].units, sum);
        }
    }
}

/* Some of them, beginning anywhere. */
static void compare_things(struct hf_book *book)
{
    const uint32_t count = hf_history_count(book->history);
    uint32_t holds_left = LOOK_AT_COUNT;
    uint32_t goods_left = LOOK_AT_COUNT;

    memset(book->account->states_count, 0, sizeof book->account->states_count);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t index = hf_history_index(book->history, i);
        book->account->states_count[book->holds[index].state]++;
        book->account->states_count[book->goods[index].state]++;
    }
    const uint32_t first = count == 0 ? 0 : hf_random(&book->account->random, count);
    for (uint32_t i = 0; book->is_good && i < count; i++) {
        const uint32_t index = hf_history_index(book->history, (first + i) % count);
        if (book->holds[index].state != HF_STATE_NONE && holds_left > 0) {
            holds_left--;
            compare_hold(book, index);
        }
        if (book->goods[index].state != HF_STATE_NONE && goods_left > 0) {
            goods_left--;
            compare_goods(book, index);
        }
    }
}

/* B7 */
static void compare_audit(struct hf_book *book)
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

static bool read_stats(struct hf_book *book, struct hf_seen_stats *stats)
{
    if (!book->port->stats(book->port->ctx, stats)) {
        return BLAME(book, "the server's figures are not to be had");
    }
    return true;
}

/* One try. True when nothing has happened meanwhile, so that it counts (or a violation did). */
static bool try_to_prove(struct hf_book *book)
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
    hf_book_replay(book);
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
    compare_things(book);
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
    struct hf_book *book = calloc(1, sizeof *book);
    bool is_done = false;
    bool is_good = false;

    HF_ASSERT(book != NULL);
    HF_ASSERT(deeds_max < HF_BOOK_EXPIRY - 1);
    for (uint32_t tries = 0; !is_done && tries < TRIES_MAX; tries++) {
        *book = (struct hf_book){.account = account,
                                 .history = account->history,
                                 .port = port,
                                 .is_good = true,
                                 .holds = calloc(deeds_max, sizeof *book->holds),
                                 .goods = calloc(deeds_max, sizeof *book->goods)};
        HF_ASSERT(book->holds != NULL);
        HF_ASSERT(book->goods != NULL);
        is_done = try_to_prove(book);
        is_good = book->is_good;
        account->lsn = book->lsn;
        free(book->by_lsn);
        free(book->holds);
        free(book->goods);
        free(book->moves);
    }
    free(book);
    if (!is_done) {
        return hf_history_blame(account->history, "the server does not come to rest");
    }
    return is_good;
}
