/*
 * seeds.h - where a target puts the inputs that it makes itself at start: into the first corpus
 * folder of its command line.
 */
#ifndef HF_TESTS_FUZZ_SEEDS_H
#define HF_TESTS_FUZZ_SEEDS_H

#include <stdio.h>

/* The first word that is a folder; NULL: none is. */
const char *hf_seeds_folder(int argc, char **argv);
/* A new file "KIND-NAME" in it; ends the program when there can be none. */
FILE *hf_seeds_file(const char *folder, const char *kind, const char *name);

#endif
