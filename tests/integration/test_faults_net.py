#!/usr/bin/env python3
"""Faulty clients, floods, too few descriptors, too little memory and an unsteady clock, under a
real server. Somebody is served all the while.

    1. the system allows few open files: fewer connections are let in, and it is said at the start
    2. descriptors run out while it serves: who wants in waits, and gets in when there are some
    3. connections beyond connections_max, garbage, and half frames, hundreds of them: each is
       turned away, and the operator's log does not fill
    4. memory_max is reached: what would add to it is limit_exceeded, the rest goes on
    5. the clock is set forward by a day and back by two: holds end when their time has passed
"""

import json
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import programs

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
PATIENCE_S = 120
FLOOD = 300
LINES_MAX = 20  # about clients, in a minute: HF_NOTICES_MAX of net/notice.h

CLOCK_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static volatile const long long *offset_s;
__attribute__((constructor)) static void look(void)
{
    const int file = open(getenv("TEST_CLOCK"), O_RDONLY);
    if (file >= 0) {
        offset_s = mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, file, 0);
        close(file);
    }
}
int clock_gettime(clockid_t id, struct timespec *now)
{
    const int result = (int)syscall(SYS_clock_gettime, id, now);
    if (id == CLOCK_REALTIME && offset_s != NULL && offset_s != MAP_FAILED) {
        now->tv_sec += *offset_s;
    }
    return result;
}
"""


class Guest:
    """A client that is connected all the while."""

    def __init__(self, server):
        programs.ask(server, "receive", "GUEST@HALL=10")
        self.process = subprocess.Popen(
            [programs.program("holdfast"), "--json", "--server", server.address, "--keep-going"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.is_served()

    def is_served(self):
        self.process.stdin.write("stock GUEST@HALL\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert json.loads(answer)["on_hand"] == 10, answer

    def leave(self):
        self.is_served()
        self.process.stdin.close()
        assert self.process.wait() == 0
        self.process.stdout.close()


def config(folder, text):
    path = os.path.join(folder, "holdfastd.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return ["--config", path]


def said(server):
    with open(server.log, encoding="utf-8") as log:
        return log.read()


def connect(server):
    host, port = server.address.rsplit(":", 1)
    client = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
    return client


def read_to_the_end(client):
    """What the server says until it closes."""
    count = 0
    try:
        while True:
            got = client.recv(65536)
            if not got:
                return count
            count += len(got)
    except ConnectionError:
        return count


# ---------------------------------------------------------------- descriptors


def few_descriptors():
    with programs.folder() as folder:
        wrapped = os.path.join(folder, "build")
        os.mkdir(wrapped)
        wrapper = os.path.join(wrapped, "holdfastd")
        with open(wrapper, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nulimit -n 70\nexec '{programs.program('holdfastd')}' \"$@\"\n")
        os.chmod(wrapper, 0o755)
        server = programs.Server(folder)
        build, programs.BUILD = programs.BUILD, wrapped
        try:
            server.start()
        finally:
            programs.BUILD = build
        guest = Guest(server)
        held = [connect(server) for _ in range(40)]
        guest.is_served()
        for client in held:
            client.close()
        guest.leave()
        server.stop()
        assert "connections_max is 6 instead of 1024" in said(server), said(server)
        assert "refused: connections_max is reached" in said(server), said(server)
        print("ok few descriptors: fewer connections")


def no_descriptors():
    if not os.path.isdir("/proc/self/fd"):
        print("skip running out of descriptors: no /proc here to count them")
        return
    with programs.folder() as folder:
        server = programs.Server(folder)
        with server:
            guest = Guest(server)
            pid = server.process.pid
            before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            used = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 1, before[1]))
            waiting = [subprocess.Popen(
                [programs.program("holdfast"), "--server", server.address, "ping"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                       for _ in range(used + 5)]  # more than there may be gaps between those used
            for _ in range(100):
                guest.is_served()
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
            for client in waiting:
                assert client.wait(PATIENCE_S) == 0
            guest.leave()
        count = said(server).count("could not accept a connection")
        assert count <= 1, said(server)
        print(f"ok no descriptors: {len(waiting)} clients waited, told {count} times")


# ---------------------------------------------------------------- floods


def floods():
    with programs.folder() as folder:
        options = config(folder, "[server]\nconnections_max = 16\nidle_timeout = 1s\n")
        server = programs.Server(folder, *options)
        with server:
            draw = random.Random(SEED)
            programs.ask(server, "receive", "GUEST@HALL=10")

            # They say nothing; then half a frame. All are closed, for being idle if not before.
            for start in (b"", b"HF", b"\0" * 10):
                clients = [connect(server) for _ in range(FLOOD // 3)]
                for client in clients:
                    try:
                        client.sendall(start)
                    except ConnectionError:
                        pass
                for client in clients:
                    read_to_the_end(client)
                    client.close()
                assert programs.ask(server, "stock", "GUEST@HALL")["on_hand"] == 10
            # Garbage: an answer that says so, and the end.
            for number in range(FLOOD):
                with connect(server) as client:
                    garbage = b"GET / HTTP/1.1\r\n\r\n" + draw.randbytes(draw.randrange(10, 3000))
                    try:
                        client.sendall(garbage)
                    except ConnectionError:
                        pass
                    read_to_the_end(client)
                if number % 50 == 0:
                    assert programs.ask(server, "stock", "GUEST@HALL")["on_hand"] == 10
        lines = [line for line in said(server).splitlines() if "connection from" in line]
        assert 0 < len(lines) <= LINES_MAX * 4, len(lines)  # it may take more than a minute
        print(f"ok floods: {2 * FLOOD} clients turned away in {len(lines)} lines")


# ---------------------------------------------------------------- memory


def little_memory():
    with programs.folder() as folder:
        server = programs.Server(folder, *config(folder, "[engine]\nmemory_max = 16MiB\n"))
        with server:
            guest = Guest(server)
            path = os.path.join(folder, "stock.csv")
            with open(path, "w", encoding="utf-8") as file:
                file.write("sku,location,quantity\n")
                file.writelines(f"sku-{number},HALL,5\n" for number in range(200000))
            done = subprocess.run(
                [programs.program("holdfast"), "--json", "--server", server.address, "import",
                 "stock", path, "--as", "add"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            assert done.returncode == 1 and "limit" in done.stdout + done.stderr, done
            guest.is_served()
            programs.ask(server, "sell", "GUEST@HALL=1")
            programs.ask(server, "adjust", "GUEST@HALL=1", "--reason", "found")
            assert programs.ask(server, "audit")["ok"] is True
            digest = programs.ask(server, "digest")
            guest.leave()
            server.kill()
            server.start()
            assert programs.ask(server, "digest") == digest
        print("ok memory_max: limit_exceeded, and the rest goes on")


# ---------------------------------------------------------------- the clock


def set_clock(path, offset_s):
    with open(path, "r+b") as file:
        file.write(offset_s.to_bytes(8, sys.byteorder, signed=True))


def state_of(server, reservation):
    return programs.ask(server, "show", reservation)["state"]


def unsteady_clock():
    compiler = shutil.which("cc")
    with open(programs.program("holdfastd"), "rb") as file:
        code = file.read()
    sanitized = b"__asan" in code or b"__tsan" in code
    if compiler is None or sanitized or not sys.platform.startswith("linux"):
        print("skip setting the clock of a server: it needs cc, Linux and no sanitizer")
        return
    with programs.folder() as folder:
        source = os.path.join(folder, "clock.c")
        library = os.path.join(folder, "clock.so")
        clock = os.path.join(folder, "clock")
        with open(source, "w", encoding="utf-8") as file:
            file.write(CLOCK_SOURCE)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
        with open(clock, "wb") as file:
            file.write(bytes(8))
        server = programs.Server(folder)
        os.environ.update(LD_PRELOAD=library, TEST_CLOCK=clock)
        try:
            server.start()
        finally:
            del os.environ["LD_PRELOAD"], os.environ["TEST_CLOCK"]
        programs.ask(server, "receive", "GUEST@HALL=10")
        programs.ask(server, "reserve", "long", "GUEST@HALL=1", "--ttl", "1h")
        for number, offset_s in enumerate((86400, -86400)):
            set_clock(clock, offset_s)
            short = f"short-{number}"
            programs.ask(server, "reserve", short, "GUEST@HALL=1", "--ttl", "1s")
            end = time.monotonic() + PATIENCE_S
            while state_of(server, short) != "expired":
                assert time.monotonic() < end, "it lives for ever"
            assert state_of(server, "long") == "held", "it has ended early"
        ledger = programs.run("holdfast", "--json", "ledger", "GUEST@HALL", address=server.address)
        moves = [json.loads(line) for line in ledger.stdout.splitlines()]
        times = [move["ts"] for move in moves]
        assert len(times) == 6 and times == sorted(times, reverse=True), times
        server.stop()
        assert "the system's clock is 86399 s ahead" in said(server) or \
            "the system's clock is 86400 s ahead" in said(server), said(server)
        assert "behind log time" in said(server), said(server)
        print(f"ok the clock set forward and back: {len(times)} moves in order, holds in time")


def main():
    print(f"seed {SEED}")
    few_descriptors()
    no_descriptors()
    floods()
    little_memory()
    unsteady_clock()


if __name__ == "__main__":
    main()
