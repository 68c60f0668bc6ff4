"""The fake of `server.py` over HTTP, with the same options. Python's standard library alone.

It listens on the port that the environment names. At /mcp it speaks streamable HTTP, with a session but without a
standing stream, where a call may tell it also:
    {"refuse": N}        answers this POST and the next, N together, with 503, as a proxy does
At /sse it speaks HTTP+SSE, where a call may tell it also:
    {"hang_up": true}    ends the stream and never answers the POST
    {"forget": true}     answers, and refuses every further POST of the session, though its stream stays open
At /redirect/{status}?{location} it redirects there; to nowhere without one, and at /circle to itself.
"""

import json
import os
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from server import Server, options

SERVER = Server(options())
#: The messages for each stream, by the path that its client POSTs to; None ends it.
STREAMS = {}
#: How many POSTs are still to be refused.
refusals = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def redirects(self):
        if self.path == "/circle":
            self.reply(302, location="/circle")
        elif self.path.startswith("/redirect/"):
            status, _, location = self.path.removeprefix("/redirect/").partition("?")
            self.reply(int(status), location=location)
        else:
            return False
        return True

    def do_GET(self):
        if self.redirects():
            return
        if self.path != "/sse":
            return self.reply(405)
        path, messages = f"/message/{len(STREAMS)}", queue.Queue()
        STREAMS[path] = messages
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(f"event: endpoint\ndata: {path}\n\n".encode())
        while (message := messages.get()) is not None:
            self.wfile.write(f"data: {json.dumps(message)}\n\n".encode())

    def do_POST(self):
        global refusals
        [message] = SERVER.hear(self.rfile.read(int(self.headers["Content-Length"])) + b"\n")
        if self.redirects():
            return
        told = (message.get("params") or {}).get("arguments") or {}
        refusals = told.get("refuse", refusals)
        if refusals:
            refusals -= 1
            return self.reply(503)
        if self.path == "/mcp":
            answer = SERVER.take(message)
            return self.reply(200 if answer else 202, answer)
        messages = STREAMS[self.path]
        if messages is None:
            return self.reply(404)
        answer = SERVER.take(message)
        if told.get("hang_up"):
            messages.put(None)
            threading.Event().wait()
        if told.get("forget"):
            STREAMS[self.path] = None
        self.reply(202)
        if answer:
            messages.put(answer)

    def reply(self, status, message=None, location=None):
        body = json.dumps(message).encode() if message else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Mcp-Session-Id", "session")
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
