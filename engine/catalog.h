/*
 * catalog.h - codes of SKUs, locations and regions, and the handles that stand for them.
 *
 * A handle counts from 0 in the order in which the codes were created, so the log alone decides
 * it. Codes are never removed; only a linked group that fails takes its newest ones back.
 * Engine thread only.
 */
#ifndef HF_ENGINE_CATALOG_H
#define HF_ENGINE_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pool.h"
#include "engine/table.h"
#include "engine/text.h"

struct hf_sku {
    uint64_t text; /* place in the catalogue's bytes * 256 + length */
    uint32_t first_cell;
    uint32_t unused;
};
_Static_assert(sizeof(struct hf_sku) == 16, "four SKUs a cache line");

struct hf_location {
    uint64_t text;
    uint32_t region; /* handle; HF_NONE: in none */
    bool is_in_transit_sellable;
};

struct hf_region {
    uint64_t text;
};

enum hf_code_class { HF_CODE_SKU, HF_CODE_LOCATION, HF_CODE_REGION, HF_CODE_CLASSES };

struct hf_catalog {
    struct hf_pool items[HF_CODE_CLASSES]; /* struct hf_sku, hf_location, hf_region */
    struct hf_table tables[HF_CODE_CLASSES];
    unsigned char *bytes; /* the codes, one after the other */
    uint64_t bytes_count;
    uint64_t bytes_max;
};

enum hf_err hf_catalog_init(struct hf_catalog *catalog, uint32_t skus_max, uint32_t locations_max);
void hf_catalog_release(struct hf_catalog *catalog);

uint64_t hf_code_hash(enum hf_code_class class, struct hf_text code);
/* Handle of a code; HF_NONE when there is none. */
uint32_t hf_catalog_find(const struct hf_catalog *catalog, enum hf_code_class class,
                         struct hf_text code);
/* How many there are: handles are 0 .. count - 1. */
uint32_t hf_catalog_count(const struct hf_catalog *catalog, enum hf_code_class class);
struct hf_text hf_catalog_text(const struct hf_catalog *catalog, enum hf_code_class class,
                               uint32_t handle);

/* Room for `count` more, of which `code` is one. HF_LIMIT_EXCEEDED when not. */
enum hf_err hf_catalog_make_room(struct hf_catalog *catalog, enum hf_code_class class,
                                 struct hf_text code, uint32_t count);
/* The next handle is of `code`, which must be new; room was made. */
uint32_t hf_catalog_add(struct hf_catalog *catalog, enum hf_code_class class, struct hf_text code);
/* Take the newest back. */
void hf_catalog_remove_newest(struct hf_catalog *catalog, enum hf_code_class class);

static inline struct hf_sku *hf_sku_at(const struct hf_catalog *catalog, uint32_t handle)
{
    return hf_pool_at(&catalog->items[HF_CODE_SKU], handle);
}

static inline struct hf_location *hf_location_at(const struct hf_catalog *catalog, uint32_t handle)
{
    return hf_pool_at(&catalog->items[HF_CODE_LOCATION], handle);
}

uint64_t hf_catalog_memory_bytes(const struct hf_catalog *catalog);

#endif
