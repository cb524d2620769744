#!/usr/bin/env python3
"""Six months of real orders through the real server, and every balance right.

For each opening (the units the file will need; 500 of everything, which refuses many orders):
    1. holdfast-replay plays the file; every cell of `holdfast export stock` is compared with
       what order_file.py computes, which shares no code with us
    2. after kill -9 and restart the digest is the same and the audit is clean
    3. played again, all that was accepted is `repeated`
    4. a fresh server, another number of events in flight, down to one: the same `balances`
    5. a fresh server that is killed with -9 twenty times, spread evenly over the log that step 1
       wrote, while the file plays: holdfast-replay waits, sends again what it does not know, and
       the balances are the same

HOLDFAST_DATA names the file, or the folder it lies in; without it ../shared/data is looked into.
"""

import csv
import glob
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import order_file
import programs

KILLS = 20


def data_file():
    place = os.environ.get("HOLDFAST_DATA", os.path.join(programs.ROOT, "..", "shared", "data"))
    if os.path.isdir(place):
        found = sorted(glob.glob(os.path.join(place, "online_retail*.csv.gz")))
        return found[0] if found else None
    return place if os.path.isfile(place) else None


def replay(server, path, opening, in_flight):
    done = programs.run("holdfast-replay", "--opening", opening, "--in-flight", in_flight, "--json",
                        path, address=server.address)
    return json.loads(done.stdout)


def compare(server, folder, stock):
    """Every cell, and no other."""
    exported = os.path.join(folder, "stock.csv")
    programs.run("holdfast", "export", "stock", exported, address=server.address)
    with open(exported, encoding="utf-8", newline="") as file:
        cells = {row["sku"]: row for row in csv.DictReader(file)}
    assert cells.keys() == stock.keys(), f"cells differ: {cells.keys() ^ stock.keys()}"
    for sku, units in stock.items():
        cell = cells[sku]
        found = tuple(int(cell[name]) for name in ("on_hand", "held", "committed", "in_transit"))
        assert found == (units, 0, 0, 0), f"{sku}: {found}, on hand must be {units}"


def check_totals(result, totals):
    for name, value in totals.items():
        assert result[name] == value, f"{name} is {result[name]}, must be {value}"
    refused = totals["orders_refused"] + totals["moves_refused"]
    assert result["refusals"] == refused
    assert result["rows_unreadable"] == 0 and result["orders_unfinished"] == 0


def check_audit(server):
    audit = programs.ask(server, "audit")
    assert audit["ok"] is True and audit["cells"] > 0, audit


def play_and_restart(path, opening, stock, totals):
    with programs.folder() as folder, programs.Server(folder) as server:
        result = replay(server, path, opening, 256)
        check_totals(result, totals)
        compare(server, folder, stock)
        before = programs.ask(server, "digest")

        server.kill()
        server.start()
        after = programs.ask(server, "digest")
        assert before == after, f"digest before kill -9 {before}, after {after}"
        check_audit(server)
        compare(server, folder, stock)
        last_lsn = programs.ask(server, "stats")["lsn"]

        if totals["orders_refused"] + totals["moves_refused"] == 0:
            again = replay(server, path, opening, 256)
            assert again["balances"] == result["balances"]
            assert again["repeated"] == again["orders"] + again["moves"] + again["openings"]
            assert programs.ask(server, "digest") == after, "a repeated replay wrote something"
        return result["balances"], last_lsn


def play_again(path, opening, in_flight):
    with programs.folder() as folder, programs.Server(folder) as server:
        return replay(server, path, opening, in_flight)["balances"]


def play_through_kills(path, opening, stock, totals, last_lsn):
    """As play_and_restart, but for kills spread evenly over the LSNs up to `last_lsn`, its end.

    Each falls while the player runs, and takes the answers to what was in flight with it. What
    was durable before a kill is there after it. The last sixth is left to the player alone, so
    that it cannot have ended before the last kill was sent.
    """
    kills_at = [last_lsn * number // (KILLS * 6 // 5) for number in range(1, KILLS + 1)]
    with programs.folder() as folder, programs.Server(folder) as server:
        with subprocess.Popen(
                [programs.program("holdfast-replay"), "--server", server.address, "--opening",
                 opening, "--in-flight", "8", "--json", path],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as player:
            struck = []
            for lsn in kills_at:
                seen = 0
                while seen < lsn and player.poll() is None:
                    seen = programs.ask(server, "stats")["durable_lsn"]
                assert player.poll() is None, f"it ended before the kill at LSN {lsn}"
                server.kill()
                server.start()
                found = programs.ask(server, "stats")["lsn"]
                assert seen <= found, f"LSN {seen} was durable, {found} is there after kill -9"
                struck.append(seen)
            output = player.stdout.read()
        assert player.returncode == 0, f"holdfast-replay ended with {player.returncode}"
        result = json.loads(output)
        assert struck == sorted(struck) and 0 < struck[0] and struck[-1] < last_lsn, struck
        assert programs.ask(server, "stats")["lsn"] == last_lsn
        assert result["sent_again"] > 0, "no kill met anything in flight"
        check_totals(result, totals)
        compare(server, folder, stock)
        check_audit(server)
        print(f"ok opening {opening}: {KILLS} kills while it played, after LSNs {struck[0]} to "
              f"{struck[-1]} of {last_lsn}, {result['sent_again']} events sent again")
        return result["balances"]


def main():
    path = data_file()
    if path is None:
        print("skip the order file: no ../shared/data here (HOLDFAST_DATA can name it)")
        return
    is_full = os.environ.get("SCALE") == "full"
    for opening in ("demand", "500"):
        stock, totals = order_file.play(path, opening)
        balances, last_lsn = play_and_restart(path, opening, stock, totals)
        in_flight = 1 if opening == "500" or is_full else 16
        assert play_again(path, opening, in_flight) == balances, f"in flight {in_flight} differs"
        if opening == "500" or is_full:
            through_kills = play_through_kills(path, opening, stock, totals, last_lsn)
            assert through_kills == balances, "kills changed balances"
        print(f"ok opening {opening}: {len(stock)} balances right, in flight 256 and {in_flight}, "
              f"{totals['orders_refused']} of {totals['orders']} orders refused, "
              f"balances {balances}")


if __name__ == "__main__":
    main()
