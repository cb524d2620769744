#include "tests/fuzz/story.h"

#include "tests/lib/small_engine.h"

const char *const hf_story[] = {
    "receive A@W=20 B@W=10 A@V=5 ref=in1 order=po1 by=anna reason=1",
    "set_policy A@W safety=2 low=5 backorder=3",
    "set_location V=0",
    "set_region id=north W V",
    "reserve r1 A@W=3 B@W=2 ttl=900000000 order=o1",
    "reserve r2 A@W=2 A@V=1 order=o1",
    "confirm r2 ref=c2 by=bert",
    "fulfil r2 A@W=1",
    "extend r1 ttl=950000000",
    "release r1 A@W=1",
    "replace r3 old=r1 A@W=4 B@W=1",
    "sell A@V=1",
    "adjust B@W=-1 A@W=1 reason=3",
    "fulfil r2 rest ref=f2",
    "reserve r1x B@W=1 order=o2",
    "reserve a-rather-long-id-of-a-reservation A@V=1 ttl=5000 order=o2",
    "release_order order=o2",
    "sell A@W=1 fact",
    "reserve r4 B@W=50 partial",
    "release r4",
    "reserve r5 A@W=1 ttl=1",
    "confirm r3",
    "receive C@U=1",
    "receive A@W=6 B@W=40 reason=8",
    "receive A@W=5 to=quarantined reason=15",
    "move_status A@W=4 from=quarantined to=damaged",
    "dispose A@W=1 from=damaged reason=14",
    "set A@W=3 reason=6",
    "set A@W=30 ref=cnt1",
    "transfer_create t1 from=W to=V A=6 B=20 order=o3 by=dora",
    "transfer_ship t1 A=4 B=20",
    "transfer_receive t1 A=2 damaged=1 B=10",
    "transfer_cancel t1 A=1 B=5 reason=7",
    "transfer_create t2 from=V to=W A=1 ship order=o3",
    "inbound_create i1 to=W A=10 C=5 eta=1700000000500000 sellable order=po2",
    "reserve r6 A@W=20 ttl=800000000 order=o1",
    "adjust A@W=-25 reason=4",
    "inbound_receive i1 A=10 damaged=1 reason=1",
    "transfer_close t1 reason=4",
    "transfer_receive t2",
    "inbound_create i2 to=V B=7",
    "inbound_receive i2 B=4",
    "inbound_cancel i2",
    "transfer_create t3 from=W to=V B=3",
};
const size_t hf_story_count = sizeof hf_story / sizeof hf_story[0];

struct hf_engine_config hf_story_config(void)
{
    struct hf_engine_config config = hf_small_config();

    config.over_receipt_percent = 10;
    return config;
}
