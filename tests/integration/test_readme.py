#!/usr/bin/env python3
"""The C example of README.md, as a user meets it: make install, pkg-config, compile, run.

The outputs it names are compared: held, then repeated, then a refusal with its lines. A sanitizer build
is passed over: its library needs the sanitizer's flags, which are not a user's.
"""

import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import programs


def main():
    with open(os.path.join(programs.BUILD, "flags"), encoding="utf-8") as flags:
        if "-fsanitize" in flags.read():
            print("skip the README example: this is a sanitizer build")
            return
    with open(os.path.join(programs.ROOT, "README.md"), encoding="utf-8") as readme:
        example = re.search(r"```c\n(.*?)```", readme.read(), re.DOTALL).group(1)

    with programs.folder() as folder, programs.Server(folder) as server:
        prefix = os.path.join(folder, "prefix")
        source = os.path.join(folder, "example.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(example)
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR")}
        environment["PKG_CONFIG_PATH"] = os.path.join(prefix, "lib", "pkgconfig")
        environment["LD_LIBRARY_PATH"] = os.path.join(prefix, "lib")
        subprocess.run(["make", "-s", "install", f"PREFIX={prefix}", f"BUILD={programs.BUILD}"],
                       cwd=programs.ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        subprocess.run("cc -Wall -Wextra -Werror example.c $(pkg-config --cflags --libs holdfast) "
                       "-o example", shell=True, cwd=folder, env=environment, check=True)
        for name in ("bin/holdfastd", "share/man/man8/holdfastd.8", "etc/holdfastd.conf",
                     "lib/systemd/system/holdfastd.service"):
            assert os.path.exists(os.path.join(prefix, name)), name
        config = os.path.join(prefix, "etc", "holdfastd.conf")
        programs.run("holdfastd", "--config", config, "--print-config")

        def example_says(code):
            done = subprocess.run([os.path.join(folder, "example"), server.address], check=False,
                                  env=environment, capture_output=True, text=True)
            assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
            return done.stdout

        assert example_says(1) == "refused: unknown_sku\n  PHONE-13: asked 1, available 0\n" \
                                  "  CASE-1: asked 1, available 0\n"
        programs.ask(server, "receive", "PHONE-13@BERLIN=1", "CASE-1@BERLIN=1")
        assert example_says(0) == "held at LSN 2\n"
        assert example_says(0) == "held at LSN 2, done before\n"
        programs.ask(server, "release", "cart-4711")
        assert "done before" in example_says(0), "it was done, and its state is told"
    print("ok the README example, installed and run")


if __name__ == "__main__":
    main()
