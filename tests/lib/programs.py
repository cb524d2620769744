"""The programs of the build under test, for tests written as scripts.

Server starts holdfastd on a port of its own choosing and waits for its "ready" line; the command
line is called as a user would call it. Nothing here sleeps: a server is awaited by what it says.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("HOLDFAST_BUILD", os.path.join(ROOT, "build"))
START_S = 120  # generous: a sanitizer build recovers slowly


def program(name):
    return os.path.join(BUILD, name)


class Server:
    """A holdfastd over one data directory, which outlives its processes."""

    def __init__(self, folder, *options):
        self.data = os.path.join(folder, "data")
        self.log = os.path.join(folder, "holdfastd.log")
        self.options = list(options)
        self.address = "127.0.0.1:0"  # from the first start on, the port it was given
        self.process = None
        self.reader = None

    def start(self):
        self.process = subprocess.Popen(
            [program("holdfastd"), "--data", self.data, "--listen", self.address, *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        watchdog = threading.Timer(START_S, self.process.kill)
        watchdog.start()
        lines = []
        for line in self.process.stderr:
            lines.append(line)
            if "ready listen=" in line:
                self.address = line.split("ready listen=", 1)[1].split()[0]
                break
        watchdog.cancel()
        if not lines or "ready listen=" not in lines[-1]:
            raise AssertionError("holdfastd did not start:\n" + "".join(lines))
        self.reader = threading.Thread(target=self._keep, args=(self.process.stderr, lines))
        self.reader.start()
        return self

    def _keep(self, stream, lines):
        with open(self.log, "a", encoding="utf-8") as log:
            log.writelines(lines)
            for line in stream:
                log.write(line)

    def _gone(self):
        code = self.process.wait()
        self.reader.join()
        self.process.stderr.close()
        self.process = None
        return code

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        code = self._gone()
        assert code == -signal.SIGKILL, f"holdfastd had ended by itself with {code}, see {self.log}"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self._gone()
        if code != 0:
            with open(self.log, encoding="utf-8") as log:
                raise AssertionError(f"holdfastd stopped with {code}:\n{log.read()[-4000:]}")

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if self.process is not None:
            if kind is None:
                self.stop()
            else:
                self.process.kill()
                self._gone()


def run(name, *words, address=None, code=0):
    """Run a program to its end; what it printed. Its exit code must be `code`."""
    command = [program(name)]
    if address is not None:
        command += ["--server", address]
    command += [str(word) for word in words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    assert done.returncode == code, (
        f"{' '.join(command)} ended with {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done


def ask(server, *words, code=0):
    """One command of the command line; its one JSON object."""
    return json.loads(run("holdfast", "--json", *words, address=server.address, code=code).stdout)


def folder():
    return tempfile.TemporaryDirectory(prefix="holdfast-test-")
