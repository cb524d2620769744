#!/usr/bin/env python3
"""`holdfast-log` over directories that a real server has written.

    1. the little world of the README, under a running server and after it: list, dump word for
       word, verify, and at every LSN the digest that the server had there
    2. damage at chosen places of every file: named by file, exit code 2; the start is refused and
       names holdfast-log
    3. a torn tail: exit code 1, and the next start cuts it
    4. repair: nothing without --yes, then the server starts with the digest that was planned, in a
       new epoch; the kept files give the old directory back
    5. wrong usage

The times of records are the server's, so they are taken out of the records before these are compared.
"""

import json
import os
import pty
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import programs

SEGMENT = "wal-00000000000000000001.log"
SECTOR = 512

# The README's tour, with references of our own where it lets the program make one.
WORLD = (
    "receive PHONE-13@BERLIN=5 CASE-1@BERLIN=40 --order PO-88 --ref in-1",
    "reserve cart-1 PHONE-13@BERLIN=2 CASE-1@BERLIN=2 --ttl 15m --order web-1001",
    "confirm cart-1 --by checkout --ref pay-1",
    "fulfil cart-1 PHONE-13@BERLIN=2 CASE-1@BERLIN=1 --release-rest --ref out-1",
    "adjust PHONE-13@BERLIN -1 --reason damage --by anna --ref lost-1",
    "transfer create TR-7 BERLIN HAMBURG CASE-1=10 --ship",
    "transfer receive TR-7 CASE-1=8 --damaged CASE-1=1 --ref tr-in-1",
    "inbound create PO-89 BERLIN PHONE-13=50 --eta 2026-12-01T08:00:00Z",
    "reserve cart-3 PHONE-13@BERLIN=2 --ttl 1h",
    "move-status PHONE-13@BERLIN 1 --from sellable --to damaged --reason damage --ref broken-1",
    "inbound receive PO-89 --ref in-2",
)


def cell(sku, location, delta, after, ats, before, **more):
    found = {"effect": "move", "sku": sku, "location": location, "delta": delta, "after": after, "ats": ats}
    return {**found, **more, "version_before": before}


def counters(on_hand, held, committed, **more):
    return {"on_hand": on_hand, "held": held, "committed": committed, **more}


def record(lsn, kind, ref, effects, reason=None, order=None, by=None):
    return {"lsn": lsn, "epoch": 1, "kind": kind, "reason": reason, "ref": ref, "order": order,
            "by": by, "effects": effects}


IN = {"is_low": False, "is_out": False, "alerts": False}  # a cell begins out, and is not told of
PHONE, CASE, BERLIN, HAMBURG = "PHONE-13", "CASE-1", "BERLIN", "HAMBURG"

