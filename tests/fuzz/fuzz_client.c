/*
 * fuzz_client.c - libFuzzer over libholdfast: a server that answers with anything.
 *
 * The handle is a real one on one end of a socket pair; the other end plays the server. The first
 * byte of an input chooses what the rest is:
 *     0  bytes as they are, to three frames in flight
 *     1  the body of a reply. The second byte is the operation that is asked, the third its count
 *        and whether it is an error; header and checksum are put right, because otherwise the
 *        checksum would hide all that lies behind it. Rows of an export come after a good begin,
 *        events after a good subscribe
 * Then the server's end closes. Whatever came: every submit is answered once, a blocking call
 * returns, no text is longer than its array, and memory was only read where it may be.
 *
 * At start the samples of all replies are put into the first corpus folder given.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/assert.h"
#include "net/client.h"
#include "tests/fuzz/seeds.h"
#include "tests/lib/wire_samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes_count);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { RAW, REPLY, FORMS_COUNT };
#define HEAD_BYTES 3 /* form, operation, count and error */
#define BODY_BYTES_MAX 65536
#define NEVER_SILENT (INT64_MAX / 2)

/* ------------------------------------------------------------------ seeds */

static void write_seed(const char *folder, const struct hf_wire_sample *sample)
{
    struct hf_buffer out = {0};
    sample->put(&out);
    const unsigned char *bytes = hf_buffer_front(&out);
    const unsigned count = bytes[18]; /* 1 to 4 items; no more are in a sample */
    const unsigned section = sample->section == 0 ? 0 : sample->section - 1;
    const unsigned char head[HEAD_BYTES] = {REPLY, bytes[3],
                                            (unsigned char)((count + 3) % 4 + 4 * section)};

    FILE *file = hf_seeds_file(folder, "client", sample->name);
    (void)fwrite(head, 1, sizeof head, file);
    (void)fwrite(bytes + HF_FRAME_HEADER_BYTES, 1, hf_buffer_count(&out) - HF_FRAME_HEADER_BYTES,
                 file);
    (void)fclose(file);
    hf_buffer_release(&out);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *folder = hf_seeds_folder(*argc, *argv);

    for (size_t at = 0; folder != NULL && at < hf_wire_samples_count; at++) {
        if (hf_wire_samples[at].is_reply) {
            write_seed(folder, &hf_wire_samples[at]);
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ the handle */

struct pair {
    struct holdfast *hf;
    int server; /* the other end */
};

static struct pair open_pair(void)
{
    int ends[2];
    struct holdfast *hf = calloc(1, sizeof *hf);
    const int room = 4 * BODY_BYTES_MAX;

    HF_ASSERT(hf != NULL);
    HF_ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    HF_ASSERT(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    HF_ASSERT(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    hf->fd = ends[0];
    hf->correlation_next = 1;
    hf->last_heard_ms = NEVER_SILENT;
    hf->options.request_timeout_ms = 10000;
    hf->options.in_flight_bytes_max = HF_CLIENT_IN_FLIGHT_BYTES;
    hf->server.operations_max = 64;
    hf->server.frame_bytes_max = 1024 * 1024;
    return (struct pair){hf, ends[1]};
}

/* The server has said all that it will ever say. */
static void say(const struct pair *pair, const unsigned char *bytes, size_t bytes_count)
{
    while (bytes_count > 0) {
        const ssize_t sent = send(pair->server, bytes, bytes_count, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) {
            break;
        }
        bytes += sent;
        bytes_count -= (size_t)sent;
    }
    (void)shutdown(pair->server, SHUT_WR);
}

static void count_call(void *arg, const struct holdfast_reply *replies, size_t count)
{
    volatile int64_t sum = 0;
    HF_ASSERT(count > 0);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < replies[i].lines_count; k++) {
            sum |= replies[i].lines[k].ats; /* the lines are where they are said to be */
        }
        HF_ASSERT(replies[i].field == NULL || replies[i].field[0] != '\0');
    }
    (void)sum;
    *(int *)arg += 1;
}

static void count_ats(void *arg, enum holdfast_outcome outcome, const struct holdfast_ats *ats,
                      size_t count)
{
    HF_ASSERT((outcome == HOLDFAST_OK) == (ats != NULL) || count == 0);
    *(int *)arg += 1;
}

static void submit(const struct pair *pair, unsigned kind, size_t count, int *calls)
{
    const struct holdfast_line line = {.sku = "A", .location = "L", .units = 1};
    struct holdfast_op ops[4];

    HF_ASSERT(count <= 4);
    for (size_t i = 0; i < count; i++) {
        ops[i] = (struct holdfast_op){
            .kind = (enum holdfast_kind)kind, .id = "c", .lines = &line, .lines_count = 1};
    }
    HF_ASSERT(holdfast_submit(pair->hf, ops, count, count_call, calls) == HOLDFAST_OK);
}

/* Until the end, which has come already, is seen. */
static void drive(const struct pair *pair)
{
    while (holdfast_process(pair->hf) == HOLDFAST_OK) {
    }
    HF_ASSERT(holdfast_in_flight(pair->hf) == 0);
}

/* ------------------------------------------------------------------ questions */

static void check_text(const char *text)
{
    HF_ASSERT(strnlen(text, 65) <= 64);
}

static bool see_cell(void *arg, const struct holdfast_cell *cell)
{
    (void)arg;
    check_text(cell->sku);
    check_text(cell->location);
    return true;
}

static bool see_reservation(void *arg, const struct holdfast_reservation *summary)
{
    (void)arg;
    check_text(summary->id);
    return true;
}

static bool see_move(void *arg, const struct holdfast_move *move)
{
    (void)arg;
    check_text(move->sku);
    check_text(move->reservation);
    return true;
}

static bool see_shipment(void *arg, const struct holdfast_shipment *summary)
{
    (void)arg;
    check_text(summary->id);
    check_text(summary->from);
    check_text(summary->to);
    return true;
}

static bool see_shortage(void *arg, const struct holdfast_cell *cell,
                         const struct holdfast_hit *hits, size_t hits_count)
{
    HF_ASSERT(hits_count <= HF_HITS_MAX);
    for (size_t i = 0; i < hits_count; i++) {
        check_text(hits[i].reservation);
    }
    return see_cell(arg, cell);
}

static bool see_row(void *arg, const struct holdfast_row *row)
{
    HF_ASSERT((row->cell != NULL) + (row->reservation != NULL) + (row->shipment != NULL) == 1);
    if (row->cell != NULL) {
        return see_cell(arg, row->cell);
    }
    if (row->reservation != NULL) {
        check_text(row->reserved->sku);
        check_text(row->reserved->location);
        return see_reservation(arg, row->reservation);
    }
    check_text(row->shipped->sku);
    return see_shipment(arg, row->shipment);
}

static void see_event(void *arg, const struct holdfast_event *event)
{
    (void)arg;
    HF_ASSERT(event->hits_count <= HF_HITS_MAX);
    for (size_t i = 0; i < event->hits_count; i++) {
        check_text(event->hits[i].reservation);
    }
    const char *const texts[] = {event->sku,   event->location, event->ref,
                                 event->order, event->by,       event->id};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i] != NULL) {
            check_text(texts[i]);
        }
    }
}

