"""The fake server of server.py, with relatives that want to outlive it. Python's standard library alone.

    family.py PIDS [KIND]...  [-- ARGUMENT OF server.py]...

appends its own process id and those of its relatives to the file PIDS, one a line. Each KIND adds a relative; none of
them ends when it is asked to:

    group     of its own process group
    session   of a session of its own
    daemon    of a session of its own, its parent dead, without a variable in its environment
"""

import os
import pathlib
import runpy
import subprocess
import sys

STAY = "echo $$ >> {}; trap '' TERM HUP INT; while :; do sleep 1000; done"


def start(kind, pids):
    stay = ["/bin/sh", "-c", STAY.format(pids)]
    if kind == "daemon":
        # The shell in between ends at once.
        stay = ["/bin/sh", "-c", '"$@" &', "sh", *stay]
    nothing = subprocess.DEVNULL
    environment = {} if kind == "daemon" else None
    child = subprocess.Popen(stay, stdin=nothing, stdout=nothing, stderr=nothing, env=environment, start_new_session=kind != "group")
    if kind == "daemon":
        child.wait()


def main():
    pids, rest = sys.argv[1], sys.argv[2:]
    kinds = rest[: rest.index("--")] if "--" in rest else rest
    rest = rest[len(kinds) + 1 :]
    for kind in kinds:
        start(kind, pids)
    with open(pids, "a") as file:
        file.write(f"{os.getpid()}\n")
    server = pathlib.Path(__file__).with_name("server.py")
    sys.argv = [str(server), *rest]
    runpy.run_path(str(server), run_name="__main__")


main()
