#include "tools/holdfastd/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 2048

static const char *level_name(char level)
{
    return level == 'e' ? "error" : level == 'w' ? "warning" : "info";
}

void hf_journal_line(void *arg, char level, const char *text)
{
    char line[LINE_BYTES];
    char date[32];
    struct timespec now = {0};
    struct tm utc = {0};
    (void)arg;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    int bytes_count = snprintf(line, sizeof line - 1, "%s.%06ldZ %s %s", date, now.tv_nsec / 1000,
                               level_name(level), text);
    if (bytes_count < 0) {
        return;
    }
    if (bytes_count > (int)sizeof line - 2) {
        bytes_count = (int)sizeof line - 2;
    }
    line[bytes_count] = '\n';
    /* Nobody is left to be told when stderr cannot be written. */
    const ssize_t written = write(STDERR_FILENO, line, (size_t)bytes_count + 1);
    (void)written;
}

void hf_journal(char level, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    hf_journal_line(NULL, level, text);
}
