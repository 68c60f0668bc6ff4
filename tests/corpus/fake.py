"""An MCP server over stdio that lists the tools in a JSON file: `fake.py FILE`. Python's standard library alone."""

import json
import sys

PROTOCOL = "2025-11-25"


def answer(method, tools):
    if method == "initialize":
        info = {"name": "corpus", "version": "1"}
        return {"result": {"protocolVersion": PROTOCOL, "capabilities": {"tools": {}}, "serverInfo": info}}
    if method == "ping":
        return {"result": {}}
    if method == "tools/list":
        return {"result": {"tools": tools}}
    return {"error": {"code": -32601, "message": f"no method {method}"}}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        tools = json.load(file)
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            reply = {"jsonrpc": "2.0", "id": message["id"], **answer(message["method"], tools)}
            print(json.dumps(reply), flush=True)


main()
