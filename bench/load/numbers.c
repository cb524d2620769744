#include "bench/load/numbers.h"

#include <stdlib.h>

#include "engine/assert.h"

#define ROOM_MIN 1024u

bool hf_numbers_put(struct hf_numbers *numbers, uint32_t number)
{
    if (numbers->count == numbers->room) {
        const uint64_t room = numbers->room == 0 ? ROOM_MIN : numbers->room * 2;
        uint32_t *ring = malloc(room * sizeof *ring);
        if (ring == NULL) {
            return false;
        }
        for (uint64_t i = 0; i < numbers->count; i++) {
            ring[i] = numbers->ring[(numbers->first + i) & (numbers->room - 1)];
        }
        free(numbers->ring);
        numbers->ring = ring;
        numbers->room = room;
        numbers->first = 0;
    }
    numbers->ring[(numbers->first + numbers->count++) & (numbers->room - 1)] = number;
    HF_ASSERT(numbers->count <= numbers->room);
    return true;
}

uint32_t hf_numbers_take(struct hf_numbers *numbers)
{
    HF_ASSERT(numbers->count > 0);
    const uint32_t number = numbers->ring[numbers->first];
    numbers->first = (numbers->first + 1) & (numbers->room - 1);
    numbers->count--;
    return number;
}

void hf_numbers_release(struct hf_numbers *numbers)
{
    free(numbers->ring);
    *numbers = (struct hf_numbers){0};
}
