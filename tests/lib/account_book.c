#include "tests/lib/account_book.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/assert.h"

void hf_book_blame(struct hf_book *book, const char *what)
{
    BLAME(book, "%s %" PRIu32 " at LSN %" PRIu64 " %s",
          hf_kind_name(book->history->deeds[book->deed].kind), book->deed, book->at_lsn, what);
}

/* ------------------------------------------------------------------ cells */

/* The cell's move of the LSN at work, made when there is none. */
static struct hf_book_move *move_of(struct hf_book *book, uint32_t cell_index)
{
    struct hf_book_cell *cell = &book->cells[cell_index];

    if (cell->newest_move == 0 || book->moves[cell->newest_move].lsn != book->at_lsn) {
        if (book->moves_count + 1 >= book->moves_max) {
            book->moves_max = book->moves_max * 2 + 4096;
            book->moves = realloc(book->moves, book->moves_max * sizeof *book->moves);
            HF_ASSERT(book->moves != NULL);
        }
        const bool is_expiry = (book->by_lsn[book->at_lsn] & HF_BOOK_EXPIRY) != 0;
        book->moves[++book->moves_count] = (struct hf_book_move){
            .lsn = book->at_lsn,
            .cell = cell_index,
            .older = cell->newest_move,
            .kind = is_expiry ? HF_KIND_EXPIRE : book->history->deeds[book->deed].kind};
        cell->newest_move = book->moves_count;
    }
    return &book->moves[cell->newest_move];
}

void hf_book_move(struct hf_book *book, uint32_t cell_index, enum hf_counter counter, int64_t units)
{
    struct hf_book_cell *cell = &book->cells[cell_index];

    if (units == 0) {
        return;
    }
    struct hf_book_move *move = move_of(book, cell_index);
    move->delta[counter] += units;
    cell->units[counter] += units;
    cell->version = book->at_lsn;
    for (int i = 0; i < HF_COUNTERS_COUNT; i++) {
        move->after[i] = cell->units[i];
    }
    if (cell->units[counter] < 0) {
        BLAME(book,
              "deed %" PRIu32 " at LSN %" PRIu64 ": counter %d of cell %" PRIu32 " is %" PRId64,
              book->deed, book->at_lsn, (int)counter, cell_index, cell->units[counter]);
    }
}

int64_t hf_book_atf(const struct hf_book_cell *cell)
{
    return cell->units[HF_ON_HAND] - cell->units[HF_HELD] - cell->units[HF_COMMITTED];
}

int64_t hf_book_ats(const struct hf_book *book, uint32_t cell_index)
{
    const struct hf_book_cell *cell = &book->cells[cell_index];
    const int64_t by_transfers =
        cell->units[HF_IN_TRANSIT] - cell->inbound_sellable - cell->inbound_kept;

    return hf_book_atf(cell) + cell->inbound_sellable +
           (book->is_keeping[cell_index % HF_DEED_LOCATIONS_COUNT] ? 0 : by_transfers);
}

static void check_left(struct hf_book *book, uint32_t cell, const char *what, int64_t left)
{
    if (left < 0) {
        BLAME(book,
              "oversold: %s %" PRIu32 " at LSN %" PRIu64 " leaves %s %" PRId64 " on cell %" PRIu32,
              hf_kind_name(book->history->deeds[book->deed].kind), book->deed, book->at_lsn, what,
              left, cell);
    }
}

void hf_book_check_atf(struct hf_book *book, uint32_t cell)
{
    check_left(book, cell, "ATF", hf_book_atf(&book->cells[cell]));
}

void hf_book_check_ats(struct hf_book *book, uint32_t cell)
{
    check_left(book, cell, "ATS", hf_book_ats(book, cell));
}

struct hf_book_sums hf_book_add_up(const struct hf_deed *deed)
{
    struct hf_book_sums sums = {0};
    const bool is_granted = (deed->flags & HF_OP_PARTIAL) != 0;

    for (uint32_t i = 0; i < deed->lines_count; i++) {
        uint32_t at = 0;
        while (at < sums.count && sums.of[at].cell != deed->lines[i].cell) {
            at++;
        }
        if (at == sums.count) {
            sums.of[sums.count++].cell = deed->lines[i].cell;
        }
        sums.of[at].units += is_granted ? deed->lines[i].granted : deed->lines[i].units;
        sums.of[at].damaged += deed->lines[i].damaged;
    }
    return sums;
}

/* ------------------------------------------------------------------ reservations */

static int32_t open_units(const struct hf_book_hold *hold, uint32_t line)
{
    return hold->lines[line].units - hold->lines[line].fulfilled - hold->lines[line].released;
}

static bool is_open(const struct hf_book_hold *hold)
{
    return hold->state == HF_STATE_HELD || hold->state == HF_STATE_CONFIRMED;
}