RECORDS = [
    record(1, "receive", "in-1", [
        {"effect": "sku", "code": PHONE, "handle": 0},
        {"effect": "location", "code": BERLIN, "handle": 0},
        {"effect": "sku", "code": CASE, "handle": 1},
        cell(PHONE, BERLIN, {"on_hand": 5}, counters(5, 0, 0), 5, 0, **IN),
        cell(CASE, BERLIN, {"on_hand": 40}, counters(40, 0, 0), 40, 0, **IN)],
           reason="purchase", order="PO-88"),
    record(2, "reserve", "cart-1", [
        {"effect": "open", "id": "cart-1", "state": "held", "life_us": 900000000},
        cell(PHONE, BERLIN, {"held": 2}, counters(5, 2, 0), 3, 1),
        cell(CASE, BERLIN, {"held": 2}, counters(40, 2, 0), 38, 1)], order="web-1001"),
    record(3, "confirm", "pay-1", [
        {"effect": "state", "id": "cart-1", "state": "confirmed", "life_us": 0},
        cell(PHONE, BERLIN, {"held": -2, "committed": 2}, counters(5, 0, 2), 3, 2),
        cell(CASE, BERLIN, {"held": -2, "committed": 2}, counters(40, 0, 2), 38, 2)],
           order="web-1001", by="checkout"),
    record(4, "fulfil", "out-1", [
        {"effect": "state", "id": "cart-1", "state": "fulfilled", "life_us": 0},
        cell(PHONE, BERLIN, {"on_hand": -2, "committed": -2}, counters(3, 0, 0), 3, 3),
        cell(CASE, BERLIN, {"on_hand": -1, "committed": -2}, counters(39, 0, 0), 39, 3)],
           order="web-1001"),
    record(5, "adjust", "lost-1", [
        cell(PHONE, BERLIN, {"on_hand": -1}, counters(2, 0, 0), 2, 4)], reason="damage", by="anna"),
    record(6, "transfer_create", "TR-7", [
        {"effect": "location", "code": HAMBURG, "handle": 1},
        {"effect": "shipment_open", "id": "TR-7", "state": "in_transit", "kind": "transfer",
         "from": BERLIN, "to": HAMBURG},
        {"effect": "line_new", "sku": CASE, "qty": 10, "delta": {"under_way": 10}},
        cell(CASE, BERLIN, {"on_hand": -10}, counters(29, 0, 0), 29, 4),
        cell(CASE, HAMBURG, {"in_transit": 10}, counters(0, 0, 0, in_transit=10), 10, 0, **IN)]),
    record(7, "transfer_receive", "tr-in-1", [
        {"effect": "shipment_state", "id": "TR-7", "state": "in_transit"},
        {"effect": "line", "sku": CASE, "delta": {"under_way": -9, "received": 8, "damaged": 1}},
        cell(CASE, HAMBURG, {"on_hand": 8, "in_transit": -9, "damaged": 1},
             counters(8, 0, 0, in_transit=1, damaged=1), 9, 6)]),
    record(8, "inbound_create", "PO-89", [
        {"effect": "shipment_open", "id": "PO-89", "state": "in_transit", "kind": "inbound",
         "to": BERLIN, "sellable": False, "eta": "2026-12-01T08:00:00Z"},
        {"effect": "line_new", "sku": PHONE, "qty": 50, "delta": {"under_way": 50}},
        cell(PHONE, BERLIN, {"in_transit": 50}, counters(2, 0, 0, in_transit=50), 2, 5)]),
    record(9, "reserve", "cart-3", [
        {"effect": "open", "id": "cart-3", "state": "held", "life_us": 3600000000},
        cell(PHONE, BERLIN, {"held": 2}, counters(2, 2, 0, in_transit=50), 0, 8,
             is_low=False, is_out=True, alerts=True)]),
    record(10, "move_status", "broken-1", [
        cell(PHONE, BERLIN, {"on_hand": -1, "damaged": 1},
             counters(1, 2, 0, in_transit=50, damaged=1), -1, 9),
        {"effect": "shortage", "sku": PHONE, "location": BERLIN, "missing": 1,
         "hits": [{"id": "cart-3", "qty": 2}]}], reason="damage"),
    record(11, "inbound_receive", "in-2", [
        {"effect": "shipment_state", "id": "PO-89", "state": "received"},
        {"effect": "line", "sku": PHONE, "delta": {"under_way": -50, "received": 50}},
        cell(PHONE, BERLIN, {"on_hand": 50, "in_transit": -50}, counters(51, 2, 0, damaged=1), 49,
             10, is_low=False, is_out=False, alerts=True)]),
]


