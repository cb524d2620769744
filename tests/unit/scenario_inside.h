/* scenario_inside.h - between the files that play scenarios: the stage, how rows are checked. */
#ifndef HF_TESTS_SCENARIO_INSIDE_H
#define HF_TESTS_SCENARIO_INSIDE_H

#include "tests/unit/scenario.h"

#define BEGIN_US (UINT64_C(1700000000) * 1000000)
#define WORDS_MAX 64

struct stage {
    struct hf_engine *engine;
    struct hf_engine *follower;
    uint64_t now_us;
    const struct hf_scenario_row *row;
    struct hf_result result; /* of the row's operation */
    uint64_t lsn_before;
};

struct words {
    char text[1024];
    char *words[WORDS_MAX];
    int count;
};

#define expect(stage, condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_error("row \"%s\": ", (stage)->row->does);                                       \
            print_error(__VA_ARGS__);                                                              \
            print_error("\n");                                                                     \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

/* "SKU@LOC" into a line; the word is cut in two. */
struct hf_op_line hf_scenario_line(char *word);
/* scenario_moves.c: the parts about stock on the move; false: the part is about something else. */
bool hf_scenario_check_moves(struct stage *stage, struct words *words);

#endif
