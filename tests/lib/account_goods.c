#include <inttypes.h>

#include "tests/lib/account_book.h"

static enum hf_counter counter_of(uint8_t status)
{
    return status == HF_STATUS_DAMAGED       ? HF_DAMAGED
           : status == HF_STATUS_QUARANTINED ? HF_QUARANTINED
                                             : HF_ON_HAND;
}

/* ------------------------------------------------------------------ levels and statuses */

/* What has come and gone on hand after an LSN or a time, other than by levels that were set. */
static int64_t units_since(struct hf_book *book, const struct hf_deed *deed, uint32_t cell)
{
    const bool is_time = (deed->flags & HF_OP_AS_OF_TIME) != 0;
    int64_t units = 0;

    for (uint32_t at = book->cells[cell].newest_move; at != 0; at = book->moves[at].older) {
        const struct hf_book_move *move = &book->moves[at];
        if (is_time && book->account->times_us[move->lsn] == 0) {
            BLAME(book, "LSN %" PRIu64 " of cell %" PRIu32 " was never seen in the ledger",
                  move->lsn, cell);
            break;
        }
        if ((is_time ? book->account->times_us[move->lsn] : move->lsn) <= deed->as_of) {
            break;
        }
        units += move->kind == HF_KIND_SET ? 0 : move->delta[HF_ON_HAND];
    }
    return units;
}

static void replay_set(struct hf_book *book, const struct hf_deed *deed)
{
    const bool is_as_of = (deed->flags & (HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME)) != 0;
    bool has_change = false;

    for (uint32_t i = 0; i < deed->lines_count; i++) {
        const uint32_t cell = deed->lines[i].cell;
        const int64_t since = is_as_of ? units_since(book, deed, cell) : 0;
        const int64_t more = deed->lines[i].units + since - book->cells[cell].units[HF_ON_HAND];
        has_change = has_change || more != 0;
        hf_book_move(book, cell, HF_ON_HAND, more);
    }
    if (!has_change) {
        hf_book_blame(book, "changes nothing and has a record");
    }
}

static void replay_status(struct hf_book *book, const struct hf_deed *deed)
{
    const struct hf_book_sums sums = hf_book_add_up(deed);

    for (uint32_t i = 0; i < sums.count; i++) {
        hf_book_move(book, sums.of[i].cell, counter_of(deed->from_status), -sums.of[i].units);
        if (deed->kind == HF_KIND_MOVE_STATUS) {
            hf_book_move(book, sums.of[i].cell, counter_of(deed->to_status), sums.of[i].units);
        }
    }
}

/* ------------------------------------------------------------------ parts of a shipment */

/* A transfer or inbound shipment at work. */
struct work {
    struct hf_book *book;
    const struct hf_deed *opened;
    struct hf_book_goods *goods;
    bool is_inbound;
};

static struct work work_of(struct hf_book *book, uint32_t opened_by)
{
    const struct hf_deed *opened = &book->history->deeds[opened_by];
    return (struct work){.book = book,
                         .opened = opened,
                         .goods = &book->goods[opened_by],
                         .is_inbound = opened->kind == HF_KIND_INBOUND_CREATE};
}

static int32_t *figure(const struct work *work, uint32_t line, enum hf_seen_figure figure)
{
    return &work->goods->lines[line].figures[figure];
}

static int32_t sum_of(const struct work *work, enum hf_seen_figure of)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < work->goods->lines_count; i++) {
        sum += *figure(work, i, of);
    }
    return sum;
}

/* Units that are on their way, or (below zero) are no longer. */
static void move_under_way(const struct work *work, uint32_t line, int32_t units)
{
    const uint32_t cell = work->goods->lines[line].cell;
    struct hf_book_cell *to = &work->book->cells[cell];

    *figure(work, line, HF_SEEN_UNDER_WAY) += units;
    if (work->is_inbound && (work->opened->flags & HF_OP_SELLABLE) != 0) {
        to->inbound_sellable += units;
    } else if (work->is_inbound) {
        to->inbound_kept += units;
    }
    hf_book_move(work->book, cell, HF_IN_TRANSIT, units);
}

