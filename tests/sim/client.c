#include "tests/sim/client.h"

#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "net/codec.h"
#include "tests/sim/fill.h"

#define TURNS_MAX 100000u /* a server that does not answer in so many turns never will */

void hf_client_init(struct hf_client *client, struct hf_node *node, struct hf_history *history)
{
    *client = (struct hf_client){.node = node, .history = history};
}

/* Not known to be done: unknown. */
static void forget_answers(struct hf_client *client)
{
    for (uint32_t i = 0; i < client->in_flight_count; i++) {
        const struct hf_client_frame *frame = &client->in_flight[i];
        for (uint32_t j = 0; j < frame->count && client->asked == NULL; j++) {
            struct hf_deed *deed = &client->history->deeds[frame->first + j];
            if (deed->status != HF_DEED_DONE) {
                deed->status = HF_DEED_SENT;
            }
        }
    }
}

void hf_client_disconnect(struct hf_client *client)
{
    forget_answers(client);
    if (client->is_connected) {
        hf_buffer_clear(&client->node->links[client->link].to_client);
    }
    client->is_connected = false;
    client->in_flight_count = 0;
    client->lost_count = 0;
    client->at_large_count = 0;
}

/* ------------------------------------------------------------------ broken connections */

static bool is_at_large(struct hf_client *client, uint32_t deed)
{
    uint32_t left = 0;
    bool is_found = false;

    for (uint32_t i = 0; i < client->at_large_count; i++) {
        const struct hf_client_large large = client->at_large[i];
        const struct hf_link *link = &client->node->links[large.link];
        if (!link->is_open || link->life != large.life) {
            continue; /* the server has ended it */
        }
        client->at_large[left++] = large;
        is_found |= deed >= large.first && deed - large.first < large.count;
    }
    client->at_large_count = left;
    return is_found;
}

static void keep_lost(struct hf_client *client, bool is_at_large_now)
{
    uint32_t fresh_count = 0;
    struct hf_client_frame frames[2 * HF_CLIENT_IN_FLIGHT_MAX];

    for (uint32_t i = 0; i < client->in_flight_count; i++) {
        const struct hf_client_frame *frame = &client->in_flight[i];
        if (frame->count == 0) {
            continue; /* a question need not be asked again */
        }
        if (is_at_large_now) {
            HF_ASSERT(client->at_large_count < HF_CLIENT_AT_LARGE_MAX);
            client->at_large[client->at_large_count++] = (struct hf_client_large){
                client->link, client->node->links[client->link].life, frame->first, frame->count};
        }
        if (fresh_count == 0 || frames[fresh_count - 1].first != frame->first) {
            frames[fresh_count++] = *frame;
        }
    }
    for (uint32_t i = 0; i < client->lost_count; i++) {
        frames[fresh_count++] = client->lost[i]; /* asked later than those in flight */
    }
    /* What is left out stays unknown until it is settled. */
    client->lost_count =
        fresh_count < HF_CLIENT_IN_FLIGHT_MAX ? fresh_count : HF_CLIENT_IN_FLIGHT_MAX;
    memcpy(client->lost, frames, client->lost_count * sizeof frames[0]);
}

bool hf_client_break(struct hf_client *client, enum hf_client_break way)
{
    struct hf_node *node = client->node;

    if (!client->is_connected) {
        return true;
    }
    struct hf_link *link = &node->links[client->link];
    /* A place is kept for every frame that the server may still read. */
    (void)is_at_large(client, HF_DEED_NONE);
    if (client->at_large_count + HF_CLIENT_IN_FLIGHT_MAX > HF_CLIENT_AT_LARGE_MAX) {
        way = HF_BREAK_RESET;
    }
    struct hf_buffer *in = &link->to_client;
    const size_t there = hf_buffer_count(in);
    const size_t lost = there == 0 ? 0 : hf_roll(node->world, (uint32_t)there + 1);
    hf_buffer_cut(in, there - lost);
    if (!hf_client_read(client)) {
        return false;
    }
    hf_buffer_clear(in);
    forget_answers(client);
    keep_lost(client, way != HF_BREAK_RESET); /* what was read may still be executed */
    client->in_flight_count = 0;
    client->is_connected = false;
    client->counts.breaks_count++;
    if (way == HF_BREAK_SILENT) {
        hf_node_orphan(node, client->link);
    } else {
        hf_node_cut(node, client->link, way == HF_BREAK_RESET);
    }
    return true;
}

