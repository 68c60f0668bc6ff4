"""A fake MCP server that writes as servers in the wild do, in one odd form at a time. Python's standard library alone.

    odd.py FORM            over stdio
    PORT=N odd.py FORM     over streamable HTTP at /mcp and over HTTP+SSE at /sse

It has one tool, `echo`, which says its argument `say` again, and counts its runs. Over HTTP, /forget makes it forget its
sessions and /seen gives what it was sent: the JSON-RPC methods, in order. FORM is a key of a table below, or one of

    plain    as the specification has it
    noise    writes a log to stdout, between the messages
    crash    says why on stderr, and exits
    slow     starts when the file of the next argument exists
    fails    answers every call with HTTP 500
    untyped  answers over HTTP with events that call themselves JSON
    forms    prints the keys of the tables as JSON
"""

import json
import os
import queue
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FORM = sys.argv[1]
MARK = "\ufeff"
TOOL = {"name": "echo", "inputSchema": {"type": "object", "properties": {"say": {"type": "string"}}}}
GOOD = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"}}


def without(*names):
    return {name: value for name, value in GOOD.items() if name not in names}


def text(message, **options):
    return json.dumps(message, **options)


def log_line(message):
    return text({"level": "info", "id": message.get("id"), "msg": "answering", "error": "none"})


#: How a message becomes text.
MESSAGES = {
    "mark": lambda m: MARK + text(m),
    "marks-and-space": lambda m: f"  {MARK}{MARK} {text(m)}  ",
    "error-null": lambda m: text({"error": None, **m}),
    "result-null": lambda m: text({"result": None, **m} if "error" in m else {**m, "error": None}),
    "no-version": lambda m: text({name: value for name, value in m.items() if name != "jsonrpc"}),
    "old-version": lambda m: text({**m, "jsonrpc": 2.0}),
    "text-id": lambda m: text({**m, "id": str(m["id"])} if "id" in m else m),
    "float-id": lambda m: text({**m, "id": float(m["id"])} if "id" in m else m),
    "exponent-id": lambda m: text(m).replace(f'"id": {m.get("id")}', f'"id": {m.get("id")}e0'),
    "in-a-list": lambda m: text([m]),
    "among-others": lambda m: text([{"jsonrpc": "2.0", "method": "notifications/message", "params": {}}, m, 7, None]),
    "member-twice": lambda m: text(m)[:-1] + ', "id": ' + text(m.get("id")) + "}",
    "members-beside": lambda m: text({**m, "took": 0.1, "meta": {}}),
    "echoes-method": lambda m: text({**m, "method": "tools/call"} if "result" in m else m),
    "other-order": lambda m: text(dict(reversed(m.items()))),
    "escaped": lambda m: text(m).replace('"result"', '"\\u0072esult"'),
    "half-a-pair": lambda m: text(m).replace("said ", "said \\ud83d"),
    "not-utf-8": lambda m: text(m).encode().replace(b"said ", b"said \xe9"),
    "array-for-object": lambda m: text(m).replace("{}", "[]"),
}
#: What `initialize` answers. Names with a star have no version, and cannot connect.
HANDSHAKES = {
    "no-info": without("serverInfo"),
    "null-info": {**GOOD, "serverInfo": None},
    "bare": without("serverInfo", "capabilities"),
    "number-version": {**GOOD, "serverInfo": {"name": "odd", "version": 1.5}},
    "no-capabilities": {**GOOD, "capabilities": None},
    "list-capabilities": {**GOOD, "capabilities": []},
    "true-capabilities": {**GOOD, "capabilities": {"tools": True, "logging": True, "experimental": {"x": True}}},
    "text-flag": {**GOOD, "capabilities": {"tools": {"listChanged": "true"}}},
    "list-instructions": {**GOOD, "instructions": ["one", "two"]},
    "null-everywhere": {**GOOD, "instructions": None, "_meta": None, "capabilities": {"tools": None}},
    "old": {**GOOD, "protocolVersion": "2024-10-07"},
    "*no-version": without("protocolVersion"),
    "*null-version": {**GOOD, "protocolVersion": None},
    "*number-as-version": {**GOOD, "protocolVersion": 20250618},
    "*empty": {},
    "*list": [],
}
#: What `tools/list` answers, by cursor; an Exception is refused.
SECOND = {**TOOL, "name": "second"}
REFUSED = ValueError("no such cursor")
LISTS = {
    "null-tools": {None: {"tools": None}},
    "no-tools": {None: {}},
    "a-null-tool": {None: {"tools": [None, TOOL, 7, "echo", {}]}},
    "bad-members": {None: {"tools": [{**TOOL, "title": 7, "annotations": [], "icons": "x", "outputSchema": 1, "_meta": None}]}},
    "no-schema": {None: {"tools": [{"name": "echo"}, {"name": "second", "inputSchema": []}]}},
    "refused-cursor": {None: {"tools": [TOOL], "nextCursor": ""}, "*": REFUSED},
    "refused-page": {None: {"tools": [TOOL], "nextCursor": "2"}, "*": REFUSED},
    "repeating": {None: {"tools": [TOOL], "nextCursor": "1"}, "*": {"tools": [TOOL], "nextCursor": "1"}},
    "empty-cursor": {None: {"tools": [TOOL], "nextCursor": ""}, "": {"tools": [SECOND]}},
    "number-cursor": {None: {"tools": [TOOL], "nextCursor": 2}, 2: {"tools": [SECOND], "nextCursor": None}},
    "object-cursor": {None: {"tools": [TOOL], "nextCursor": {"p": 2}}, "{'p': 2}": {"tools": [SECOND], "nextCursor": False}},
    "unreadable-page": {None: {"tools": [TOOL], "nextCursor": "2"}, "*": {"tools": "none"}},
}


