/*
 * notice.h - lines about clients in the operator's log, so many in a minute at most.
 *
 * What clients do wrong must not fill the log: past the limit lines are counted, and the count is
 * written once the minute is over. Loop thread only.
 */
#ifndef HF_NET_NOTICE_H
#define HF_NET_NOTICE_H

#include <stdint.h>
#include <uv.h>

#include "net/server.h"

#define HF_NOTICES_MAX 20u /* within ... */
#define HF_NOTICES_US (UINT64_C(60) * 1000000)

struct hf_notices {
    const struct hf_server_report *report;
    uint64_t begun_us; /* monotonic; when this minute began */
    uint32_t count;    /* written in it */
    uint64_t left_out; /* and not written */
};

/* "connection from ADDRESS (NAME): TEXT"; `name` may be empty. */
void hf_notice(struct hf_notices *notices, const uv_tcp_t *client, const char *name, char level,
               const char *text);
/* Every now and then: begin another minute when one is over. */
void hf_notices_renew(struct hf_notices *notices, uint64_t now_us);

#endif