static int64_t fulfilled_units(const struct hf_book_hold *hold)
{
    int64_t units = 0;
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        units += hold->lines[i].fulfilled;
    }
    return units;
}

/* Give back `units` of a line, or take them out of the house. */
static void settle_line(struct hf_book *book, struct hf_book_hold *hold, uint32_t line,
                        int32_t units, bool is_fulfilled)
{
    const bool is_held = hold->state == HF_STATE_HELD;

    if (is_fulfilled) {
        hold->lines[line].fulfilled += units;
    } else {
        hold->lines[line].released += units;
    }
    hf_book_move(book, hold->lines[line].cell, HF_ON_HAND, is_fulfilled ? -units : 0);
    hf_book_move(book, hold->lines[line].cell, is_held ? HF_HELD : HF_COMMITTED, -units);
}

/* All that is open goes back, and the reservation ends as `state`. */
static void end_hold(struct hf_book *book, struct hf_book_hold *hold, enum hf_state state)
{
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        if (open_units(hold, i) > 0) {
            settle_line(book, hold, i, open_units(hold, i), false);
        }
    }
    hold->state = (uint8_t)state;
}

static void open_hold(struct hf_book *book, const struct hf_deed *deed, enum hf_state state)
{
    const struct hf_book_sums sums = hf_book_add_up(deed);
    struct hf_book_hold *hold = &book->holds[book->deed];
    int64_t total = 0;

    *hold = (struct hf_book_hold){.state = (uint8_t)state};
    for (uint32_t i = 0; i < sums.count; i++) {
        const int32_t units = sums.of[i].units;
        total += units;
        if (units <= 0) {
            continue;
        }
        hold->lines[hold->lines_count].cell = sums.of[i].cell;
        hold->lines[hold->lines_count++].units = units;
        hf_book_move(book, sums.of[i].cell, state == HF_STATE_HELD ? HF_HELD : HF_COMMITTED, units);
    }
    if (total == 0) {
        hf_book_blame(book, "got nothing and was done all the same");
    }
}

static void replay_stock(struct hf_book *book, const struct hf_deed *deed)
{
    const struct hf_book_sums sums = hf_book_add_up(deed);
    const enum hf_counter counter = deed->to_status == HF_STATUS_DAMAGED       ? HF_DAMAGED
                                    : deed->to_status == HF_STATUS_QUARANTINED ? HF_QUARANTINED
                                                                               : HF_ON_HAND;
    for (uint32_t i = 0; i < sums.count; i++) {
        const int32_t units = sums.of[i].units;
        hf_book_move(book, sums.of[i].cell, counter, deed->kind == HF_KIND_SELL ? -units : units);
        if (deed->kind == HF_KIND_SELL && (deed->flags & HF_OP_FACT) == 0) {
            hf_book_check_atf(book, sums.of[i].cell);
        }
    }
}

static void replay_reserve(struct hf_book *book, const struct hf_deed *deed)
{
    open_hold(book, deed, HF_STATE_HELD);
    const struct hf_book_hold *hold = &book->holds[book->deed];
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        hf_book_check_ats(book, hold->lines[i].cell);
    }
}

static void replay_replace(struct hf_book *book, const struct hf_deed *deed)
{
    struct hf_book_hold *old = &book->holds[deed->target];
    const struct hf_book_hold before = *old;

    if (!is_open(old) || fulfilled_units(old) > 0) {
        BLAME(book, "replace %" PRIu32 " at LSN %" PRIu64 " of a reservation that is %s",
              book->deed, book->at_lsn, hf_state_name(old->state));
        return;
    }
    end_hold(book, old, HF_STATE_SUPERSEDED);
    open_hold(book, deed, (enum hf_state)before.state);
    const struct hf_book_hold *hold = &book->holds[book->deed];
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        int32_t old_units = 0;
        for (uint32_t j = 0; j < before.lines_count; j++) {
            old_units += before.lines[j].cell == hold->lines[i].cell ? open_units(&before, j) : 0;
        }
        if (hold->lines[i].units > old_units) {
            hf_book_check_ats(book, hold->lines[i].cell);
        }
    }
}

