#!/usr/bin/env python3
"""holdfast-bench: what it prints, what it proves, and that its proof can fail.

Short runs; nothing here looks at how fast they were.
"""

import json
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import programs

KEYS = ("scenario connections in_flight batch durability seconds ops ops_per_s p50_us p90_us p99_us "
        "p999_us p9999_us max_us refused errors fsyncs log_bytes server_cpu_s client_cpu_s "
        "verified").split()


def bench(*words, code=0):
    return programs.run("holdfast-bench", "--json", "--duration", "300ms", *words, code=code)


def check_spawned(words, expected):
    result = json.loads(bench("--spawn", *words).stdout)
    assert list(result) == KEYS, list(result)
    for name, value in expected.items():
        assert result[name] == value, f"{words}: {name} is {result[name]}, must be {value}"
    assert result["verified"] is True and result["errors"] == 0 and result["refused"] == 0, result
    assert result["ops"] > 0 and result["seconds"] > 0
    percentiles = [result[name] for name in KEYS[8:14]]
    assert percentiles == sorted(percentiles) and percentiles[0] > 0, percentiles
    assert not folders(), f"left behind: {folders()}"
    return result


def check_scenarios():
    check_spawned(["--scenario", "reserve"],
                  {"scenario": "reserve", "connections": 8, "in_flight": 128, "batch": 64,
                   "durability": "sync"})
    check_spawned(["--scenario", "reserve", "--connections", "3", "--in-flight", "1", "--skus", "1"],
                  {"connections": 3, "in_flight": 1, "batch": 1})
    # A frame that does not divide what is in flight: the last one is smaller.
    check_spawned(["--scenario", "lifecycle", "--in-flight", "100", "--batch", "30",
                   "--durability", "none"], {"in_flight": 100, "batch": 30, "durability": "none"})
    read = check_spawned(["--scenario", "read", "--skus", "2500"], {"scenario": "read"})
    assert read["log_bytes"] == 0, "reads were logged"
    rate = check_spawned(["--scenario", "lifecycle", "--rate", "2000", "--connections", "2",
                          "--durability", "interval:20"],
                         {"in_flight": None, "durability": "interval:20"})
    assert rate["ops"] == 600, "every operation that was due was sent"


def check_followers():
    words = ["--spawn", "--scenario", "reserve", "--rate", "4000", "--followers", "5"]
    result = json.loads(bench(*words).stdout)
    assert result["verified"] is True and len(result["followers"]) == 5, result
    for follower in result["followers"]:
        assert follower["events"] == result["ops"] == 1200, result

    # Long enough for followers to come on the slowest build of a busy machine.
    turns = json.loads(bench("--spawn", "--scenario", "reserve", "--rate", "1000", "--followers",
                             "5", "--duration", "3s", "--turns", "1s").stdout)["turns"]
    assert turns["count"] == 3 and 0 < turns["events"] <= 5 * 1000, turns
    for half, count in (("without", 2), ("with", 1)):
        # What was due in the first tenth of a turn is left out.
        assert turns[half]["ops"] == count * 900, turns
        assert 0 < turns[half]["p50_us"] <= turns[half]["p99_us"] <= turns[half]["p999_us"], turns
    for wrong in (["--turns", "200ms"], ["--turns", "100us"], ["--turns", "no"]):
        assert bench(*words, *wrong, code=2).stdout == ""
    assert bench(*words[:3], "--followers", "5", "--turns", "100ms", code=2).stdout == ""


def check_open_reservations():
    """They are there, hold a unit each, and the proof counts them in."""
    result = check_spawned(["--scenario", "lifecycle", "--skus", "500", "--open", "5000",
                            "--references", "20000", "--durability", "none"], {})
    assert result["ops"] > 0
    with programs.folder() as folder, programs.Server(folder) as server:
        bench("--scenario", "read", "--skus", "10", "--open", "4097", "--server", server.address)
        listed = programs.run("holdfast", "--json", "list", address=server.address).stdout
        held = [json.loads(line)["held"] for line in listed.splitlines()]
        assert len(held) == 10 and sum(held) == 4097, held


def check_snapshots():
    """In every second turn one is taken; both halves have operations, time and memory."""
    words = ["--spawn", "--scenario", "lifecycle", "--snapshots", "--skus", "2000", "--open", "2000"]
    for load in (["--in-flight", "64"], ["--rate", "4000"]):
        result = json.loads(bench(*words, *load, "--turns", "75ms").stdout)
        turns = result["turns"]
        assert result["verified"] is True and turns["count"] == 4, result
        # A snapshot may take all of its turn and of the next one with it.
        assert 1 <= turns["snapshots"] <= 2 and turns["longest_snapshot_s"] > 0, turns
        assert turns["with"]["seconds"] > 0 and turns["without"]["peak_bytes"] >= 0, turns
        assert turns["with"]["peak_bytes"] > 1 << 20 and turns["with"]["peak_ratio"] >= 0.9, turns
        assert turns["with"]["ops"] + turns["without"]["ops"] <= result["ops"], turns
        assert 0 <= turns["without"]["seconds"] <= 2 * 0.9 * 0.075 + 1e-9, turns
    for wrong in (["--snapshots"], ["--snapshots", "--turns", "400ms"], ["--turns", "100ms"],
                  ["--snapshots", "--turns", "100ms", "--rate", "10", "--followers", "1"]):
        assert bench(*words[:3], *wrong, code=2).stdout == ""


