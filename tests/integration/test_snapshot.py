#!/usr/bin/env python3
"""Snapshots of a real server that goes on serving.

    1. under load: snapshots come by themselves and on demand, the load is answered and verified;
       after kill -9 the server comes back with the digest that it had
    2. killed in the middle of one: nothing half-written is left, the digest is the same
    3. told to stop in the middle of one: it stops without finishing it, whoever asked is told

Nothing here measures time. A snapshot that must be met in its middle is made slow by its rate.
"""

import glob
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import programs

SKUS = 20000
PATIENCE_S = 120
LOADS_MAX = 20


def wait_until(what, is_so):
    for _ in range(PATIENCE_S * 100):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError(f"{what}: waited for {PATIENCE_S} s")


def settings(folder, name, **keys):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("[data]\nsegment_size = 8MiB\n")
        file.writelines(f"{key} = {value}\n" for key, value in keys.items())
    return path


def load(server, duration):
    return subprocess.Popen(
        [programs.program("holdfast-bench"), "--server", server.address, "--scenario", "lifecycle",
         "--skus", str(SKUS), "--connections", "2", "--duration", duration],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def asides(server):
    return glob.glob(os.path.join(server.data, "snapshot-*.hfs.tmp"))


def digest(server):
    told = programs.ask(server, "digest")
    return told["lsn"], told["digest"]


def snapshots_under_load(folder):
    config = settings(folder, "often.conf", snapshot_log="1MiB", snapshot_pause="0s")
    server = programs.Server(folder, "--config", config).start()
    stats = {"snapshots": 0}
    for asked in range(1, LOADS_MAX + 1):  # a busy machine may need more than one
        bench = load(server, "6s")
        programs.run("holdfast", "snapshot", address=server.address)
        output = bench.communicate()[0]
        assert bench.returncode == 0, output
        stats = programs.ask(server, "stats")
        if stats["snapshots"] >= asked + 2:  # two by themselves
            break
    assert stats["snapshot_lsn"] > 0 and stats["snapshots"] >= asked + 2, stats
    assert stats["snapshots_failed"] == 0 and stats["snapshot_bytes"] > 0, stats
    before = digest(server)
    server.kill()
    server.start()
    assert digest(server) == before
    programs.run("holdfast", "audit", address=server.address)
    server.stop()
    print(f"under load: {stats['snapshots']} snapshots, "
          f"longest copy {stats['snapshot_longest_copy_us']} us")


def begin_slow_one(folder):
    """A server at rest in the middle of a snapshot that would take minutes."""
    config = settings(folder, "slow.conf", snapshot_rate="8KiB", snapshot_log="0")
    server = programs.Server(folder, "--config", config).start()
    programs.run("holdfast", "receive", "one-more@shop", "1", address=server.address)
    before = digest(server)
    asker = subprocess.Popen(
        [programs.program("holdfast"), "--server", server.address, "snapshot"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until("a file being written", lambda: asides(server))
    assert programs.ask(server, "ping", code=0) is not None
    return server, before, asker


def killed_in_the_middle(folder):
    server, before, asker = begin_slow_one(folder)
    server.kill()
    assert asker.wait() != 0
    asker.stdout.close()
    assert asides(server)
    config = settings(folder, "plain.conf")
    server.options = ["--config", config]
    server.start()
    assert not asides(server)
    assert digest(server) == before
    programs.run("holdfast", "snapshot", address=server.address)
    server.kill()
    server.start()
    assert digest(server) == before
    server.stop()


def stopped_in_the_middle(folder):
    server, before, asker = begin_slow_one(folder)
    server.stop()
    output = asker.communicate()[0]
    assert asker.returncode != 0 and "busy" in output, output
    assert not asides(server)
    server.start()
    assert digest(server) == before
    server.stop()


def main():
    with programs.folder() as folder:
        snapshots_under_load(folder)
        killed_in_the_middle(folder)
        stopped_in_the_middle(folder)
    print("ok")


if __name__ == "__main__":
    main()
