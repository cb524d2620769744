#include "tools/holdfastd/config.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <string.h>

#include "net/dispatch.h"
#include "net/feed.h"
#include "net/frame.h"

#define COUNT_MAX UINT32_C(2000000000) /* the engine numbers things with 31 bits */
#define NAMED_MAX UINT32_C(1000000000) /* names number what has one with 30 bits */
#define INTERVAL_MS_MAX 60000u

enum form { ADDRESS, COUNT, SIZE, DURATION, DURABILITY, PATH };

struct key {
    const char *section;
    const char *name;
    enum form form;
    size_t offset;     /* in struct hf_config */
    uint64_t min, max; /* of a PATH: its fewest bytes */
    const char *meaning;
};

#define AT(field) offsetof(struct hf_config, field)

static const struct key keys[] = {
    {"server", "listen", ADDRESS, AT(listen), 0, 0,
     "HOST:PORT; port 0 lets the system choose. There is no authentication yet"},
    {"server", "connections_max", COUNT, AT(connections_max), 1, HF_CONNECTIONS_LIMIT,
     "clients served at once; one more is told busy"},
    {"server", "frame_bytes_max", SIZE, AT(frame_bytes_max), HF_FRAME_BYTES_MIN,
     HF_FRAME_BYTES_LIMIT, "the largest message"},
    {"server", "operations_max", COUNT, AT(operations_max), 1, HF_FRAME_COUNT_MAX,
     "operations in one message"},
    {"server", "idle_timeout", DURATION, AT(idle_us), HF_IDLE_US_MIN, HF_DURATION_US_MAX,
     "silent connections are closed after this"},
    {"server", "stop_timeout", DURATION, AT(stop_us), 0, HF_DURATION_US_MAX,
     "how long a stop waits for clients that do not read their replies"},
    {"server", "export_memory", SIZE, AT(export_memory_bytes), 1024 * 1024, UINT64_C(1) << 40,
     "what changes while an export reads is kept aside up to this; more ends the export"},
    {"server", "subscriptions_max", COUNT, AT(subscriptions_max), 0, HF_CONNECTIONS_LIMIT,
     "consumers that follow the change feed at once; one more is told limit_exceeded"},
    {"server", "feed_stall_timeout", DURATION, AT(feed_stall_us), HF_FEED_STALL_US_MIN,
     HF_DURATION_US_MAX, "a consumer that takes nothing for this long is ended, with its token"},

    {"data", "directory", PATH, AT(directory), 1, 0, "log and snapshots; made when missing"},
    {"data", "backup_directory", PATH, AT(backup_directory), 0, 0,
     "where `holdfast backup` may make backups; empty: nowhere"},
    {"data", "durability", DURABILITY, AT(durability), 0, 0,
     "sync: a reply leaves once its change is on disk. interval:MS, none: it may be lost"},
    {"data", "segment_size", SIZE, AT(segment_bytes), HF_SEGMENT_BYTES_MIN, UINT64_C(1) << 32,
     "of one log file"},
    {"data", "snapshots_kept", COUNT, AT(snapshots_kept), 1, 1000,
     "the newest ones; the log they need is kept with them"},
    {"data", "snapshot_log", SIZE, AT(snapshot_log_bytes), 0, UINT64_C(1) << 50,
     "a snapshot is written after so much log; 0: not on this account"},
    {"data", "snapshot_interval", DURATION, AT(snapshot_interval_us), 0, HF_DURATION_US_MAX,
     "and after so long, when anything has changed; 0: not on this account"},
    {"data", "snapshot_pause", DURATION, AT(snapshot_pause_us), 0, HF_DURATION_US_MAX,
     "but not sooner after the one before, also when that one failed"},
    {"data", "snapshot_rate", SIZE, AT(snapshot_rate_bytes), 0, UINT64_C(1) << 40,
     "written a second at most, by backups, too: the disk is left to the log; 0: no bound"},
    {"data", "log_kept", SIZE, AT(log_kept_bytes), 0, UINT64_C(1) << 50,
     "so much log behind that is kept, too, for consumers of the change feed that come back"},
    {"data", "log_max", SIZE, AT(log_max_bytes), 0, UINT64_C(1) << 50,
     "all log files together: a snapshot is begun early near it, writes are refused at it; 0: "
     "none"},

    {"engine", "skus_max", COUNT, AT(skus_max), 1, HF_SKUS_LIMIT, "SKUs"},
    {"engine", "locations_max", COUNT, AT(locations_max), 1, HF_LOCATIONS_LIMIT,
     "locations, and as many regions"},
    {"engine", "cells_max", COUNT, AT(cells_max), 1, COUNT_MAX, "stock cells"},
    {"engine", "reservations_max", COUNT, AT(reservations_max), 1, NAMED_MAX,
     "open and remembered reservations"},
    {"engine", "lines_max", COUNT, AT(lines_max), 1, COUNT_MAX, "lines of those reservations"},
    {"engine", "shipments_max", COUNT, AT(shipments_max), 1, NAMED_MAX,
     "open and remembered transfers and inbound shipments"},
    {"engine", "shipment_lines_max", COUNT, AT(shipment_lines_max), 1, COUNT_MAX, "lines of those"},
    {"engine", "references_max", COUNT, AT(references_max), 1, NAMED_MAX,
     "references and closed reservations that are remembered"},
    {"engine", "reference_retention", DURATION, AT(reference_retention_us), 0, HF_DURATION_US_MAX,
     "how long they are remembered"},
    {"engine", "life_max", DURATION, AT(life_us_max), 1, HF_LIFE_US_LIMIT,
     "longest time-to-live of a reservation, and longest life by extensions"},
    {"engine", "ledger_size", SIZE, AT(ledger_bytes), HF_LEDGER_BYTES_MIN, UINT64_C(1) << 40,
     "memory for the newest moves"},
    {"engine", "memory_max", SIZE, AT(memory_max_bytes), 0, UINT64_MAX,
     "of the engine; 0: only the counts above bound it"},
    {"engine", "over_receipt_percent", COUNT, AT(over_receipt_percent), 0, 1000,
     "of an inbound line's units may arrive beyond them"},
};
#define KEYS_COUNT (sizeof keys / sizeof keys[0])

