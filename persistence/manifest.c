#include "persistence/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "engine/assert.h"

static const char FIRST_WORD[] = "holdfast-manifest ";
static const char CHECKSUM_WORD[] = "checksum ";
static const char HEX[] = "0123456789abcdef";

#define LINE_BYTES_MAX 64 /* the longest: "epoch ", 10 digits, a space, 20 digits */
_Static_assert(HF_EPOCHS_MAX * 40 + 4 * LINE_BYTES_MAX < HF_MANIFEST_BYTES_MAX, "the text fits");

/* ------------------------------------------------------------------ encode */

static size_t put(char *text, size_t length, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Append to the text; returns its new length. */
static size_t put(char *text, size_t length, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    const int added = vsnprintf(text + length, HF_MANIFEST_BYTES_MAX - length, format, arguments);
    va_end(arguments);
    HF_ASSERT(added > 0 && (size_t)added < HF_MANIFEST_BYTES_MAX - length);
    return length + (size_t)added;
}

size_t hf_manifest_encode(const struct hf_manifest *manifest, char *text)
{
    HF_ASSERT(manifest->epochs_count > 0 && manifest->epochs_count <= HF_EPOCHS_MAX);

    size_t length = put(text, 0, "%s%d\ndirectory ", FIRST_WORD, HF_MANIFEST_VERSION);
    for (size_t i = 0; i < HF_DIRECTORY_ID_BYTES; i++) {
        length = put(text, length, "%02x", manifest->directory_id[i]);
    }
    length = put(text, length, "\n");
    for (uint32_t i = 0; i < manifest->epochs_count; i++) {
        length = put(text, length, "epoch %" PRIu32 " %" PRIu64 "\n", manifest->epochs[i].number,
                     manifest->epochs[i].first_lsn);
    }
    if (manifest->snapshot_lsn != 0) {
        length = put(text, length, "snapshot %" PRIu64 "\n", manifest->snapshot_lsn);
    }
    const uint64_t checksum = XXH3_64bits(text, length);
    return put(text, length, "%s%016" PRIx64 "\n", CHECKSUM_WORD, checksum);
}

/* ------------------------------------------------------------------ decode */

struct scanner {
    const char *at;
    const char *end;
};

static bool scan_word(struct scanner *scanner, const char *word)
{
    const size_t length = strlen(word);
    if ((size_t)(scanner->end - scanner->at) < length || memcmp(scanner->at, word, length) != 0) {
        return false;
    }
    scanner->at += length;
    return true;
}

/* Decimal digits without a leading zero, as the encoder writes them. */
static bool scan_number(struct scanner *scanner, uint64_t max, uint64_t *number)
{
    const char *start = scanner->at;

    *number = 0;
    while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9') {
        const unsigned digit = (unsigned)(*scanner->at - '0');
        if (*number > (max - digit) / 10) {
            return false;
        }
        *number = *number * 10 + digit;
        scanner->at++;
    }
    return scanner->at > start && (*start != '0' || scanner->at == start + 1);
}

static bool scan_hex(struct scanner *scanner, unsigned char *bytes, size_t bytes_count)
{
    if ((size_t)(scanner->end - scanner->at) < 2 * bytes_count) {
        return false;
    }
    for (size_t i = 0; i < 2 * bytes_count; i++) {
        const char *digit = memchr(HEX, *scanner->at++, 16);
        if (digit == NULL) {
            return false;
        }
        bytes[i / 2] = (unsigned char)((bytes[i / 2] << 4) | (digit - HEX));
    }
    return true;
}

bool hf_manifest_begins(const void *bytes, size_t bytes_count)
{
    struct scanner scanner = {.at = bytes, .end = (const char *)bytes + bytes_count};
    uint64_t version;

    return scan_word(&scanner, FIRST_WORD) && scan_number(&scanner, UINT32_MAX, &version) &&
           scan_word(&scanner, "\n");
}

