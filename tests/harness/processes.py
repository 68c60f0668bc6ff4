"""Child processes that listen, and end with us."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

DEADLINE = 60


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what: str, check):
    """Asks `check` again and again until it gives something."""
    start = time.monotonic()
    while not (found := check()):
        if time.monotonic() - start > DEADLINE:
            raise TimeoutError(f"not within {DEADLINE} s: {what}")
        time.sleep(0.05)
    return found


class Listening:
    """A program that listens on `port`; its output goes to `log`."""

    def __init__(
        self,
        name: str,
        command: list[str],
        port: int,
        log: Path,
        env: dict | None = None,
        cwd: Path | None = None,
    ):
        self.name, self.port, self.log = name, port, log
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("MCPO_")} | (
            env or {}
        )
        with log.open("wb") as output:
            # A process group of its own, so that the servers that it starts end with it.
            self.child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.env,
                cwd=cwd,
                start_new_session=True,
            )
        until(f"{name} listens", self.listens)

    def listens(self) -> bool:
        if self.child.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.child.returncode}:\n{self.log.read_text()}")
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        """Asks it to end; whatever of its group is left then is killed."""
        self.child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
