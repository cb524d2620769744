#!/usr/bin/env python3
"""`holdfast export` against a real server.

    1. a small world with every kind of thing: each export as CSV and as JSON lines, word for word
    2. what was exported, imported again, changes nothing; into an empty server it gives the same
    3. exports while orders are played: the stock, the reservations and the ledger of one LSN agree,
       whatever was written meanwhile
    4. an export killed with -9 in the middle leaves no file, and the file of before as it was
    5. a ledger whose begin is gone, and one that is read more slowly than the server waits for
    6. a second export waits for the first; one whose moment the server could not keep begins again

What an export must agree with is added up here from the ledger, which the change feed gives.
"""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import programs

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
COUNTERS = ("on_hand", "held", "committed", "in_transit", "damaged", "quarantined")
PATIENCE_S = 120


def export(server, what, path, *words):
    """Export to a file; what it said of itself."""
    return programs.ask(server, "export", what, path, *words)


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def objects_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write(path, text):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


# ---------------------------------------------------------------- every kind of thing


def small_world(server):
    for words in (
            ("receive", 'SAY "HI", TWICE@LEIPZIG, HBF=20', "PLAIN@WIEN=9", "--order", "PO,1"),
            ("move-status", "PLAIN@WIEN", 2, "--from", "sellable", "--to", "damaged",
             "--reason", "damage"),
            ("move-status", "PLAIN@WIEN", 1, "--from", "sellable", "--to", "quarantined",
             "--reason", "quality"),
            ("policy", "PLAIN@WIEN", "--safety-stock", 1),
            ("reserve", "r-1", 'SAY "HI", TWICE@LEIPZIG, HBF=3', "PLAIN@WIEN=1", "--order", "o-1",
             "--ttl", "1h"),
            ("reserve", "r-2", "PLAIN@WIEN=2"),
            ("confirm", "r-2"), ("fulfil", "r-2", "PLAIN@WIEN=1"),
            ("transfer create", "t-1", "LEIPZIG, HBF", "WIEN", 'SAY "HI", TWICE=5'),
            ("transfer ship", "t-1", 'SAY "HI", TWICE=4'),
            ("transfer receive", "t-1", 'SAY "HI", TWICE=1', "--damaged", 'SAY "HI", TWICE=2'),
            ("inbound create", "i-1", "WIEN", "PLAIN=7", "NEW=3", "--eta", "2030-01-02T03:04:05Z",
             "--sellable", "yes", "--order", "PO-2"),
            ("inbound receive", "i-1", "PLAIN=2"),
    ):
        programs.ask(server, *words[0].split(), *words[1:])


def every_kind():
    with programs.folder() as folder, programs.Server(folder) as server:
        small_world(server)
        lsn = programs.ask(server, "stats")["lsn"]
        found = {}
        for what in ("stock", "reservations", "transfers", "inbound", "ledger"):
            for suffix in ("csv", "jsonl"):
                path = os.path.join(folder, f"{what}.{suffix}")
                said = export(server, what, path)
                assert (said["epoch"], said["lsn"], said["token"]) == (1, lsn, f"1:{lsn}"), said
                found[what, suffix] = rows_of(path) if suffix == "csv" else objects_of(path)
                assert suffix != "csv" or said["rows"] == len(found[what, suffix]), said
                # The same on standard output.
                flag = ["--json"] if suffix == "jsonl" else []
                done = programs.run("holdfast", *flag, "export", what, address=server.address)
                with open(path, encoding="utf-8", newline="") as file:
                    assert done.stdout == file.read(), what
                assert done.stderr.startswith("exported ") and f" at 1:{lsn}\n" in done.stderr
        check_stock(found["stock", "csv"], found["stock", "jsonl"])
        check_reservations(server, found["reservations", "csv"], found["reservations", "jsonl"])
        check_shipments(server, found)
        check_ledger(server, found, lsn, folder)

        # At one location only; and one that nobody knows.
        path = os.path.join(folder, "x.csv")
        assert export(server, "stock", path, "--location", "WIEN")["rows"] == 3
        assert export(server, "reservations", path, "--location", "WIEN")["rows"] == 2
        assert export(server, "transfers", path, "--location", "LEIPZIG, HBF")["rows"] == 1
        assert export(server, "inbound", path, "--location", "LEIPZIG, HBF")["rows"] == 0
        assert {row["location"] for row in rows_of(path)} == set()
        assert export(server, "ledger", path, "--location", "WIEN")["rows"] > 0
        assert {row["location"] for row in rows_of(path)} == {"WIEN"}
        for what in ("stock", "ledger"):
            refusal = programs.ask(server, "export", what, path, "--location", "PARIS", code=1)
            assert refusal["outcome"] == "unknown_location", refusal
    print("ok every kind of thing as CSV and as JSON lines")