static bool scan_epochs(struct scanner *scanner, struct hf_manifest *manifest)
{
    while (scan_word(scanner, "epoch ")) {
        struct hf_epoch *epoch = &manifest->epochs[manifest->epochs_count];
        uint64_t number;
        if (manifest->epochs_count == HF_EPOCHS_MAX || !scan_number(scanner, UINT32_MAX, &number) ||
            !scan_word(scanner, " ") || !scan_number(scanner, UINT64_MAX, &epoch->first_lsn) ||
            !scan_word(scanner, "\n") || number == 0 || epoch->first_lsn == 0) {
            return false;
        }
        epoch->number = (uint32_t)number;
        if (manifest->epochs_count > 0 &&
            (epoch->number <= epoch[-1].number || epoch->first_lsn < epoch[-1].first_lsn)) {
            return false;
        }
        manifest->epochs_count++;
    }
    return manifest->epochs_count > 0;
}

/* The last line must be the checksum of all lines before; returns where it begins, or NULL. */
static const char *checked_end(const char *text, size_t bytes_count)
{
    const size_t line_bytes = strlen(CHECKSUM_WORD) + 16 + 1;
    unsigned char stored[8] = {0};
    uint64_t checksum = 0;

    if (bytes_count < line_bytes) {
        return NULL;
    }
    const char *line = text + bytes_count - line_bytes;
    struct scanner scanner = {.at = line, .end = text + bytes_count};
    if (!scan_word(&scanner, CHECKSUM_WORD) || !scan_hex(&scanner, stored, sizeof stored) ||
        !scan_word(&scanner, "\n")) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof stored; i++) {
        checksum = (checksum << 8) | stored[i];
    }
    return XXH3_64bits(text, (size_t)(line - text)) == checksum ? line : NULL;
}

enum hf_err hf_manifest_decode(struct hf_manifest *manifest, const char *text, size_t bytes_count,
                               const char **why)
{
    struct scanner scanner = {.at = text, .end = text + bytes_count};
    uint64_t version;

    *manifest = (struct hf_manifest){0};
    if (!scan_word(&scanner, FIRST_WORD) || !scan_number(&scanner, UINT32_MAX, &version) ||
        !scan_word(&scanner, "\n") || version == 0) {
        *why = "it is not a holdfast manifest";
        return HF_CORRUPT;
    }
    if (version > HF_MANIFEST_VERSION) {
        *why = HF_FORMAT_NEWER;
        return HF_CORRUPT;
    }
    scanner.end = checked_end(text, bytes_count);
    if (scanner.end == NULL) {
        *why = "its checksum does not match";
        return HF_CORRUPT;
    }
    const bool is_whole = scan_word(&scanner, "directory ") &&
                          scan_hex(&scanner, manifest->directory_id, HF_DIRECTORY_ID_BYTES) &&
                          scan_word(&scanner, "\n") && scan_epochs(&scanner, manifest) &&
                          (!scan_word(&scanner, "snapshot ") ||
                           (scan_number(&scanner, UINT64_MAX, &manifest->snapshot_lsn) &&
                            scan_word(&scanner, "\n") && manifest->snapshot_lsn != 0)) &&
                          scanner.at == scanner.end;
    if (!is_whole) {
        *why = "a line of it cannot be read";
        return HF_CORRUPT;
    }
    return HF_OK;
}

/* Forks draw from one of so many parts of the numbers that are left. */
#define EPOCHS_LEFT_PART 64u

enum hf_err hf_manifest_fork(struct hf_manifest *manifest, uint64_t first_lsn)
{
    uint64_t draw;

    if (getrandom(&draw, sizeof draw, 0) != (ssize_t)sizeof draw) {
        return HF_IO;
    }
    return hf_manifest_fork_drawn(manifest, first_lsn, draw);
}

enum hf_err hf_manifest_fork_drawn(struct hf_manifest *manifest, uint64_t first_lsn, uint64_t draw)
{
    uint32_t count = manifest->epochs_count;

    HF_ASSERT(count > 0 && first_lsn > 0);

