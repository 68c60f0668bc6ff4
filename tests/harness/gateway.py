"""A gateway over servers of a world: the binary under test, or the Python mcpo."""

import json
from http.client import HTTPConnection
from pathlib import Path

from .parts import MCPO, PYTHON_MCPO, SEARCH_PATH
from .processes import Listening, free_port, until

KEY = "top-secret"
#: Seconds after which a gateway is taken not to answer at all; no request takes long by itself.
PATIENCE = 10


class Gateway:
    """Started with `options` and either a config of `servers` or the command line after `--`."""

    def __init__(
        self,
        program: Path,
        folder: Path,
        options: list[str],
        servers: dict | None = None,
        command: list[str] = (),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.port, tail = free_port(), ["--", *command]
        if servers is not None:
            config = folder / "config.json"
            config.write_text(json.dumps({"mcpServers": servers}))
            tail = ["--config", str(config)]
        line = [str(program), "--host", "127.0.0.1", "--port", str(self.port), *options, *tail]
        env = {"HOME": str(folder), "PATH": SEARCH_PATH, "NO_PROXY": "*", "no_proxy": "*"}
        self.process = Listening(program.name, line, self.port, folder / "gateway.log", env, folder)

    def ask(self, method: str, path: str, headers: dict | None = None, body: bytes | None = None):
        """Status, headers (lower case) and body; redirects are not followed."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            received = {}
            for name, value in answer.getheaders():
                name = name.lower()
                received[name] = f"{received[name]}, {value}" if name in received else value
            return answer.status, received, answer.read()
        finally:
            connection.close()

    def connected(self, *paths: str) -> dict:
        """Waits until the document at one of the paths tells of tools, and gives it."""

        def document():
            for path in paths:
                status, _, body = self.ask("GET", path, {"Authorization": f"Bearer {KEY}"})
                document = json.loads(body) if status == 200 else {}
                if document.get("paths"):
                    return document

        return until(f"GET {paths[0]} of {self.process.name} tells of tools", document)

    def stop(self):
        self.process.stop()


def ours(folder: Path, options: list[str], **servers) -> Gateway:
    return Gateway(MCPO, folder, options, **servers)


def python_mcpo(folder: Path, options: list[str], **servers) -> Gateway:
    return Gateway(PYTHON_MCPO, folder, options, **servers)
