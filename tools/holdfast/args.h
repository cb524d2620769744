/*
 * args.h - the words of a command line, and what they mean.
 *
 *     holdfast --json reserve cart-1 PHONE@BERLIN=2 --ttl 15m
 *              option word    word   word           option and its value
 *
 * Rules, the same for every command:
 *     A1   a word that begins with "-" is an option, unless a digit follows (-5 is a quantity)
 *     A2   options may stand before, between and after the words; "--" ends them
 *     A3   an option's value is the next word, or stands behind "=": --ttl 15m, --ttl=15m
 *     A4   an option given twice is refused: two references for one write is a mistake. An option
 *          without a value says the same when it is said again, and --kind and --damaged may stand
 *          as often as there is something to name
 *     A5   SKU@LOC splits at the last "@", =QTY at the last "="
 *     A6   --damaged takes the words behind it that are SKU=QTY, up to the first that is not
 *
 * Nothing here knows what a code may look like, or which quantity makes sense: the server judges
 * that and names the field. Only what cannot be sent (no "@", no number) is refused here.
 */
#ifndef HF_TOOLS_HOLDFAST_ARGS_H
#define HF_TOOLS_HOLDFAST_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/holdfast.h"

/* identifier, name, what its value is ("" for an option without one), what it does */
/* clang-format off */
#define HF_OPTION_MAP(X)                                                                           \
    X(SERVER, "server", "HOST:PORT", "the server; else HOLDFAST_SERVER, else 127.0.0.1:4653")      \
    X(JSON, "json", "", "one JSON object a line instead of text and tables")                       \
    X(HELP, "help", "", "say how it is used")                                                      \
    X(VERSION, "version", "", "print the version of this program")                                 \
    X(REF, "ref", "REF", "your name for this one operation; sent again, it is done once")          \
    X(ORDER, "order", "REF", "the order, or other paper, that it belongs to")                      \
    X(BY, "by", "WHO", "who does it; kept in the ledger")                                          \
    X(REASON, "reason", "R", "why; kept in the ledger")                                            \
    X(IF_VERSION, "if-version", "N", "only when the cell's version is N; needs exactly one line")  \
    X(AS_OF, "as-of", "LSN|TIME", "what was on hand at that LSN or time; what moved since is kept")  \
    X(FROM, "from", "S|TOKEN", "status that units leave; of watch: begin after EPOCH:LSN, or now") \
    X(TO, "to", "S", "status that units come to: sellable, damaged or quarantined")                \
    X(FACT, "fact", "", "it has happened already, offline: only what is on hand limits it")        \
    X(SAFETY_STOCK, "safety-stock", "N", "units kept back from sale")                              \
    X(LOW_STOCK, "low-stock", "N", "ATS at or below which the cell counts as low, or none")        \
    X(BACKORDER, "backorder", "N", "units that may be promised beyond what is there")              \
    X(IN_TRANSIT, "in-transit-sellable", "yes|no", "whether units on their way may be sold")       \
    X(TTL, "ttl", "D", "time-to-live: 500ms, 30s, 15m, 2h or 30d")                                 \
    X(PARTIAL, "partial", "", "take of each line what may be promised")                            \
    X(RELEASE_REST, "release-rest", "", "give back what is left of the reservation")               \
    X(SHIP, "ship", "", "all of it leaves at once")                                                \
    X(DAMAGED, "damaged", "SKU=QTY...", "units that arrived damaged, besides the sellable ones")   \
    X(ETA, "eta", "TIME", "when it is expected to arrive: RFC 3339, or 3d from now")               \
    X(SELLABLE, "sellable", "yes|no", "whether it may be sold before it arrives; else no")         \
    X(OPEN, "open", "", "only what is still open")                                                 \
    X(LATE, "late", "", "only what is open and should have arrived by now")                        \
    X(LOCATION, "location", "L", "at this location only")                                          \
    X(REGION, "region", "R", "in the locations of this region")                                    \
    X(LIMIT, "limit", "N", "at most N of them")                                              \
    X(PREFIX, "prefix", "P", "SKUs that begin with P")                                             \
    X(LOW, "low", "", "cells at or below their low-stock threshold")                               \
    X(IDLE_FOR, "idle-for", "D", "cells with stock that were not sold for so long: 30d")           \
    X(KIND, "kind", "K", "only this kind; may be given several times")                             \
    X(MOVES, "moves", "", "every single move, as in the ledger, and no alerts")                    \
    X(DRY_RUN, "dry-run", "", "say what would change, and change nothing")                         \
    X(AS, "as", "set|add", "the quantities are what is there (set), or come on top (add)")         \
    X(ERRORS, "errors", "FILE", "write rows that cannot be used to this file, with the reason")    \
    X(SKIP_ERRORS, "skip-errors", "", "use the good rows although others cannot be used")          \
    X(RUN, "run", "NAME", "another name for this run: imports the same file once more")            \
    X(SINCE, "since", "LSN", "only what happened after this LSN, or EPOCH:LSN")                    \
    X(KEEP_GOING, "keep-going", "", "of commands read from a file: go on after one has failed")
