#!/usr/bin/env python3
"""A full disk, and one that fails, under a real server.

    1. no space for the next log segment: writes answer read_only; questions, the change feed and
       the audit go on; holds do not end meanwhile. kill -9 in the middle loses nothing that was
       acknowledged. When there is space again, writing goes on by itself, and an import that was
       stopped is finished by the same command.
    2. the directory is taken away: the server ends at once, with exit code 1, saying why

The space is that of a small tmpfs where mounting is allowed; it says so when it skips that. And in
any case a limit on the size of files (RLIMIT_FSIZE), which is met by the same call.
"""

import errno
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import programs

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
MIB = 1 << 20
SEGMENT = 8 * MIB
ROWS = 100000
PATIENCE_S = 120


# ---------------------------------------------------------------- what there is too little of


class SmallDisk:
    """A file system of its own, with a file that fills it."""

    name = "tmpfs"

    def __init__(self, folder):
        self.place = os.path.join(folder, "disk")
        self.ballast = os.path.join(self.place, "ballast")
        os.mkdir(self.place)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "holdfast-test", self.place],
                              capture_output=True, text=True, check=False)
        self.is_there = done.returncode == 0

    def use_up(self, _server):
        with open(self.ballast, "wb", buffering=0) as file:
            try:
                while file.write(bytes(64 * 1024)):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC, error

    def give_back(self, _server):
        os.unlink(self.ballast)

    def release(self):
        if self.is_there:
            subprocess.run(["umount", self.place], check=True)


class FileSize:
    """No file may become as large as a segment."""

    name = "RLIMIT_FSIZE"
    limit = resource.RLIMIT_FSIZE
    few = SEGMENT - 1

    def __init__(self, folder):
        self.place = folder
        self.is_there = True
        self.before = resource.getrlimit(self.limit)

    def use_up(self, server):
        resource.prlimit(server.process.pid, self.limit, (self.few, self.before[1]))

    def give_back(self, server):
        resource.prlimit(server.process.pid, self.limit, self.before)

    def release(self):
        pass


# ---------------------------------------------------------------- the server


def start_options(folder):
    path = os.path.join(folder, "holdfastd.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[data]\nsegment_size = 8MiB\n")
    return ["--config", path]


def write_rows(folder, number):
    """Rows that hardly pack."""
    draw = random.Random(SEED + number)
    path = os.path.join(folder, f"stock-{number}.csv")
    with open(path, "w", encoding="utf-8") as file:
        file.write("sku,location,quantity\n")
        for _ in range(ROWS):
            file.write(f"{draw.getrandbits(240):060x},HALL,{draw.randrange(1, 1000000)}\n")
    return path


def holdfast(server, *words):
    command = [programs.program("holdfast"), "--json", "--server", server.address, *words]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)


def outcome(server, *words):
    done = holdfast(server, *words)
    for stream in (done.stdout, done.stderr):
        for line in stream.splitlines():
            if line.startswith("{"):
                found = json.loads(line)
                if "outcome" in found:
                    return found["outcome"]
    return done.stdout + done.stderr


def fill(server, folder, first=0):
    """Import until the server takes no more. How many files were imported whole."""
    for number in range(first, 50):
        done = holdfast(server, "import", "stock", write_rows(folder, number), "--as", "add")
        if done.returncode != 0:
            assert "read_only" in done.stdout + done.stderr or "no writes" in done.stderr, done
            return number
    raise AssertionError("fifty files were imported and the disk is not full")


def await_writable(server):
    """It becomes writable by itself; until then it says read_only and nothing else."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = outcome(server, "receive", "AGAIN@HALL=1")
        if found == "ok":
            return
        assert found == "read_only", found
    raise AssertionError("still read only")


def follow(server, count):
    """The first so many events since the log began."""
    done = subprocess.run(
        [programs.program("holdfast"), "--json", "--server", server.address, "watch", "--from",
         "1:0", "--moves", "--limit", str(count)],
        capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    return [line for line in done.stdout.splitlines() if line]


def said(server):
    with open(server.log, encoding="utf-8") as log:
        return log.read()


def full_disk(kind):
    with programs.folder() as folder:
        space = kind(folder)
        if not space.is_there:
            print(f"skip the small {kind.name}: it may not be mounted here")
            return
        server = programs.Server(folder, *start_options(folder))
        server.data = os.path.join(space.place, "data")
        try:
            with server:
                play(server, folder, space)
        finally:
            space.release()


def check_read_only(server):
    stats = programs.ask(server, "stats")
    assert stats["read_only"] == 1 and stats["read_only_since_us"] > 0, stats
    assert outcome(server, "receive", "A@HALL=1") == "read_only"
    assert outcome(server, "reserve", "cart", "FIRST@HALL=1") == "read_only"
    assert programs.ask(server, "stock", "FIRST@HALL")["on_hand"] == 10
    assert programs.ask(server, "audit")["ok"] is True
    assert len(follow(server, 100)) >= 100


def play(server, folder, space):
    programs.ask(server, "receive", "FIRST@HALL=10")
    space.use_up(server)
    programs.ask(server, "reserve", "short", "FIRST@HALL=1", "--ttl", "1s")
    whole = fill(server, folder)
    check_read_only(server)
    if space.name == "tmpfs":
        digest = programs.ask(server, "digest")
        server.kill()
        # Asked of the files: after the start the hold that is due may find room to end.
        files = json.loads(programs.run("holdfast-log", "digest", server.data, "--json").stdout)
        assert [files["lsn"], files["digest"]] == [digest["lsn"], digest["digest"]], (files, digest)
        server.start()
        assert programs.ask(server, "stats")["durable_lsn"] >= digest["lsn"]
        # What was under way has packed better than it might have: a little more may fit.
        whole = fill(server, folder, whole)
        check_read_only(server)
    space.give_back(server)
    await_writable(server)
    assert programs.ask(server, "stats")["read_only"] == 0
    again = programs.ask(server, "import", "stock", os.path.join(folder, f"stock-{whole}.csv"),
                         "--as", "add")
    assert again["changed"] + again["repeated"] == ROWS and again["changed"] > 0, again
    for number in range(whole):
        again = programs.ask(server, "import", "stock",
                             os.path.join(folder, f"stock-{number}.csv"), "--as", "add")
        assert again["repeated"] == ROWS, again
    assert programs.ask(server, "audit")["ok"] is True
    server.stop()
    text = said(server)
    assert "read only from now on" in text and "writes are taken again" in text, text
    assert text.count("could not make the next log segment") <= 2, text  # once a process
    print(f"ok {space.name}: read only after {whole} files and a part, and back")


# ---------------------------------------------------------------- a disk that fails


def directory_gone():
    """Where the next segment should go there is nothing: no retry would help."""
    with programs.folder() as folder:
        server = programs.Server(folder, *start_options(folder))
        server.start()
        programs.ask(server, "receive", "FIRST@HALL=10")
        watchdog = threading.Timer(PATIENCE_S, server.process.kill)
        watchdog.start()
        shutil.rmtree(server.data)
        for number in range(50):
            if holdfast(server, "import", "stock", write_rows(folder, number)).returncode != 0:
                break
        code = server.process.wait()
        watchdog.cancel()
        server.reader.join()
        server.process.stderr.close()
        text = said(server)
        assert code == 1, (code, text)
        assert "there is no such file or directory" in text, text
        assert "stopping at once: the log has failed" in text, text
        print("ok the directory was taken away: ended at once, with 1")


def main():
    print(f"seed {SEED}")
    full_disk(SmallDisk)
    full_disk(FileSize)
    directory_gone()


if __name__ == "__main__":
    main()
