/*
 * kept.c - the store of items as they were.
 *
 *     entry   0  4  bytes_count of the image
 *             4  .  image, up to a multiple of 8
 *
 * A place counts units of 8 bytes from 1 on, so that its 32 bits reach 32 GiB.
 */
#include "engine/kept.h"

#include "engine/image.h"

#define ENTRY_HEAD_BYTES 4
#define STORE_UNIT 8
#define STORE_BYTES_MAX ((UINT64_C(1) << 32) * STORE_UNIT - 2 * HF_IMAGE_BYTES_MIN)
#define PAGE_BYTES UINT64_C(4096) /* of the system, or a part of one */
#define PLACES_PAGE (PAGE_BYTES / sizeof(uint32_t))
#define GIVE_BACK_BYTES (UINT64_C(512) * 1024)

_Static_assert(HF_KEPT_ITEMS == HF_ITEMS_END, "a size for each section of the image");

/* What a page of places holds. */
enum mark {
    MARK_NOTHING = 0, /* zeros */
    MARK_OLD = 1,     /* what an earlier reading has left: to be zeroed before it is used */
    MARK_USED = 2     /* places of this reading */
};

static uint64_t up_to_pages(uint64_t bytes_count)
{
    return (bytes_count + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Of `reserved` bytes the first `used`, in which `touched` cost memory, take time to give back. */
static void put_aside(struct hf_waste *waste, unsigned char *memory, uint64_t used,
                      uint64_t touched, uint64_t reserved)
{
    const uint64_t left = up_to_pages(used);

    HF_ASSERT(left <= reserved);
    if (left < reserved) {
        hf_memory_give_back(memory + left, reserved - left);
    }
    if (left > 0) {
        HF_ASSERT(waste->count < HF_WASTE_MAX);
        waste->pieces[waste->count].memory = memory;
        waste->pieces[waste->count].bytes = left;
        waste->pieces[waste->count].touched_bytes = up_to_pages(touched);
        waste->count++;
    }
}

static uint64_t places_bytes_touched(const struct hf_kept *kept)
{
    return (kept->pages_made + kept->pages_touched) * PAGE_BYTES;
}

static void drop_store(struct hf_engine *engine, struct hf_kept *kept)
{
    if (kept->store != NULL) {
        /* A lost reading has written one entry more than it counts; that is in a page or two. */
        put_aside(&engine->waste, kept->store, kept->store_bytes_touched, kept->store_bytes_touched,
                  kept->store_bytes_reserved);
    }
    kept->store = NULL;
    kept->store_bytes_reserved = kept->store_bytes_touched = kept->store_bytes = 0;
}

static void drop_places(struct hf_engine *engine, struct hf_kept *kept)
{
    if (kept->marks != NULL) {
        const uint64_t touched = places_bytes_touched(kept);
        put_aside(&engine->waste, kept->marks, touched == 0 ? 0 : kept->places_bytes_reserved,
                  touched, kept->places_bytes_reserved);
    }
    kept->marks = NULL;
    kept->places = NULL;
    kept->places_bytes_reserved = kept->pages_max = kept->pages_made = kept->pages_touched = 0;
}

/* Places for `pages_count` pages, all MARK_NOTHING or MARK_OLD. */
static bool have_places(struct hf_engine *engine, struct hf_kept *kept, uint64_t pages_count)
{
    if (kept->pages_max < pages_count) {
        drop_places(engine, kept);
        const uint64_t pages_max = pages_count + pages_count / 2; /* it will grow */
        const uint64_t marks_bytes = up_to_pages(pages_max);
        kept->marks = hf_memory_reserve(marks_bytes + pages_max * PAGE_BYTES);
        if (kept->marks == NULL) {
            return false;
        }
        kept->places = (uint32_t *)(void *)(kept->marks + marks_bytes);
        kept->places_bytes_reserved = marks_bytes + pages_max * PAGE_BYTES;
        kept->pages_max = pages_max;
    } else {
        for (uint64_t i = 0; i < kept->pages_max; i++) {
            kept->marks[i] = kept->marks[i] == MARK_NOTHING ? MARK_NOTHING : MARK_OLD;
        }
    }
    kept->pages_count = pages_count;
    return true;
}

static bool have_store(struct hf_engine *engine, struct hf_kept *kept)
{
    /* The largest item fits behind all that bytes_max allows: it is written first, then judged. */
    const uint64_t bytes_count = kept->bytes_max + ENTRY_HEAD_BYTES + HF_IMAGE_BYTES_MIN;

    if (kept->store_bytes_reserved < bytes_count) {
        drop_store(engine, kept);
        kept->store = hf_memory_reserve(up_to_pages(bytes_count));
        if (kept->store == NULL) {
            return false;
        }
        kept->store_bytes_reserved = up_to_pages(bytes_count);
    }
    return true;
}

bool hf_kept_begin(struct hf_engine *engine, struct hf_kept *kept, uint64_t bytes_max)
{
    uint64_t places_count = 0;

    HF_ASSERT(!kept->is_on);
    if (engine->waste.count + 6 > HF_WASTE_MAX) {
        return false; /* this one may need larger pieces, and two readings may end, of two each */
    }
    for (unsigned item = HF_ITEM_HEAD; item < HF_ITEMS_END; item++) {
        kept->sizes[item] = hf_image_section_size(engine, (enum hf_item)item);
        kept->starts[item] = places_count;
        places_count += kept->sizes[item];
    }
    kept->bytes_max = bytes_max < STORE_BYTES_MAX ? bytes_max : STORE_BYTES_MAX;
    if (!have_places(engine, kept, places_count / PLACES_PAGE + 1) || !have_store(engine, kept)) {
        hf_kept_end(engine, kept);
        return false;
    }
    kept->is_on = true;
    kept->is_lost = false;
    kept->lsn = engine->last_lsn;
    kept->count = kept->store_bytes = kept->places_bytes = 0;
    return true;
}

const unsigned char *hf_kept_find(const struct hf_kept *kept, unsigned item, uint32_t index,
                                  size_t *bytes_count)
{
    const uint64_t at = kept->starts[item] + index;

    if (index >= kept->sizes[item] || kept->marks[at / PLACES_PAGE] != MARK_USED ||
        kept->places[at] == 0) {
        return NULL;
    }
    const unsigned char *entry = kept->store + ((uint64_t)kept->places[at] - 1) * STORE_UNIT;
    *bytes_count = hf_get_u32(entry);
    return entry + ENTRY_HEAD_BYTES;
}

void hf_kept_fetch_place(const struct hf_kept *kept, unsigned item, uint32_t index)
{
    if (index < kept->sizes[item]) {
        hf_prefetch(&kept->places[kept->starts[item] + index]);
    }
}

void hf_kept_fetch(const struct hf_kept *kept, unsigned item, uint32_t index)
{
    const uint64_t at = kept->starts[item] + index;

    if (index < kept->sizes[item] && kept->marks[at / PLACES_PAGE] == MARK_USED &&
        kept->places[at] != 0) {
        hf_prefetch(kept->store + ((uint64_t)kept->places[at] - 1) * STORE_UNIT);
    }
}

bool hf_kept_is_newer(const struct hf_engine *engine, const struct hf_kept *kept, unsigned item,
                      uint32_t index)
{
    return index >= kept->sizes[item] ||
           hf_image_opened_lsn(engine, (enum hf_item)item, index) > kept->lsn;
}

/* A page of places is used for the first time by this reading. */
static void use_page(struct hf_kept *kept, uint64_t page)
{
    if (kept->marks[page] == MARK_OLD) {
        memset(&kept->places[page * PLACES_PAGE], 0, PAGE_BYTES);
    } else if (page >= kept->pages_made) {
        kept->pages_touched++;
    }
    kept->marks[page] = MARK_USED;
    kept->places_bytes += PAGE_BYTES;
}

void hf_kept_keep(const struct hf_engine *engine, struct hf_kept *kept, unsigned item,
                  uint32_t index)
{
    size_t bytes_count;

    if (hf_kept_is_newer(engine, kept, item, index) ||
        hf_kept_find(kept, item, index, &bytes_count) != NULL) {
        return;
    }
    unsigned char *entry = kept->store + kept->store_bytes;
    unsigned char *image = entry + ENTRY_HEAD_BYTES;
    const unsigned char *end = hf_image_put(engine, (enum hf_item)item, index, image);
    if (end == image) {
        return; /* a free slot, which is about to be used */
    }
    const uint64_t at = kept->starts[item] + index;
    const uint64_t page = at / PLACES_PAGE;
    const uint64_t page_bytes = kept->marks[page] == MARK_USED ? 0 : PAGE_BYTES;
    const uint64_t entry_bytes =
        ((uint64_t)(end - entry) + STORE_UNIT - 1) / STORE_UNIT * STORE_UNIT;
    if (hf_kept_bytes(kept) + page_bytes + entry_bytes > kept->bytes_max) {
        kept->is_lost = true;
        return;
    }
    if (page_bytes > 0) {
        use_page(kept, page);
    }
    hf_put_u32(entry, (uint32_t)(end - image));
    kept->places[at] = (uint32_t)(kept->store_bytes / STORE_UNIT + 1);
    kept->store_bytes += entry_bytes;
    if (kept->store_bytes > kept->store_bytes_touched) {
        kept->store_bytes_touched = kept->store_bytes;
    }
    kept->count++;
}

uint64_t hf_kept_bytes(const struct hf_kept *kept)
{
    return kept->store_bytes + kept->places_bytes;
}

uint64_t hf_kept_memory_bytes(const struct hf_kept *kept)
{
    return kept->store_bytes_touched + places_bytes_touched(kept);
}

uint32_t hf_kept_fresh(struct hf_kept *kept, struct hf_memory_part parts[HF_MEMORY_PARTS])
{
    uint32_t count = 0;

    if (kept->pages_made < kept->pages_count) {
        parts[count++] =
            (struct hf_memory_part){(unsigned char *)kept->places + kept->pages_made * PAGE_BYTES,
                                    (kept->pages_count - kept->pages_made) * PAGE_BYTES};
        kept->pages_made = kept->pages_count;
        kept->pages_touched = 0; /* it may be that one behind was: counted once it is used again */
    }
    const uint64_t ahead = kept->store_bytes_touched - kept->store_bytes;
    const uint64_t left = kept->store_bytes_reserved - kept->store_bytes_touched;
    if (ahead < HF_KEPT_STORE_AHEAD / 2 && left > 0) {
        const uint64_t part = left < HF_KEPT_STORE_AHEAD ? left : HF_KEPT_STORE_AHEAD;
        parts[count++] = (struct hf_memory_part){kept->store + kept->store_bytes_touched, part};
        kept->store_bytes_touched += part;
    }
    return count;
}

/* ------------------------------------------------------------------ the end, waste */

void hf_kept_end(struct hf_engine *engine, struct hf_kept *kept)
{
    drop_store(engine, kept);
    drop_places(engine, kept);
    *kept = (struct hf_kept){0};
    (void)hf_waste_give_back_some(&engine->waste); /* as a rule, all that there is */
}

void hf_kept_rest(struct hf_engine *engine, struct hf_kept *kept)
{
    if (kept->store_bytes_touched > HF_KEPT_STORE_RETAINED) {
        drop_store(engine, kept);
    }
    kept->is_on = false;
    kept->count = kept->store_bytes = kept->places_bytes = 0;
}

bool hf_waste_give_back_some(struct hf_waste *waste)
{
    for (uint64_t bytes_left = GIVE_BACK_BYTES; waste->count > 0 && bytes_left > 0;) {
        unsigned char *memory = waste->pieces[waste->count - 1].memory;
        uint64_t *bytes = &waste->pieces[waste->count - 1].bytes;
        const uint64_t given = *bytes < bytes_left ? *bytes : bytes_left;
        hf_memory_give_back(memory + (*bytes - given), given);
        *bytes -= given;
        bytes_left -= given;
        waste->count -= *bytes == 0;
    }
    return waste->count > 0;
}

uint64_t hf_waste_bytes(const struct hf_waste *waste)
{
    uint64_t bytes_count = 0;

    for (uint32_t i = 0; i < waste->count; i++) {
        /* Which of the pages that are left were touched is not looked up. */
        const uint64_t touched = waste->pieces[i].touched_bytes;
        const uint64_t left = waste->pieces[i].bytes;
        bytes_count += touched < left ? touched : left;
    }
    return bytes_count;
}

void hf_waste_release(struct hf_waste *waste)
{
    while (hf_waste_give_back_some(waste)) {
    }
}