static uint32_t source_of(const struct work *work, uint32_t line)
{
    const uint32_t cell = work->goods->lines[line].cell;
    return cell - cell % HF_DEED_LOCATIONS_COUNT + work->opened->from;
}

static void ship_line(const struct work *work, uint32_t line, int32_t units)
{
    *figure(work, line, HF_SEEN_UNSHIPPED) -= units;
    hf_book_move(work->book, source_of(work, line), HF_ON_HAND, -units);
    hf_book_check_atf(work->book, source_of(work, line));
    move_under_way(work, line, units);
}

/* What the inbound line may bring beyond what is under way. */
static int32_t tolerance(const struct work *work, uint32_t line)
{
    const int32_t units = work->goods->lines[line].units;
    int32_t over = -units;

    for (int i = 0; i < HF_SEEN_FIGURES; i++) {
        over += work->goods->lines[line].figures[i];
    }
    const int32_t most = units * (int32_t)HF_DEED_OVER_RECEIPT_PERCENT / 100;
    return work->is_inbound && most > over ? most - over : 0;
}

static void receive_line(const struct work *work, uint32_t line, int32_t units, int32_t damaged)
{
    const int32_t under_way = *figure(work, line, HF_SEEN_UNDER_WAY);
    const int32_t arrived = units + damaged;

    if (arrived > under_way + tolerance(work, line)) {
        hf_book_blame(work->book, "receives more than was under way");
        return;
    }
    move_under_way(work, line, arrived < under_way ? -arrived : -under_way);
    *figure(work, line, HF_SEEN_RECEIVED) += units;
    *figure(work, line, HF_SEEN_DAMAGED) += damaged;
    hf_book_move(work->book, work->goods->lines[line].cell, HF_ON_HAND, units);
    hf_book_move(work->book, work->goods->lines[line].cell, HF_DAMAGED, damaged);
}

/* Units that have not left stay where they are; those under way go back, or never come. */
static void cancel_line(const struct work *work, uint32_t line, int32_t units)
{
    const int32_t unshipped = *figure(work, line, HF_SEEN_UNSHIPPED);
    const int32_t back = units > unshipped ? units - unshipped : 0;

    *figure(work, line, HF_SEEN_UNSHIPPED) -= units - back;
    *figure(work, line, HF_SEEN_CANCELLED) += units;
    move_under_way(work, line, -back);
    if (!work->is_inbound) {
        hf_book_move(work->book, source_of(work, line), HF_ON_HAND, back);
    }
}

/* ------------------------------------------------------------------ shipments */

static void replay_create(struct hf_book *book, const struct hf_deed *deed)
{
    const struct hf_book_sums sums = hf_book_add_up(deed);
    const struct work work = work_of(book, book->deed);
    const bool is_draft = !work.is_inbound && (deed->flags & HF_OP_SHIP) == 0;

    work.goods->state = is_draft ? HF_STATE_DRAFT : HF_STATE_IN_TRANSIT;
    work.goods->lines_count = (uint8_t)sums.count;
    for (uint32_t i = 0; i < sums.count; i++) {
        work.goods->lines[i].cell = sums.of[i].cell;
        work.goods->lines[i].units = sums.of[i].units;
        if (work.is_inbound) {
            move_under_way(&work, i, sums.of[i].units);
            continue;
        }
        *figure(&work, i, HF_SEEN_UNSHIPPED) = sums.of[i].units;
        if (!is_draft) {
            ship_line(&work, i, sums.of[i].units);
        }
    }
}

/* What the deed does to one line, of which it names some units. */
static void replay_line(const struct work *work, const struct hf_deed *deed, uint32_t line,
                        int32_t units, int32_t damaged)
{
    const int32_t unshipped = *figure(work, line, HF_SEEN_UNSHIPPED);
    const int32_t under_way = *figure(work, line, HF_SEEN_UNDER_WAY);
    const bool is_receipt =
        deed->kind == HF_KIND_TRANSFER_RECEIVE || deed->kind == HF_KIND_INBOUND_RECEIVE;
    const bool is_ship = deed->kind == HF_KIND_TRANSFER_SHIP;
    const bool is_all = deed->lines_count == 0 || (deed->flags & HF_OP_REST) != 0;
    const int32_t open = is_receipt ? under_way : is_ship ? unshipped : unshipped + under_way;

    if (is_all && open > units + damaged) {
        units = open - damaged;
    }
    if (units + damaged == 0) {
        return;
    }
    if (is_receipt) {
        receive_line(work, line, units, damaged);
        return;
    }
    if (units > open) {
        hf_book_blame(work->book, "takes more than was open");
    } else if (is_ship) {
        ship_line(work, line, units);
    } else {
        cancel_line(work, line, units);
    }
}