def check_stock(table, objects):
    assert [list(row) for row in table][0] == [
        "sku", "location", "on_hand", "held", "committed", "in_transit", "safety_stock", "ats",
        "damaged", "quarantined"]
    figures = {(row["sku"], row["location"]): list(row.values())[2:] for row in table}
    assert figures == {
        ('SAY "HI", TWICE', "LEIPZIG, HBF"): ["16", "3", "0", "0", "0", "13", "0", "0"],
        ('SAY "HI", TWICE', "WIEN"): ["1", "0", "0", "1", "0", "2", "2", "0"],
        ("PLAIN", "WIEN"): ["7", "1", "1", "5", "1", "9", "2", "1"],
        ("NEW", "WIEN"): ["0", "0", "0", "3", "0", "3", "0", "0"],
    }, figures
    assert [{k: str(v) for k, v in item.items()} for item in objects] == table


def check_reservations(server, table, objects):
    assert [(row["id"], row["order"], row["state"], row["sku"], row["units"], row["fulfilled"],
             row["released"], row["expires"] != "") for row in table] == [
                 ("r-1", "o-1", "held", 'SAY "HI", TWICE', "3", "0", "0", True),
                 ("r-1", "o-1", "held", "PLAIN", "1", "0", "0", True),
                 ("r-2", "", "confirmed", "PLAIN", "2", "1", "0", False)], table
    assert [item["id"] for item in objects] == ["r-1", "r-2"]
    for item in objects:
        shown = programs.ask(server, "show", item["id"])
        assert {key: item[key] for key in shown} == shown, (item, shown)


def check_shipments(server, found):
    assert [list(row.values())[:5] + list(row.values())[6:] for row in found["transfers", "csv"]] == [
        ["t-1", "LEIPZIG, HBF", "WIEN", "in_transit", "", 'SAY "HI", TWICE', "5", "1", "1", "1", "2",
         "0", "0"]], found["transfers", "csv"]
    assert [list(row.values())[:6] + list(row.values())[7:] for row in found["inbound", "csv"]] == [
        ["i-1", "WIEN", "in_transit", "2030-01-02T03:04:05Z", "yes", "PO-2", "PLAIN", "7", "5", "2",
         "0", "0"],
        ["i-1", "WIEN", "in_transit", "2030-01-02T03:04:05Z", "yes", "PO-2", "NEW", "3", "3", "0",
         "0", "0"]], found["inbound", "csv"]
    assert found["transfers", "jsonl"] == [programs.ask(server, "transfer", "show", "t-1")]
    assert found["inbound", "jsonl"] == [programs.ask(server, "inbound", "show", "i-1")]


def check_ledger(server, found, lsn, folder):
    table = found["ledger", "csv"]
    assert list(table[0])[:11] == ["lsn", "index", "ts", "kind", "reason", "sku", "location", "ref",
                                   "order", "by", "reservation"]
    places = [(int(row["lsn"]), int(row["index"])) for row in table]
    assert places == sorted(set(places)) and places[-1][0] == lsn, places
    assert len(found["ledger", "jsonl"]) == len(table)
    for row, item in zip(table, found["ledger", "jsonl"]):
        for name in COUNTERS:
            assert int(row[f"delta_{name}"]) == item["delta"][name], (row, item)
            assert int(row[f"after_{name}"]) == item["after"][name], (row, item)
        for name in ("kind", "sku", "location", "ts"):
            assert row[name] == item[name]
        for name in ("reason", "ref", "order", "by", "reservation"):
            assert row[name] == (item[name] or "")
    assert [row["kind"] for row in table][:4] == ["receive", "receive", "move_status", "move_status"]
    assert table[0]["order"] == "PO,1" and table[0]["reason"] == "purchase"

    # Each move as `ledger` tells it, newest first.
    told = programs.run("holdfast", "--json", "ledger", "PLAIN@WIEN", address=server.address)
    told = [json.loads(line) for line in told.stdout.splitlines()]
    mine = [item for item in found["ledger", "jsonl"]
            if (item["sku"], item["location"]) == ("PLAIN", "WIEN")]
    assert [item["lsn"] for item in mine] == [item["lsn"] for item in reversed(told)]
    for item, move in zip(mine, reversed(told)):
        assert {key: item[key] for key in ("ts", "kind", "reason", "ref", "order", "delta", "after")} \
            == {key: move[key] for key in ("ts", "kind", "reason", "ref", "order", "delta", "after")}

    # Only what follows an LSN.
    path = os.path.join(folder, "since.csv")
    for since in (3, "1:3"):
        assert export(server, "ledger", path, "--since", since)["lsn"] == lsn
        assert rows_of(path) == [row for row in table if int(row["lsn"]) > 3]
    export(server, "ledger", path, "--since", lsn)
    assert rows_of(path) == []
    programs.run("holdfast", "export", "stock", path, "--since", "3", address=server.address, code=2)
    programs.run("holdfast", "export", "ledger", path, "--since", "x", address=server.address, code=2)