def small_server(folder):
    """A server whose files are quickly copied and read."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "holdfastd.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write("[data]\nsegment_size = 8MiB\n")
    return programs.Server(folder, "--config", path)


def tool(*words, code=0):
    return programs.run("holdfast-log", *words, code=code)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def verify(data, code):
    """The findings that are no notes, and the last line."""
    told = lines(tool("verify", data, "--json", code=code).stdout)
    assert told[-1]["verdict"] == ("sound", "torn", "damaged")[code], told
    return [finding for finding in told[:-1] if finding["finding"] != "note"], told[-1]


def dump(data, *words, code=0):
    found = lines(tool("dump", data, *words, code=code).stdout)
    times = [line.pop("ts") for line in found]
    assert times == sorted(times) and all(time.endswith("Z") for time in times), times
    return found


def make_world(server):
    """Play the world; the digest after each LSN."""
    digests = {0: programs.ask(server, "digest")["digest"]}
    for words in WORLD:
        programs.ask(server, *words.split())
        digest = programs.ask(server, "digest")
        digests[digest["lsn"]] = digest["digest"]
    assert sorted(digests) == list(range(len(WORLD) + 1)), digests
    return digests


# ---------------------------------------------------------------- a sound directory


def check_world(data, digests, in_use):
    last = len(WORLD)
    findings, totals = verify(data, 0)
    assert findings == [] and totals["in_use"] is in_use, totals
    assert (totals["first_lsn"], totals["last_lsn"], totals["records"]) == (1, last, last), totals
    assert totals["state_lsn"] == last and totals["digest"] == digests[last], totals
    for lsn, digest in digests.items():
        assert tool("digest", data, "--at", lsn).stdout == f"{digest} at lsn {lsn}\n"
    assert lines(tool("digest", data, "--json").stdout) == [{"digest": digests[last], "lsn": last}]
    refused = tool("digest", data, "--at", last + 1, code=1)
    assert f"the log ends with LSN {last}" in refused.stderr, refused.stderr

    found = dump(data)
    assert len(found) == len(RECORDS)
    for have, want in zip(found, RECORDS):
        assert have == want, f"\n{have}\nis not\n{want}"
    assert dump(data, "--from", 7, "--to", 9) == RECORDS[6:9]
    assert dump(data, "--from", last + 1) == []
    places = dump(data, "--from", 3, "--to", 3, "--places")[0]
    assert places["file"] == SEGMENT and places["offset"] % 8 == 0, places


def check_list(data, snapshots):
    manifest, *files = lines(tool("list", data, "--json").stdout)
    assert manifest["epochs"] == [{"epoch": 1, "first_lsn": 1}], manifest
    assert manifest["snapshot_lsn"] == (snapshots[-1] if snapshots else 0), manifest
    by_name = {file["file"]: file for file in files}
    segment = by_name[SEGMENT]
    assert (segment["first_lsn"], segment["last_lsn"]) == (1, len(WORLD)), segment
    assert segment["records"] == len(WORLD) and segment["start_reads_it"] is True, segment
    assert segment["bytes"] == os.path.getsize(os.path.join(data, SEGMENT))
    have = [file["last_lsn"] for file in files if file["what"] == "snapshot"]
    assert have == snapshots, files
    table = tool("list", data).stdout
    assert SEGMENT in table and "epoch 1 from LSN 1" in table, table


def sound(folder):
    with small_server(folder) as server:
        digests = make_world(server)
        check_world(server.data, digests, True)
        check_list(server.data, [])
        refused = tool("repair", server.data, "--to", 5, "--yes", code=1)
        assert "another process is using it" in refused.stderr, refused.stderr
        server.kill()
        check_world(server.data, digests, False)
        server.start()
    check_world(server.data, digests, False)  # with the snapshot of the stop
    check_list(server.data, [len(WORLD)])
    return server.data, digests


# ---------------------------------------------------------------- damage


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def copy_of(data, folder, name):
    path = os.path.join(folder, name, "data")
    shutil.copytree(data, path)
    return path


def refused_start(data):
    """What a server says that cannot start on the directory."""
    done = subprocess.run([programs.program("holdfastd"), "--data", data, "--listen", "127.0.0.1:0"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=programs.START_S)
    assert done.returncode == 1, done
    return done.stderr


def damage(data, folder):
    """Each kind of file, at a chosen place; what verify says of it, and whether a start is refused."""
    snapshot = f"snapshot-{len(WORLD):020}.hfs"
    offsets = {line["lsn"]: line["offset"] for line in dump(data, "--places")}
    rows = (
        # file, offset, the offset that is named, is a start refused?
        ("MANIFEST", 25, 0, True),
        (SEGMENT, 17, 0, True),
        (SEGMENT, offsets[4] + 70, offsets[4], True),
        (SEGMENT, offsets[4] - 1, None, True),
        (SEGMENT, offsets[11] + 70, offsets[11], True),  # the snapshot says that it was there
        (snapshot, 9, 0, False),
        (snapshot, 200, 64, False),
        (snapshot, os.path.getsize(os.path.join(data, snapshot)) - 1, None, False),
        ("spare.log", 4 * SECTOR, 4 * SECTOR, False),
    )
    for number, (name, offset, named, is_refused) in enumerate(rows):
        copy = copy_of(data, folder, f"damage-{number}")
        if name == "spare.log" and not os.path.exists(os.path.join(copy, name)):
            with open(os.path.join(copy, name), "wb") as file:
                file.write(bytes(1 << 20))
        flip(os.path.join(copy, name), offset)
        findings, _ = verify(copy, 2)
        assert findings[0]["file"] == name, (name, offset, findings)
        assert named is None or findings[0]["offset"] == named, (name, offset, findings)
        assert findings[0]["text"], findings
        text = tool("verify", copy, code=2).stdout
        assert f"damage: {name} at offset {findings[0]['offset']}" in text, text
        if is_refused:
            said = refused_start(copy)
            assert "holdfast-log verify" in said, said
    lock = copy_of(data, folder, "damage-lock")
    with open(os.path.join(lock, "LOCK"), "w", encoding="utf-8") as file:
        file.write("x")
    assert verify(lock, 2)[0][0]["file"] == "LOCK"

    # A record that is damaged is not printed, and what is behind it only when it is asked for.
    copy = os.path.join(folder, "damage-2", "data")
    assert dump(copy, code=2) == RECORDS[:3]
    assert dump(copy, "--past-damage", code=2) == RECORDS[:3] + RECORDS[4:]
    assert dump(copy, "--from", 5) == RECORDS[4:]


def torn(folder):
    """The last record reached the disk in part, and nothing says that it was ever synced."""
    last = len(WORLD)
    with small_server(os.path.join(folder, "torn")) as server:
        digests = make_world(server)
        server.kill()
        flip(os.path.join(server.data, SEGMENT), dump(server.data, "--places")[-1]["offset"] + 70)
        findings, totals = verify(server.data, 1)
        assert [finding["finding"] for finding in findings] == ["torn"], findings
        assert findings[0]["lsn"] == last and totals["state_lsn"] == last - 1, totals
        assert dump(server.data) == RECORDS[:-1]
        assert tool("digest", server.data).stdout == f"{digests[last - 1]} at lsn {last - 1}\n"
        server.start()
        assert programs.ask(server, "digest") == {"digest": digests[last - 1], "lsn": last - 1}
    assert verify(server.data, 0)[1]["state_lsn"] == last - 1


# ---------------------------------------------------------------- repair


def files_of(data):
    found = {}
    for name in os.listdir(data):
        with open(os.path.join(data, name), "rb") as file:
            found[name] = file.read()
    return found


def answer(data, lsn, text):
    """The repair asked for at a terminal, and what is answered there; its exit code."""
    master, slave = pty.openpty()
    command = [programs.program("holdfast-log"), "repair", data, "--to", str(lsn)]
    with subprocess.Popen(command, stdin=slave, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        os.close(slave)
        os.write(master, text.encode())
        said = process.stderr.read().decode()
        code = process.wait()
    os.close(master)
    assert "do it? (yes or no)" in said, said
    return code


def repair(data, digests, folder):
    last = len(WORLD)
    copy = copy_of(data, folder, "repair")
    offset = {line["lsn"]: line["offset"] for line in dump(copy, "--places")}[7]
    flip(os.path.join(copy, SEGMENT), offset + 70)
    os.remove(os.path.join(copy, "LOCK"))
    before = files_of(copy)
    assert "holdfast-log" in refused_start(copy)
    if os.path.exists(os.path.join(copy, "spare.log")):
        os.remove(os.path.join(copy, "spare.log"))

    # The snapshot of the end knows the state, so nothing but the history need be given up.
    _, totals = verify(copy, 2)
    assert totals["state_lsn"] == last, totals
    refused = tool("repair", copy, "--to", 6, code=1)
    assert "nothing has changed" in refused.stderr, refused
    assert f"LSN 7 to {last}" in refused.stdout and f"{last - 7} of these" in refused.stdout, refused
    assert "cannot go back to LSN 7" in tool("repair", copy, "--to", 7, "--yes", code=1).stderr
    assert answer(copy, 6, "no\n") == 1 and answer(copy, 6, "y\n") == 1
    assert verify(copy, 2)[1]["epoch"] == 1

    planned = lines(tool("repair", copy, "--to", 6, "--json", code=1).stdout)[0]
    assert planned["repair"] == "planned" and planned["digest"] == digests[6], planned
    done = lines(tool("repair", copy, "--to", 6, "--json", "--yes").stdout)[0]
    epoch = done["epoch"]  # drawn anew
    assert done == {**planned, "repair": "done", "epoch": epoch}, done
    assert planned["epoch"] != epoch and min(planned["epoch"], epoch) > 1, (planned, done)
    assert done["given_up"] == {"first_lsn": 7, "last_known_lsn": last, "readable_records": last - 7}
    findings, totals = verify(copy, 0)
    assert not findings and totals["epoch"] == epoch and totals["state_lsn"] == 6, totals
    assert dump(copy) == RECORDS[:6]
    with small_server(os.path.join(folder, "repair")) as server:
        assert programs.ask(server, "digest") == {"digest": digests[6], "lsn": 6}
        assert programs.ask(server, "audit")["ok"] is True
        programs.ask(server, "receive", "CASE-1@BERLIN=1", "--ref", "anew")
        assert programs.ask(server, "stats")["lsn"] == 7
    assert [line["epoch"] for line in dump(copy)] == [1] * 6 + [epoch]
    assert verify(copy, 0)[1]["epoch"] == epoch

    # What was cut is beside it, and with its names given back the directory is as it was.
    kept = [name for name in os.listdir(copy) if name.endswith(".cut-1")]
    assert sorted(kept) == sorted(["MANIFEST.cut-1", SEGMENT + ".cut-1",
                                   f"snapshot-{last:020}.hfs.cut-1"]), kept
    for name in os.listdir(copy):
        if not name.endswith(".cut-1"):
            os.remove(os.path.join(copy, name))
    for name in kept:
        os.rename(os.path.join(copy, name), os.path.join(copy, name[:-len(".cut-1")]))
    before.pop("spare.log", None)
    assert files_of(copy) == before

    # To the end: the state is that of the snapshot, the log begins anew, by an answer this time.
    assert answer(copy, last, "yes\n") == 0
    with small_server(os.path.join(folder, "repair")) as server:
        assert programs.ask(server, "digest") == {"digest": digests[last], "lsn": last}
        programs.ask(server, "receive", "CASE-1@BERLIN=1", "--ref", "anew")
    assert verify(copy, 0)[1]["first_lsn"] == last + 1


# ---------------------------------------------------------------- usage


def usage(data):
    for words in ((), ("list",), ("nonsense", data), ("list", data, data), ("list", data, "--yes"),
                  ("dump", data, "--at", "3"), ("dump", data, "--from", "x"), ("repair", data),
                  ("verify", data, "--from", "3"), ("digest", data, "--at", "-1"),
                  ("list", data + "-not"), ("verify", data + "-not"), ("verify", os.path.dirname(data)),
                  ("digest", os.path.dirname(data))):
        done = tool(*words, code=3)
        assert done.stderr, words
    assert tool("--version").stdout.startswith("holdfast-log ")
    text = tool("--help").stdout
    for word in ("list DIR", "dump DIR", "verify DIR", "digest DIR", "repair DIR", "Exit codes"):
        assert word in text, word


def main():
    with programs.folder() as folder:
        data, digests = sound(folder)
        usage(data)
        damage(data, folder)
        torn(folder)
        repair(data, digests, folder)
    print("holdfast-log: a sound directory, damage, a torn tail, repair: as they should be")


if __name__ == "__main__":
    main()
