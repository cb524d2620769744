#include <stdio.h>

#include "tools/holdfast/cli.h"

int main(int argc, char **argv)
{
    struct hf_cli cli = {0};
    enum hf_exit code = argc > 0 ? hf_cli_run(&cli, argc - 1, argv + 1) : HF_EXIT_USAGE;

    holdfast_close(cli.hf);
    hf_cli_end(&cli);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        /* The answer did not reach whoever asked: for them it is not known. */
        (void)fputs("holdfast: could not write to standard output\n", stderr);
        code = code == HF_EXIT_DONE ? HF_EXIT_UNKNOWN : code;
    }
    return (int)code;
}
