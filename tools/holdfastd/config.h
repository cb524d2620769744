/*
 * config.h - the settings of holdfastd: defaults, then the configuration file, then the options.
 *
 *     [server]                      [data]                        [engine]
 *     listen = 127.0.0.1:4653       directory = holdfast-data     skus_max = ...
 *     ...                           ...                           ...
 *
 * One table in config.c names every key with its section, its form and its range; reading,
 * checking and printing all go through it, so that --print-config is always complete and always
 * readable again. A key or value that is wrong stops the start, with file and line.
 */
#ifndef HF_HOLDFASTD_CONFIG_H
#define HF_HOLDFASTD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/engine.h"
#include "net/server.h"
#include "persistence/store.h"
#include "tools/common/parse.h"

#define HF_CONFIG_PATH_BYTES 1024

/* All numbers are 64 bits wide here, so that one table serves them; the ranges keep them small. */
struct hf_config {
    struct hf_address listen;
    uint64_t connections_max;
    uint64_t frame_bytes_max;
    uint64_t operations_max;
    uint64_t idle_us;
    uint64_t stop_us;
    uint64_t export_memory_bytes;
    uint64_t subscriptions_max;
    uint64_t feed_stall_us;

    char directory[HF_CONFIG_PATH_BYTES];
    char backup_directory[HF_CONFIG_PATH_BYTES]; /* empty: none */
    enum hf_durability durability;
    uint64_t interval_us; /* of HF_DURABILITY_INTERVAL */
    uint64_t segment_bytes;
    uint64_t snapshots_kept;
    uint64_t snapshot_log_bytes;
    uint64_t snapshot_interval_us;
    uint64_t snapshot_pause_us;
    uint64_t snapshot_rate_bytes;
    uint64_t log_kept_bytes;
    uint64_t log_max_bytes;

    uint64_t skus_max;
    uint64_t locations_max;
    uint64_t cells_max;
    uint64_t reservations_max;
    uint64_t lines_max;
    uint64_t shipments_max;
    uint64_t shipment_lines_max;
    uint64_t references_max;
    uint64_t reference_retention_us;
    uint64_t life_us_max;
    uint64_t ledger_bytes;
    uint64_t memory_max_bytes;
    uint64_t over_receipt_percent;
};

struct hf_config hf_config_default(void);

/* Read a file over `config`. False: a sentence that names file and line is in `error`. */
bool hf_config_read(struct hf_config *config, const char *path, char *error, size_t error_bytes);

/* Set one key of the table, as an option does. False: a sentence is in `error`. */
bool hf_config_set(struct hf_config *config, const char *section, const char *key,
                   const char *value, char *error, size_t error_bytes);

/* Settings that are each right but do not go together. False: a sentence is in `error`. */
bool hf_config_check(const struct hf_config *config, char *error, size_t error_bytes);

/* Print a complete file that hf_config_read takes. */
void hf_config_print(const struct hf_config *config, FILE *out);

/* "sync", "interval:250", "none". */
#define HF_DURABILITY_TEXT_BYTES 32
void hf_config_durability(const struct hf_config *config, char text[HF_DURABILITY_TEXT_BYTES]);

/* What the parts are given. The paths stay those of `config`. */
struct hf_engine_config hf_config_engine(const struct hf_config *config);
struct hf_server_config hf_config_server(const struct hf_config *config);
struct hf_store_config hf_config_store(const struct hf_config *config);

#endif
