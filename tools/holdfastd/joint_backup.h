/*
 * joint_backup.h - a backup in the background: the loop asks, a thread of the loop's pool works.
 *
 *     loop     begin --> ......... news (durable_lsn) ......... done --> cb, is_done
 *     pool           hf_backup_make --wake--> --wake-->  ... ends
 *
 * The worker thread of threads.h is left alone: snapshots go on while a long backup is made. What
 * the thread has done so far is in atomics, which the loop looks at when it is woken.
 */
#ifndef HF_HOLDFASTD_JOINT_BACKUP_H
#define HF_HOLDFASTD_JOINT_BACKUP_H

#include "net/log.h"

struct hf_joint;
struct hf_joint_backup;

/* The `backup` of struct hf_log_ops. */
void hf_joint_backup(void *ctx, const char *name, hf_log_backup_cb cb, void *arg);
/* True when the folder for backups and the data directory are one, or one is inside of the other,
 * through whatever links: then backups are refused. */
bool hf_joint_backup_overlaps(const struct hf_joint *joint);
/* Loop thread, after a wake-up: tell what is new. */
void hf_joint_backup_poll(struct hf_joint *joint);
/* The server is stopping: end a backup under way soon; its last word still comes. */
void hf_joint_backup_cancel(struct hf_joint *joint);

#endif