struct hf_config hf_config_default(void)
{
    const struct hf_engine_config engine = hf_engine_config_default();
    struct hf_config config = {
        .listen = {.host = "127.0.0.1", .port = HF_PORT_DEFAULT},
        .connections_max = HF_CONNECTIONS_MAX_DEFAULT,
        .frame_bytes_max = HF_FRAME_BYTES_DEFAULT,
        .operations_max = HF_OPERATIONS_MAX_DEFAULT,
        .idle_us = HF_IDLE_US_DEFAULT,
        .stop_us = HF_STOP_US_DEFAULT,
        .export_memory_bytes = HF_EXPORT_BYTES_DEFAULT,
        .subscriptions_max = HF_SUBSCRIPTIONS_MAX_DEFAULT,
        .feed_stall_us = HF_FEED_STALL_US_DEFAULT,
        .directory = "holdfast-data",
        .durability = HF_DURABILITY_SYNC,
        .segment_bytes = UINT64_C(64) * 1024 * 1024,
        .snapshots_kept = 2,
        .snapshot_log_bytes = UINT64_C(1) << 30,
        .snapshot_interval_us = UINT64_C(3600) * 1000000,
        .snapshot_pause_us = UINT64_C(60) * 1000000,
        .snapshot_rate_bytes = UINT64_C(32) * 1024 * 1024,
        .log_kept_bytes = UINT64_C(1) << 30,
        /* Two snapshots, snapshot_log apart, log_kept, and as much again three times over for what
         * is written while snapshots are slow, or fail: some hours of them at a busy shop. */
        .log_max_bytes = UINT64_C(16) << 30,
        .skus_max = engine.skus_max,
        .locations_max = engine.locations_max,
        .cells_max = engine.cells_max,
        .reservations_max = engine.reservations_max,
        .lines_max = engine.lines_max,
        .shipments_max = engine.shipments_max,
        .shipment_lines_max = engine.shipment_lines_max,
        .references_max = engine.references_max,
        .reference_retention_us = engine.reference_retention_us,
        .life_us_max = engine.life_us_max,
        .ledger_bytes = engine.ledger_bytes,
        .memory_max_bytes = engine.memory_max_bytes,
        .over_receipt_percent = engine.over_receipt_percent,
    };
    return config;
}

/* ------------------------------------------------------------------ one value */

static uint64_t *number_of(struct hf_config *config, const struct key *key)
{
    return (uint64_t *)(void *)((char *)config + key->offset);
}

static void format_number(const struct key *key, uint64_t number, char text[HF_SIZE_TEXT_BYTES])
{
    switch (key->form) {
    case SIZE:
        hf_format_size(number, text);
        return;
    case DURATION:
        hf_format_duration_us(number, text);
        return;
    default:
        (void)snprintf(text, HF_SIZE_TEXT_BYTES, "%" PRIu64, number);
        return;
    }
}

