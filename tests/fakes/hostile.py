"""A fake MCP server that floods its client in one way at a time. Python's standard library alone.

    hostile.py KIND            over stdio
    PORT=N hostile.py KIND     over streamable HTTP at /mcp and over HTTP+SSE at /sse

It has one tool, `echo`, which gives its argument `say` back. Once its tools are listed it begins: over stdio on stdout, over
HTTP on every stream of events. KIND is a key of FLOODS, of EVENTS (HTTP), or of LISTS, which have an odd list of tools instead, or one of

    deaf     floods with pings, and reads nothing any more (stdio)
    stderr   floods its log (stdio)
    hasty    ends every standing stream at once, and wants it back at once (HTTP)
    plain    floods nobody
"""

import json
import os
import queue
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

KIND = sys.argv[1]
TOOL = {"name": "echo", "inputSchema": {"type": "object", "properties": {"say": {"type": "string"}}}}
GOOD = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {"listChanged": True}}, "serverInfo": {"name": "hostile", "version": "1"}}
#: How many messages are written at once.
TOGETHER = 500
IDS = count()


def rpc(**members):
    return json.dumps({"jsonrpc": "2.0", **members}).encode()


#: One message of each flood.
FLOODS = {
    "ping": lambda: rpc(id=next(IDS), method="ping"),
    "same-id": lambda: rpc(id="a", method="ping"),
    "ask": lambda: rpc(id=f"q{next(IDS)}", method="sampling/createMessage", params={"messages": [], "maxTokens": 1}),
    "notify": lambda: rpc(method="notifications/message", params={"level": "info", "data": "x" * 200}),
    "progress": lambda: rpc(method="notifications/progress", params={"progressToken": 1, "progress": next(IDS)}),
    "changed": lambda: rpc(method="notifications/tools/list_changed"),
    "cancelled": lambda: rpc(method="notifications/cancelled", params={"requestId": next(IDS), "reason": "x"}),
    "answers": lambda: rpc(id=2_000_000_000 + next(IDS), result={"content": []}),
    "garbage": lambda: b"Listening on " + b"x" * 50,
    "batch": lambda: b"[" + b"1," * 50_000 + b"1]",
    "large": lambda: rpc(method="notifications/message", params={"level": "info", "data": "x" * 1_000_000}),
}
FLOODS["deaf"] = FLOODS["ping"]
#: What is no message at all: on stdout, and in a stream of events.
FLOODS["blank"] = lambda: b""
EVENTS = {
    "fields": b"id: 1\nretry: 100\nevent: x\n\n",
    "comments": b": still here\n\n",
    "comment": b":" + b"x" * 1000,
    "endpoints": b"event: endpoint\ndata: /messages\n\n",
    "names": b"event: " + b"x" * 1_000_000 + b"\n",
}


def tool(name, schema):
    return {"name": name, "inputSchema": schema}


def argument(schema):
    return {"type": "object", "properties": {"a": schema}}


#: The tools of a server that has too much of something.
LISTS = {
    "many": lambda: [tool(f"t{n}", {"type": "object"}) for n in range(50_000)],
    "enum": lambda: [tool("t", argument({"enum": [1] * 2_000_000}))],
    "nested": lambda: [tool("t", argument({"default": [[]] * 1_000_000}))],
    "patterns": lambda: [tool(f"t{n}", argument({"pattern": rf"^[\p{{L}}\p{{N}}]{{200}}{n}$"})) for n in range(250)],
    "described": lambda: [{**tool("t", {"type": "object"}), "description": "d" * 8_000_000}],
}
listed = threading.Event()


def answer(message):
    """The answer to a message; None for none."""
    method, id = message.get("method"), message.get("id")
    if method is None or id is None:
        return None
    if method == "initialize":
        return rpc(id=id, result=GOOD)
    if method == "tools/list":
        return rpc(id=id, result={"tools": LISTS[KIND]() if KIND in LISTS else [TOOL]})
    if method == "tools/call":
        said = str(message["params"].get("arguments", {}).get("say"))
        return rpc(id=id, result={"content": [{"type": "text", "text": said}]})
    if method == "ping":
        return rpc(id=id, result={})
    return rpc(id=id, error={"code": -32601, "message": f"no method {method}"})


def sent(reply):
    """Begins once the tools are told: a flood before them would be no flood, but a server that does not answer."""
    if b'"tools": [' in reply:
        listed.set()


def flood(write, raw=None):
    """Writes messages for ever, or until `write` fails."""
    listed.wait()
    make = FLOODS.get(KIND)
    if KIND in EVENTS and raw:
        while True:
            raw(EVENTS[KIND] * (TOGETHER if len(EVENTS[KIND]) < 100_000 else 1))
    while make:
        for message in [make() for _ in range(TOGETHER if KIND not in ("batch", "large") else 1)]:
            write(message)
        time.sleep(0.005)


def stdio():
    out, lock = sys.stdout.buffer, threading.Lock()

    def write(message):
        with lock:
            out.write(message + b"\n")
            out.flush()

    def shout():
        listed.wait()
        while True:
            os.write(2, (b"e" * 99 + b"\n") * 500)

    threading.Thread(target=flood, args=(write,), daemon=True).start()
    if KIND == "stderr":
        threading.Thread(target=shout, daemon=True).start()
    for line in sys.stdin.buffer:
        reply = answer(json.loads(line))
        if reply is not None:
            write(reply)
            sent(reply)
        if KIND == "deaf" and listed.is_set():
            threading.Event().wait()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: The messages of each stream of HTTP+SSE.
    streams: list[queue.Queue] = []

    def log_message(self, *_):
        pass

    def send(self, status, body=b"", kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Mcp-Session-Id", "s")
        self.end_headers()
        self.wfile.write(body)

    def do_DELETE(self):
        self.send(200)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = answer(message)
        if self.path == "/messages":
            self.send(202)
            if reply is not None and self.streams:
                self.streams[-1].put(reply)
        elif reply is None:
            self.send(202)
        else:
            self.send(200, reply)
            sent(reply)

    def do_GET(self):
        if self.path not in ("/mcp", "/sse"):
            return self.send(404)
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        lock = threading.Lock()

        def write(data):
            with lock:
                self.wfile.write(data)
                self.wfile.flush()

        def event(message):
            write(b"data: " + message + b"\n\n")

        try:
            if KIND == "hasty":
                return write(b"id: 1\nretry: 0\ndata: \n\n")
            if self.path == "/sse":
                self.streams.append(messages := queue.Queue())
                write(b"event: endpoint\ndata: /messages\n\n")
                threading.Thread(target=self.forever, args=(event, write), daemon=True).start()
                while True:
                    event(reply := messages.get())
                    sent(reply)
            flood(event, write)
            threading.Event().wait()
        except OSError:
            pass

    @staticmethod
    def forever(event, write):
        try:
            flood(event, write)
        except OSError:
            pass


if port := os.environ.get("PORT"):
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.daemon_threads = True
    server.serve_forever()
else:
    stdio()
