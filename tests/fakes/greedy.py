"""The fake server of server.py, which takes more than its share once it has answered. Python's standard library alone.

    greedy.py memory|processes
"""

import os
import pathlib
import runpy
import sys
import threading
import time

taken = []


def memory():
    # Slowly enough to be seen, in pages that are used.
    while True:
        taken.append(b"x" * (4 << 20))
        time.sleep(0.02)


def processes():
    while True:
        if os.fork() == 0:
            time.sleep(1000)


def main():
    threading.Timer(0.5, {"memory": memory, "processes": processes}[sys.argv[1]]).start()
    server = pathlib.Path(__file__).with_name("server.py")
    sys.argv = [str(server)]
    runpy.run_path(str(server), run_name="__main__")


main()
