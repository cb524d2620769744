#include "net/backing_up.h"

#include <stdio.h>
#include <string.h>

#include "engine/assert.h"
#include "net/dispatch.h"

static bool is_asking(const struct hf_job *job)
{
    return job->operation == HF_ASK_BACKUP || job->operation == HF_ASK_BACKUP_NEXT;
}

/* There is news: whoever waits for it is answered. */
static void note_progress(void *arg, const struct hf_log_backup *backup)
{
    struct hf_backing_up *backing_up = arg;

    HF_ASSERT(backing_up->is_running);
    backing_up->last = *backup;
    (void)snprintf(backing_up->text, sizeof backing_up->text, "%s", backup->text);
    backing_up->last.text = backing_up->text;
    backing_up->is_running = !backup->is_done;
    backing_up->is_news = true;
    if (backing_up->owner != NULL && is_asking(backing_up->owner)) {
        backing_up->owner->is_done = true;
    }
}

static void refuse(struct hf_job *job, enum hf_err err, const char *why)
{
    job->is_done = true;
    job->err = err;
    job->why = why;
}

void hf_backing_up_begin(struct hf_backing_up *backing_up, const struct hf_log *log,
                         struct hf_job *job, struct hf_text name)
{
    char text[HF_TEXT_BYTES_MAX + 1];

    if (backing_up->is_running) {
        refuse(job, HF_BUSY, "another backup is being made");
        return;
    }
    if (log->ops->backup == NULL) {
        refuse(job, HF_INVALID_ARGUMENT, "this server makes no backups");
        return;
    }
    if (name.bytes_count == 0 || memchr(name.bytes, 0, name.bytes_count) != NULL) {
        refuse(job, HF_INVALID_ARGUMENT, "a backup needs a name");
        return;
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)name.bytes_count, name.bytes);
    *backing_up = (struct hf_backing_up){.owner = job, .is_running = true};
    log->ops->backup(log->ctx, text, note_progress, backing_up);
}

void hf_backing_up_next(struct hf_backing_up *backing_up, struct hf_job *job)
{
    if (backing_up->owner != job) {
        refuse(job, HF_INVALID_ARGUMENT, "no backup was begun by this connection");
        return;
    }
    job->is_done = backing_up->is_news;
}

void hf_backing_up_answer(struct hf_backing_up *backing_up, const struct hf_job *job,
                          struct hf_buffer *out)
{
    const bool is_refused = job->err != HF_OK;
    const struct hf_log_backup *last = &backing_up->last;
    const enum hf_err err = is_refused ? job->err : last->is_done ? last->err : HF_OK;
    const struct hf_backup_view view = {
        .is_done = is_refused || last->is_done,
        .bytes_done = is_refused ? 0 : last->bytes_done,
        .bytes_total = is_refused ? 0 : last->bytes_total,
        .text = hf_text_of(is_refused ? job->why : backing_up->text),
    };
    /* What is no outcome, such as a disk that is full, may go better another time. */
    const struct hf_reply reply = {.outcome = (unsigned)err < HF_OUTCOMES_COUNT ? err : HF_BUSY,
                                   .lsn = is_refused ? 0 : last->lsn,
                                   .line_index = UINT32_MAX,
                                   .entries_count = 1};
    const size_t place = hf_reply_begin(out);
    hf_backup_view_put(out, &view);
    hf_reply_end(out, place, &reply);
    if (!is_refused) {
        backing_up->is_news = false;
        backing_up->owner = last->is_done ? NULL : backing_up->owner;
    }
}

void hf_backing_up_leave(struct hf_backing_up *backing_up, const struct hf_job *job)
{
    if (backing_up->owner == job) {
        backing_up->owner = NULL;
    }
}
