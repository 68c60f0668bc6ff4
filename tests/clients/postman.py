"""A collection as Postman imports it from the document, run by Postman's newman."""

import json
from pathlib import Path

from harness.parts import NODE, PARTS

from .calls import CALLS, Answer, faults, unheard
from .shell import run, served

NPM = PARTS / "node-clients/node_modules"


def newman(server: str, key: str, folder: Path) -> list[str]:
    """Sends the requests as they are imported, with placeholders such as "<string>", then with arguments."""
    document, collection = folder / "openapi.json", folder / "collection.json"
    document.write_text(run("curl", "-sSf", f"{server}/openapi.json"))
    run(NODE, NPM / "openapi-to-postmanv2/bin/openapi2postmanv2.js", "-s", document, "-o", collection)
    untouched = send(collection, server, key)
    found = unheard(untouched, served(server)) + [
        f"{answer.tool} answered a placeholder with {answer.status}: {answer.text[:300]}"
        for answer in untouched
        # A number's placeholder is a text, which a schema forbids; a tool may not like what one says.
        if answer.status != 200 and not (answer.status in (422, 500) and "detail" in json.loads(answer.text))
    ]
    imported = json.loads(collection.read_text())
    for item in requests(imported):
        tool = item["request"]["url"]["path"][-1]
        [call] = [call for call in CALLS if call.tool == tool]
        if "body" in item["request"]:
            item["request"]["body"]["raw"] = json.dumps(call.arguments, indent=4, ensure_ascii=False)
    collection.write_text(json.dumps(imported))
    return found + faults(send(collection, server, key), served(server))


def requests(folder: dict) -> list[dict]:
    """The requests of a folder of a collection, and of the folders in it."""
    below = [request for item in folder.get("item", []) for request in requests(item)]
    return [folder] if "request" in folder else below


def send(collection: Path, server: str, key: str) -> list[Answer]:
    """What becomes of all requests of a collection."""
    report = collection.with_suffix(".report.json")
    variables = [f"baseUrl={server}", f"bearerToken={key}"]
    options = [word for variable in variables for word in ("--env-var", variable)]
    options += ["--reporters", "json", "--reporter-json-export", report]
    run(NODE, NPM / "newman/bin/newman.js", "run", collection, *options)
    return [
        Answer(
            execution["request"]["url"]["path"][-1],
            execution["response"]["code"],
            bytes(execution["response"]["stream"]["data"]).decode(),
        )
        for execution in json.loads(report.read_text())["run"]["executions"]
    ]