/* clang-format on */

#define HF_OPTION_ENUM(identifier, name, value, text) HF_OPTION_##identifier,
enum hf_option { HF_OPTION_MAP(HF_OPTION_ENUM) HF_OPTIONS_COUNT };
#define HF_OPTION_BIT(identifier) (UINT64_C(1) << HF_OPTION_##identifier)
_Static_assert(HF_OPTIONS_COUNT <= 64, "a command's options are a 64-bit mask");

#define HF_ARGS_ERROR_BYTES 256

const char *hf_option_name(enum hf_option option);
/* What its value is called; empty when it takes none. */
const char *hf_option_value(enum hf_option option);
const char *hf_option_text(enum hf_option option);

struct hf_args {
    const char *values[HF_OPTIONS_COUNT]; /* NULL: not given; empty for one without a value; the
                                             first of several */
    const char **words;                   /* borrowed from argv, without the options */
    size_t words_count;
    const char **damaged; /* all values of --damaged */
    size_t damaged_count;
    const char **kinds; /* all values of --kind */
    size_t kinds_count;
    char error[HF_ARGS_ERROR_BYTES];
};

/*
 * Sort argv[0..argc), which does not hold the program's name, into options and words.
 * False: `error` says what is wrong. hf_args_release gives the contents back either way.
 */
bool hf_args_parse(struct hf_args *args, int argc, char *const *argv);
void hf_args_release(struct hf_args *args);
bool hf_args_has(const struct hf_args *args, enum hf_option option);
/* The first option given that is not in `mask`; HF_OPTIONS_COUNT when there is none. */
enum hf_option hf_args_stray(const struct hf_args *args, uint64_t mask);

/* True for a word that is a number: digits behind an optional sign. */
bool hf_args_is_number(const char *word);
/* A whole number with an optional sign, within int64_t. */
bool hf_args_units(const char *word, int64_t *units);
/* A whole number without a sign, within uint64_t. */
bool hf_args_count(const char *word, uint64_t *count);

/* The lines of a command: SKU@LOC QTY, or SKU@LOC=QTY one or more times; of goods on their way
 * SKU=QTY, without a location. */
struct hf_lines {
    struct holdfast_line *lines;
    size_t count;
    char **texts; /* owns the codes that `lines` point to, one a line */
    char error[HF_ARGS_ERROR_BYTES];
};

enum hf_lines_error {
    HF_LINES_OK,
    HF_LINES_USAGE,   /* no "@", no quantity: not a line */
    HF_LINES_QUANTITY /* a number, but larger than any quantity: invalid_argument */
};

/* Read lines from words[0..count). Not HF_LINES_OK: `error` says what is wrong, and where. */
enum hf_lines_error hf_lines_parse(struct hf_lines *lines, const char *const *words, size_t count);
/* Read lines without a location, SKU=QTY, from words[0..count). */
enum hf_lines_error hf_lines_parse_skus(struct hf_lines *lines, const char *const *words,
                                        size_t count);
/*
 * The lines of goods that arrive: `words` are SKU=QTY that are sellable, `damaged` SKU=QTY that are
 * not. A SKU that stands on both sides is one line.
 */
enum hf_lines_error hf_lines_parse_arrival(struct hf_lines *lines, const char *const *words,
                                           size_t count, const char *const *damaged,
                                           size_t damaged_count);
/* One line without a quantity: SKU@LOC. */
enum hf_lines_error hf_lines_parse_cell(struct hf_lines *lines, const char *word);
void hf_lines_release(struct hf_lines *lines);

#endif