static bool set_number(struct hf_config *config, const struct key *key, const char *value,
                       char *error, size_t error_bytes)
{
    uint64_t number = 0;
    bool is_read = false;
    char min[HF_SIZE_TEXT_BYTES];
    char max[HF_SIZE_TEXT_BYTES];

    if (key->form == SIZE) {
        is_read = hf_parse_size(value, &number);
    } else if (key->form == DURATION) {
        is_read = hf_parse_duration_us(value, &number);
    } else {
        is_read = hf_parse_count(value, UINT64_MAX, &number);
    }
    if (!is_read) {
        static const char *const forms[] = {[COUNT] = "a whole number",
                                            [SIZE] = "a size like 256MiB",
                                            [DURATION] = "a duration like 15m"};
        (void)snprintf(error, error_bytes, "%s: \"%.64s\" is not %s", key->name, value,
                       forms[key->form]);
        return false;
    }
    if (number < key->min || number > key->max) {
        format_number(key, key->min, min);
        format_number(key, key->max, max);
        (void)snprintf(error, error_bytes, "%s: %.64s is not within %s and %s", key->name, value,
                       min, max);
        return false;
    }
    *number_of(config, key) = number;
    return true;
}

static bool set_durability(struct hf_config *config, const char *value)
{
    static const char interval[] = "interval:";
    uint64_t interval_ms = 0;

    if (strcmp(value, "sync") == 0) {
        config->durability = HF_DURABILITY_SYNC;
        return true;
    }
    if (strcmp(value, "none") == 0) {
        config->durability = HF_DURABILITY_NONE;
        return true;
    }
    if (strncmp(value, interval, sizeof interval - 1) == 0 &&
        hf_parse_count(value + sizeof interval - 1, INTERVAL_MS_MAX, &interval_ms) &&
        interval_ms > 0) {
        config->durability = HF_DURABILITY_INTERVAL;
        config->interval_us = interval_ms * 1000;
        return true;
    }
    return false;
}

static bool set_value(struct hf_config *config, const struct key *key, const char *value,
                      char *error, size_t error_bytes)
{
    switch (key->form) {
    case ADDRESS:
        if (hf_parse_address(value, &config->listen)) {
            return true;
        }
        (void)snprintf(error, error_bytes, "%s: \"%.64s\" is not HOST:PORT", key->name, value);
        return false;
    case DURABILITY:
        if (set_durability(config, value)) {
            return true;
        }
        (void)snprintf(error, error_bytes,
                       "%s: \"%.64s\" is not sync, interval:MS (1 to %u) or none", key->name, value,
                       INTERVAL_MS_MAX);
        return false;
    case PATH:
        if (strlen(value) >= key->min && strlen(value) < HF_CONFIG_PATH_BYTES) {
            memcpy((char *)config + key->offset, value, strlen(value) + 1);
            return true;
        }
        (void)snprintf(error, error_bytes, "%s: a path of %" PRIu64 " to %d bytes is needed",
                       key->name, key->min, HF_CONFIG_PATH_BYTES - 1);
        return false;
    default:
        return set_number(config, key, value, error, error_bytes);
    }
}

bool hf_config_set(struct hf_config *config, const char *section, const char *name,
                   const char *value, char *error, size_t error_bytes)
{
    bool has_section = false;
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        if (strcmp(keys[i].section, section) != 0) {
            continue;
        }
        has_section = true;
        if (strcmp(keys[i].name, name) == 0) {
            return set_value(config, &keys[i], value, error, error_bytes);
        }
    }
    if (has_section) {
        (void)snprintf(error, error_bytes, "section [%s] has no key \"%.64s\"", section, name);
    } else {
        (void)snprintf(error, error_bytes, "there is no section [%.64s]", section);
    }
    return false;
}

