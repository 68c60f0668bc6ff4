"""A fake MCP server over stdio, for what no real server does. Python's standard library alone.

What it lists is told by its arguments:
    --tool JSON      adds a tool, exactly as given (odd names, no inputSchema, any schema); repeatable.
                     Without it there is one tool, `call`.
    --page-size N    gives `tools/list` in pages of N tools.
    --same-cursor    never ends that listing: every page but the first repeats the cursor of the page before.
    --cursor TEXT    is the cursor of the second page, which is the last.
    --name NAME      its name in serverInfo (default `fake`).
    --stateless      speaks 2026-07-28 rather than 2025-11-25.

What a call does is told by its arguments, whatever the tool's name:
    {"result": R}                    answers with R as the whole result, untouched
    {"error": {"code": C, ...}}      answers with that JSON-RPC error
    {"silence": true}                never answers
    {"until": FILE}                  answers nobody until FILE exists, then as below
    {"ask": R}                       asks for input with the members of R; the next round is told what it brings
    {"ask": R, "greedy": true}       asks again in every round
    {"garbage": LINE}                writes LINE to stdout before it answers
    {"say": TEXT}                    writes TEXT to stderr, as one line, before it answers
    {"die": true}                    exits at once, without an answer
    {"grow": NAME}                   adds a tool of this name and tells that its tools have changed
    anything else                    one text: the JSON {"tool": name, "arguments": arguments}

How it behaves as a process:
    --record FILE    appends every message it receives to FILE, one JSON a line.
    --wire FILE      appends every byte it receives to FILE.
    --loose          writes its answers as loosely as a line may be: white space between the tokens, nothing escaped.
    --stubborn       ignores SIGTERM and the end of its input: only SIGKILL ends it.
    --mute           reads but never answers anything, `initialize` included.
    --crash FILE     exits at its start for as long as FILE exists, and appends a line to FILE each time.
    --heir           starts a process that holds its stdout for as long as it lives.
    --shout FILE     writes lines to stderr as fast as it can, once FILE exists.
    --affable        answers what it does not know with an empty result rather than an error.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time

FLAG = {"type": "boolean"}
ANY_ARGUMENT = {"result": {}, "error": {}, "silence": FLAG, "ask": {}, "greedy": FLAG, "grow": {"type": "string"}, "say": {}, "until": {}}
CALL = {"name": "call", "inputSchema": {"type": "object", "properties": ANY_ARGUMENT}}
#: What a further round of a call brings.
BROUGHT = ("inputResponses", "requestState")
PROTOCOL = "2025-11-25"


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", action="append", type=json.loads, dest="tools")
    parser.add_argument("--page-size", type=int)
    parser.add_argument("--same-cursor", action="store_true")
    parser.add_argument("--cursor")
    parser.add_argument("--name", default="fake")
    parser.add_argument("--stateless", action="store_true")
    parser.add_argument("--record")
    parser.add_argument("--wire")
    parser.add_argument("--loose", action="store_true")
    parser.add_argument("--stubborn", action="store_true")
    parser.add_argument("--mute", action="store_true")
    parser.add_argument("--crash")
    parser.add_argument("--heir", action="store_true")
    parser.add_argument("--shout")
    parser.add_argument("--affable", action="store_true")
    return parser.parse_args()


class Server:
    def __init__(self, told):
        self.told = told
        self.tools = told.tools or [CALL]
        self.subscription = None

    def answer(self, method, params):
        """The `result` or `error` member of the answer; None for none."""
        if method == "server/discover" and self.told.stateless:
            offer = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {"listChanged": True}}}
            return {"result": {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", **offer}}
        if method == "initialize":
            info = {"name": self.told.name, "version": "1.2.3"}
            return {"result": {"protocolVersion": PROTOCOL, "capabilities": {"tools": {}}, "serverInfo": info}}
        if method == "ping":
            return {"result": {}}
        if method == "tools/list":
            return {"result": self.page(params.get("cursor"))}
        if method == "tools/call":
            brought = {member: params[member] for member in BROUGHT if member in params}
            return self.call(params["name"], params.get("arguments") or {}, brought)
        if self.told.affable:
            return {"result": {}}
        return {"error": {"code": -32601, "message": f"no method {method}"}}

    def page(self, cursor):
        size = self.told.page_size or len(self.tools)
        start = size if cursor and cursor == self.told.cursor else int(cursor or 0)
        page = {"tools": self.tools[start : start + size]}
        if self.told.same_cursor:
            page["nextCursor"] = str(size)
        elif start + size < len(self.tools):
            page["nextCursor"] = self.told.cursor or str(start + size)
        return page

    def call(self, tool, arguments, brought):
        if "result" in arguments:
            return {"result": arguments["result"]}
        if "error" in arguments:
            return {"error": arguments["error"]}
        if arguments.get("silence"):
            return None
        if arguments.get("die"):
            os._exit(1)
        if "say" in arguments:
            print(arguments["say"], file=sys.stderr, flush=True)
        if "garbage" in arguments:
            print(arguments["garbage"], flush=True)
        while "until" in arguments and not os.path.exists(arguments["until"]):
            time.sleep(0.02)
        if "ask" in arguments:
            if not brought or arguments.get("greedy"):
                return {"result": {"resultType": "input_required", **arguments["ask"]}}
            return {"result": {"resultType": "complete", "content": [{"type": "text", "text": json.dumps(brought)}]}}
        if "grow" in arguments:
            self.tools = [*self.tools, {**CALL, "name": arguments["grow"]}]
            self.tell("notifications/tools/list_changed", {})
        text = json.dumps({"tool": tool, "arguments": arguments})
        return {"result": {"content": [{"type": "text", "text": text}]}}

    def tell(self, method, params):
        if self.told.stateless:
            params = {**params, "_meta": {"io.modelcontextprotocol/subscriptionId": self.subscription}}
        print(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}), flush=True)

    def take(self, message):
        """The answer to a message; None for none."""
        if self.told.record:
            with open(self.told.record, "a", encoding="utf-8") as record:
                record.write(json.dumps(message) + "\n")
        if self.told.mute or "method" not in message or "id" not in message:
            return None
        if message["method"] == "subscriptions/listen":
            self.subscription = message["id"]
            self.tell("notifications/subscriptions/acknowledged", {"notifications": {"toolsListChanged": True}})
            return None
        answer = self.answer(message["method"], message.get("params") or {})
        return answer and {"jsonrpc": "2.0", "id": message["id"], **answer}

    def hear(self, wire):
        """The messages in the bytes of one, as a reader sees them that ends a line wherever any reader does."""
        if self.told.wire:
            with open(self.told.wire, "ab") as file:
                file.write(wire)
        return [json.loads(line) for line in wire.decode().splitlines()]

    def written(self, answer):
        if self.told.loose:
            return json.dumps(answer, ensure_ascii=False, separators=("\t,\r", "\r:\t"))
        return json.dumps(answer)

    def run(self):
        for line in sys.stdin.buffer:
            for message in self.hear(line):
                answer = self.take(message)
                if answer is not None:
                    print(self.written(answer), flush=True)


def shout(start):
    while not os.path.exists(start):
        time.sleep(0.01)
    while True:
        os.write(2, b"aaah\n" * 10_000)


def main():
    told = options()
    if told.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if told.crash and os.path.exists(told.crash):
        with open(told.crash, "a", encoding="utf-8") as crashes:
            crashes.write("crashed\n")
        sys.exit(3)
    if told.heir:
        subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL)
    if told.shout:
        threading.Thread(target=shout, args=[told.shout], daemon=True).start()
    Server(told).run()
    if told.stubborn:
        threading.Event().wait()


if __name__ == "__main__":
    main()
