"""Real MCP servers with a state of their own: whoever makes two worlds sees the same in both."""

import os
import subprocess
from pathlib import Path

from .parts import npm, pypi, reference
from .processes import Listening, free_port

#: Commits made in a world's repository bear this date, so that their hashes are the same in every world.
DATE = {f"GIT_{who}_DATE": "2026-01-02T03:04:05+00:00" for who in ("AUTHOR", "COMMITTER")}
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A"), ("EMAIL", "a@example.com"))
}
GIT = DATE | AUTHOR | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}

#: The servers that exist only as programs; [`World`] knows the ones over HTTP.
STDIO = (
    "example", "time", "fetch", "everything", "memory", "filesystem", "sequential-thinking", "git", "sqlite",
    "notion", "github",
)  # fmt: skip
HTTP = {
    "everything-sse": ("sse", "sse", "sse"),
    "everything-http": ("streamable-http", "streamableHttp", "mcp"),
}


class World:
    """A folder with files, a repository and a database, and servers over it."""

    def __init__(self, folder: Path, mcpo: Path):
        self.folder, self.mcpo = folder, mcpo
        self.remotes: list[Listening] = []
        self.files, self.repository = folder / "files", folder / "repository"
        (self.files / "below").mkdir(parents=True)
        (self.files / "note.txt").write_text("one\ntwo\nthree\n")
        (self.files / "below/data.json").write_text('{"a": [1, 2.50, null]}')
        (self.files / "pixel.png").write_bytes(PIXEL)
        self.repository.mkdir()
        for command in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "first"]):
            subprocess.run(["git", *command], cwd=self.repository, env=os.environ | GIT, check=True)
        (self.repository / "new.txt").write_text("new\n")

    def config(self, *names: str) -> dict:
        """The `mcpServers` of these servers; those over HTTP are started."""
        return {name: self._http(name) if name in HTTP else self._stdio(name) for name in names}

    def stop(self):
        for remote in self.remotes:
            remote.stop()

    def _http(self, name: str) -> dict:
        kind, argument, path = HTTP[name]
        port = free_port()
        command, log = reference("everything", argument), self.folder / f"{name}.log"
        self.remotes.append(Listening(name, command, port, log, {"PORT": str(port)}))
        return {"type": kind, "url": f"http://127.0.0.1:{port}/{path}"}

    def _stdio(self, name: str) -> dict:
        command, env = self.command(name)
        return {"command": command[0], "args": command[1:], "env": env}

    def command(self, name: str) -> tuple[list[str], dict]:
        """The command line and the environment of a server."""
        match name:
            case "example":
                return [str(self.mcpo), "example-server"], {}
            case "time":
                return pypi("mcp-server-time", "--local-timezone", "UTC"), {}
            case "fetch":
                return pypi("mcp-server-fetch", "--allow-private-ips", "--ignore-robots-txt"), {}
            case "memory":
                return reference("memory"), {"MEMORY_FILE_PATH": str(self.folder / "graph.json")}
            case "filesystem":
                return reference("filesystem", str(self.files)), {}
            case "everything" | "sequential-thinking":
                return reference(name), {}
            case "git":
                return pypi("mcp-server-git", "--repository", str(self.repository), of="mcpo"), GIT
            case "sqlite":
                return pypi("mcp-server-sqlite", "--db-path", str(self.folder / "data.db"), of="mcpo"), {}
            case "notion":
                script = "bin/cli.mjs"
                return npm("@notionhq/notion-mcp-server", of="node-judges", script=script), {
                    "NOTION_TOKEN": "none"
                }
            case "github":
                return npm("@modelcontextprotocol/server-github", of="node-judges"), {}
        raise ValueError(f"no server {name}")


#: A PNG of one pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154"
    "789c6360000002000001e221bc330000000049454e44ae426082"
)
