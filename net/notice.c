#include "net/notice.h"

#include <inttypes.h>
#include <stdio.h>

void hf_notice(struct hf_notices *notices, const uv_tcp_t *client, const char *name, char level,
               const char *text)
{
    struct sockaddr_storage peer;
    int peer_bytes = sizeof peer;
    char host[64] = "an unknown address";
    char line[384];

    if (notices->count == HF_NOTICES_MAX) {
        notices->left_out++;
        return;
    }
    notices->count++;
    if (uv_tcp_getpeername(client, (struct sockaddr *)&peer, &peer_bytes) == 0) {
        (void)uv_ip_name((const struct sockaddr *)&peer, host, sizeof host);
    }
    (void)snprintf(line, sizeof line, "connection from %s%s%s%s: %s", host, name[0] ? " (" : "",
                   name, name[0] ? ")" : "", text);
    notices->report->line(notices->report->arg, level, line);
}

void hf_notices_renew(struct hf_notices *notices, uint64_t now_us)
{
    char line[96];

    if (now_us - notices->begun_us < HF_NOTICES_US) {
        return;
    }
    if (notices->left_out > 0) {
        (void)snprintf(line, sizeof line, "%" PRIu64 " more lines about connections were left out",
                       notices->left_out);
        notices->report->line(notices->report->arg, 'w', line);
    }
    notices->begun_us = now_us;
    notices->count = 0;
    notices->left_out = 0;
}