static bool see_stat(void *arg, const char *name, uint64_t value)
{
    (void)arg;
    (void)value;
    check_text(name);
    return true;
}

static void ask_stock(struct holdfast *hf, unsigned operation)
{
    static const char *const skus[] = {"A", "B"};
    struct holdfast_cell cell;
    struct holdfast_ats ats[2];
    uint32_t handles[2];
    uint32_t places[2];

    if (operation == HF_ASK_STOCK && holdfast_get_stock(hf, "A", "L", &cell) == HOLDFAST_OK) {
        (void)see_cell(NULL, &cell);
    } else if (operation == HF_ASK_ATS) {
        (void)holdfast_get_ats(hf, skus, 2, NULL, NULL, ats);
    } else if (operation == HF_ASK_LIST) {
        (void)holdfast_list(hf, &(const struct holdfast_list_query){.idle_us = 1}, see_cell, NULL);
    } else if (operation == HF_ASK_LOOKUP) {
        (void)holdfast_lookup(hf, skus, NULL, 2, handles, places);
    }
}

static void ask_history(struct holdfast *hf, unsigned operation)
{
    const struct holdfast_ledger_query query = {.ref = "r", .limit = 100};
    struct holdfast_reservation reservation;

    if (operation == HF_ASK_RESERVATION &&
        holdfast_get_reservation(hf, "c", &reservation) == HOLDFAST_OK) {
        check_text(reservation.id);
        for (size_t i = 0; i < reservation.lines_count; i++) {
            check_text(reservation.lines[i].sku);
        }
    } else if (operation == HF_ASK_ORDER) {
        (void)holdfast_get_order(hf, "o", see_reservation, NULL);
    } else if (operation == HF_ASK_LEDGER) {
        (void)holdfast_get_ledger(hf, &query, see_move, NULL);
    }
}

