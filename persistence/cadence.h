/*
 * cadence.h - when a snapshot is due by itself, and what share of the loop its copying may take.
 *
 *     due     so much log since the last one began, or so long with anything changed;
 *             but never sooner after the last one, ended well or not, than the pause.
 *             Pressed, because the log nears its bound: as soon as anything has changed, after a
 *             short pause
 *     pace    a slice of copying after each turn of the loop, as long as its share of the time
 *             since the last one; larger when more changes meanwhile than there is memory to keep
 *
 * Times come from outside, on one monotonic clock. Plain functions of what they are given.
 */
#ifndef HF_PERSISTENCE_CADENCE_H
#define HF_PERSISTENCE_CADENCE_H

#include <stdbool.h>
#include <stdint.h>

struct hf_cadence_config {
    uint64_t log_bytes;   /* 0: not on this account */
    uint64_t interval_us; /* 0: likewise */
    uint64_t pause_us;
};

struct hf_cadence {
    struct hf_cadence_config config;
    bool has_time;      /* last_us is set */
    bool was_on;        /* a snapshot has been on since the last look at the clock */
    bool has_failed;    /* the last one did: it is tried again after the pause */
    uint64_t last_us;   /* a snapshot was on then, or the program started */
    uint64_t log_bytes; /* when the last one began */
};

void hf_cadence_init(struct hf_cadence *cadence, const struct hf_cadence_config *config);
/* A snapshot begins, when `log_bytes` have been written in all. */
void hf_cadence_begun(struct hf_cadence *cadence, uint64_t log_bytes);
void hf_cadence_ended(struct hf_cadence *cadence, bool has_failed);
/* To be called now and then, also while one is on. `is_changed`: since the last good one. */
bool hf_cadence_is_due(struct hf_cadence *cadence, uint64_t now_us, uint64_t log_bytes, bool is_on,
                       bool is_changed, bool is_pressed);

/* The pauses of one that is pressed, if they are shorter than the usual one: what makes it fail
 * may go on failing, and each try costs the disk a file of the state. */
#define HF_PRESSED_PAUSE_US UINT64_C(1000000)
#define HF_PRESSED_RETRY_US UINT64_C(10000000)

/*
 * When the next piece of work may begin, at `rate_bytes` a second (0: at once): `bytes_count` are
 * done now, and the piece was due at `due_us`. Who was late makes up for a second of it at most.
 */
uint64_t hf_rate_due_us(uint64_t due_us, uint64_t now_us, uint64_t bytes_count,
                        uint64_t rate_bytes);

/* A slice is worth its while from this length on, and never gets longer than the other: as a rule
 * than half of that. */
#define HF_PACE_US_MIN 50u
#define HF_PACE_US_MAX 600u

/*
 * What is kept of what changes, measured by what may be kept by now.
 *
 *     kept   max |               . - '       Copied evenly, under an even load, a state keeps more
 *                |          . '              and more slowly: what is copied is not kept any more.
 *                |     . '                   With p of it copied, 2 p - p^2 of all that will be.
 *                | .'                        So that much of the room may be taken, and an eighth
 *              0 +----------------------     of it at once.
 *                0        copied       all
 */
struct hf_pace {
    uint64_t kept_bytes, kept_bytes_max;
    uint64_t items_left, items_count; /* slots: to be copied, and of all */
};

/* How long the next slice may be, 0: not now. `passed_us` since the last one ended. */
uint32_t hf_pace_us(const struct hf_pace *pace, uint64_t passed_us);
/* Whether so much changes that whoever writes the copies should not spare the disk. */
bool hf_pace_is_hurried(const struct hf_pace *pace);

#endif