def round_trip():
    with programs.folder() as folder, programs.Server(folder) as server:
        small_world(server)
        stock = os.path.join(folder, "stock.csv")
        export(server, "stock", stock)
        before = programs.ask(server, "digest")
        for words in (("stock", stock), ("policy", stock)):
            result = programs.ask(server, "import", *words)
            assert (result["changed"], result["errors"]) == (0, 0), result
            assert result["unchanged"] == result["rows"] == 4, result
        assert programs.ask(server, "digest") == before

        os.mkdir(os.path.join(folder, "other"))
        with programs.Server(os.path.join(folder, "other")) as other:
            programs.ask(other, "import", "stock", stock)
            programs.ask(other, "import", "policy", stock)
            again = os.path.join(folder, "again.csv")
            export(other, "stock", again)
            wanted = {(row["sku"], row["location"]): (row["on_hand"], row["safety_stock"])
                      for row in rows_of(stock) if row["on_hand"] != "0" or row["safety_stock"] != "0"}
            found = {(row["sku"], row["location"]): (row["on_hand"], row["safety_stock"])
                     for row in rows_of(again)}
            assert {cell: found[cell] for cell in wanted} == wanted, found
    print("ok an export imports again without a difference")


# ---------------------------------------------------------------- while it serves


def write_orders(path, count):
    """An order file for holdfast-replay: sales of several lines, some returns."""
    chance = random.Random(SEED)
    lines = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for i in range(count):
        sign = "C" if chance.random() < 0.05 else ""
        for _ in range(1 if sign else chance.randrange(1, 4)):
            units = chance.randrange(1, 9)
            lines.append(f"{sign}{500000 + i},S{chance.randrange(2000)},thing,"
                         f"{-units if sign else units},2011-01-01 08:00:00,1.5,1,Here")
    return write(path, "\n".join(lines) + "\n")


def stock_at(moves, lsn):
    """Every cell with its counters, added up from the ledger."""
    cells = {}
    for move in moves:
        if int(move["lsn"]) > lsn:
            break
        cell = cells.setdefault((move["sku"], move["location"]), [0] * len(COUNTERS))
        for i, name in enumerate(COUNTERS):
            cell[i] += int(move[f"delta_{name}"])
            assert cell[i] == int(move[f"after_{name}"]), move
    return cells


def reserved_at(moves, lsn):
    """Every reservation with the units that are reserved for it."""
    reserved = {}
    for move in moves:
        if int(move["lsn"]) > lsn:
            break
        change = int(move["delta_held"]) + int(move["delta_committed"])
        if change != 0:
            reserved[move["reservation"]] = reserved.get(move["reservation"], 0) + change
    return {key: units for key, units in reserved.items() if units != 0}


