#include "engine/words.h"

#define HF_WORD_CASE(number, identifier, name)                                                     \
    case (number):                                                                                 \
        return name;

const char *hf_kind_name(unsigned kind)
{
    switch (kind) {
        HF_KIND_MAP(HF_WORD_CASE)
        HF_ALERT_MAP(HF_WORD_CASE)
    default:
        return "unrecognized";
    }
}

const char *hf_reason_name(unsigned reason)
{
    switch (reason) {
        HF_REASON_MAP(HF_WORD_CASE)
    default:
        return "unrecognized";
    }
}

const char *hf_state_name(unsigned state)
{
    switch (state) {
        HF_STATE_MAP(HF_WORD_CASE)
    default:
        return "unrecognized";
    }
}

const char *hf_field_name(unsigned field)
{
    switch (field) {
        HF_FIELD_MAP(HF_WORD_CASE)
    default:
        return "unrecognized";
    }
}

const char *hf_status_name(unsigned status)
{
    switch (status) {
        HF_STATUS_MAP(HF_WORD_CASE)
    default:
        return "unrecognized";
    }
}
