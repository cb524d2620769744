#!/usr/bin/env python3
"""`holdfast import` against a real server.

    1. the SKUs of the real order file over four locations: every cell right, and the same import
       again makes no move and leaves the digest, also after kill -9 of the server
    2. a file with a hundred planted faults: each named by line and reason, and nothing imported
    3. the import is killed with -9 in the middle, and the server too: run again it ends right, no
       row is done twice, also with --as add
    4. what a dry run prints is what the import then does; --as-of with sales in between; policies

The files are made here, with Python's csv module; what must be there afterwards is worked out in a
dictionary. The seed of everything random is printed; SEED repeats it.
"""

import csv
import json
import os
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import order_file
import programs
import test_order_file

LOCATIONS = ("BERLIN", "HAMBURG", "LEIPZIG", "WIEN")
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
IS_FULL = os.environ.get("SCALE") == "full"


def write_csv(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def run(server, *words, code=0, text=None):
    """One import; its exit code must be `code`. The finished process."""
    command = [programs.program("holdfast"), "--server", server.address, "import"]
    command += [str(word) for word in words]
    done = subprocess.run(command, input=text, stdin=None if text else subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    assert done.returncode == code, (
        f"{command} ended with {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done


def totals(server, *words, code=0, text=None):
    return json.loads(run(server, "--json", *words, code=code, text=text).stdout)


def stock(server, folder):
    """on_hand of every cell, as the export has it."""
    path = os.path.join(folder, "exported.csv")
    programs.run("holdfast", "export", "stock", path, address=server.address)
    with open(path, encoding="utf-8", newline="") as file:
        return {(row["sku"], row["location"]): int(row["on_hand"]) for row in csv.DictReader(file)}


def check_audit(server):
    audit = programs.ask(server, "audit")
    assert audit["ok"] is True, audit


def check_stock(server, folder, want):
    found = stock(server, folder)
    wrong = [cell for cell in want.keys() | found.keys() if want.get(cell, 0) != found.get(cell, 0)]
    assert not wrong, f"{len(wrong)} cells are wrong, {wrong[0]}: {found.get(wrong[0])}, not {want.get(wrong[0])}"
    check_audit(server)


# ---------------------------------------------------------------- the order file


def order_file_rows(path):
    """One row a SKU and location; every quantity follows from the two."""
    skus = sorted({sku for _, sku, *_ in order_file.rows(path)})
    return [(sku, location, 1 + (7 * i + 13 * k) % 900)
            for i, sku in enumerate(skus) for k, location in enumerate(LOCATIONS)]


def import_order_file():
    path = test_order_file.data_file()
    if path is None:
        print("skip the SKUs of the order file: no ../shared/data here (HOLDFAST_DATA can name it)")
        return
    rows = order_file_rows(path)
    want = {(sku, location): units for sku, location, units in rows}
    with programs.folder() as folder, programs.Server(folder) as server:
        file = write_csv(os.path.join(folder, "stock.csv"), ("sku", "location", "quantity"), rows)
        began = time.monotonic()
        first = totals(server, "stock", file)
        seconds = time.monotonic() - began
        assert first["rows"] == first["changed"] == len(rows) and first["errors"] == 0, first
        assert first["lsn"] == len(rows) == programs.ask(server, "stats")["lsn"]
        check_stock(server, folder, want)

        before = programs.ask(server, "digest")
        for is_killed in (False, True):
            if is_killed:
                server.kill()
                server.start()
            again = totals(server, "stock", file)
            assert again["changed"] == 0 and again["repeated"] == len(rows), again
            assert again["lsn"] == first["lsn"]
            assert programs.ask(server, "digest") == before, "the same import again changed something"
        text = run(server, "stock", file).stdout
        assert f"{len(rows):,} rows: 0 changed, {len(rows):,} done before" in text, text

        # Under another name it is another import, which finds nothing to change.
        other = totals(server, "stock", file, "--run", "2")
        assert other["unchanged"] == len(rows) and other["changed"] == other["repeated"] == 0, other
        assert programs.ask(server, "digest") == before
        # Added under another name it comes on top.
        added = totals(server, "stock", file, "--as", "add")
        assert added["changed"] == len(rows), added
        check_stock(server, folder, {cell: 2 * units for cell, units in want.items()})
        print(f"ok {len(rows)} rows of the order file's SKUs, imported once however often; "
              f"{len(rows) / seconds:.0f} rows/s")


# ---------------------------------------------------------------- faults

LONG = "x" * 65
FAULTS = (
    # what stands in the file, the reason that must be given
    (",L,5", "sku is empty"),
    ("A,,5", "location is empty"),
    ("A,L,", "quantity is empty"),
    ("A,L", "2 fields where the header has 3"),
    ("A,L,5,6", "4 fields where the header has 3"),
    ("A,L,five", 'quantity "five" is not a whole number'),
    ("A,L,5.5", 'quantity "5.5" is not a whole number'),
    ("A,L,-5", 'quantity "-5" is below zero; only --as add takes units away'),
    ("A,L,1000000000001",
     'quantity "1000000000001" is out of range: 1,000,000,000,000 is the most'),
    (f"{LONG},L,5", "sku is longer than 64 bytes"),
    (f"A,{LONG},5", "location is longer than 64 bytes"),
    ("A\tB,L,5", "sku is not UTF-8 without control characters"),
    ('A"B,L,5', "a quote inside a field that is not quoted"),
    ('"A"B,L,5', "text after a closing quote"),
    ('"A,L,5', "a quoted field is not closed"),
    ("TWICE,L,6", "TWICE@L has 5 on line 2 and 6 on line {line}"),
)


def import_faults():
    """A hundred faults among a thousand good rows; the last open quote would eat the good ones."""
    chance = random.Random(SEED)
    kinds = [FAULTS[i % len(FAULTS)] for i in range(100)]
    chance.shuffle(kinds)
    lines = ["sku,location,quantity", "TWICE,L,5"]
    want = []
    good = {("TWICE", "L"): 5}
    while kinds or len(good) < 1000:
        if kinds and chance.random() < 0.1:
            text, reason = kinds.pop()
            lines.append(text)
            want.append([str(len(lines)), reason.format(line=len(lines)), text])
        else:
            good[(f"S{len(lines)}", chance.choice(LOCATIONS))] = units = chance.randrange(1, 1000)
            sku, location = list(good)[-1]
            lines.append(f"{sku},{location},{units}")
    assert len(want) == 100

    with programs.folder() as folder, programs.Server(folder) as server:
        file = os.path.join(folder, "faults.csv")
        errors = os.path.join(folder, "errors.csv")
        with open(file, "w", encoding="utf-8", newline="") as out:
            out.write("\r\n".join(lines) + "\r\n")

        before = programs.ask(server, "digest")
        for dry in ((), ("--dry-run",)):
            result = totals(server, "stock", file, "--errors", errors, *dry, code=1)
            assert (result["rows"], result["errors"], result["changed"]) == (len(lines) - 1, 100, 0)
            with open(errors, encoding="utf-8", newline="") as found:
                rows = list(csv.reader(found))
            assert rows[0] == ["line", "reason", "row"]
            assert rows[1:] == want, [pair for pair in zip(rows[1:], want) if pair[0] != pair[1]]
        assert programs.ask(server, "digest") == before, "a file with faults was imported"

        # Without a file for them the first go to standard error, and the others are counted.
        done = run(server, "stock", file, code=1)
        shown = [line for line in done.stderr.splitlines() if line.startswith("line ")]
        assert len(shown) == 20, done.stderr
        for line, (number, reason, _) in zip(shown, want):
            assert line.startswith(f"line {number}: {reason}: "), line
        assert "and 80 rows more" in done.stderr, done.stderr

        result = totals(server, "stock", file, "--skip-errors", "--errors", errors, code=1)
        assert (result["errors"], result["changed"]) == (100, len(good)), result
        check_stock(server, folder, good)
    print("ok a hundred planted faults, each named by line and reason")


def import_refused():
    """Rows that only the server can refuse: the others are imported all the same."""
    with programs.folder() as folder, programs.Server(folder) as server:
        errors = os.path.join(folder, "errors.csv")
        rows = [("A", "L", 5), ("A", "L", -7), ("A", "L", -2), ("NONE", "L", -1),
                ("FULL", "L", 10**12), ("FULL", "L", 1), ("Z", "L", 0)]
        file = write_csv(os.path.join(folder, "f.csv"), ("sku", "location", "quantity"), rows)
        before = programs.ask(server, "digest")
        dry = totals(server, "stock", file, "--as", "add", "--dry-run", "--errors", errors, code=1)
        assert (dry["changed"], dry["unchanged"], dry["errors"]) == (3, 1, 3), dry
        assert programs.ask(server, "digest") == before
        for changed, repeated in ((3, 0), (0, 3)):
            result = totals(server, "stock", file, "--as", "add", "--errors", errors, code=1)
            assert result["rows"] == 7 and result["unchanged"] == 1, result
            assert (result["changed"], result["repeated"]) == (changed, repeated), result
            with open(errors, encoding="utf-8", newline="") as found:
                refused = list(csv.reader(found))[1:]
            assert [row[0] for row in refused] == ["3", "5", "7"], refused
            assert refused[0][1].startswith("insufficient_on_hand: "), refused
            assert refused[2][1].startswith("limit_exceeded: "), refused
            assert refused[2][2] == "FULL,L,1", refused
        assert stock(server, folder)[("A", "L")] == 3
    print("ok rows that the server refuses")


# ---------------------------------------------------------------- kills


def start_import(server, file, *words):
    return subprocess.Popen(
        [programs.program("holdfast"), "--server", server.address, "--json", "import", "stock", file,
         *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        text=True)


def wait_for(server, process, lsn):
    """Until so much was done. False: the import has ended before."""
    while process.poll() is None:
        if programs.ask(server, "stats")["lsn"] >= lsn:
            return process.poll() is None
    return False


SHARES = (0.1, 0.4, 0.7)


def kill_server(server, rows, file, words):
    """The server dies and comes back on its port: the import connects again and goes on."""
    kills = 0
    with start_import(server, file, *words) as process:
        for share in SHARES:
            if wait_for(server, process, int(len(rows) * share)):
                server.kill()
                server.start()
                kills += 1
        output = process.stdout.read()
    assert process.returncode == 0, f"the import ended with {process.returncode}"
    result = json.loads(output)
    assert result["errors"] == 0, result
    assert result["changed"] + result["repeated"] == len(rows), result
    return kills


def kill_import(server, rows, file, words, is_server_killed):
    """The import dies, and the server with it or not; it is started again."""
    kills = 0
    for share in SHARES:
        with start_import(server, file, *words) as process:
            if wait_for(server, process, int(len(rows) * share)):
                kills += 1
                if is_server_killed:
                    server.kill()
                process.kill()
                if is_server_killed:
                    server.start()
    return kills


def import_and_kill(rows, words, want, what):
    """`what` dies in the middle of an import; in the end every row is done, and done once."""
    with programs.folder() as folder, programs.Server(folder) as server:
        file = write_csv(os.path.join(folder, "f.csv"), ("sku", "location", "quantity"), rows)
        if what == "server":
            kills = kill_server(server, rows, file, words)
        else:
            kills = kill_import(server, rows, file, words, what == "both")
        done = programs.ask(server, "stats")["lsn"] # a row is a record
        assert done <= len(rows), "a row was done twice"
        result = totals(server, "stock", file, *words)
        assert (result["changed"], result["repeated"]) == (len(rows) - done, done), result
        check_stock(server, folder, want)
        before = programs.ask(server, "digest")
        assert totals(server, "stock", file, *words)["repeated"] == len(rows)
        assert programs.ask(server, "digest") == before
        return kills


def import_through_kills():
    count = 200000 if IS_FULL else 100000
    set_rows = [(f"S{i // 4}", LOCATIONS[i % 4], 1 + i % 997) for i in range(count)]
    # Every cell several times, up and down, so that a row done twice or lost shows in the sums.
    add_rows = [(f"S{i % 5000}", LOCATIONS[i % 4], 3 + i % 89 if i // 25000 % 2 == 0 else -1)
                for i in range(count)]
    added = {}
    for sku, location, units in add_rows:
        added[(sku, location)] = added.get((sku, location), 0) + units
    for words, rows, want in (((), set_rows, {(s, l): units for s, l, units in set_rows}),
                              (("--as", "add"), add_rows, added)):
        for what in ("import", "server", "both"):
            kills = import_and_kill(rows, words, want, what)
            assert kills > 0, "nothing died in the middle: more rows are needed"
            print(f"ok {count} rows {words[-1] if words else 'set'}, {kills} kills of {what}")


# ---------------------------------------------------------------- options


def as_of():
    with programs.folder() as folder, programs.Server(folder) as server:
        programs.ask(server, "receive", "A@L=100", "B@L=100", "C@L=100")
        counted = programs.ask(server, "stats")["lsn"]
        programs.ask(server, "sell", "A@L=30")
        programs.ask(server, "receive", "B@L=7")
        rows = [("A", "L", 90), ("B", "L", 100), ("C", "L", 95), ("D", "L", 4)]
        want = {("A", "L"): 60, ("B", "L"): 107, ("C", "L"): 95, ("D", "L"): 4}
        file = write_csv(os.path.join(folder, "f.csv"), ("sku", "location", "quantity"), rows)
        words = ("stock", file, "--as-of", counted)

        dry = totals(server, *words, "--dry-run")
        found = {(d["sku"], d["location"]): (d["before"]["on_hand"], d["after"]["on_hand"])
                 for d in dry["differences"]}
        assert found == {("A", "L"): (70, 60), ("C", "L"): (100, 95), ("D", "L"): (0, 4)}, dry
        result = totals(server, *words)
        assert (result["changed"], result["unchanged"]) == (3, 1), result
        check_stock(server, folder, want)
        # Sold meanwhile: the same count again, under another name, corrects nothing twice.
        programs.ask(server, "sell", "A@L=10")
        assert totals(server, *words)["repeated"] == 3
        again = totals(server, *words, "--run", "2")
        assert again["changed"] == 0, again
        check_stock(server, folder, {**want, ("A", "L"): 50})
        # A moment that has not come yet.
        future = totals(server, "stock", file, "--as-of", 10**9, code=1)
        assert future["errors"] == 4 and future["changed"] == 0, future
    print("ok figures of an earlier moment")


def policies():
    with programs.folder() as folder, programs.Server(folder) as server:
        header = ("safety_stock", "sku", "location", "low_stock", "backorder")
        programs.ask(server, "policy", "A@L", "--safety-stock", 1, "--low-stock", 9)
        file = write_csv(os.path.join(folder, "p.csv"), header,
                         [("", "A", "L", "none", 3), (2, "B", "L", 5, ""), ("", "C", "L", "", "")])
        dry = totals(server, "policy", file, "--dry-run")
        assert dry["dry_run"] is True and dry["changed"] == 2, dry
        assert dry["differences"][0]["before"] == {"safety_stock": 1, "low_stock": 9, "backorder": 0}
        assert dry["differences"][0]["after"] == {"safety_stock": 1, "low_stock": None, "backorder": 3}
        for changed, repeated in ((2, 0), (0, 2)):
            result = totals(server, "policy", file)
            assert (result["changed"], result["repeated"], result["unchanged"]) == (changed, repeated, 1)
        found = [json.loads(line) for line in programs.run(
            "holdfast", "--json", "list", address=server.address).stdout.splitlines()]
        figures = {cell["sku"]: (cell["safety_stock"], cell["low_stock"], cell["backorder_limit"])
                   for cell in found}
        assert figures == {"A": (1, None, 3), "B": (2, 5, 0)}, figures
        # A policy that says nothing new makes the cell all the same, and is no difference.
        file = write_csv(os.path.join(folder, "q.csv"), ("sku", "location", "safety_stock"),
                         [("D", "L", 0), ("D", "L", 0), ("A", "L", 1)])
        for words in (("--dry-run",), ()):
            result = totals(server, "policy", file, *words)
            assert (result["changed"], result["unchanged"]) == (1, 2), result
            assert result.get("differences", []) == []
        file = os.path.join(folder, "p.csv")
        text = run(server, "policy", file, "--run", "x", "--dry-run").stdout
        assert text.startswith("3 rows: 0 would change"), text
    print("ok policies")


def dry_run():
    """What it prints is what then happens; it changes nothing itself."""
    chance = random.Random(SEED)
    with programs.folder() as folder, programs.Server(folder) as server:
        first = [(f"S{i}", chance.choice(LOCATIONS), chance.randrange(50)) for i in range(3000)]
        file = write_csv(os.path.join(folder, "a.csv"), ("sku", "location", "quantity"), first)
        totals(server, "stock", file)
        for words in ((), ("--as", "add")):
            rows = [(sku, location, units if chance.random() < 0.3 else chance.randrange(50))
                    for sku, location, units in first]
            rows += [(f"N{i}", "L", chance.randrange(1, 9)) for i in range(100)]
            if words:
                rows += chance.sample(rows, 500) # with add the same cell may stand there twice
            file = write_csv(os.path.join(folder, "b.csv"), ("sku", "location", "quantity"), rows)
            before = stock(server, folder)
            digest = programs.ask(server, "digest")
            dry = totals(server, "stock", file, "--dry-run", *words)
            assert programs.ask(server, "digest") == digest, "a dry run changed something"
            result = totals(server, "stock", file, *words)
            assert {k: result[k] for k in ("rows", "changed", "unchanged", "errors")} == \
                {k: dry[k] for k in ("rows", "changed", "unchanged", "errors")}, (dry, result)
            after = stock(server, folder)
            changes = {cell: (before.get(cell, 0), after[cell]) for cell in after
                       if before.get(cell, 0) != after[cell]}
            printed = {(d["sku"], d["location"]): (d["before"]["on_hand"], d["after"]["on_hand"])
                       for d in dry["differences"]}
            assert printed == changes
        text = run(server, "stock", file, "--as", "add", "--dry-run")
        assert "was imported before" in text.stderr, text.stderr
    print("ok a dry run says what happens")


def odds_and_ends():
    with programs.folder() as folder, programs.Server(folder) as server:
        text = "sku,quantity\r\nA,5\r\nB,6\r\n"
        result = totals(server, "stock", "-", "--location", "L", text=text)
        assert result == {"rows": 2, "changed": 2, "errors": 0, "lsn": 2, "unchanged": 0,
                          "repeated": 0, "dry_run": False}, result
        # The same bytes are the same import, wherever they come from; elsewhere they are another.
        file = os.path.join(folder, "f.csv")
        with open(file, "w", encoding="utf-8", newline="") as out:
            out.write(text)
        assert totals(server, "stock", file, "--location", "L")["repeated"] == 2
        assert totals(server, "stock", file, "--location", "M")["changed"] == 2
        assert stock(server, folder) == {(s, l): u for s, u in (("A", 5), ("B", 6)) for l in "LM"}
        moves = programs.run("holdfast", "--json", "ledger", "A@L", address=server.address).stdout
        move = json.loads(moves)
        assert (move["kind"], move["reason"]) == ("set", "import"), move
        assert move["ref"].startswith("import:") and move["ref"].endswith(":2"), move

        before = programs.ask(server, "digest")
        for words in (("stock", file), ("reservations", file), ("stock",), ("stock", "/no/such"),
                      ("stock", file, "--location", "L", "--as", "sum"),
                      ("stock", file, "--location", "L", "--as", "add", "--as-of", "1"),
                      ("stock", file, "--location", "L", "--as-of", "someday"),
                      ("policy", file, "--location", "L", "--as", "set"),
                      ("stock", file, "--location", "x" * 65),
                      ("stock", file, "--location", "L", "--errors", file),
                      ("stock", file, "--location", "L", "--errors", "/no/such/folder/e.csv")):
            run(server, *words, code=2)
        done = run(server, "stock", file, code=2)
        assert "missing column: location" in done.stderr, done.stderr
        assert programs.ask(server, "digest") == before
        with open(file, encoding="utf-8", newline="") as kept:
            assert kept.read() == text, "--errors has overwritten the file itself"
        nowhere = subprocess.run(
            [programs.program("holdfast"), "--server", "127.0.0.1:1", "import", "stock", file,
             "--location", "L"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert nowhere.returncode == 3, nowhere
    print("ok standard input, usage, no server")


def forgetful_server():
    """More rows than the server remembers references: what is added might be added twice."""
    with programs.folder() as folder:
        config = os.path.join(folder, "holdfastd.conf")
        with open(config, "w", encoding="utf-8") as out:
            out.write("[engine]\nreferences_max = 100\n")
        with programs.Server(folder, "--config", config) as server:
            for count, code in ((100, 0), (101, 2)):
                rows = [(f"S{i}", "L", 5) for i in range(count)]
                file = write_csv(os.path.join(folder, "f.csv"), ("sku", "location", "quantity"), rows)
                before = programs.ask(server, "digest")
                done = run(server, "stock", file, "--as", "add", code=code)
                assert code == 0 or "references_max" in done.stderr, done.stderr
                assert (programs.ask(server, "digest") == before) == (code != 0)
            # Set, they are done as often as anybody likes.
            assert totals(server, "stock", file)["changed"] == 1
            assert totals(server, "stock", file, "--run", "2")["unchanged"] == 101
    print("ok a server that remembers little")


def main():
    print(f"seed {SEED}")
    odds_and_ends()
    policies()
    as_of()
    dry_run()
    forgetful_server()
    import_refused()
    import_faults()
    import_order_file()
    import_through_kills()


if __name__ == "__main__":
    main()