def check_restore():
    """bench/restore: both starts come to the state of before, and it says from what."""
    done = subprocess.run([os.path.join(programs.ROOT, "bench", "restore"), "--cells", "3000",
                           "--locations", "3", "--open", "2000", "--seconds", "1", "--json"], capture_output=True,
                          text=True, check=False,
                          env=dict(os.environ, HOLDFAST_BUILD=programs.BUILD))
    assert done.returncode == 0, done.stderr
    snapshot, log = [json.loads(line) for line in done.stdout.splitlines()]
    assert snapshot["what"] == "snapshot" and snapshot["cells"] == 3000, snapshot
    assert snapshot["skus"] == 1000 and snapshot["locations"] == 3, snapshot
    assert snapshot["reservations"] == 2000 and snapshot["items_per_s"] > snapshot["per_s"], snapshot
    assert log["what"] == "log" and log["records"] > 0 and log["peak_bytes"] > 0, log
    assert snapshot["per_s"] > 0 and log["per_s"] > 0
    left = [name for name in os.listdir(programs.BUILD) if name.startswith("restore-data-")]
    assert not left, f"left behind: {left}"


def folders():
    return {name for name in os.listdir(programs.BUILD) if name.startswith("bench-data-")}


def children(parent):
    """Processes whose parent is this one."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as stat:
                if int(stat.read().rsplit(")", 1)[1].split()[1]) == parent:
                    found.append(int(name))
        except (OSError, ValueError):
            pass  # no process, or one that has ended
    return found


def is_ready(folder):
    """The server is not up as long as its log does not say so."""
    try:
        with open(os.path.join(programs.BUILD, folder, "holdfastd.log"), encoding="utf-8") as log:
            return "ready listen=" in log.read()
    except OSError:
        return False


def take_signals():
    """As at a terminal, also where this test itself runs in the background or below nohup."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def check_interrupted():
    """Whoever ends a run in the middle is left neither its server nor its data."""
    for number, waits in ((signal.SIGINT, True), (signal.SIGTERM, True), (signal.SIGHUP, False)):
        command = [programs.program("holdfast-bench"), "--spawn", "--scenario", "reserve",
                   "--duration", "5m", "--rate", "1000"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              preexec_fn=take_signals) as load:  # pylint: disable=W1509
            servers = []
            while load.poll() is None and not (servers and (
                    not waits or any(is_ready(folder) for folder in folders()))):
                servers = children(load.pid)
            assert load.poll() is None, f"it ended by itself with {load.returncode}"
            load.send_signal(number)
            assert load.wait() == -number, (number, load.returncode)
        assert not folders(), f"{number}: left behind: {folders()}"
        left = [pid for pid in servers if os.path.exists(f"/proc/{pid}/exe")]
        assert not left, f"{number}: still there: {left}"


def check_running_server():
    with programs.folder() as folder, programs.Server(folder) as server:
        done = bench("--scenario", "reserve", "--server", server.address)
        result = json.loads(done.stdout)
        assert result["durability"] is None and result["verified"] is True, result
        assert programs.ask(server, "audit")["ok"] is True
        # A second run on the same server has cells of its own.
        assert json.loads(bench("--scenario", "lifecycle", "--server",
                                server.address).stdout)["verified"] is True


def check_that_the_proof_can_fail():
    """While it runs, somebody takes five units of its stock: balances and replies differ."""
    with programs.folder() as folder, programs.Server(folder) as server:
        command = [programs.program("holdfast-bench"), "--server", server.address, "--scenario",
                   "reserve", "--duration", "2s", "--skus", "1", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as load:
            cell = None
            while cell is None and load.poll() is None:
                listed = programs.run("holdfast", "--json", "list", address=server.address).stdout
                cells = [json.loads(line) for line in listed.splitlines()]
                cell = next((c for c in cells if c["held"] > 0), None)
            assert cell is not None, "the load ended before it was seen"
            programs.ask(server, "adjust", f"{cell['sku']}@{cell['location']}", "-5")
            output, errors = load.communicate()
        assert load.returncode == 1, (load.returncode, output, errors)
        assert json.loads(output)["verified"] is False
        assert "on_hand" in errors, errors


def check_usage():
    for words in ([], ["--scenario", "nothing"], ["--scenario", "reserve", "--connections", "0"],
                  ["--scenario", "reserve", "--batch", "2", "--in-flight", "1"],
                  ["--scenario", "reserve", "--spawn", "--server", "127.0.0.1:1"],
                  ["--scenario", "reserve", "--durability", "sync"],
                  ["--scenario", "reserve", "--references", "10"],
                  ["--scenario", "reserve", "--spawn", "--open", "0"],
                  ["--scenario", "reserve", "--rate", "-5"], ["--scenario", "reserve", "more"],
                  ["--scenario", "reserve", "--duration", "11m"], ["--unknown"]):
        done = programs.run("holdfast-bench", *words, code=2)
        assert done.stdout == "" and done.stderr != "", words
    programs.run("holdfast-bench", "--scenario", "reserve", "--server", "127.0.0.1:1", code=3)
    programs.run("holdfast-bench", "--scenario", "reserve", "--spawn", "--durability", "perhaps",
                 code=3)


def main():
    check_usage()
    check_scenarios()
    check_followers()
    check_open_reservations()
    check_snapshots()
    check_restore()
    check_interrupted()
    check_running_server()
    check_that_the_proof_can_fail()
    print("ok holdfast-bench: seven loads verified, one that was not, three interrupted")


if __name__ == "__main__":
    main()
