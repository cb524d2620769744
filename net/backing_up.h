/*
 * backing_up.h - one backup at a time: who began it, and what it is to be told next.
 *
 *     backup NAME   --> the log begins --> (progress) answered: so far
 *     backup_next   --> waits ----------> (progress) answered: so far --> ... --> answered: done
 *
 * Invariants:
 *     B1  a server makes one backup at a time; another asker is told busy
 *     B2  it belongs to the connection that began it, and only that one is told how it goes; when
 *         the connection ends the backup goes on, and the operator's log tells how it ended
 *     B3  an answer is given when there is news since the last one, so no asker polls
 *
 * Loop thread only. A connection is known by the address of its job, as in reading.h.
 */
#ifndef HF_NET_BACKING_UP_H
#define HF_NET_BACKING_UP_H

#include "net/codec.h"
#include "net/log.h"

struct hf_job;

struct hf_backing_up {
    struct hf_job *owner; /* NULL: nobody, or it has gone */
    bool is_running;
    bool is_news; /* since the owner was answered */
    struct hf_log_backup last;
    char text[HF_TEXT_BYTES_MAX + 1]; /* last.text points here */
};

/* Begin a backup (PROTOCOL.md 3, operation 74), or wait for how it goes (75): `job` is filled but
 * for what comes of it. */
void hf_backing_up_begin(struct hf_backing_up *backing_up, const struct hf_log *log,
                         struct hf_job *job, struct hf_text name);
void hf_backing_up_next(struct hf_backing_up *backing_up, struct hf_job *job);
/* Answer a job that is done. */
void hf_backing_up_answer(struct hf_backing_up *backing_up, const struct hf_job *job,
                          struct hf_buffer *out);
/* The connection of `job` has gone. */
void hf_backing_up_leave(struct hf_backing_up *backing_up, const struct hf_job *job);

#endif
