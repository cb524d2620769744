#include "net/client.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/version.h"

/* ------------------------------------------------------------------ numbers and names */

/* The public header repeats numbers of the engine, because callers see no other header. */
#define SAME_OUTCOME(number, identifier, name, text)                                               \
    _Static_assert((int)HOLDFAST_##identifier == (number), name);
HF_OUTCOME_MAP(SAME_OUTCOME)

#define SAME_KIND(number, identifier, name)                                                        \
    _Static_assert((int)HOLDFAST_##identifier == (number), name);
HF_KIND_MAP(SAME_KIND)

#define HOLDFAST_NONE HOLDFAST_REASON_NONE
#define SAME_REASON(number, identifier, name)                                                      \
    _Static_assert((int)HOLDFAST_##identifier == (number), name);
HF_REASON_MAP(SAME_REASON)
#undef HOLDFAST_NONE

#define HOLDFAST_NONE HOLDFAST_STATUS_NONE
#define SAME_STATUS(number, identifier, name)                                                      \
    _Static_assert((int)HOLDFAST_##identifier == (number), name);
HF_STATUS_MAP(SAME_STATUS)
#undef HOLDFAST_NONE

#define SAME_ALERT(number, identifier, name)                                                       \
    _Static_assert((int)HOLDFAST_##identifier == (number), name);
HF_ALERT_MAP(SAME_ALERT)

/* `expired` and `superseded` are states and outcomes, so the states have names of their own. */
_Static_assert((int)HOLDFAST_STATE_NONE == (int)HF_STATE_NONE, "none");
_Static_assert((int)HOLDFAST_HELD == (int)HF_STATE_HELD, "held");
_Static_assert((int)HOLDFAST_CONFIRMED == (int)HF_STATE_CONFIRMED, "confirmed");
_Static_assert((int)HOLDFAST_FULFILLED == (int)HF_STATE_FULFILLED, "fulfilled");
_Static_assert((int)HOLDFAST_RELEASED == (int)HF_STATE_RELEASED, "released");
_Static_assert((int)HOLDFAST_STATE_EXPIRED == (int)HF_STATE_EXPIRED, "expired");
_Static_assert((int)HOLDFAST_STATE_SUPERSEDED == (int)HF_STATE_SUPERSEDED, "superseded");

_Static_assert((int)HOLDFAST_DRAFT == (int)HF_STATE_DRAFT, "draft");
_Static_assert((int)HOLDFAST_IN_TRANSIT == (int)HF_STATE_IN_TRANSIT, "in_transit");
_Static_assert((int)HOLDFAST_RECEIVED == (int)HF_STATE_RECEIVED, "received");
_Static_assert((int)HOLDFAST_CANCELLED == (int)HF_STATE_CANCELLED, "cancelled");
_Static_assert((int)HOLDFAST_CLOSED == (int)HF_STATE_CLOSED, "closed");
_Static_assert((int)HOLDFAST_CLOSED == HF_STATES_COUNT - 1, "all states are here");

_Static_assert((int)HOLDFAST_LINKED == (int)HF_OP_LINKED, "linked");
_Static_assert((int)HOLDFAST_PARTIAL == (int)HF_OP_PARTIAL, "partial");
_Static_assert((int)HOLDFAST_FACT == (int)HF_OP_FACT, "fact");
_Static_assert((int)HOLDFAST_RELEASE_REST == (int)HF_OP_RELEASE_REST, "release_rest");
_Static_assert((int)HOLDFAST_HANDLES == (int)HF_OP_HANDLES, "handles");
_Static_assert((int)HOLDFAST_VERSIONS == (int)HF_OP_VERSIONS, "versions");
_Static_assert((int)HOLDFAST_TTL == (int)HF_OP_TTL, "ttl");
_Static_assert((int)HOLDFAST_AS_OF_LSN == (int)HF_OP_AS_OF_LSN, "as_of an LSN");
_Static_assert((int)HOLDFAST_AS_OF_TIME == (int)HF_OP_AS_OF_TIME, "as_of a time");
_Static_assert((int)HOLDFAST_SHIP == (int)HF_OP_SHIP, "ship");
_Static_assert((int)HOLDFAST_MAY_SELL == (int)HF_OP_SELLABLE, "sellable");
_Static_assert((int)HOLDFAST_WITH_DAMAGED == (int)HF_OP_DAMAGED, "damaged");
_Static_assert((int)HOLDFAST_REST == (int)HF_OP_REST, "rest");

_Static_assert((int)HOLDFAST_CELLS == (int)HF_FROZEN_CELLS, "cells");
_Static_assert((int)HOLDFAST_RESERVATIONS == (int)HF_FROZEN_RESERVATIONS, "reservations");
_Static_assert((int)HOLDFAST_TRANSFERS == (int)HF_FROZEN_TRANSFERS, "transfers");
_Static_assert((int)HOLDFAST_INBOUND == (int)HF_FROZEN_INBOUND, "inbound shipments");

_Static_assert(HOLDFAST_HANDLE_NONE == HF_HANDLE_NONE, "no handle");
_Static_assert(HOLDFAST_VERSION_ANY == HF_VERSION_ANY, "any version");
/* NOLINTBEGIN(misc-redundant-expression): that both sides say the same is the point */
_Static_assert(HOLDFAST_POLICY_KEEP == HF_POLICY_KEEP, "keep a policy");
_Static_assert(HOLDFAST_LOW_STOCK_NONE == HF_LOW_STOCK_NONE, "no threshold");
/* NOLINTEND(misc-redundant-expression) */
_Static_assert(HOLDFAST_LINES_MAX == HF_LINES_MAX, "lines of an operation");

const char *holdfast_outcome_name(enum holdfast_outcome outcome)
{
    return hf_err_name((enum hf_err)outcome);
}

const char *holdfast_outcome_text(enum holdfast_outcome outcome)
{
    return hf_strerror((enum hf_err)outcome);
}

const char *holdfast_state_name(enum holdfast_state state)
{
    return hf_state_name((unsigned)state);
}

const char *holdfast_kind_name(enum holdfast_kind kind)
{
    return hf_kind_name((unsigned)kind);
}

const char *holdfast_reason_name(enum holdfast_reason reason)
{
    return hf_reason_name((unsigned)reason);
}

const char *holdfast_status_name(enum holdfast_status status)
{
    return hf_status_name((unsigned)status);
}

/* The number below `end` that has this name; -1: none. Gaps in a list have no name. */
static int number_of(const char *name, const char *(*name_of)(unsigned number), unsigned end)
{
    if (strcmp(name, name_of(UINT_MAX)) == 0) {
        return -1;
    }
    for (unsigned i = 0; i < end; i++) {
        if (strcmp(name_of(i), name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int holdfast_reason_of(const char *name)
{
    return number_of(name, hf_reason_name, HF_REASONS_COUNT);
}

int holdfast_status_of(const char *name)
{
    return number_of(name, hf_status_name, HF_STATUSES_COUNT);
}

int holdfast_kind_of(const char *name)
{
    return number_of(name, hf_kind_name, HF_EVENT_KINDS_END);
}

const char *holdfast_version(void)
{
    return HF_VERSION;
}

/* ------------------------------------------------------------------ handle */

static void release(struct holdfast *hf)
{
    hf_buffer_release(&hf->out);
    hf_buffer_release(&hf->in);
    hf_buffer_release(&hf->answer.body);
    free(hf->entries);
    free(hf->op_lines);
    free(hf->replies);
    free(hf->replies_retired);
    free(hf->result_lines);
    free(hf->reservation_lines);
    free(hf->shipment_lines);
    free(hf->ats);
    free(hf->feed);
    free(hf);
}

static uint32_t or_default(uint32_t given, uint32_t otherwise)
{
    return given != 0 ? given : otherwise;
}

struct holdfast *holdfast_connect(const char *address, const struct holdfast_options *options,
                                  char *error, size_t error_bytes)
{
    struct holdfast *hf = calloc(1, sizeof *hf);
    if (hf == NULL) {
        (void)snprintf(error, error_bytes, "out of memory");
        return NULL;
    }
    hf->fd = -1;
    hf->correlation_next = 1;
    if (options != NULL) {
        hf->options = *options;
    }
    hf->options.connect_timeout_ms =
        or_default(hf->options.connect_timeout_ms, HF_CLIENT_CONNECT_TIMEOUT_MS);
    hf->options.request_timeout_ms =
        or_default(hf->options.request_timeout_ms, HF_CLIENT_REQUEST_TIMEOUT_MS);
    if (hf->options.in_flight_bytes_max == 0) {
        hf->options.in_flight_bytes_max = HF_CLIENT_IN_FLIGHT_BYTES;
    }
    if (hf->options.name != NULL) {
        (void)snprintf(hf->name, sizeof hf->name, "%s", hf->options.name);
        hf->options.name = hf->name;
    }
    bool is_connected = false;
    if (hf_client_set_address(hf, address)) {
        is_connected = hf_client_connect(hf, hf->options.connect_timeout_ms);
    } else {
        hf_client_set_error(hf, "\"%s\" is not an address: HOST:PORT, HOST or [IPv6]:PORT",
                            address);
    }
    if (!is_connected) {
        if (error != NULL && error_bytes > 0) {
            (void)snprintf(error, error_bytes, "%s", hf->error);
        }
        release(hf);
        return NULL;
    }
    hf->handles_tag = hf->handle_tag;
    return hf;
}

const struct holdfast_server *holdfast_server(const struct holdfast *hf)
{
    return &hf->server;
}

const char *holdfast_error(const struct holdfast *hf)
{
    return hf->error;
}

int holdfast_fd(const struct holdfast *hf)
{
    return hf->fd;
}

bool holdfast_wants_write(const struct holdfast *hf)
{
    return hf->fd >= 0 && hf_buffer_count(&hf->out) > 0;
}

size_t holdfast_in_flight(const struct holdfast *hf)
{
    HF_ASSERT(hf->entries_count >= hf->abandoned_count);
    return hf->entries_count - hf->abandoned_count;
}

/* ------------------------------------------------------------------ memory */

bool hf_client_reserve(void **array, size_t *array_max, size_t count, size_t size)
{
    if (count <= *array_max) {
        return true;
    }
    size_t wanted = *array_max == 0 ? 64 : *array_max;
    while (wanted < count) {
        wanted *= 2;
    }
    void *memory = realloc(*array, wanted * size);
    if (memory == NULL) {
        return false;
    }
    *array = memory;
    *array_max = wanted;
    return true;
}

bool hf_client_reserve_replies(struct holdfast *hf, size_t count)
{
    if (count > hf->replies_max && hf->is_processing && hf->replies_retired == NULL) {
        /* The callback that is running may still read the array there is. */
        hf->replies_retired = hf->replies;
        hf->replies = NULL;
        hf->replies_max = 0;
    }
    return hf_client_reserve((void **)&hf->replies, &hf->replies_max, count, sizeof *hf->replies);
}

/* Double the ring; its entries move to the front, oldest first. */
static bool grow_entries(struct holdfast *hf)
{
    const size_t wanted = hf->entries_max == 0 ? 64 : hf->entries_max * 2;
    struct hf_client_entry *entries = malloc(wanted * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < hf->entries_count; i++) {
        entries[i] = hf->entries[(hf->entries_first + i) & (hf->entries_max - 1)];
    }
    free(hf->entries);
    hf->entries = entries;
    hf->entries_max = wanted;
    hf->entries_first = 0;
    return true;
}

bool hf_client_make_room(struct holdfast *hf)
{
    return hf->entries_count < hf->entries_max || grow_entries(hf);
}

void hf_client_push(struct holdfast *hf, const struct hf_client_entry *entry)
{
    HF_ASSERT(hf->entries_count < hf->entries_max);
    hf->entries[(hf->entries_first + hf->entries_count) & (hf->entries_max - 1)] = *entry;
    hf->in_flight_bytes += entry->frame_bytes;
    hf->entries_count += 1;
}

void holdfast_close(struct holdfast *hf)
{
    if (hf == NULL) {
        return;
    }
    HF_ASSERT(!hf->is_processing); /* a callback must not close */
    hf->is_closing = true;
    hf_client_drop(hf);
    hf_client_answer_unknown(hf);
    release(hf);
}

/* ------------------------------------------------------------------ blocking */

bool hf_client_is_feed(struct holdfast *hf)
{
    if (hf->is_feed) {
        hf_client_set_error(hf, "the connection has subscribed and carries nothing else");
    }
    return hf->is_feed;
}

bool hf_client_may_block(struct holdfast *hf)
{
    if (hf_client_is_feed(hf)) {
        return false;
    }
    if (hf->is_processing || hf->is_closing) {
        hf_client_set_error(hf, "a callback must not make a blocking call");
        return false;
    }
    if (holdfast_in_flight(hf) > 0) {
        hf_client_set_error(hf, "a blocking call while frames are in flight");
        return false;
    }
    return true;
}

bool hf_client_await(struct holdfast *hf)
{
    HF_ASSERT(hf->entries_count > 0);

    const uint64_t correlation = hf->correlation_next - 1;
    const int64_t deadline_ms = hf_client_now_ms() + hf->options.request_timeout_ms;
    while (hf->entries_count > 0) {
        const int64_t left_ms = deadline_ms - hf_client_now_ms();
        if (left_ms <= 0) {
            break;
        }
        (void)holdfast_wait(hf, (int)(left_ms > 60000 ? 60000 : left_ms));
    }
    if (hf->entries_count == 0) {
        return true;
    }
    struct hf_client_entry *newest =
        &hf->entries[(hf->entries_first + hf->entries_count - 1) & (hf->entries_max - 1)];
    HF_ASSERT(newest->correlation == correlation);
    newest->wish = HF_WISH_NOTHING;
    hf->abandoned_count += 1;
    hf_client_set_error(hf, "no reply within %u ms", hf->options.request_timeout_ms);
    return false;
}

struct execution {
    struct holdfast_reply *replies;
    size_t count;
};

static void execute_done(void *arg, const struct holdfast_reply *replies, size_t count)
{
    const struct execution *execution = arg;
    HF_ASSERT(count == execution->count);
    memcpy(execution->replies, replies, count * sizeof *replies);
}

enum holdfast_outcome holdfast_execute(struct holdfast *hf, const struct holdfast_op *ops,
                                       size_t count, struct holdfast_reply *replies)
{
    struct execution execution = {replies, count};
    struct hf_client_fault fault = {0};

    if (!hf_client_may_block(hf)) {
        hf_client_fill_replies(replies, count, HF_INVALID_ARGUMENT, HF_FIELD_NONE);
        return HOLDFAST_INVALID_ARGUMENT;
    }
    const enum holdfast_outcome outcome =
        hf_client_submit(hf, ops, count, execute_done, &execution, &fault);
    if (outcome != HOLDFAST_OK) {
        hf_client_fill_replies(replies, count, (enum hf_err)outcome, HF_FIELD_NONE);
        if (fault.field != HF_FIELD_NONE && fault.op_index < count) {
            replies[fault.op_index].field = hf_field_name(fault.field);
        }
        return outcome;
    }
    if (!hf_client_await(hf)) {
        hf_client_fill_replies(replies, count, HF_UNKNOWN, HF_FIELD_NONE);
        return HOLDFAST_UNKNOWN;
    }
    for (size_t i = 0; i < count; i++) {
        if (replies[i].outcome != HOLDFAST_OK) {
            return replies[i].outcome;
        }
    }
    return HOLDFAST_OK;
}
