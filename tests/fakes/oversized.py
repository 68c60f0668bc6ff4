"""A server that means harm, over stdio.

    oversized.py list CASE     describes its tools, or itself, in a way that would take much memory: see CASES.
    oversized.py storm N       tells every 10 ms that its tools have changed. They are N, another each time that they are
                             listed, and one more, `last`, from the 300th change on.
    oversized.py tools FILE    has the tools in FILE; a call answers with the arguments that it got.
"""

import json
import sys
import threading
import time

LOCK = threading.Lock()
SIZE = 15 << 20
ANY = '"inputSchema":{"type":"object"}'


def tool(member):
    return '[{"name":"t",' + member + "}]"


def values(count, one):
    return ",".join([one] * count)


def schema(property):
    return tool('"inputSchema":{"type":"object","properties":{"a":' + property + "}}")


def properties():
    """As many values as a list may have, in schemas that each may be checked."""
    members = ",".join(f'"p{n}":{{"type":"string","minLength":1}}' for n in range(4_900))
    names = (f'{{"name":"t{n}","inputSchema":{{"type":"object","properties":{{{members}}}}}}}' for n in range(20))
    return "[" + ",".join(names) + "]"


def patterns():
    each = (
        f'{{"name":"t{n}","inputSchema":{{"type":"object","properties":{{"a":{{"pattern":"^[\\\\p{{L}}\\\\p{{N}}]{{200}}{n}$"}}}}}}}}'
        for n in range(250)
    )
    return "[" + ",".join(each) + "]"


def many():
    return "[" + ",".join(f'{{"name":"t{n}",{ANY}}}' for n in range(50_000)) + "]"


def copies():
    """One part to which references lead again and again, where documents repeat it."""
    part = ",".join(f'"p{n}":{{"type":"string"}}' for n in range(2_000))
    again = values(1_000, '{"not":{"$ref":"#/$defs/p"}}')
    body = f'"inputSchema":{{"type":"object","allOf":[{again}],"$defs":{{"p":{{"properties":{{{part}}}}}}}}}'
    return "[" + ",".join(f'{{"name":"t{n}",{body}}}' for n in range(20)) + "]"


CASES = {
    "enum": lambda: schema('{"enum":[' + values(SIZE // 2, "1") + "]}"),
    "default": lambda: schema('{"default":[' + values(SIZE // 3, "[]") + "]}"),
    "annotations": lambda: tool('"annotations":{"x":[' + values(SIZE // 3, "[]") + "]}," + ANY),
    "description": lambda: tool('"description":"' + "d" * SIZE + '",' + ANY),
    "empty": lambda: "[" + values(SIZE // 3, "{}") + "]",
    "long line": lambda: tool('"description":"' + "d" * 4 * SIZE + '",' + ANY),
    "many": many,
    "properties": properties,
    "patterns": patterns,
    "copies": copies,
    "instructions": lambda: tool(ANY),
    "handshake": lambda: tool(ANY),
    "error": lambda: tool(ANY),
}


def send(text):
    with LOCK:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def answer(id, result):
    send('{"jsonrpc":"2.0","id":%s,"result":%s}' % (json.dumps(id), result))


def initialize(id, case):
    result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}}}
    result["serverInfo"] = {"name": "hostile", "version": "1"}
    if case == "instructions":
        result["instructions"] = "i" * 900_000
    if case == "handshake":
        result["capabilities"]["x"] = [[]] * (SIZE // 4)
    if case == "error":
        send(json.dumps({"jsonrpc": "2.0", "id": id, "error": {"code": -32000, "message": "E" * SIZE}}))
    else:
        answer(id, json.dumps(result))


def listed(kind, what, changes):
    if kind == "list":
        return CASES[what]()
    if kind == "tools":
        return open(what).read()
    tools = [{"name": f"t{n}", "description": f"after {changes[0]}"} for n in range(int(what))]
    return json.dumps(tools + [{"name": "last"}] * (changes[0] >= 300))


def storm(changes):
    while True:
        changes[0] += 1
        send('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
        time.sleep(0.01)


def main():
    kind, what = sys.argv[1:]
    changes = [0]
    for line in sys.stdin:
        message = json.loads(line)
        method, id = message.get("method"), message.get("id")
        if method == "initialize":
            initialize(id, what)
        elif method == "notifications/initialized" and kind == "storm":
            threading.Thread(target=storm, args=[changes], daemon=True).start()
        elif method == "tools/list":
            answer(id, '{"tools":' + listed(kind, what, changes) + "}")
        elif method == "tools/call":
            text = json.dumps(message["params"].get("arguments"))
            answer(id, json.dumps({"content": [{"type": "text", "text": text if len(text) < 1000 else "{}"}]}))
        elif id is not None:
            send(json.dumps({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no"}}))


main()
