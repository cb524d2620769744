#include "engine/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void hf_panic(const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}
