/*
 * test_scenarios_stock.c - what happens at the location: units come, go, are counted, and the
 * policies that say what may be promised of them.
 *
 * Method: each scenario is one rule with both sides of its boundary, told in rows (scenario.h).
 * Counters stand as on_hand held committed ats.
 */
#include "tests/unit/scenario.h"

/* clang-format off */
static const struct hf_scenario scenarios[] = {
    {.name = "receive: creates codes and cells", .rows = {
        {"receive A@W=1 B@V=2 A@W=3",  HF_OK,                 "A@W 4 0 0 4; B@V 2 0 0 2; logged 1"},
        {"receive A@V=5",              HF_OK,                 "A@V 5 0 0 5"},
        {"reserve r1 B@W=1",           HF_INSUFFICIENT_STOCK, "refused 0:1/0/1; B@W 0 0 0 0"}}},
    {.name = "quantities: 1 and the largest, 0, negative and one above", .rows = {
        {"receive A@W=0",              HF_INVALID_ARGUMENT,   "field quantity; A@W unknown_sku"},
        {"receive A@W=-1",             HF_INVALID_ARGUMENT,   "field quantity"},
        {"receive A@W=1000000000001",  HF_INVALID_ARGUMENT,   "field quantity"},
        {"receive A@W=9223372036854775807", HF_INVALID_ARGUMENT, "field quantity"},
        {"receive A@W=1",              HF_OK,                 NULL},
        {"receive A@W=1000000000000",  HF_LIMIT_EXCEEDED,     "A@W 1 0 0 1"},
        {"receive A@W=999999999999",   HF_OK,                 "A@W 1000000000000 0 0 1000000000000"},
        {"adjust A@W=1 reason=found",  HF_LIMIT_EXCEEDED,     NULL},
        {"adjust A@W=-1000000000000",  HF_OK,                 "A@W 0 0 0 0"},
        {"adjust A@W=-1000000000001",  HF_INVALID_ARGUMENT,   "field quantity"},
        {"adjust A@W=0",               HF_INVALID_ARGUMENT,   "field quantity"}}},
    {.name = "quantities: lines that overflow together", .rows = {
        {"receive A@W=600000000000 B@W=1 A@W=600000000000", HF_LIMIT_EXCEEDED, "A@W unknown_sku; B@W unknown_sku"},
        {"receive A@W=600000000000 B@W=1 A@W=400000000000", HF_OK, "A@W 1000000000000 0 0 1000000000000"},
        {"reserve r1 A@W=1000000000000 A@W=1000000000000", HF_INSUFFICIENT_STOCK, "refused 0:2000000000000/1000000000000/1000000000000"}}},
    {.name = "adjust: never takes on_hand below zero", .rows = {
        {"receive A@W=5 B@W=5",        HF_OK,                 NULL},
        {"adjust A@W=-5 B@W=-6 reason=loss", HF_INSUFFICIENT_ON_HAND, "A@W 5 0 0 5; B@W 5 0 0 5"},
        {"adjust A@W=-5 B@W=-5 reason=loss", HF_OK,           "A@W 0 0 0 0; B@W 0 0 0 0"},
        {"adjust A@W=-1 reason=loss",  HF_INSUFFICIENT_ON_HAND, NULL}}},
    {.name = "adjust: a fact cuts into promised stock", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"reserve r1 A@W=4",           HF_OK,                 NULL},
        {"adjust A@W=-3 reason=count", HF_OK,                 "A@W 2 4 0 -2; r1 held"},
        {"reserve r2 A@W=1",           HF_INSUFFICIENT_STOCK, "refused 0:1/-2/3"},
        {"adjust A@W=3 reason=found",  HF_OK,                 "A@W 5 4 0 1"},
        {"reserve r2 A@W=1",           HF_OK,                 "A@W 5 5 0 0"}}},
    {.name = "adjust: the net of a cell's lines counts", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"adjust A@W=-9 A@W=4",        HF_OK,                 "A@W 0 0 0 0"},
        {"adjust A@W=-9 A@W=8",        HF_INSUFFICIENT_ON_HAND, NULL},
        {"adjust A@W=-9 A@W=9 ref=n",  HF_OK,                 "A@W 0 0 0 0; logged 0; fresh; lsn 2"},
        {"receive A@W=1 ref=n",        HF_OK,                 "A@W 1 0 0 1; logged 1"}}},
    {.name = "adjust: creates codes when it adds, never when it takes", .rows = {
        {"adjust A@W=-1",              HF_UNKNOWN_SKU,        "A@W unknown_sku"},
        {"adjust A@W=1 B@W=-1",        HF_UNKNOWN_SKU,        "A@W unknown_sku; B@W unknown_sku"},
        {"adjust A@W=1 reason=opening", HF_OK,                "A@W 1 0 0 1"},
        {"adjust A@V=-1",              HF_UNKNOWN_LOCATION,   "A@V unknown_location"}}},

    {.name = "sell: up to ATF, all lines or none", .rows = {
        {"receive A@W=5 B@W=5",        HF_OK,                 NULL},
        {"reserve r1 A@W=2",           HF_OK,                 NULL},
        {"sell A@W=4 B@W=1",           HF_INSUFFICIENT_STOCK, "refused 0:4/3/1; B@W 5 0 0 5"},
        {"sell A@W=2 B@W=1 A@W=2",     HF_INSUFFICIENT_STOCK, "refused 0:4/3/1"},
        {"sell A@W=3 B@W=1",           HF_OK,                 "A@W 2 2 0 0; B@W 4 0 0 4"},
        {"sell A@W=1",                 HF_INSUFFICIENT_STOCK, NULL}}},
    {.name = "sell: a fact is limited by on_hand only", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"reserve r1 A@W=5",           HF_OK,                 NULL},
        {"set_policy A@W safety=2",    HF_OK,                 NULL},
        {"sell A@W=6 fact",            HF_INSUFFICIENT_ON_HAND, "refused 0:6/-2/1"},
        {"sell A@W=5 fact",            HF_OK,                 "A@W 0 5 0 -7; r1 held"}}},
    {.name = "sell: a backorder limit does not help", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"set_policy A@W backorder=3", HF_OK,                 NULL},
        {"sell A@W=6",                 HF_INSUFFICIENT_STOCK, "refused 0:6/5/1"},
        {"sell A@W=5",                 HF_OK,                 NULL}}},

    {.name = "policy: safety stock is kept back", .rows = {
        {"receive A@W=10",             HF_OK,                 NULL},
        {"set_policy A@W safety=4",    HF_OK,                 "A@W 10 0 0 6"},
        {"reserve r1 A@W=7",           HF_INSUFFICIENT_STOCK, "refused 0:7/6/1"},
        {"sell A@W=7",                 HF_INSUFFICIENT_STOCK, "refused 0:7/6/1"},
        {"reserve r1 A@W=6",           HF_OK,                 "A@W 10 6 0 0"},
        {"set_policy A@W safety=9",    HF_OK,                 "A@W 10 6 0 -5"},
        {"set_policy A@W safety=0",    HF_OK,                 "A@W 10 6 0 4"}}},
    {.name = "policy: a backorder limit lets more be promised", .rows = {
        {"receive A@W=2",              HF_OK,                 NULL},
        {"set_policy A@W backorder=3", HF_OK,                 "A@W 2 0 0 2"},
        {"reserve r1 A@W=6",           HF_INSUFFICIENT_STOCK, "refused 0:6/2/1"},
        {"reserve r1 A@W=5",           HF_OK,                 "A@W 2 5 0 -3"},
        {"reserve r2 A@W=1",           HF_INSUFFICIENT_STOCK, "refused 0:1/-3/1"},
        {"reserve r2 A@W=1 partial",   HF_INSUFFICIENT_STOCK, NULL},
        {"set_policy A@W backorder=0", HF_OK,                 "A@W 2 5 0 -3"},
        {"reserve r2 A@W=1",           HF_INSUFFICIENT_STOCK, "refused 0:1/-3/4"}}},
    {.name = "policy: set to what it is changes nothing", .rows = {
        {"set_policy A@W safety=4 low=2 ref=p", HF_OK,        "A@W 0 0 0 -4; logged 1"},
        {"set_policy A@W safety=4",    HF_OK,                 "logged 0; lsn 1; fresh"},
        {"set_policy A@W low=2 ref=q", HF_OK,                 "logged 0"},
        {"set_policy A@W safety=5 ref=q", HF_OK,              "logged 1; fresh"},
        {"set_policy A@W safety=4 low=2 ref=p", HF_OK,        "repeated; lsn 1; A@W 0 0 0 -5"}}},
    {.name = "policy: figures from 0 to the largest", .rows = {
        {"set_policy A@W safety=-1",   HF_INVALID_ARGUMENT,   "field safety_stock; A@W unknown_sku"},
        {"set_policy A@W backorder=-1", HF_INVALID_ARGUMENT,  "field backorder"},
        {"set_policy A@W low=-2",      HF_INVALID_ARGUMENT,   "field low_stock"},
        {"set_policy A@W safety=1000000000001", HF_INVALID_ARGUMENT, "field safety_stock"},
        {"set_policy A@W safety=1000000000000 low=0 backorder=1000000000000", HF_OK, "A@W 0 0 0 -1000000000000"},
        {"set_policy A@W low=-1",      HF_OK,                 NULL}}},

    {.name = "region: ATS where one location is in shortage", .rows = {
        {"receive A@W=5 A@V=7 A@U=4",  HF_OK,                 "ats A 16; ats A W 5"},
        {"set_region north W V",       HF_OK,                 "ats A %north 12"},
        {"reserve r1 A@W=5",           HF_OK,                 "ats A %north 7; ats A 11"},
        {"adjust A@W=-3 reason=damage", HF_OK,                "ats A W -3; ats A %north 7; ats A 11"},
        {"set_policy A@V safety=9",    HF_OK,                 "ats A V -2; ats A %north 0; ats A 4"},
        {"receive B@U=1",              HF_OK,                 "ats B %north 0; ats B 1; ats B W 0"}}},
    {.name = "region: a location is in one at most", .rows = {
        {"receive A@W=5 A@V=7",        HF_OK,                 NULL},
        {"set_region north W V",       HF_OK,                 "ats A %north 12; logged 1"},
        {"set_region north W",         HF_OK,                 "ats A %north 12; logged 0"},
        {"set_region south V U",       HF_OK,                 "ats A %north 5; ats A %south 7; A@U 0 0 0 0"},
        {"set_region north V",         HF_OK,                 "ats A %north 12; ats A %south 0"}}},
    {.name = "region: the codes of regions and locations are two lists", .rows = {
        {"receive A@W=5",              HF_OK,                 "ats A %W unknown_location"},
        {"set_region W W",             HF_OK,                 "ats A %W 5; ats A W 5"},
        {"set_region X W",             HF_OK,                 "ats A X unknown_location; ats A %X 5"}}},
    {.name = "location: a policy of its own creates it", .rows = {
        {"set_location W=0",           HF_OK,                 "A@W unknown_sku; logged 1"},
        {"set_location W=0",           HF_OK,                 "logged 0"},
        {"set_location W=1",           HF_OK,                 "logged 1"},
        {"set_location W=2",           HF_INVALID_ARGUMENT,   "field quantity"},
        {"receive A@W=1",              HF_OK,                 "A@W 1 0 0 1"}}},

    {.name = "codes: never created by what only asks or takes", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"reserve r1 X@W=1",           HF_UNKNOWN_SKU,        "X@W unknown_sku; r1 unknown"},
        {"reserve r1 A@X=1",           HF_UNKNOWN_LOCATION,   "A@X unknown_location"},
        {"reserve r1 X@Y=1",           HF_UNKNOWN_SKU,        "ats X unknown_sku; ats A Y unknown_location"},
        {"reserve r1 A@X=1 X@W=1",     HF_UNKNOWN_LOCATION,   NULL},
        {"reserve r1 A@W=9 X@W=1",     HF_UNKNOWN_SKU,        NULL},
        {"reserve r1 A@W=1 X@W=1 partial", HF_UNKNOWN_SKU,    "A@W 5 0 0 5"},
        {"sell X@W=1",                 HF_UNKNOWN_SKU,        NULL},
        {"sell A@X=1 fact",            HF_UNKNOWN_LOCATION,   NULL},
        {"reserve r1 X@W=0",           HF_INVALID_ARGUMENT,   "field quantity"},
        {"receive X@W=1000000000000 X@W=1", HF_LIMIT_EXCEEDED, "X@W unknown_sku"}}},
    {.name = "codes: case matters, and bytes beyond ASCII are fine", .rows = {
        {"receive Sch\xC3\xB6n@W=5",   HF_OK,                 "Sch\xC3\xB6n@W 5 0 0 5; sch\xC3\xB6n@W unknown_sku"},
        {"receive \xC3@W=5",           HF_INVALID_ARGUMENT,   "field sku"},
        {"receive A@\x01=5",           HF_INVALID_ARGUMENT,   "field location"},
        {"receive A@W=5 by=\x7F",      HF_INVALID_ARGUMENT,   "field by"},
        {"receive A@W=5 ref=\xFF",     HF_INVALID_ARGUMENT,   "field ref"}}},

    {.name = "version: a condition on the cell, right and wrong", .rows = {
        {"receive A@W=5:v1",           HF_VERSION_CONFLICT,   "A@W unknown_sku"},
        {"receive A@W=5:v0 B@W=5",     HF_OK,                 NULL},
        {"adjust A@W=1:v0",            HF_VERSION_CONFLICT,   "A@W 5 0 0 5"},
        {"adjust A@W=1:v=",            HF_OK,                 "A@W 6 0 0 6"},
        {"adjust A@W=1:v1 B@W=1:v1",   HF_VERSION_CONFLICT,   "B@W 5 0 0 5"},
        {"reserve r1 A@W=9:v1",        HF_VERSION_CONFLICT,   NULL},
        {"reserve r1 A@W=9:v2",        HF_INSUFFICIENT_STOCK, NULL},
        {"reserve r1 A@W=3:v2",        HF_OK,                 NULL},
        {"sell A@W=1:v2",              HF_VERSION_CONFLICT,   NULL},
        {"confirm r1",                 HF_OK,                 NULL},
        {"fulfil r1 A@W=1:v3",         HF_VERSION_CONFLICT,   NULL},
        {"fulfil r1 A@W=9:v3",         HF_VERSION_CONFLICT,   NULL},
        {"fulfil r1 A@W=9:v4",         HF_EXCEEDS_RESERVATION, NULL},
        {"fulfil r9 A@W=9:v3",         HF_UNKNOWN_RESERVATION, NULL},
        {"set_policy A@W safety=1",    HF_OK,                 NULL},
        {"fulfil r1 A@W=1:v4",         HF_VERSION_CONFLICT,   NULL},
        {"fulfil r1 A@W=1:v5",         HF_OK,                 "A@W 5 0 2 2"}}},
    {.name = "version: what changes nothing leaves it", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"adjust A@W=1 A@W=-1",        HF_OK,                 "logged 0"},
        {"set_policy A@W safety=0",    HF_OK,                 "logged 0"},
        {"sell A@W=9",                 HF_INSUFFICIENT_STOCK, NULL},
        {"receive B@W=5",              HF_OK,                 NULL},
        {"adjust A@W=1:v1",            HF_OK,                 "lsn 3"}}},
    {.name = "fields that a kind does not read are refused", .rows = {
        {"receive r1 A@W=5",           HF_INVALID_ARGUMENT,   "field id"},
        {"receive A@W=5 old=r1",       HF_INVALID_ARGUMENT,   "field old_id"},
        {"receive A@W=5 partial",      HF_INVALID_ARGUMENT,   "field flags"},
        {"sell A@W=5 reason=loss",     HF_INVALID_ARGUMENT,   "field reason"},
        {"reserve r1",                 HF_INVALID_ARGUMENT,   "field lines"},
        {"reserve A@W=5",              HF_INVALID_ARGUMENT,   "field id"},
        {"reserve r1 A@W=5 fact",      HF_INVALID_ARGUMENT,   "field flags"},
        {"confirm r1 A@W=5",           HF_INVALID_ARGUMENT,   "field lines"},
        {"set_region north A@W=0",     HF_INVALID_ARGUMENT,   "field sku"},
        {"release r1 rest",            HF_INVALID_ARGUMENT,   "field flags"}}},
};
/* clang-format on */

int main(void)
{
    return hf_scenarios_run(scenarios, sizeof scenarios / sizeof scenarios[0]);
}
