#!/usr/bin/env python3
"""The drill: backups while orders are played, and back to any moment.

    1. orders are played; meanwhile digests are noted and backups made, snapshots between them; then
       the server is killed with -9
    2. a server starts on a copy of each backup: its digest is that of the LSN the backup told, as
       holdfast-log finds it in the log of the killed server; its audit is clean, and it goes on
    3. the killed server's directory is restored to the noted LSNs and to a time: the digests are
       those that were noted, tokens from beyond the fork are gone, and those from before it are not
    4. a backup is restored from, to a point before its end
    5. a server killed in the middle of a backup leaves nothing that looks like one
    6. backups that cannot be: no folder is configured, it is not there, a name is taken or leads
       out of it; a stop in the middle of one
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import programs

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
ORDERS = 30000 if os.environ.get("SCALE") == "full" else 6000
CATALOG = 40000
PATIENCE_S = 120
TRIES_MAX = 40  # to meet a backup in the middle


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def configured(folder, *options):
    """A server whose backups go into a folder beside its data."""
    backups = os.path.join(folder, "backups")
    os.mkdir(backups)
    config = write(os.path.join(folder, "holdfastd.conf"),
                   f"[data]\nbackup_directory = {backups}\nsegment_size = 8MiB\n")
    return programs.Server(folder, "--config", config, *options), backups


def write_orders(path, count):
    randomness = random.Random(SEED)
    lines = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for i in range(count):
        lines.append(f"{500000 + i // 3},S{randomness.randrange(60)},thing,"
                     f"{randomness.randrange(1, 9)},2011-01-01 00:{i // 60 % 60:02}:{i % 60:02},1.0,"
                     f"{randomness.randrange(40)},Germany")
    return write(path, "\n".join(lines))


def fill(server, folder):
    lines = ["sku,location,quantity"] + [f"C{i},L{i % 4},{1 + i % 9}" for i in range(CATALOG)]
    programs.ask(server, "import", "stock",
                 write(os.path.join(folder, "catalog.csv"), "\n".join(lines)))


def backup(server, name):
    made = programs.ask(server, "backup", name)
    assert made["outcome"] == "ok" and os.path.isdir(made["path"]), made
    return made


def digest_of(server):
    told = programs.ask(server, "digest")
    return told["lsn"], told["digest"]


def offline_digest(directory, lsn=None):
    words = ["digest", directory, "--json"] + (["--at", lsn] if lsn is not None else [])
    return json.loads(programs.run("holdfast-log", *words).stdout)["digest"]


def restore(point, old, new, code=0):
    """Restore; the words of the last line, or what was said."""
    done = programs.run("holdfastd", "--restore-to", point, "--from", old, "--data", new, code=code)
    last = done.stderr.splitlines()[-1]
    if code != 0:
        return last
    assert " info restored " in last, done.stderr
    return dict(word.split("=", 1) for word in last.split(" info restored ")[1].split())


def audit(server):
    told = programs.ask(server, "audit")
    assert told["ok"] and told["violations"] == 0, told


class Place(programs.Server):
    """A server over a directory that is there already."""

    def __init__(self, folder, data):
        super().__init__(folder)
        self.data = data


def sum_of(directory):
    found = {}
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as file:
            found[name] = hash(file.read())
    return found


# ---------------------------------------------------------------- the drill


def play(server, folder, noted, backups):
    """Play orders; note digests and make backups, with a snapshot before every second one."""
    orders = write_orders(os.path.join(folder, "orders.csv"), ORDERS)
    with subprocess.Popen([programs.program("holdfast-replay"), "--server", server.address,
                           "--in-flight", "16", "--json", orders], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL) as player:
        while player.poll() is None:
            noted.append(digest_of(server))
            backups.append(backup(server, f"amid-{len(backups)}"))
            if len(backups) % 2 == 0:
                programs.ask(server, "snapshot")
    assert player.returncode == 0


def start_on_copy(folder, made, want):
    copy = os.path.join(folder, "copy")
    shutil.copytree(made["path"], copy)
    with Place(folder, copy) as server:
        assert digest_of(server) == (made["lsn"], want), made
        audit(server)
        programs.ask(server, "receive", "AFTER@L=1")
        stats = programs.ask(server, "stats")
        assert stats["lsn"] == made["lsn"] + 1 and stats["epoch"] > 1, stats
        # Behind its LSN the backup is another history than that of the server it was made of.
        assert json.loads(watch(server, f"1:{made['lsn']}").splitlines()[0])["lsn"] == stats["lsn"]
        assert "gone" in watch(server, f"1:{made['lsn'] + 1}", code=1)
    shutil.rmtree(copy)


def watch(server, token, code=0):
    return programs.run("holdfast", "--json", "watch", "--from", token, "--limit", 1,
                        address=server.address, code=code).stdout


def go_back(folder, old, point, lsn, digest, last_lsn):
    new = os.path.join(folder, "new")
    told = restore(point, old, new)
    assert (int(told["lsn"]), told["digest"], int(told["epoch"]) > 1) == (lsn, digest, True), told
    with Place(folder, new) as server:
        assert digest_of(server) == (lsn, digest)
        audit(server)
        programs.ask(server, "receive", "AFTER@L=1")
        assert programs.ask(server, "stats")["epoch"] == int(told["epoch"])
        assert "gone" in watch(server, f"1:{lsn + 1}", code=1)
        if lsn < last_lsn:
            assert "gone" in watch(server, f"1:{last_lsn}", code=1)
        # The last event before the fork is told, and so is the first one behind it.
        first = json.loads(watch(server, f"1:{lsn}").splitlines()[0])
        assert first["lsn"] == lsn + 1, first
    assert offline_digest(new, lsn) == digest
    programs.run("holdfast-log", "verify", new)
    shutil.rmtree(new)


def two_of_one(folder, old, lsn):
    """Two restores of one directory, which do not know of each other, are two histories."""
    news = [os.path.join(folder, name) for name in ("left", "right")]
    epochs = [int(restore(lsn, old, new)["epoch"]) for new in news]
    assert epochs[0] != epochs[1], epochs
    for new, epoch, other in zip(news, epochs, reversed(epochs)):
        with Place(folder, new) as server:
            programs.ask(server, "receive", f"OF-{epoch}@L=1")
            programs.ask(server, "receive", f"OF-{epoch}@L=1")
            first = json.loads(watch(server, f"{epoch}:{lsn + 1}").splitlines()[0])
            assert (first["lsn"], first["epoch"]) == (lsn + 2, epoch), first
            assert "gone" in watch(server, f"{other}:{lsn + 1}", code=1)
        shutil.rmtree(new)


def drill():
    with programs.folder() as folder:
        server, _ = configured(folder)
        noted = []
        made = []
        with server:
            fill(server, folder)
            play(server, folder, noted, made)
            before = digest_of(server)
            quiet_us = time.time_ns() // 1000
            programs.ask(server, "receive", "LATER@L=1")
            noted.append(digest_of(server))
            server.kill()
        last_lsn = noted[-1][0]
        amid = [one for one in made if one["lsn"] < before[0]]
        assert amid, "no backup was made while orders were played"
        for one in (made[0], amid[-1], made[-1]):
            programs.run("holdfast-log", "verify", one["path"])
            start_on_copy(folder, one, offline_digest(server.data, one["lsn"]))
        sums = sum_of(server.data)
        for lsn, digest in (noted[0], noted[len(noted) // 2], noted[-1]):
            go_back(folder, server.data, lsn, lsn, digest, last_lsn)
        two_of_one(folder, server.data, noted[-1][0])
        two_of_one(folder, made[-1]["path"], made[-1]["lsn"])
        quiet = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(quiet_us // 1000000))
        go_back(folder, server.data, f"{quiet}.{quiet_us % 1000000:06}Z", *before, last_lsn)
        said = restore(last_lsn + 1, server.data, os.path.join(folder, "no"), code=1)
        assert f"ends with LSN {last_lsn}" in said, said
        assert os.listdir(os.path.join(folder, "no")) == []
        assert sum_of(server.data) == sums, "a restore has changed the old directory"

        # From a backup to a point in it: digest, then backup, were asked for in turns.
        lsn, digest = noted[made.index(amid[-1])]
        assert lsn <= amid[-1]["lsn"]
        if reaches(amid[-1]["path"], lsn):
            new = os.path.join(folder, "new")
            assert restore(lsn, amid[-1]["path"], new)["digest"] == digest
        # The old directory is as it was, too, for the server.
        with server:
            assert digest_of(server) == noted[-1]
            said = restore(last_lsn, server.data, os.path.join(folder, "no"), code=1)
            assert "another process is using it" in said, said
    print(f"ok {len(made)} backups while {last_lsn} records were written, {len(amid)} in the middle; "
          f"{len(noted)} digests noted")


def oldest(directory):
    """The oldest LSN that the directory can be restored to."""
    logs = sorted(int(name[4:24]) for name in os.listdir(directory) if name.endswith(".log")
                  and name.startswith("wal-"))
    snapshots = sorted(int(name[9:29]) for name in os.listdir(directory) if name.endswith(".hfs"))
    return 1 if logs[0] == 1 else min(lsn for lsn in snapshots if lsn + 1 >= logs[0])


def reaches(directory, lsn):
    return oldest(directory) <= lsn


# ---------------------------------------------------------------- what goes wrong


def holds_data(directory):
    try:
        return any(name.startswith(("snapshot-", "wal-")) for name in os.listdir(directory))
    except FileNotFoundError:
        return False


def halt_amid(server, aside):
    """Halt the server as soon as the backup holds a file of data, before it has its name."""
    while not holds_data(aside):
        if os.path.exists(aside[:-len(".tmp")]):
            return False
    server.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, server.process.pid, os.WSTOPPED)
    return os.path.exists(aside)


def killed_amid():
    killed = 0
    with programs.folder() as folder:
        server, backups = configured(folder)
        with server:
            fill(server, folder)
            programs.ask(server, "snapshot")
            fill_more(server, folder)
            number = 0
            while number < 4 or (killed == 0 and number < TRIES_MAX):
                path = os.path.join(backups, f"b{number}")
                with subprocess.Popen([programs.program("holdfast"), "--server", server.address,
                                       "backup", f"b{number}"], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as asker:
                    is_amid = halt_amid(server, path + ".tmp")
                    server.kill()
                    asker.communicate(timeout=PATIENCE_S)
                    # One that has its name may die before it has said so.
                    assert asker.returncode in ((3,) if is_amid else (0, 3)), asker.returncode
                assert os.path.exists(path) != is_amid, "half a backup has its name"
                if is_amid:
                    killed += 1
                    left = os.path.join(folder, "left")
                    shutil.copytree(path + ".tmp", left)
                    if not os.path.exists(os.path.join(left, "MANIFEST")):
                        refused = programs.run("holdfastd", "--data", left, "--listen",
                                               "127.0.0.1:0", code=1).stderr
                        assert "has not come to its end" in refused, refused
                    shutil.rmtree(left)
                server.start()
                if is_amid: # the next one by that name takes its place
                    backup(server, f"b{number}")
                    assert os.listdir(backups).count(f"b{number}.tmp") == 0
                    programs.run("holdfast-log", "verify", path)
                number += 1
            stop_amid(server, backups)
    assert killed > 0, "no server was killed in the middle of a backup"
    print(f"ok {killed} servers killed in the middle of a backup, nothing that looks like one")


def fill_more(server, folder):
    for i in range(3):
        lines = ["sku,location,quantity"] + [f"C{k},L{k % 4},5" for k in range(CATALOG)]
        programs.ask(server, "import", "stock",
                     write(os.path.join(folder, f"more{i}.csv"), "\n".join(lines)), "--as", "add",
                     "--run", f"more{i}")


def stop_amid(server, backups):
    """A clean stop does not wait for a long backup, and leaves none half-made."""
    with subprocess.Popen([programs.program("holdfast"), "--server", server.address, "backup",
                           "stopped"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as asker:
        path = os.path.join(backups, "stopped")
        while not os.path.exists(path + ".tmp") and not os.path.exists(path):
            pass
        server.stop()
        asker.communicate(timeout=PATIENCE_S)
        assert os.path.exists(path) or asker.returncode != 0
    assert not os.path.exists(path + ".tmp")
    server.start()


def links(server, folder, backups):
    """No link below the folder leads a backup out of it; the folder itself may be one."""
    away = os.path.join(folder, "away")
    os.mkdir(away)
    for link, name in (("out", "out/five"), ("five", "five"), ("six.tmp", "six")):
        os.symlink(away, os.path.join(backups, link))
        told = programs.ask(server, "backup", name, code=2)
        assert "symbolic link" in told["message"], told
        os.remove(os.path.join(backups, link))
    assert os.listdir(away) == []
    os.rename(backups, backups + ".real")
    os.symlink(backups + ".real", backups)
    backup(server, "through-the-folder")
    os.remove(backups)
    os.rename(backups + ".real", backups)


def overlap():
    """Backups in the data directory, or beside it in a folder that holds it, are refused."""
    for below in ("data", "data/backups", "", "link"):
        with programs.folder() as folder:
            path = os.path.join(folder, below)
            config = write(os.path.join(folder, "holdfastd.conf"), f"[data]\nbackup_directory = {path}\n")
            server = programs.Server(folder, "--config", config)
            if below == "link":
                os.symlink(os.path.join(folder, "data"), os.path.join(folder, "link"))
            with server:
                os.makedirs(path, exist_ok=True)
                told = programs.ask(server, "backup", "one", code=2)
                assert "are one, or one is inside of the other" in told["message"], told
                assert programs.ask(server, "ping")["outcome"] == "ok"
    print("ok backup_directory apart from the data directory")


def refusals():
    with programs.folder() as folder, programs.Server(folder) as server:
        told = programs.ask(server, "backup", "x", code=2)
        assert told["outcome"] == "invalid_argument" and "backup_directory" in told["message"], told
    with programs.folder() as folder:
        server, backups = configured(folder)
        with server:
            programs.ask(server, "receive", "A@L=1")
            backup(server, "one")
            for name, code, want in (
                    ("one", 2, "exists already"),
                    ("../two", 2, "without"), ("a/../../two", 2, "without"), (".", 2, "without"),
                    ("a//b", 2, "without"), ("two/", 2, "without"),
                    (os.path.join(folder, "two"), 2, "only"), (backups + "x/two", 2, "only"),
                    ("two.tmp", 2, "in the making"), ("a.tmp/two", 2, "in the making"),
                    ("MANIFEST", 2, "files of a data"), ("one/LOCK", 2, "files of a data"),
                    ("wal-00000000000000000001.log/x", 2, "files of a data"),
                    ("snapshot-00000000000000000001.hfs", 2, "files of a data"),
                    ("one/two", 2, "inside of it"), ("one/two/three", 2, "inside of it"),
                    ("no/two", 1, "no such file")):
                told = programs.ask(server, "backup", name, code=code)
                assert want in told["message"], (name, told)
            assert os.listdir(backups) == ["one"]
            assert backup(server, os.path.join(backups, "two"))["path"] == os.path.join(backups, "two")
            os.mkdir(os.path.join(backups, "weekly"))
            os.mkdir(os.path.join(backups, "weekly", "empty"))
            backup(server, "weekly/3")
            backup(server, "weekly/empty")
            links(server, folder, backups)
            shutil.rmtree(backups)
            told = programs.ask(server, "backup", "four", code=1)
            assert "no such file" in told["message"] and not os.path.exists(backups), told
            if os.geteuid() != 0:
                os.mkdir(backups, 0o500)
                told = programs.ask(server, "backup", "five", code=1)
                assert "permission denied" in told["message"] and os.listdir(backups) == [], told
            audit(server)
    with programs.folder() as folder:
        for words in (["--restore-to", "5"], ["--from", folder], ["--restore-to", "0", "--from",
                      folder, "--data", folder], ["--restore-to", "yesterday", "--from", folder,
                      "--data", folder]):
            programs.run("holdfastd", *words, code=2)
        assert "no MANIFEST" in restore(5, folder, os.path.join(folder, "new"), code=1)
        assert os.listdir(folder) == []
    print("ok backups and restores that cannot be are refused, and leave nothing")


if __name__ == "__main__":
    print(f"seed {SEED}")
    refusals()
    overlap()
    killed_amid()
    drill()
