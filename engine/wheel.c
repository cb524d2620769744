#include "engine/wheel.h"

#include <stdbool.h>

#include "engine/assert.h"

#define DIGIT_BITS 6

void hf_wheel_init(struct hf_wheel *wheel, uint64_t now_us)
{
    *wheel = (struct hf_wheel){.current_us = now_us, .moving_slot = HF_NONE};
    for (unsigned i = 0; i < HF_WHEEL_LEVELS * HF_WHEEL_SLOTS; i++) {
        wheel->slots[i] = (struct hf_wheel_slot){HF_NONE, HF_NONE};
    }
}

/* Slot number of a deadline: level * 64 + digit. */
static uint32_t slot_of(const struct hf_wheel *wheel, uint64_t deadline_us)
{
    if (deadline_us < wheel->current_us) {
        deadline_us = wheel->current_us;
    }
    const uint64_t differing = deadline_us ^ wheel->current_us;
    const unsigned level =
        differing == 0 ? 0 : (63u - (unsigned)__builtin_clzll(differing)) / DIGIT_BITS;
    HF_ASSERT(level < HF_WHEEL_LEVELS);
    const uint64_t digit = deadline_us >> (level * DIGIT_BITS) & (HF_WHEEL_SLOTS - 1);
    return level * HF_WHEEL_SLOTS + (uint32_t)digit;
}

static void append(struct hf_wheel *wheel, const struct hf_wheel_items *items, uint32_t number,
                   uint32_t index)
{
    struct hf_wheel_slot *slot = &wheel->slots[number];
    struct hf_wheel_link *link = items->link(items->arg, index);
    link->next = HF_NONE;
    if (slot->first == HF_NONE) {
        link->prev = HF_WHEEL_HEAD | number;
        slot->first = index;
        wheel->occupied[number / HF_WHEEL_SLOTS] |= UINT64_C(1) << (number % HF_WHEEL_SLOTS);
    } else {
        link->prev = slot->last;
        items->link(items->arg, slot->last)->next = index;
    }
    slot->last = index;
    wheel->count++;
}

void hf_wheel_add(struct hf_wheel *wheel, const struct hf_wheel_items *items, uint32_t index)
{
    HF_ASSERT(index < HF_WHEEL_HEAD);

    uint32_t number = slot_of(wheel, items->deadline_us(items->arg, index));
    if (wheel->moving_slot != HF_NONE &&
        number / HF_WHEEL_SLOTS < wheel->moving_slot / HF_WHEEL_SLOTS) {
        number = wheel->moving_slot; /* behind those of its deadline that have not moved down yet */
    }
    append(wheel, items, number, index);
}

void hf_wheel_remove(struct hf_wheel *wheel, const struct hf_wheel_items *items, uint32_t index)
{
    HF_ASSERT(wheel->count > 0);

    struct hf_wheel_link *link = items->link(items->arg, index);
    const uint32_t next = link->next;
    const uint32_t prev = link->prev;
    const bool is_first = (prev & HF_WHEEL_HEAD) != 0;

    if (!is_first) {
        items->link(items->arg, prev)->next = next;
    } else {
        const uint32_t number = prev & ~HF_WHEEL_HEAD;
        wheel->slots[number].first = next;
        if (next == HF_NONE) {
            wheel->occupied[number / HF_WHEEL_SLOTS] &= ~(UINT64_C(1) << (number % HF_WHEEL_SLOTS));
        }
    }
    if (next != HF_NONE) {
        items->link(items->arg, next)->prev = prev;
    } else {
        /* The last of its slot: the slot is found from the first, or from the deadline. */
        const uint32_t number = is_first ? prev & ~HF_WHEEL_HEAD
                                         : slot_of(wheel, items->deadline_us(items->arg, index));
        const uint32_t holder = wheel->slots[number].last == index ? number : wheel->moving_slot;
        HF_ASSERT(holder != HF_NONE);
        HF_ASSERT(wheel->slots[holder].last == index);
        wheel->slots[holder].last = is_first ? HF_NONE : prev;
    }
    if (wheel->moving_slot != HF_NONE && wheel->slots[wheel->moving_slot].first == HF_NONE) {
        wheel->moving_slot = HF_NONE; /* it may be filled again, with another time's holds */
    }
    *link = (struct hf_wheel_link){HF_NONE, HF_NONE};
    wheel->count--;
}

/* The first occupied slot of the lowest occupied level; HF_NONE when the wheel is empty. */
static uint32_t first_slot(const struct hf_wheel *wheel)
{
    if (wheel->moving_slot != HF_NONE && wheel->slots[wheel->moving_slot].first != HF_NONE) {
        return wheel->moving_slot;
    }
    for (unsigned level = 0; level < HF_WHEEL_LEVELS; level++) {
        if (wheel->occupied[level] != 0) {
            return level * HF_WHEEL_SLOTS + (uint32_t)__builtin_ctzll(wheel->occupied[level]);
        }
    }
    return HF_NONE;
}

/* The earliest time that the slot can hold. */
static uint64_t slot_start_us(const struct hf_wheel *wheel, uint32_t number)
{
    const unsigned shift = number / HF_WHEEL_SLOTS * DIGIT_BITS;
    const uint64_t above = wheel->current_us >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS);
    return above | (uint64_t)(number % HF_WHEEL_SLOTS) << shift;
}

uint32_t hf_wheel_due(struct hf_wheel *wheel, const struct hf_wheel_items *items, uint64_t now_us,
                      uint32_t *steps)
{
    for (uint32_t number = first_slot(wheel); number != HF_NONE; number = first_slot(wheel)) {
        const uint64_t start_us = slot_start_us(wheel, number);
        if (start_us > now_us) {
            break;
        }
        if (start_us > wheel->current_us) {
            wheel->current_us = start_us;
        }
        if (number < HF_WHEEL_SLOTS) {
            return wheel->slots[number].first;
        }
        wheel->moving_slot = number;
        while (wheel->slots[number].first != HF_NONE) {
            if (*steps == 0) {
                return HF_NONE;
            }
            --*steps;
            const uint32_t index = wheel->slots[number].first;
            hf_wheel_remove(wheel, items, index);
            append(wheel, items, slot_of(wheel, items->deadline_us(items->arg, index)), index);
        }
    }
    return HF_NONE;
}

uint64_t hf_wheel_next_us(const struct hf_wheel *wheel)
{
    const uint32_t number = first_slot(wheel);
    return number == HF_NONE ? UINT64_MAX : slot_start_us(wheel, number);
}
