/* assert.h - HF_ASSERT stays on in release builds: a wrong balance is worse than a stopped one. */
#ifndef HF_ENGINE_ASSERT_H
#define HF_ENGINE_ASSERT_H

_Noreturn void hf_panic(const char *file, int line, const char *condition);
#define HF_ASSERT(cond) ((cond) ? (void)0 : hf_panic(__FILE__, __LINE__, #cond))

#endif