    const uint32_t newest = manifest->epochs[count - 1].number;
    const uint32_t range = (UINT32_MAX - newest) / EPOCHS_LEFT_PART;
    while (count > 0 && manifest->epochs[count - 1].first_lsn > first_lsn) {
        count--;
    }
    if (count == HF_EPOCHS_MAX || newest == UINT32_MAX) {
        return HF_LIMIT_EXCEEDED;
    }
    const uint32_t step = range == 0 ? 0 : (uint32_t)(draw % range);
    manifest->epochs[count] =
        (struct hf_epoch){.number = newest + 1 + step, .first_lsn = first_lsn};
    manifest->epochs_count = count + 1;
    return HF_OK;
}

uint32_t hf_manifest_epoch(const struct hf_manifest *manifest, uint64_t lsn)
{
    uint32_t index = manifest->epochs_count - 1;
    while (index > 0 && manifest->epochs[index].first_lsn > lsn) {
        index--;
    }
    return manifest->epochs[index].number;
}

uint64_t hf_manifest_misfit(const struct hf_manifest *manifest, uint32_t epoch, uint64_t first_lsn,
                            uint64_t last_lsn)
{
    if (hf_manifest_epoch(manifest, first_lsn) != epoch) {
        return first_lsn;
    }
    for (uint32_t i = 0; i < manifest->epochs_count; i++) {
        const uint64_t begin_lsn = manifest->epochs[i].first_lsn;
        if (begin_lsn > first_lsn && begin_lsn <= last_lsn) {
            return begin_lsn;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ the file */

enum hf_err hf_manifest_load(struct hf_manifest *manifest, const struct hf_directory *directory,
                             char *error, size_t error_bytes)
{
    const struct hf_disk *disk = directory->disk;
    const char *why = NULL;

    char *text = malloc(HF_MANIFEST_BYTES_MAX);
    const int file =
        text == NULL ? -ENOMEM : hf_directory_open(directory, HF_NAME_MANIFEST, HF_DISK_READ);
    int64_t got = file;
    if (file >= 0) {
        got = disk->read(disk->ctx, file, text, HF_MANIFEST_BYTES_MAX, 0);
        (void)disk->close(disk->ctx, file); /* opened for reading */
    }
    enum hf_err err = HF_IO;
    if (got < 0) {
        (void)snprintf(error, error_bytes, "could not read \"%s/%s\": %s", directory->path,
                       HF_NAME_MANIFEST, hf_disk_error(got));
    } else {
        err = hf_manifest_decode(manifest, text, (size_t)got, &why);
        if (err != HF_OK) {
            (void)snprintf(error, error_bytes, "cannot use \"%s/%s\": %s", directory->path,
                           HF_NAME_MANIFEST, why);
        }
    }
    free(text);
    return err;
}

enum hf_err hf_manifest_save(const struct hf_manifest *manifest,
                             const struct hf_directory *directory, char *error, size_t error_bytes)
{
    const struct hf_disk *disk = directory->disk;

    char *text = malloc(HF_MANIFEST_BYTES_MAX);
    int64_t result =
        text == NULL ? -ENOMEM : hf_directory_remove(directory, HF_NAME_MANIFEST_ASIDE);
    if (result == 0) {
        const size_t length = hf_manifest_encode(manifest, text);
        result =
            hf_directory_open(directory, HF_NAME_MANIFEST_ASIDE, HF_DISK_WRITE | HF_DISK_CREATE);
        if (result >= 0) {
            const int file = (int)result;
            result = disk->write(disk->ctx, file, text, length, 0);
            if (result >= 0) {
                result = (size_t)result == length ? disk->sync(disk->ctx, file) : -EIO;
            }
            const int closed = disk->close(disk->ctx, file);
            result = result < 0 ? result : closed;
        }
    }
    if (result == 0) {
        result = hf_directory_rename(directory, HF_NAME_MANIFEST_ASIDE, HF_NAME_MANIFEST);
    }
    if (result == 0) {
        result = hf_directory_sync(directory);
    }
    free(text);
    if (result != 0) {
        (void)snprintf(error, error_bytes, "could not write \"%s/%s\": %s", directory->path,
                       HF_NAME_MANIFEST, hf_disk_error(result));
        return HF_IO;
    }
    return HF_OK;
}