static bool is_allowed(const struct work *work, const struct hf_deed *deed)
{
    const bool is_open =
        work->goods->state == HF_STATE_DRAFT || work->goods->state == HF_STATE_IN_TRANSIT;

    if (deed->kind == HF_KIND_TRANSFER_SHIP) {
        return is_open && sum_of(work, HF_SEEN_UNSHIPPED) > 0;
    }
    if (deed->kind == HF_KIND_TRANSFER_CANCEL || deed->kind == HF_KIND_INBOUND_CANCEL) {
        return is_open;
    }
    return work->goods->state == HF_STATE_IN_TRANSIT && sum_of(work, HF_SEEN_UNDER_WAY) > 0;
}

static void replay_step(struct hf_book *book, const struct hf_deed *deed)
{
    const struct work work = work_of(book, deed->target);
    const struct hf_book_sums sums = hf_book_add_up(deed);

    if (!is_allowed(&work, deed)) {
        BLAME(book, "%s %" PRIu32 " at LSN %" PRIu64 " of a shipment that is %s",
              hf_kind_name(deed->kind), book->deed, book->at_lsn, hf_state_name(work.goods->state));
        return;
    }
    for (uint32_t i = 0; i < work.goods->lines_count; i++) {
        int32_t units = 0;
        int32_t damaged = 0;
        for (uint32_t j = 0; j < sums.count; j++) {
            if (sums.of[j].cell == work.goods->lines[i].cell) {
                units = sums.of[j].units;
                damaged = sums.of[j].damaged;
            }
        }
        replay_line(&work, deed, i, units, damaged);
    }
    if (deed->kind == HF_KIND_TRANSFER_SHIP) {
        work.goods->state = HF_STATE_IN_TRANSIT;
    } else if (sum_of(&work, HF_SEEN_UNSHIPPED) + sum_of(&work, HF_SEEN_UNDER_WAY) == 0) {
        const bool is_cancel =
            deed->kind == HF_KIND_TRANSFER_CANCEL || deed->kind == HF_KIND_INBOUND_CANCEL;
        work.goods->state = is_cancel ? HF_STATE_CANCELLED : HF_STATE_RECEIVED;
    }
}

/* What has not left is cancelled, what is under way is lost. */
static void replay_close(struct hf_book *book, const struct hf_deed *deed)
{
    const struct work work = work_of(book, deed->target);

    if (!is_allowed(&work, deed)) {
        hf_book_blame(book, "closes a transfer with nothing under way");
        return;
    }
    for (uint32_t i = 0; i < work.goods->lines_count; i++) {
        const int32_t lost = *figure(&work, i, HF_SEEN_UNDER_WAY);
        *figure(&work, i, HF_SEEN_CANCELLED) += *figure(&work, i, HF_SEEN_UNSHIPPED);
        *figure(&work, i, HF_SEEN_UNSHIPPED) = 0;
        *figure(&work, i, HF_SEEN_LOST) = lost;
        move_under_way(&work, i, -lost);
    }
    work.goods->state = HF_STATE_CLOSED;
}

void hf_book_replay_goods(struct hf_book *book, const struct hf_deed *deed)
{
    switch ((enum hf_kind)deed->kind) {
    case HF_KIND_SET:
        replay_set(book, deed);
        break;
    case HF_KIND_MOVE_STATUS:
    case HF_KIND_DISPOSE:
        replay_status(book, deed);
        break;
    case HF_KIND_TRANSFER_CREATE:
    case HF_KIND_INBOUND_CREATE:
        replay_create(book, deed);
        break;
    case HF_KIND_TRANSFER_CLOSE:
        replay_close(book, deed);
        break;
    default:
        replay_step(book, deed);
        break;
    }
}