/* ------------------------------------------------------------------ sending */

static struct hf_buffer *out_of(const struct hf_client *client)
{
    return &client->node->links[client->link].to_server;
}

static void end_frame(struct hf_client *client, size_t place, const struct hf_client_frame *asked)
{
    HF_ASSERT(client->in_flight_count < HF_CLIENT_IN_FLIGHT_MAX);
    const struct hf_frame frame = {.operation = asked->operation,
                                   .count = asked->count == 0 ? 1 : asked->count,
                                   .correlation = ++client->correlation};
    HF_ASSERT(hf_frame_end(out_of(client), place, &frame) == HF_OK);
    client->in_flight[client->in_flight_count] = *asked;
    client->in_flight[client->in_flight_count++].correlation = client->correlation;
}

/* False: no link is free. */
static bool send_hello(struct hf_client *client)
{
    const struct hf_client_frame asked = {.operation = HF_ASK_HELLO};
    const uint32_t link = hf_node_connect(client->node);

    if (link == HF_NODE_LINK_NONE) {
        return false;
    }
    client->link = link;
    client->is_connected = true;
    const size_t place = hf_frame_begin(out_of(client));
    hf_hello_put(out_of(client), hf_text_of("simulated"));
    end_frame(client, place, &asked);
    return true;
}

static void put_deed(struct hf_client *client, uint32_t index)
{
    struct hf_deed_words words;
    const struct hf_op op = hf_deed_op(client->history, index, &words);
    HF_ASSERT(hf_request_put_op(out_of(client), &op) == HF_OK);
}

static void send_question(struct hf_client *client)
{
    static const unsigned operations[] = {HF_ASK_STOCK,  HF_ASK_STOCK, HF_ASK_STOCK,   HF_ASK_PING,
                                          HF_ASK_DIGEST, HF_ASK_AUDIT, HF_ASK_SNAPSHOT};
    const unsigned operation =
        operations[hf_roll(client->node->world, sizeof operations / sizeof operations[0])];
    const size_t place = hf_frame_begin(out_of(client));

    if (operation == HF_ASK_STOCK) {
        char sku[HF_DEED_NAME_BYTES];
        char location[HF_DEED_NAME_BYTES];
        hf_deed_cell_names(hf_roll(client->node->world, HF_DEED_CELLS_COUNT), sku, location);
        const struct hf_op_line line = {.sku = hf_text_of(sku), .location = hf_text_of(location)};
        const struct hf_request request = {.op = {.lines = &line, .lines_count = 1}};
        HF_ASSERT(hf_request_put(out_of(client), operation, &request) == HF_OK);
    }
    const struct hf_client_frame asked = {.operation = operation};
    end_frame(client, place, &asked);
}

static void send_deeds(struct hf_client *client, const struct hf_client_frame *asked)
{
    const size_t place = hf_frame_begin(out_of(client));

    for (uint32_t i = 0; i < asked->count; i++) {
        put_deed(client, asked->first + i);
    }
    end_frame(client, place, asked);
    client->counts.again_count += asked->is_again ? 1 : 0;
}

bool hf_client_send(struct hf_client *client)
{
    struct hf_client_frame asked = {0};

    if (!client->is_connected) {
        return send_hello(client);
    }
    if (client->in_flight_count == HF_CLIENT_IN_FLIGHT_MAX) {
        return false;
    }
    if (client->lost_count > 0) {
        asked = client->lost[0];
        asked.is_again = true;
        asked.was_at_large = is_at_large(client, asked.first);
        memmove(client->lost, client->lost + 1, --client->lost_count * sizeof client->lost[0]);
        send_deeds(client, &asked);
        return true;
    }
    if (client->is_repeating && client->in_flight_count > 0 &&
        client->in_flight[client->in_flight_count - 1].count > 0) {
        asked = client->in_flight[client->in_flight_count - 1];
        asked.is_again = true;
        client->is_repeating = false;
        send_deeds(client, &asked);
        return true;
    }
    if (hf_roll(client->node->world, 16) == 0) {
        send_question(client);
        return true;
    }
    client->workload.past_us = client->is_clock_steady ? hf_node_now_us(client->node) : 0;
    asked.count = hf_workload_frame(&client->workload, &asked.first);
    if (asked.count == 0) {
        return false;
    }
    asked.operation = client->history->deeds[asked.first].kind;
    send_deeds(client, &asked);
    return true;
}