def while_it_serves():
    with programs.folder() as folder, programs.Server(folder) as server:
        orders = write_orders(os.path.join(folder, "orders.csv"), 30000)
        ledger = os.path.join(folder, "ledger.csv")
        taken = []
        with subprocess.Popen([programs.program("holdfast-replay"), "--server", server.address,
                               "--in-flight", "16", "--json", orders], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL) as player:
            while player.poll() is None:
                taken.append([(path, export(server, what, path)["lsn"]) for what, path in (
                    (what, os.path.join(folder, f"{len(taken)}-{what}.csv"))
                    for what in ("stock", "reservations", "ledger"))])
        assert player.returncode == 0
        export(server, "ledger", ledger)
        moves = rows_of(ledger)
        assert {int(move["lsn"]) for move in moves} <= set(range(1, programs.ask(server, "stats")["lsn"] + 1))
        amid = 0
        for (stock, lsn), (reservations, reservations_lsn), (part, part_lsn) in taken:
            found = {(row["sku"], row["location"]): [int(row[name]) for name in COUNTERS]
                     for row in rows_of(stock)}
            assert found == stock_at(moves, lsn), f"the stock is not that of LSN {lsn}"
            reserved = {}
            for row in rows_of(reservations):
                left = int(row["units"]) - int(row["fulfilled"]) - int(row["released"])
                if left != 0:
                    reserved[row["id"]] = reserved.get(row["id"], 0) + left
            assert reserved == reserved_at(moves, reservations_lsn), reservations_lsn
            assert rows_of(part) == [move for move in moves if int(move["lsn"]) <= part_lsn]
            amid += 0 < lsn < int(moves[-1]["lsn"])
        assert amid > 0, "nothing was exported while orders were played"
        print(f"ok {len(taken)} exports of each while {len(moves)} moves were written, "
              f"{amid} in the middle, each of one LSN")


# ---------------------------------------------------------------- kills, waiting, beginning again


def many_cells(server, folder, count):
    lines = ["sku,location,quantity"] + [f"S{i // 4},L{i % 4},{1 + i % 9}" for i in range(count)]
    result = programs.ask(server, "import", "stock",
                          write(os.path.join(folder, "many.csv"), "\n".join(lines)))
    assert result["changed"] == count, result


def start_export(server, *words, **streams):
    return subprocess.Popen([programs.program("holdfast"), "--server", server.address, "export",
                             *words], stdin=subprocess.DEVNULL, **streams)


def written_bytes(process, folder):
    """What an export has written so far into its file, which has no name yet."""
    fds = f"/proc/{process.pid}/fd"
    try:
        for fd in os.listdir(fds):
            if os.readlink(os.path.join(fds, fd)).startswith(folder):
                return os.stat(os.path.join(fds, fd)).st_size
    except FileNotFoundError:
        pass # it has ended, or closed it
    return 0


def stop_amid(process, folder):
    """Halt the export as soon as it has written something. False: it has ended before."""
    while process.poll() is None:
        if written_bytes(process, folder) > 0:
            process.send_signal(signal.SIGSTOP)
            return os.waitid(os.P_PID, process.pid,
                             os.WSTOPPED | os.WEXITED | os.WNOWAIT).si_code == os.CLD_STOPPED
    return False


def kills():
    with programs.folder() as folder, programs.Server(folder) as server:
        many_cells(server, folder, 60000)
        place = os.path.join(folder, "exports")
        os.mkdir(place)
        killed = 0
        for what in ("stock", "ledger") if can_be_nameless(place) else ():
            for suffix in ("csv", "jsonl"):
                path = os.path.join(place, f"{what}.{suffix}")
                for content in (None, "what was there before\n"):
                    if content is not None:
                        write(path, content)
                    with start_export(server, what, path, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL) as process:
                        if stop_amid(process, place):
                            killed += 1
                        process.kill()
                    if process.returncode == 0:
                        os.unlink(path)
                        continue
                    if content is None:
                        assert os.listdir(place) == [], "a killed export has left something"
                    else:
                        assert os.listdir(place) == [os.path.basename(path)]
                        with open(path, encoding="utf-8") as file:
                            assert file.read() == content
                        os.unlink(path)
            assert killed > 0, "no export was killed in the middle"
        # The server has let go of what the killed ones were reading.
        path = os.path.join(place, "whole.csv")
        assert export(server, "stock", path)["rows"] == 60000
        assert os.listdir(place) == ["whole.csv"]
    print(f"ok {killed} exports killed in the middle, no half file")