/* Release and fulfil, whole or by lines. */
static void replay_settle(struct hf_book *book, const struct hf_deed *deed)
{
    const bool is_fulfil = deed->kind == HF_KIND_FULFIL;
    struct hf_book_hold *hold = &book->holds[deed->target];

    if (!is_open(hold) || (is_fulfil && hold->state != HF_STATE_CONFIRMED)) {
        BLAME(book, "%s %" PRIu32 " at LSN %" PRIu64 " of a reservation that is %s",
              hf_kind_name(deed->kind), book->deed, book->at_lsn, hf_state_name(hold->state));
        return;
    }
    const struct hf_book_sums sums = hf_book_add_up(deed);
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        int32_t units = deed->lines_count == 0 ? open_units(hold, i) : 0;
        for (uint32_t j = 0; j < sums.count; j++) {
            units += sums.of[j].cell == hold->lines[i].cell ? sums.of[j].units : 0;
        }
        if (units > open_units(hold, i)) {
            hf_book_blame(book, "takes more than was left");
        } else if (units > 0) {
            settle_line(book, hold, i, units, is_fulfil);
        }
    }
    int64_t left = 0;
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        left += open_units(hold, i);
    }
    if (left == 0 || (deed->flags & HF_OP_RELEASE_REST) != 0) {
        end_hold(book, hold, fulfilled_units(hold) > 0 ? HF_STATE_FULFILLED : HF_STATE_RELEASED);
    }
}

static void replay_confirm(struct hf_book *book, const struct hf_deed *deed)
{
    struct hf_book_hold *hold = &book->holds[deed->target];

    if (hold->state != HF_STATE_HELD) {
        BLAME(book, "%s %" PRIu32 " at LSN %" PRIu64 " of a reservation that is %s",
              hf_kind_name(deed->kind), book->deed, book->at_lsn, hf_state_name(hold->state));
        return;
    }
    if (deed->kind == HF_KIND_EXTEND) {
        return;
    }
    for (uint32_t i = 0; i < hold->lines_count; i++) {
        const int32_t units = open_units(hold, i);
        if (units > 0) {
            hf_book_move(book, hold->lines[i].cell, HF_HELD, -units);
            hf_book_move(book, hold->lines[i].cell, HF_COMMITTED, units);
        }
    }
    hold->state = HF_STATE_CONFIRMED;
}

/* Open reservations of the order. A replacement without an order of its own has the old one's. */
static uint32_t order_of(const struct hf_book *book, uint32_t index)
{
    const struct hf_deed *deed = &book->history->deeds[index];
    while (deed->order == 0 && deed->kind == HF_KIND_REPLACE) {
        deed = &book->history->deeds[deed->target];
    }
    return deed->order;
}

static void replay_release_order(struct hf_book *book, const struct hf_deed *deed)
{
    const uint32_t count = hf_history_count(book->history);
    uint32_t released_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t index = hf_history_index(book->history, i);
        struct hf_book_hold *hold = &book->holds[index];
        if (is_open(hold) && order_of(book, index) == deed->order) {
            end_hold(book, hold,
                     fulfilled_units(hold) > 0 ? HF_STATE_FULFILLED : HF_STATE_RELEASED);
            released_count++;
        }
    }
    if (released_count == 0) {
        hf_book_blame(book, "had nothing to release");
    }
}

static void replay_expiry(struct hf_book *book)
{
    struct hf_book_hold *hold = &book->holds[book->deed];
    if (hold->state != HF_STATE_HELD) {
        BLAME(book, "the hold of deed %" PRIu32 " expires at LSN %" PRIu64 " and is %s", book->deed,
              book->at_lsn, hf_state_name(hold->state));
        return;
    }
    end_hold(book, hold, HF_STATE_EXPIRED);
}

/* ------------------------------------------------------------------ all deeds */

static void replay_deed(struct hf_book *book, const struct hf_deed *deed)
{
    switch ((enum hf_kind)deed->kind) {
    case HF_KIND_RECEIVE:
    case HF_KIND_ADJUST:
    case HF_KIND_SELL:
        replay_stock(book, deed);
        break;
    case HF_KIND_SET_LOCATION:
        book->is_keeping[deed->lines[0].cell % HF_DEED_LOCATIONS_COUNT] = deed->lines[0].units == 0;
        break;
    case HF_KIND_RESERVE:
        replay_reserve(book, deed);
        break;
    case HF_KIND_REPLACE:
        replay_replace(book, deed);
        break;
    case HF_KIND_RELEASE:
    case HF_KIND_FULFIL:
        replay_settle(book, deed);
        break;
    case HF_KIND_RELEASE_ORDER:
        replay_release_order(book, deed);
        break;
    case HF_KIND_CONFIRM:
    case HF_KIND_EXTEND:
        replay_confirm(book, deed);
        break;
    default:
        hf_book_replay_goods(book, deed);
        break;
    }
}

void hf_book_replay(struct hf_book *book)
{
    for (uint64_t lsn = 1; book->is_good && lsn <= book->lsn; lsn++) {
        if (book->by_lsn[lsn] == 0) {
            continue; /* of somebody else */
        }
        book->at_lsn = lsn;
        book->deed = (book->by_lsn[lsn] & ~HF_BOOK_EXPIRY) - 1;
        if ((book->by_lsn[lsn] & HF_BOOK_EXPIRY) != 0) {
            replay_expiry(book);
        } else {
            replay_deed(book, &book->history->deeds[book->deed]);
        }
    }
}
