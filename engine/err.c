#include "engine/err.h"

const char *hf_err_name(enum hf_err err)
{
    switch (err) {
#define HF_NAME_CASE(number, identifier, name, text)                                               \
    case HF_##identifier:                                                                          \
        return name;
        HF_OUTCOME_MAP(HF_NAME_CASE)
        HF_INTERNAL_MAP(HF_NAME_CASE)
    }
    return "unrecognized";
}

const char *hf_strerror(enum hf_err err)
{
    switch (err) {
#define HF_TEXT_CASE(number, identifier, name, text)                                               \
    case HF_##identifier:                                                                          \
        return text;
        HF_OUTCOME_MAP(HF_TEXT_CASE)
        HF_INTERNAL_MAP(HF_TEXT_CASE)
    }
    return "unrecognized error code";
}