/* ------------------------------------------------------------------ reading */

static bool take_answer(struct hf_reply *reply, struct hf_answer *answer)
{
    *answer = (struct hf_answer){.outcome = reply->outcome,
                                 .is_repeated = reply->is_repeated,
                                 .is_unchanged = reply->is_unchanged,
                                 .state = reply->state,
                                 .lsn = reply->lsn};
    for (uint32_t i = 0; i < reply->entries_count; i++) {
        struct hf_result_line line;
        if (hf_result_line_next(&reply->entries, &line) != HF_OK) {
            return false;
        }
        if (line.line_index < HF_DEED_LINES_MAX) {
            answer->granted[line.line_index] = line.granted;
        }
    }
    return true;
}

/* The server did not look what an operation has done before: it has no room to do it now. */
static bool is_no_word(enum hf_err outcome)
{
    return outcome == HF_READ_ONLY || outcome == HF_BUSY;
}

/* Whether any reply of a frame says that: those linked with it say no more than it does. */
static bool has_no_word(const struct hf_frame *frame)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    bool is_found = false;

    for (uint32_t i = 0; i < frame->count && !is_found; i++) {
        struct hf_reply reply;
        struct hf_answer answer;
        if (hf_reply_next(&body, &reply) != HF_OK || !take_answer(&reply, &answer)) {
            return false;
        }
        is_found = is_no_word(answer.outcome);
    }
    return is_found;
}

/* An answer to a deed of a frame. */
static bool take_deed(struct hf_client *client, const struct hf_client_frame *asked, uint32_t index,
                      const struct hf_answer *answer, bool is_short)
{
    const bool was_open = client->history->deeds[index].status == HF_DEED_SENT;

    if (asked->is_again && answer->outcome != HF_REFERENCE_CONFLICT &&
        (answer->outcome != HF_OK || answer->is_unchanged) &&
        (asked->was_at_large || is_at_large(client, index))) {
        hf_history_see(client->history, answer->lsn);
        return true;
    }
    if (asked->is_again &&
        (is_no_word(answer->outcome) || (is_short && answer->outcome == HF_LINKED_FAILED))) {
        return true;
    }
    client->counts.settled_count += was_open && asked->is_again ? 1 : 0;
    return hf_history_answer(client->history, index, answer, !asked->is_again);
}

static bool read_reply(struct hf_client *client, const struct hf_client_frame *asked,
                       const struct hf_frame *frame)
{
    struct hf_history *history = client->history;
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);

    if (frame->flags != HF_FRAME_REPLY || frame->correlation != asked->correlation ||
        frame->operation != asked->operation) {
        return hf_history_blame(history, "a reply that belongs to no frame that was sent");
    }
    const bool is_short = asked->is_again && asked->count > 0 && has_no_word(frame);
    for (uint32_t i = 0; i < frame->count; i++) {
        struct hf_reply reply;
        struct hf_answer answer;
        if (hf_reply_next(&body, &reply) != HF_OK) {
            return hf_history_blame(history, "a reply that is not whole");
        }
        if (asked->count == 0) {
            hf_history_see(history, reply.lsn); /* of a question */
            continue;
        }
        if (!take_answer(&reply, &answer)) {
            return hf_history_blame(history, "result lines that are not whole");
        }
        if (client->asked != NULL) {
            client->answers[asked->first + i] = answer;
        } else if (!take_deed(client, asked, asked->first + i, &answer, is_short)) {
            return false;
        }
    }
    return true;
}

