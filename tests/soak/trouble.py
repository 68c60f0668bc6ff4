"""A gateway under load, and what troubles it: a server that is killed again and again, and reloads."""

import contextlib
import json
import os
import signal
from pathlib import Path
from threading import Event, Thread

from harness.gateway import ours
from harness.parts import MCPO, TESTS, pypi, reference
from harness.processes import Listening, free_port

from .gauge import family

#: Seconds between two calls of one caller, between two kills, and between two reloads.
PACE, FLAP, RELOAD = 0.1, 2, 5
#: How many callers each server has.
CALLERS = 2
CALLS = {
    "steady": ("/steady/get_current_time", {"timezone": "UTC"}),
    "remote": ("/remote/echo", {"message": "x"}),
    "flaps": ("/flaps/call", {}),
}
#: What a caller of the server that is killed may be told: it is down, or was lost with the call.
EXPECTED = {"flaps": (200, 502, 503)}
FAKE = TESTS / "fakes/server.py"


class Trouble:
    """The gateway with its servers; begins at once, and ends with the `with` block."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.calls = self.kills = self.reloads = 0
        self.failed: list[str] = []
        self.over = Event()
        port, remote = free_port(), reference("everything", "streamableHttp")
        self.remote = Listening("remote", remote, port, folder / "remote.log", {"PORT": str(port)})
        self.gateway = ours(folder / "gateway", ["--log-level", "warn"], servers=self.servers())
        self.pid = self.gateway.process.child.pid
        work = [(PACE, lambda name=name: self.call(name)) for name in CALLS for _ in range(CALLERS)]
        work += [(FLAP, self.flap), (RELOAD, self.reload)]
        self.threads = [Thread(target=self.repeat, args=each) for each in work]

    def __enter__(self):
        for name in CALLS:
            self.gateway.connected(f"/{name}/openapi.json")
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end()
        self.gateway.stop()
        self.remote.stop()

    def end(self):
        """Ends load and trouble; the gateway goes on."""
        self.over.set()
        for thread in self.threads:
            thread.join()

    def servers(self) -> dict:
        """Three that stay, and one that is another after each reload."""
        fake = pypi("python", str(FAKE), "--name", f"guest-{self.reloads}")
        return {
            "steady": {"command": str(MCPO), "args": ["example-server"]},
            "remote": {"type": "http", "url": f"http://127.0.0.1:{self.remote.port}/mcp"},
            "flaps": {"command": fake[0], "args": [str(FAKE)], "restartsPerMinute": 1000},
            "guest": {"command": fake[0], "args": fake[1:]},
        }

    def repeat(self, seconds: float, work):
        while not self.over.wait(seconds):
            try:
                work()
            except Exception as error:  # Whatever it is, it counts.
                self.failed.append(f"{type(error).__name__}: {error}")

    def call(self, name: str):
        path, arguments = CALLS[name]
        headers = {"Content-Type": "application/json"}
        status, _, body = self.gateway.ask("POST", path, headers, json.dumps(arguments).encode())
        self.calls += 1
        if status not in EXPECTED.get(name, (200,)):
            self.failed.append(f"{path} gave {status}: {body.decode()}")

    def flap(self):
        for pid in family(self.pid):
            # It may have ended since.
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if str(FAKE).encode() in line and b"--name" not in line:
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1

    def reload(self):
        self.reloads += 1
        config = self.folder / "gateway/config.json"
        config.write_text(json.dumps({"mcpServers": self.servers()}))
        self.gateway.process.child.send_signal(signal.SIGHUP)