def waiting():
    """One export at a time: the second waits until the first is over, or dead."""
    with programs.folder() as folder, programs.Server(folder) as server:
        many_cells(server, folder, 60000)
        first = os.path.join(folder, "first.csv")
        second = os.path.join(folder, "second.csv")
        with start_export(server, "stock", first, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as one:
            is_amid = stop_amid(one, folder)
            with start_export(server, "stock", second, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as two:
                if is_amid:
                    frames = programs.ask(server, "stats")["frames"]
                    while programs.ask(server, "stats")["frames"] < frames + 12:
                        pass # each question is a frame or two; so is each try of the second
                    assert two.poll() is None, "the second export did not wait"
                one.kill()
                assert two.wait(PATIENCE_S) == 0
        assert len(rows_of(second)) == 60000 and not os.path.exists(first)
    print("ok an export waits for another")


def beginning_again():
    """The server keeps little of the past: an export that is slow meanwhile loses its moment."""
    with programs.folder() as folder:
        config = write(os.path.join(folder, "holdfastd.conf"), "[server]\nexport_memory = 1MiB\n")
        with programs.Server(folder, "--config", config) as server:
            many_cells(server, folder, 60000)
            path = os.path.join(folder, "stock.csv")
            lines = ["sku,location,quantity"] + [f"S{i // 4},L{i % 4},50" for i in range(60000)]
            more = write(os.path.join(folder, "more.csv"), "\n".join(lines))
            with start_export(server, "stock", path, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
                is_amid = stop_amid(process, folder)
                programs.ask(server, "import", "stock", more)
                lsn = programs.ask(server, "stats")["lsn"]
                process.send_signal(signal.SIGCONT)
                assert process.wait(PATIENCE_S) == 0
            rows = rows_of(path)
            assert len(rows) == 60000
            if is_amid: # all of the new state: not a row is left of the first try
                assert {row["on_hand"] for row in rows} == {"50"}

            # What is out on standard output cannot be taken back: the error says what to do.
            with start_export(server, "stock", stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
                head = process.stdout.read(1000) # the pipe fills, and the export stands still
                programs.ask(server, "import", "stock", more, "--as", "add")
                head += process.stdout.read()
                said = process.stderr.read().decode()
            assert process.returncode == 1, said
            assert "limit_exceeded" in said and "export_memory" in said, said
            assert programs.ask(server, "audit")["ok"] is True and lsn > 0 and head
    print("ok an export whose moment is lost begins again, or says so")


def old_ledger():
    """The log no longer begins with the first LSN; and a reader that is slower than the server
    waits for is cut off, and goes on where it stood."""
    with programs.folder() as folder:
        config = write(os.path.join(folder, "holdfastd.conf"),
                       "[server]\nfeed_stall_timeout = 1s\n"
                       "[data]\nsegment_size = 8MiB\nlog_kept = 0\nsnapshots_kept = 1\n"
                       "[engine]\nledger_size = 16MiB\n")
        with programs.Server(folder, "--config", config) as server:
            many_cells(server, folder, 60000)
            file = os.path.join(folder, "many.csv")
            path = os.path.join(folder, "ledger.csv")
            first = 1
            runs = 0
            while first == 1: # until a segment was full, a snapshot made it old, and it was dropped
                runs += 1
                assert runs < 40, "the log is never cut"
                programs.ask(server, "import", "stock", file, "--as", "add", "--run", runs)
                programs.ask(server, "snapshot")
                if runs % 4 == 0:
                    export(server, "ledger", path)
                    first = int(next(csv.DictReader(open(path, encoding="utf-8")))["lsn"])
            last = programs.ask(server, "stats")["lsn"]
            wanted = list(range(first, last + 1)) # an import writes one move an operation
            done = programs.run("holdfast", "export", "ledger", path, address=server.address)
            assert f"the log begins after 1:{first - 1}" in done.stderr, done.stderr
            assert [int(row["lsn"]) for row in rows_of(path)] == wanted
            gone = programs.ask(server, "export", "ledger", path, "--since", 1, code=1)
            assert gone["outcome"] == "gone", gone

            with start_export(server, "ledger", stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as process:
                titles = process.stdout.readline().split(",") # so it reads the feed
                while programs.ask(server, "stats")["connections"] > 1:
                    # nobody reads the pipe any more, until the server has had enough
                    assert process.poll() is None, "the pipe took it all"
                found = [int(row["lsn"]) for row in csv.DictReader(process.stdout, titles)]
            assert process.returncode == 0
            assert found == wanted, "a slow reader has missed something"
    print("ok a ledger whose begin is gone, and a slow reader")


def can_be_nameless(folder):
    """Does the file system have files without a name? If not, a killed export leaves its own."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY))
        return True
    except OSError:
        print("skip kills of exports: no O_TMPFILE here")
        return False


def main():
    print(f"seed {SEED}")
    began = time.monotonic()
    every_kind()
    round_trip()
    kills()
    waiting()
    beginning_again()
    old_ledger()
    while_it_serves()
    print(f"all of it took {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
