"""Starts both gateways in every mode, asks both the same, and prints what is the same, better and worse."""

import json
import sys
import tempfile
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from harness.gateway import Gateway, ours, python_mcpo
from harness.parts import MCPO
from harness.world import World

from . import readme
from .answers import Answer, answer, differing
from .differences import Difference, load
from .modes import MODES, Mode, Request

PAGE = b'<html><head><title>T</title></head><body><h1>Hi</h1><p>para <a href="/x">x</a></p></body></html>'


class Site(BaseHTTPRequestHandler):
    """A web site of one page."""

    def do_GET(self):
        found = self.path == "/index.html"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE if found else b"")

    def log_message(self, *_):
        pass


class Side:
    """One of the gateways, over a world of its own."""

    def __init__(self, start, mode: Mode, folder: Path, site: str):
        self.world = World(folder / "world", MCPO)
        self.names = {
            "$FILES": str(self.world.files),
            "$REPOSITORY": str(self.world.repository),
            "$SITE": site,
        }
        try:
            self.gateway: Gateway = start(folder / "gateway", mode.options, **self.servers(mode))
        except BaseException:
            self.world.stop()
            raise

    def servers(self, mode: Mode) -> dict:
        if mode.single:
            return {"command": self.world.command(mode.single)[0]}
        config = self.world.config(*(name for name in mode.servers if name != "dead"))
        if "dead" in mode.servers:
            config["dead"] = {"command": "/nowhere/mcp-server"}
        return {"servers": {name: server | mode.more.get(name, {}) for name, server in config.items()}}

    def wait(self, mode: Mode):
        for name in mode.servers or ("",):
            if name != "dead":
                home = f"/{name}" if name else ""
                self.gateway.connected(*(f"{prefix}{home}/openapi.json" for prefix in mode.prefixes))

    def ask(self, request: Request):
        path, body = request.path, request.body
        for stand_in, name in self.names.items():
            body = body and body.replace(stand_in, name)
        try:
            received = self.gateway.ask(request.method, path, request.headers, body and body.encode())
        except OSError:
            return Answer({"status": "no answer"})
        neutral = {name: stand_in for stand_in, name in self.names.items()}
        neutral |= {
            f"http://127.0.0.1:{self.gateway.port}": "$GATEWAY",
            str(self.world.folder.parent): "$WORLD",
        }
        return answer(path, received, neutral)

    def stop(self):
        self.gateway.stop()
        self.world.stop()


class Comparison:
    """What was found so far; `used` are the rules that explained something."""

    def __init__(self, differences: list[Difference]):
        self.differences, self.used, self.counts = differences, set(), Counter()

    def play(self, mode: Mode, folder: Path, site: str):
        sides = []
        try:
            for name, start in (("theirs", python_mcpo), ("ours", ours)):
                sides.append(Side(start, mode, folder / name, site))
            for side in sides:
                side.wait(mode)
            for request in mode.requests:
                self.compare(mode, request, *(side.ask(request) for side in sides))
        finally:
            for side in sides:
                side.stop()

    def compare(self, mode: Mode, request: Request, theirs, ours):
        unexplained = different = differing(theirs, ours)
        names = []
        for difference in self.differences:
            for rule in difference.shown:
                explained = rule.explains(mode.name, request, theirs, ours)
                if explained.intersection(different):
                    self.used.add(rule)
                    names.append(difference.name)
                    unexplained = [part for part in unexplained if part not in explained]
        verdict = "worse" if unexplained else "better" if different else "same"
        self.counts[verdict] += 1
        named = f" ({', '.join(dict.fromkeys(names))})" if names else ""
        print(f"{verdict:6} {mode.name}: {short(request)}{named}", flush=True)
        for part in unexplained:
            print(f"       {part}: theirs {shown(theirs.parts.get(part))}")
            print(f"       {part}: ours   {shown(ours.parts.get(part))}")

    def stale(self) -> list[str]:
        return [
            f"differences.toml: {difference.name}: no request shows this any more: {rule}"
            for difference in self.differences
            for rule in difference.shown
            if rule not in self.used
        ]


def short(value, length=150) -> str:
    text = str(value)
    return text if len(text) <= length else text[:length] + "…"


def shown(value) -> str:
    return short(json.dumps(value, ensure_ascii=False), 600)


def main(arguments: list[str]) -> int:
    differences = load()
    if arguments == ["--readme"]:
        readme.write(differences)
        return 0
    modes = [mode for mode in MODES if not arguments or mode.name in arguments]
    comparison = Comparison(differences)
    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="mcpo-differential-") as folder:
        for mode in modes:
            comparison.play(
                mode, Path(folder) / mode.name.replace(" ", "-"), f"http://127.0.0.1:{site.server_port}"
            )
    faults = readme.faults(differences)
    if modes == MODES:
        faults += comparison.stale()
    for fault in faults:
        print(fault)
    counts = comparison.counts
    servers = {server for mode in modes for server in (*mode.servers, mode.single)} - {"", "dead"}
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("same", "better", "worse"))
    asked = f"{counts.total()} requests to {len(servers)} servers"
    print(f"==> {asked}: {verdicts}; {len(faults)} faults in the table of differences")
    return 1 if counts["worse"] or faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