bool hf_client_read(struct hf_client *client)
{
    if (!client->is_connected) {
        return true;
    }
    struct hf_buffer *in = &client->node->links[client->link].to_client;

    while (hf_buffer_count(in) > 0) {
        struct hf_frame frame;
        size_t frame_bytes;
        enum hf_field fault;
        const enum hf_err err = hf_frame_decode(
            hf_buffer_front(in), hf_buffer_count(in), (size_t)HF_FRAME_BYTES_MIN * HF_REPLY_FACTOR,
            HF_FRAME_REPLY | HF_FRAME_ERROR, &frame, &frame_bytes, &fault);
        if (err == HF_TRUNCATED) {
            return true;
        }
        if (err != HF_OK || client->in_flight_count == 0) {
            return hf_history_blame(client->history, "the server sends what is no reply");
        }
        if (!read_reply(client, &client->in_flight[0], &frame)) {
            return false;
        }
        hf_buffer_take(in, frame_bytes);
        client->in_flight_count--;
        memmove(client->in_flight, client->in_flight + 1,
                client->in_flight_count * sizeof client->in_flight[0]);
    }
    return true;
}

bool hf_client_wait(struct hf_client *client)
{
    struct hf_node *node = client->node;

    for (uint32_t turns = 0; client->in_flight_count > 0; turns++) {
        if (turns == TURNS_MAX || hf_store_failed(node->store)) {
            return hf_history_blame(client->history, "the server does not answer");
        }
        hf_node_deliver(node, client->link, SIZE_MAX);
        hf_node_turn(node);
        (void)hf_node_log_step(node);
        hf_node_snapshot_step(node);
        hf_node_spare_step(node);
        hf_node_turn(node);
        node->world->now_us += 10;
        if (!hf_client_read(client)) {
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------ the port */

static bool port_execute(void *ctx, const uint32_t *indices, uint32_t count,
                         struct hf_answer *answers)
{
    struct hf_client *client = ctx;

    HF_ASSERT(client->in_flight_count == 0);
    if (!client->is_connected && !send_hello(client)) {
        return hf_history_blame(client->history, "no connection is to be had");
    }
    const struct hf_client_frame asked = {.operation = client->history->deeds[indices[0]].kind,
                                          .count = count};
    const size_t place = hf_frame_begin(out_of(client));
    for (uint32_t i = 0; i < count; i++) {
        put_deed(client, indices[i]);
    }
    end_frame(client, place, &asked);
    client->asked = indices;
    client->answers = answers;
    const bool is_good = hf_client_wait(client);
    client->asked = NULL;
    client->answers = NULL;
    client->in_flight_count = 0;
    return is_good;
}

static bool port_stats(void *ctx, struct hf_seen_stats *seen)
{
    const struct hf_client *client = ctx;
    struct hf_engine_stats stats;

    hf_engine_stats(client->node->engine, &stats);
    *seen = (struct hf_seen_stats){.lsn = stats.lsn, .ledger_first_lsn = stats.ledger_first_lsn};
    return true;
}

/* The callback of a question, and what it needs. */
struct asker {
    const struct hf_client *client;
    hf_seen_cell_cb cell_cb;
    hf_seen_move_cb move_cb;
    void *arg;
};

static void take_cell(void *arg, const struct hf_cell_view *view)
{
    const struct asker *asker = arg;
    if (hf_text_equal(view->location, hf_text_of(HF_FILL_LOCATION))) {
        return;
    }
    const struct hf_seen_cell seen = {
        .cell = hf_deed_cell_of(view->sku, view->location),
        .after = {view->on_hand, view->held, view->committed, view->in_transit, view->damaged,
                  view->quarantined},
        .ats = view->ats,
        .version = view->version,
    };
    asker->cell_cb(asker->arg, &seen);
}

static bool port_cells(void *ctx, hf_seen_cell_cb cb, void *arg)
{
    struct hf_client *client = ctx;
    struct asker asker = {.client = client, .cell_cb = cb, .arg = arg};
    const struct hf_list_filter filter = {.location = HF_HANDLE_NONE};
    uint64_t cursor = 0;

    while (hf_engine_list(client->node->engine, &filter, &cursor, 1000, take_cell, &asker)) {
    }
    return true;
}

static void take_move(void *arg, const struct hf_move *move)
{
    const struct asker *asker = arg;
    struct hf_seen_move seen = {
        .lsn = move->lsn,
        .ts_us = move->ts_us,
        .index = move->index,
        .kind = move->kind,
        .deed = hf_deed_of_id(asker->client->history, move->reservation),
    };
    memcpy(seen.delta, move->delta, sizeof seen.delta);
    memcpy(seen.after, move->after, sizeof seen.after);
    asker->move_cb(asker->arg, &seen);
}

static bool port_moves(void *ctx, uint32_t cell, hf_seen_move_cb cb, void *arg)
{
    struct hf_client *client = ctx;
    struct hf_engine *engine = client->node->engine;
    struct asker asker = {.client = client, .move_cb = cb, .arg = arg};
    char sku[HF_DEED_NAME_BYTES];
    char location[HF_DEED_NAME_BYTES];

    hf_deed_cell_names(cell, sku, location);
    const uint32_t sku_handle = hf_engine_sku(engine, hf_text_of(sku));
    const uint32_t location_handle = hf_engine_location(engine, hf_text_of(location));
    if (sku_handle != HF_HANDLE_NONE && location_handle != HF_HANDLE_NONE) {
        (void)hf_engine_ledger_cell(engine, sku_handle, location_handle, UINT64_MAX, UINT32_MAX,
                                    take_move, &asker);
    }
    return true;
}

static bool port_reservation(void *ctx, uint32_t deed, struct hf_seen_reservation *out)
{
    struct hf_client *client = ctx;
    struct hf_engine *engine = client->node->engine;
    struct hf_reservation_view view;
    struct hf_reservation_line_view line;
    char id[HF_DEED_NAME_BYTES];

    hf_deed_id(deed, id);
    if (hf_engine_reservation(engine, hf_text_of(id), hf_node_now_us(client->node), &view) !=
            HF_OK ||
        view.lines_count > HF_DEED_LINES_MAX) {
        return false;
    }
    *out = (struct hf_seen_reservation){.state = view.state};
    uint32_t cursor = view.first_line;
    while (hf_engine_reservation_line(engine, &cursor, &line)) {
        out->lines[out->lines_count].cell = hf_deed_cell_of(line.sku, line.location);
        out->lines[out->lines_count].units = line.units;
        out->lines[out->lines_count].fulfilled = line.fulfilled;
        out->lines[out->lines_count++].released = line.released;
    }
    return true;
}

static bool port_shipment(void *ctx, uint32_t deed, struct hf_seen_shipment *out)
{
    struct hf_client *client = ctx;
    struct hf_engine *engine = client->node->engine;
    const bool is_transfer = client->history->deeds[deed].kind == HF_KIND_TRANSFER_CREATE;
    struct hf_shipment_view view;
    struct hf_shipment_line_view line;
    char id[HF_DEED_NAME_BYTES];

    hf_deed_id(deed, id);
    if (hf_engine_shipment(engine, is_transfer ? HF_TRANSFER : HF_INBOUND, hf_text_of(id), &view) !=
            HF_OK ||
        view.lines_count > HF_DEED_LINES_MAX) {
        return false;
    }
    *out = (struct hf_seen_shipment){.state = view.state};
    uint32_t cursor = view.first_line;
    while (hf_engine_shipment_line(engine, &cursor, &line)) {
        int64_t *figures = out->lines[out->lines_count].figures;
        out->lines[out->lines_count].cell = hf_deed_cell_of(line.sku, view.to);
        out->lines[out->lines_count++].units = line.units;
        figures[HF_SEEN_UNSHIPPED] = line.unshipped;
        figures[HF_SEEN_UNDER_WAY] = line.under_way;
        figures[HF_SEEN_RECEIVED] = line.received;
        figures[HF_SEEN_DAMAGED] = line.damaged;
        figures[HF_SEEN_CANCELLED] = line.cancelled;
        figures[HF_SEEN_LOST] = line.lost;
    }
    return true;
}

static bool port_audit(void *ctx, uint64_t *violations_count, char first[256])
{
    struct hf_client *client = ctx;
    struct hf_audit audit = {0};

    while (!hf_engine_audit(client->node->engine, &audit, 1000)) {
    }
    *violations_count = audit.violations_count;
    memcpy(first, audit.first_violation, sizeof audit.first_violation);
    return true;
}

struct hf_port hf_client_port(struct hf_client *client)
{
    return (struct hf_port){.ctx = client,
                            .execute = port_execute,
                            .stats = port_stats,
                            .cells = port_cells,
                            .moves = port_moves,
                            .reservation = port_reservation,
                            .shipment = port_shipment,
                            .audit = port_audit};
}