def refusal(message, code=-32000, id=None):
    return text({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})


#: What a session is told that is not known: status and body. With status 200 `ID` stands for the request's id.
REFUSALS = {
    "400": (400, ""),
    "400-session": (400, refusal("Bad Request: No valid session ID provided")),
    "400-initialize": (400, refusal("Bad Request: Server not initialized")),
    "401": (401, "Unauthorized"),
    "401-challenge": (401, refusal("Session not found")),
    "403": (403, '{"error": "Forbidden"}'),
    "404": (404, ""),
    "410": (410, "Gone"),
    "422": (422, "Unexpected message, expected initialize request"),
    "500-session": (500, '{"error": "Error POSTing to endpoint (HTTP 400): No valid session ID provided"}'),
    "503-session": (503, "unknown session"),
    "200-error": (200, refusal("Session not found", -32001, "ID")),
    "200-null-id": (200, refusal("Invalid Request: session does not exist", -32600)),
    # These do not prove that the call did not run: it is told so, and the next one succeeds.
    "!409": (409, "conflict"),
    "!500": (500, "Internal Server Error"),
    "!200-page": (200, "<html>Sign in</html>"),
    "!200-empty": (200, ""),
    "!500-gone": (500, "session gone"),
    "!200-gone": (200, refusal("the session is gone", -32603, "ID")),
}
#: What the standing GET answers.
STREAMS = {
    "get-401": (401, "", {"WWW-Authenticate": "Bearer"}),
    "get-400": (400, "", {}),
    "get-404": (404, "", {}),
    "get-500": (500, "", {}),
    "get-html": (200, "<html>hello</html>", {"Content-Type": "text/html"}),
    "get-ends": (200, "", {"Content-Type": "text/event-stream"}),
    "get-405": (405, "", {}),
}

class Refused(Exception):
    pass


