/*
 * folder.h - copies of data directories, for tests that turn a disk back to an older day.
 */
#ifndef HF_TESTS_FOLDER_H
#define HF_TESTS_FOLDER_H

/* Replace all files of the folder `to`, which is made when it is missing, by those of `from`.
 * Folders in it and names that begin with a dot are left alone. A failure ends the test program
 * with a sentence. */
void hf_folder_copy(const char *from, const char *to);

#endif