static void ask_server(struct holdfast *hf, unsigned operation)
{
    struct holdfast_audit audit;
    uint64_t lsn;
    char hex[33];

    if (operation == HF_ASK_STATS) {
        (void)holdfast_get_stats(hf, see_stat, NULL);
    } else if (operation == HF_ASK_DIGEST && holdfast_digest(hf, &lsn, hex) == HOLDFAST_OK) {
        HF_ASSERT(strlen(hex) == 32);
    } else if (operation == HF_ASK_AUDIT && holdfast_audit(hf, &audit) == HOLDFAST_OK) {
        HF_ASSERT(strnlen(audit.first_violation, sizeof audit.first_violation) <
                  sizeof audit.first_violation);
    } else if (operation == HF_ASK_SNAPSHOT) {
        (void)holdfast_snapshot(hf, &lsn);
    } else if (operation == HF_ASK_BACKUP || operation == HF_ASK_BACKUP_NEXT) {
        struct holdfast_backup backup = {0};
        if (holdfast_backup(hf, "b", NULL, NULL, &backup) == HOLDFAST_OK) {
            check_text(backup.path);
        }
    } else if (operation == HF_ASK_PING) {
        (void)holdfast_ping(hf);
    }
}

static void ask_shipments(struct holdfast *hf, unsigned operation, unsigned section)
{
    const struct holdfast_shipments_query query = {.only_open = true};
    struct holdfast_shipment shipment;
    struct holdfast_token token;

    if ((operation == HF_ASK_TRANSFER &&
         holdfast_get_transfer(hf, "t", &shipment) == HOLDFAST_OK) ||
        (operation == HF_ASK_INBOUND && holdfast_get_inbound(hf, "t", &shipment) == HOLDFAST_OK)) {
        (void)see_shipment(NULL, &shipment);
        for (size_t i = 0; i < shipment.lines_count; i++) {
            check_text(shipment.lines[i].sku);
        }
    } else if (operation == HF_ASK_TRANSFERS) {
        (void)holdfast_list_transfers(hf, &query, see_shipment, NULL);
    } else if (operation == HF_ASK_INBOUND_SHIPMENTS) {
        (void)holdfast_list_inbound(hf, &query, see_shipment, NULL);
    } else if (operation == HF_ASK_SHORTAGES) {
        (void)holdfast_get_shortages(hf, see_shortage, NULL);
    } else if (operation == HF_ASK_EXPORT || operation == HF_ASK_EXPORT_NEXT) {
        (void)holdfast_export(hf, (enum holdfast_section)section, &token, see_row, NULL);
    }
}

