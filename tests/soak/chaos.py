"""A gateway before a server that works and a crowd that means harm: servers that flood it, and callers that hold on to it.

The server that works is called 50 times a second: first in quiet, then among the crowd, then in quiet again.
"""

import contextlib
import json
import socket
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from signal import SIGHUP
from statistics import quantiles
from threading import Event, Thread

from harness.gateway import ours
from harness.parts import MCPO, TESTS, pypi
from harness.processes import Listening, free_port

from .gauge import Sample

#: Calls a second to the server that works.
RATE = 50
#: The shares of the time that are quiet, before the crowd and after it.
QUIET = 0.15
#: What the verdict admits: memory among the crowd in KiB, how much more after it, and how much slower the slowest percent.
MOST_RSS, MORE_RSS, SLOWER = 150 << 10, 1.2, 2.0
#: From this many calls among the crowd on, the slowest percent is judged.
JUDGED = 5_000

HOSTILE = TESTS / "fakes/hostile.py"
STDIO = (
    "ping", "deaf", "ask", "notify", "changed", "answers", "garbage", "batch", "large", "stderr",
    "many", "enum", "nested", "patterns", "described",
)  # fmt: skip
HTTP = {"ping": "mcp", "notify": "mcp", "changed": "mcp", "hasty": "mcp", "cancelled": "sse", "large": "sse"}


class Crowd:
    """Callers that mean harm: each does its worst again and again until it is over."""

    def __init__(self, port: int, over: Event):
        self.port, self.over = port, over
        work = (self.reads_nothing, self.reads_no_files, self.sends_slowly, self.sends_much, self.nests, self.hangs_up)
        self.threads = [Thread(target=self.repeat, args=(each,)) for each in work for _ in range(2)]
        for thread in self.threads:
            thread.start()

    def join(self):
        for thread in self.threads:
            thread.join()

    def repeat(self, work):
        while not self.over.wait(0.2):
            # Being refused is what it is here for.
            with contextlib.suppress(OSError, HTTPException):
                work()

    def say(self, text: bytes, wait: float, small=True):
        """Sends a text and reads nothing for a while."""
        with socket.socket() as client:
            if small:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(2)
            client.connect(("127.0.0.1", self.port))
            client.sendall(text)
            self.over.wait(wait)

    def post(self, path: str, body: bytes) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        return head.encode() + b"\r\n\r\n" + body

    def reads_nothing(self):
        said = json.dumps({"say": "x" * 2_000_000}).encode()
        self.say(self.post("/good-too/echo", said), 5)

    def reads_no_files(self):
        request = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
        self.say(request * 16, 5)

    def sends_slowly(self):
        self.say(b"POST /good/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{", 5)

    def sends_much(self):
        self.say(self.post("/good/echo", b'{"a": "' + b"x" * (15 << 20) + b'"'), 0.5, small=False)

    def nests(self):
        self.say(self.post("/good/echo", b"[" * 1_000_000), 0.1, small=False)

    def hangs_up(self):
        for _ in range(20):
            self.say(self.post("/good-too/echo", b'{"say": "x"}'), 0, small=False)


class Chaos:
    """The whole run; `faults` is its verdict."""

    def __init__(self, folder: Path, seconds: float):
        self.folder, self.seconds = folder, seconds
        self.over = Event()
        self.faults: list[str] = []
        self.remotes = {name: self.remote(name, path) for name, path in HTTP.items()}
        self.gateway = ours(folder / "gateway", ["--log-level", "warn"], servers=self.servers())
        self.pid = self.gateway.process.child.pid
        for name in ("good", "good-too"):
            self.gateway.connected(f"/{name}/openapi.json")

    def remote(self, name: str, path: str) -> tuple[Listening, str]:
        port = free_port()
        command = pypi("python", str(HOSTILE), name)
        log = self.folder / f"{name}.log"
        return Listening(name, command, port, log, {"PORT": str(port)}), f"http://127.0.0.1:{port}/{path}"

    def servers(self, hostile: bool = False) -> dict:
        python = pypi("python")[0]
        servers = {
            "good": {"command": str(MCPO), "args": ["example-server"]},
            "good-too": {"command": python, "args": [str(HOSTILE), "plain"]},
        }
        if hostile:
            for kind in STDIO:
                servers[f"stdio-{kind}"] = {"command": python, "args": [str(HOSTILE), kind]}
            for kind, (_, url) in self.remotes.items():
                transport = "sse" if HTTP[kind] == "sse" else "http"
                servers[f"{transport}-{kind}"] = {"type": transport, "url": url}
        return servers

    def reload(self, hostile: bool):
        config = self.folder / "gateway/config.json"
        config.write_text(json.dumps({"mcpServers": self.servers(hostile)}))
        self.gateway.process.child.send_signal(SIGHUP)

    def call(self, seconds: float) -> tuple[list[float], int]:
        """Calls at a steady rate, however long each takes; gives the times from when each was due, and the largest RSS."""
        times, largest, start, due = [], 0, time.monotonic(), 0.0
        connection, body = None, json.dumps({"timezone": "UTC"}).encode()
        while due < seconds:
            time.sleep(max(0.0, start + due - time.monotonic()))
            try:
                connection = connection or HTTPConnection("127.0.0.1", self.gateway.port, timeout=10)
                connection.request("POST", "/good/get_current_time", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    self.faults.append(f"a good call gave {answer.status}: {text[:200]!r}")
            except (OSError, HTTPException) as error:
                self.faults.append(f"a good call failed: {error!r}")
                connection = None
            times.append(time.monotonic() - start - due)
            due += 1 / RATE
            if len(times) % RATE == 0:
                largest = max(largest, Sample.of(self.pid).rss)
        return times, largest

    def run(self):
        quiet, before = self.call(self.seconds * QUIET)
        self.reload(hostile=True)
        crowd = Crowd(self.gateway.port, self.over)
        loud, among = self.call(self.seconds * (1 - 2 * QUIET))
        print(self.hits())
        self.over.set()
        crowd.join()
        self.reload(hostile=False)
        _, _ = self.call(self.seconds * QUIET)
        after = Sample.of(self.pid).rss
        slowest = [quantiles(times, n=100)[98] * 1000 for times in (quiet, loud)]
        print(f"calls {len(quiet)} quiet, {len(loud)} among the crowd; p99 {slowest[0]:.1f} ms and {slowest[1]:.1f} ms")
        print(f"RSS {before} KiB before, at most {among} KiB among the crowd, {after} KiB after")
        if among > MOST_RSS:
            self.faults.append(f"RSS rose to {among} KiB")
        if after > before * MORE_RSS:
            self.faults.append(f"RSS stays at {after} KiB; it was {before} KiB")
        if len(loud) >= JUDGED and slowest[1] > slowest[0] * SLOWER:
            self.faults.append(f"the slowest percent took {slowest[1]:.1f} ms, in quiet {slowest[0]:.1f} ms")

    def hits(self) -> str:
        _, _, body = self.gateway.ask("GET", "/metrics")
        lines = (line for line in body.decode().splitlines() if line.startswith("mcpo_bounds_hit_total{"))
        return "bounds hit: " + ", ".join(line[len('mcpo_bounds_hit_total{bound="') :].replace('"}', "") for line in lines)

    def stop(self):
        self.over.set()
        self.gateway.stop()
        for listening, _ in self.remotes.values():
            listening.stop()


def run(seconds: float, folder: Path) -> list[str]:
    """Runs it; gives the faults that were found."""
    chaos = Chaos(folder, seconds)
    try:
        chaos.run()
    finally:
        chaos.stop()
    return chaos.faults
