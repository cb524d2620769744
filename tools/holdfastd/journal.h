/*
 * journal.h - the operator's log: one line an event on stderr, with an RFC 3339 UTC time.
 *
 *     2026-03-01T12:00:00.123456Z info ready listen=127.0.0.1:4653
 *
 * A line is one write to the file descriptor, so lines of several threads do not mix.
 */
#ifndef HF_HOLDFASTD_JOURNAL_H
#define HF_HOLDFASTD_JOURNAL_H

/* `level` is 'i' information, 'w' warning, 'e' error. `arg` is not used: it makes this a callback
 * of struct hf_server_report and struct hf_store_report. Any thread. */
void hf_journal_line(void *arg, char level, const char *text);

/* The same from a format. */
void hf_journal(char level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