static void follow(struct holdfast *hf, unsigned operation)
{
    const struct holdfast_subscription all = {.after = {.epoch = 1, .lsn = 0}};
    struct holdfast_token token = {0};

    if ((operation == HF_ASK_SUBSCRIBE || operation == HF_ASK_EVENTS) &&
        holdfast_subscribe(hf, &all, &token) == HOLDFAST_OK) {
        while (holdfast_next_events(hf, 1000, see_event, NULL, &token) == HOLDFAST_OK) {
        }
    }
}

/* ------------------------------------------------------------------ inputs */

/* A good answer without entries to a call that `operation`'s frames come after. */
static uint64_t put_begin(struct hf_buffer *out, unsigned operation)
{
    const struct hf_reply reply = {.lsn = 1, .argument = 1, .line_index = UINT32_MAX};
    const struct hf_frame frame = {
        .operation = operation == HF_ASK_EVENTS ? HF_ASK_SUBSCRIBE : HF_ASK_EXPORT,
        .flags = HF_FRAME_REPLY,
        .count = 1,
        .correlation = 1,
    };
    const size_t place = hf_frame_begin(out);
    hf_reply_put_plain(out, &reply);
    HF_ASSERT(hf_frame_end(out, place, &frame) == HF_OK);
    return operation == HF_ASK_EVENTS ? 1 : 2; /* the correlation of what follows */
}

static void read_raw(const struct pair *pair, const uint8_t *data, size_t bytes_count)
{
    static const uint32_t handles[] = {1, 2};
    int calls = 0;

    submit(pair, HOLDFAST_SELL, 1, &calls);
    submit(pair, HOLDFAST_RESERVE, 4, &calls);
    HF_ASSERT(holdfast_submit_ats(pair->hf, handles, 2, 1, count_ats, &calls) == HOLDFAST_OK);
    say(pair, data, bytes_count);
    drive(pair);
    HF_ASSERT(calls == 3);
}

static void read_reply(const struct pair *pair, const uint8_t *data, size_t bytes_count)
{
    const unsigned operation = data[1];
    const bool is_write = hf_operation_is_write(operation);
    struct hf_frame frame = {
        .operation = operation,
        .flags = HF_FRAME_REPLY | ((data[2] & 128) != 0 ? HF_FRAME_ERROR : 0),
        .count = 1 + data[2] % 4,
        .correlation = 1,
    };
    struct hf_buffer out = {0};
    int calls = 0;

    if (operation == HF_ASK_EVENTS || operation == HF_ASK_EXPORT_NEXT) {
        frame.correlation = put_begin(&out, operation);
    }

    const size_t place = hf_frame_begin(&out);
    HF_ASSERT(hf_buffer_append(&out, data + HEAD_BYTES, bytes_count - HEAD_BYTES));
    HF_ASSERT(hf_frame_end(&out, place, &frame) == HF_OK);
    if (is_write) {
        submit(pair, operation, frame.count, &calls);
    }
    say(pair, hf_buffer_front(&out), hf_buffer_count(&out));
    if (is_write) {
        drive(pair);
        HF_ASSERT(calls == 1);
    } else {
        ask_stock(pair->hf, operation);
        ask_history(pair->hf, operation);
        ask_server(pair->hf, operation);
        ask_shipments(pair->hf, operation, HOLDFAST_CELLS + data[2] / 4 % HOLDFAST_INBOUND);
        follow(pair->hf, operation);
        HF_ASSERT(holdfast_in_flight(pair->hf) == 0);
    }
    hf_buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes_count)
{
    if (bytes_count < HEAD_BYTES || bytes_count > BODY_BYTES_MAX) {
        return 0;
    }
    const struct pair pair = open_pair();
    if (data[0] % FORMS_COUNT == RAW) {
        read_raw(&pair, data + 1, bytes_count - 1);
    } else {
        read_reply(&pair, data, bytes_count);
    }
    holdfast_close(pair.hf);
    (void)close(pair.server);
    return 0;
}