class Server:
    def __init__(self):
        self.runs = 0
        self.seen = []

    def answer(self, method, params):
        if method == "initialize":
            return HANDSHAKES.get(FORM, GOOD)
        if method == "tools/list":
            pages = LISTS.get(FORM, {None: {"tools": [TOOL]}})
            cursor = params.get("cursor")
            page = pages.get(str(cursor) if isinstance(cursor, dict) else cursor, pages.get("*", REFUSED))
            if page is REFUSED:
                raise Refused(-32602, "Invalid cursor")
            return page
        if method == "tools/call":
            self.runs += 1
            return {"content": [{"type": "text", "text": f"said {params.get('arguments', {}).get('say')}"}]}
        if method == "ping":
            return {}
        raise Refused(-32601, f"no method {method}")

    def take(self, message):
        """The answer to a message, None for none."""
        self.seen.append(message.get("method"))
        if "method" not in message or "id" not in message:
            return None
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            return {**answer, "result": self.answer(message["method"], message.get("params") or {})}
        except Refused as refused:
            code, why = refused.args
            return {**answer, "error": {"code": code, "message": why}}

    @staticmethod
    def write(message):
        written = MESSAGES.get(FORM, text)(message)
        return written if isinstance(written, bytes) else written.encode()


def over_stdio(server):
    if FORM == "crash":
        sys.stderr.write("Traceback (most recent call last):\nValueError: the DATABASE_URL is not set\x1b[31m\n")
        sys.exit(3)
    while FORM == "slow" and not os.path.exists(sys.argv[2]):
        time.sleep(0.02)
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        message = json.loads(line)
        answer = server.take(message)
        if FORM == "noise":
            noise = ["Listening...", "[1, 2]", '"text"', "null", "{}", "{'a': 1}", "\x1b[31mred", log_line(message)]
            out.write("".join(f"{line}\n" for line in noise).encode() + b"\xff\xfe\n")
        if answer is not None:
            out.write(server.write(answer) + b"\n")
        out.flush()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of = Server()
    sessions = set()
    streams = {}

    def reply(self, status, body=b"", headers=None):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/forget":
            self.sessions.clear()
            return self.reply(200)
        if path == "/seen":
            return self.reply(200, text({"methods": self.server_of.seen, "runs": self.server_of.runs}))
        self.server_of.seen.append(f"GET {path}")
        if path == "/sse":
            return self.stream()
        return self.reply(*STREAMS.get(FORM, (405, "", {})))

    def stream(self):
        session = secrets.token_hex(4)
        messages = self.streams[session] = queue.Queue()
        self.sessions.add(session)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.wfile.write(f"event: endpoint\ndata: /message?session={session}\n\n".encode())
        while True:
            self.wfile.write(b"event: message\ndata: " + messages.get() + b"\n\n")
            self.wfile.flush()

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = urlsplit(self.path)
        if parts.path == "/message":
            return self.post_to_stream(message, parse_qs(parts.query)["session"][0])
        session = self.headers.get("Mcp-Session-Id")
        if message.get("method") == "initialize":
            session = secrets.token_hex(4)
            self.sessions.add(session)
        elif message.get("method") != "server/discover" and session not in self.sessions:
            return self.refuse(message)
        if FORM == "fails" and message.get("method") == "tools/call":
            return self.reply(500, "the disk is full")
        answer = self.server_of.take(message)
        if answer is None:
            return self.reply(202)
        body = Server.write(answer)
        if FORM == "untyped":
            body = b": hello\n\nevent: message\ndata: " + body + b"\n\n"
        return self.reply(200, body, {"Mcp-Session-Id": session} if session else None)

    def post_to_stream(self, message, session):
        if session not in self.sessions:
            return self.refuse(message)
        answer = self.server_of.take(message)
        self.reply(202, "Accepted")
        if answer is not None:
            self.streams[session].put(Server.write(answer))

    def refuse(self, message):
        self.server_of.seen.append(f"refused {message.get('method')}")
        status, body = REFUSALS[FORM]
        self.reply(status, body.replace('"ID"', text(message.get("id"))))

    do_DELETE = lambda self: self.reply(200)

    def log_message(self, *_):
        pass


class Web(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


if __name__ == "__main__":
    if FORM == "forms":
        tables = {"messages": MESSAGES, "handshakes": HANDSHAKES, "lists": LISTS, "refusals": REFUSALS, "streams": STREAMS}
        print(text({name: list(table) for name, table in tables.items()}))
    elif "PORT" in os.environ:
        Web(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
    else:
        over_stdio(Server())