bool hf_config_check(const struct hf_config *config, char *error, size_t error_bytes)
{
    const uint32_t operations_max = hf_operations_max_of((uint32_t)config->frame_bytes_max);
    if (config->operations_max > operations_max) {
        (void)snprintf(error, error_bytes,
                       "operations_max: at most %" PRIu32 " go with this frame_bytes_max",
                       operations_max);
        return false;
    }
    if (config->log_max_bytes > 0 &&
        config->log_max_bytes / HF_LOG_SEGMENTS_MIN < config->segment_bytes) {
        char size[HF_SIZE_TEXT_BYTES];
        hf_format_size(config->segment_bytes * HF_LOG_SEGMENTS_MIN, size);
        (void)snprintf(error, error_bytes, "log_max: 0, or at least %s with this segment_size",
                       size);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------ files */

struct reading {
    struct hf_config *config;
    char error[256]; /* of the first wrong line */
};

static int read_key(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *reading = arg;
    char error[256];

    if (hf_config_set(reading->config, section, name, value, error, sizeof error)) {
        return 1;
    }
    if (reading->error[0] == '\0') {
        memcpy(reading->error, error, sizeof error);
    }
    return 0;
}

bool hf_config_read(struct hf_config *config, const char *path, char *error, size_t error_bytes)
{
    struct reading reading = {.config = config};
    errno = 0;
    const int line = ini_parse(path, read_key, &reading);

    if (line == 0) {
        char reason[256];
        if (hf_config_check(config, reason, sizeof reason)) {
            return true;
        }
        (void)snprintf(error, error_bytes, "cannot use configuration file \"%s\": %s", path,
                       reason);
        return false;
    }
    if (line < 0) {
        (void)snprintf(error, error_bytes, "could not read configuration file \"%s\": %s", path,
                       errno != 0 ? strerror(errno) : "no memory");
        return false;
    }
    (void)snprintf(error, error_bytes, "cannot use configuration file \"%s\", line %d: %s", path,
                   line,
                   reading.error[0] != '\0' ? reading.error : "neither [section] nor key = value");
    return false;
}

void hf_config_durability(const struct hf_config *config, char text[HF_DURABILITY_TEXT_BYTES])
{
    switch (config->durability) {
    case HF_DURABILITY_SYNC:
        (void)snprintf(text, HF_DURABILITY_TEXT_BYTES, "sync");
        return;
    case HF_DURABILITY_INTERVAL:
        (void)snprintf(text, HF_DURABILITY_TEXT_BYTES, "interval:%" PRIu64,
                       config->interval_us / 1000);
        return;
    case HF_DURABILITY_NONE:
        (void)snprintf(text, HF_DURABILITY_TEXT_BYTES, "none");
        return;
    }
}

void hf_config_print(const struct hf_config *config, FILE *out)
{
    struct hf_config copy = *config;
    const char *section = "";
    char text[HF_CONFIG_PATH_BYTES];

    for (size_t i = 0; i < KEYS_COUNT; i++) {
        const struct key *key = &keys[i];
        if (strcmp(section, key->section) != 0) {
            (void)fprintf(out, "%s[%s]\n", i == 0 ? "" : "\n", key->section);
            section = key->section;
        }
        switch (key->form) {
        case ADDRESS:
            hf_format_address(&copy.listen, text);
            break;
        case DURABILITY:
            hf_config_durability(&copy, text);
            break;
        case PATH:
            (void)snprintf(text, sizeof text, "%s", (const char *)&copy + key->offset);
            break;
        default:
            format_number(key, *number_of(&copy, key), text);
            break;
        }
        (void)fprintf(out, "# %s\n%s = %s\n", key->meaning, key->name, text);
    }
}

/* ------------------------------------------------------------------ what the parts are given */

struct hf_engine_config hf_config_engine(const struct hf_config *config)
{
    return (struct hf_engine_config){
        .skus_max = (uint32_t)config->skus_max,
        .locations_max = (uint32_t)config->locations_max,
        .cells_max = (uint32_t)config->cells_max,
        .reservations_max = (uint32_t)config->reservations_max,
        .lines_max = (uint32_t)config->lines_max,
        .shipments_max = (uint32_t)config->shipments_max,
        .shipment_lines_max = (uint32_t)config->shipment_lines_max,
        .references_max = (uint32_t)config->references_max,
        .reference_retention_us = config->reference_retention_us,
        .life_us_max = config->life_us_max,
        .ledger_bytes = config->ledger_bytes,
        .memory_max_bytes = config->memory_max_bytes,
        .over_receipt_percent = (uint32_t)config->over_receipt_percent,
    };
}

struct hf_server_config hf_config_server(const struct hf_config *config)
{
    return (struct hf_server_config){
        .host = config->listen.host,
        .port = config->listen.port,
        .connections_max = (uint32_t)config->connections_max,
        .frame_bytes_max = (uint32_t)config->frame_bytes_max,
        .operations_max = (uint32_t)config->operations_max,
        .idle_us = config->idle_us,
        .stop_us = config->stop_us,
        .export_bytes_max = config->export_memory_bytes,
        .subscriptions_max = (uint32_t)config->subscriptions_max,
        .feed_stall_us = config->feed_stall_us,
    };
}

struct hf_store_config hf_config_store(const struct hf_config *config)
{
    return (struct hf_store_config){
        .path = config->directory,
        .durability = config->durability,
        .interval_us = config->interval_us,
        .segment_bytes = config->segment_bytes,
        .snapshots_kept = (uint32_t)config->snapshots_kept,
        .snapshot_log_bytes = config->snapshot_log_bytes,
        .snapshot_interval_us = config->snapshot_interval_us,
        .snapshot_pause_us = config->snapshot_pause_us,
        .snapshot_rate_bytes = config->snapshot_rate_bytes,
        .works_ahead = true,
        .log_kept_bytes = config->log_kept_bytes,
        .log_max_bytes = config->log_max_bytes,
    };
}
