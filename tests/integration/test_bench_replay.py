#!/usr/bin/env python3
"""holdfast-replay on small files: bad rows, traps of the format, repeats, exit codes.

The large file is played by test_order_file.py; here each file is made for one question.
"""

import gzip
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import order_file
import programs

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def row(invoice, sku, quantity, price="1.5", customer="17850.0", text="THING"):
    return f"{invoice},{sku},{text},{quantity},2010-12-01 08:26:00,{price},{customer},UK\n"


TRAPS = HEAD + "".join([
    row(1, "85123a", 6), row(1, "85123A", 2), row(1, "85123a", 6),  # case; one SKU on two lines
    row(1, "85123a", 6),                                            # an exact duplicate
    row("C2", "NEVER-SOLD", -4),                                    # a return without a sale
    row(3, "22423", 74215), row("C4", "22423", -74215),             # cancelled later
    row(5, "85123A", 1), row(6, "22423", 3), row(5, "22423", 2),    # an invoice in two pieces
    row(7, "85123a", -1, "0", "", '"thrown away, ""wet""\nand old"'), row(8, "84879", 9, "0", ""),
    row(9, "POST", 1), row(9, "84879", 5), row(9, "gift_0001", 1), row(10, "84879", -500, "0", ""),
])


def write(folder, name, text):
    path = os.path.join(folder, name)
    data = text.encode()
    with open(path, "wb") as file:
        file.write(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def replay(server, path, *words):
    return json.loads(programs.run("holdfast-replay", "--json", *words, path,
                                   address=server.address).stdout)


def stock_at(server, location):
    listed = programs.run("holdfast", "--json", "list", "--location", location,
                          address=server.address).stdout
    return {cell["sku"]: cell["on_hand"] for cell in map(json.loads, listed.splitlines())}


def check_traps():
    with programs.folder() as folder, programs.Server(folder) as server:
        plain = write(folder, "traps.csv", TRAPS)
        packed = write(folder, "traps.csv.gz", TRAPS)
        balances = set()
        for number, (opening, in_flight) in enumerate(
                [("demand", 1), ("demand", 64), ("10", 1), ("10", 64), ("0", 2)]):
            location = f"L{number}"
            result = replay(server, plain, "--opening", opening, "--in-flight", in_flight,
                            "--location", location)
            stock, totals = order_file.play(packed, opening)
            assert stock_at(server, location) == stock, (opening, in_flight)
            for name, value in totals.items():
                assert result[name] == value, (name, result, totals)
            balances.add(result["balances"])
        assert len(balances) == 5, "balances are of the whole server, and each run added to it"


def check_repeat():
    """Packed or plain, at once or one by one: the same file again does nothing twice."""
    with programs.folder() as folder, programs.Server(folder) as server:
        plain = write(folder, "traps.csv", TRAPS)
        packed = write(folder, "other name.csv.gz", TRAPS)
        first = replay(server, plain)
        again = replay(server, packed, "--in-flight", "1")
        assert first["repeated"] == 0 and again["balances"] == first["balances"]
        done = again["orders_fulfilled"] + again["openings"] + again["moves"] - again["moves_refused"]
        assert again["repeated"] == done, again


def check_bad_rows():
    text = (HEAD + row(1, "A", 2) + row(2, "A", "two") + row(3, "A", 1, "free")
            + row(4, "A", 1, "1", "1", '"over\ntwo lines"') + row(5, "A", 0) + "6,A,short\n"
            + row(7, "A\x07", 1) + row(8, "A", 1, "1", "1", 'a "quote') + row(9, "A", 3))
    with programs.folder() as folder, programs.Server(folder) as server:
        path = write(folder, "bad.csv", text)
        done = programs.run("holdfast-replay", "--json", "--opening", "100", path,
                            address=server.address)
        result = json.loads(done.stdout)
        lines = [int(line.split("line ")[1].split()[0]) for line in done.stderr.splitlines()]
        assert lines == [3, 4, 7, 8, 9, 10], done.stderr
        assert result["rows_unreadable"] == 6 and result["orders"] == 3, result
        assert stock_at(server, "WAREHOUSE") == {"A": 100 - 2 - 1 - 3}


def check_usage():
    with programs.folder() as folder:
        good = write(folder, "good.csv", TRAPS)
        cut = write(folder, "cut.csv.gz", TRAPS)
        with open(cut, "rb+") as file:
            file.truncate(os.path.getsize(cut) - 9)
        for words in ([], [good, good], ["--opening", "some", good], ["--opening", "-1", good],
                      ["--in-flight", "0", good], ["--location", "", good], ["--unknown", good],
                      [os.path.join(folder, "none.csv")], [folder], [cut],
                      [write(folder, "empty.csv", "")],
                      [write(folder, "columns.csv", "InvoiceNo,Quantity\n1,2\n")]):
            done = programs.run("holdfast-replay", *words, code=2)
            assert done.stdout == "" and done.stderr != "", words
        programs.run("holdfast-replay", "--server", "127.0.0.1:1", good, code=3)
    assert "0.1" in programs.run("holdfast-replay", "--version").stdout


def main():
    check_usage()
    check_traps()
    check_repeat()
    check_bad_rows()
    print("ok holdfast-replay: traps, repeats, bad rows, usage")


if __name__ == "__main__":
    main()
