"""Holds every schema of the corpus against what the gateway's document makes of it; see `run`.

    check.py MCPO PARTS     exits 1 after one line for each schema whose meaning has changed

For each instance the upstream's schema and the document's must give the same verdict. What cannot hold stands in
exclusions.json with its reason; an exclusion that nothing needs any more is a failure too.
"""

import fnmatch
import functools
import json
import os
import pathlib
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from urllib.parse import quote

import instances
import judges
import openwebui
import subjects
from gateway import Gateway

HERE = pathlib.Path(__file__).parent
DOCUMENTS = {}


def documents(binary, servers):
    with tempfile.TemporaryDirectory() as folder, Gateway(binary, servers, pathlib.Path(folder)) as gateway:
        return {server: gateway.document(server) for server in servers}


@functools.cache
def registry(server):
    return judges.registry(DOCUMENTS[server])


def where(subject):
    """The JSON pointer of the subject's schema in its document; None for a tool without a request body."""
    operation = ["paths", f"/{quote(subject.tool, safe='')}", "post"]
    content = ["content", "application/json", "schema"]
    part = ["requestBody"] if subject.place == "input" else ["responses", "200"]
    found = DOCUMENTS[subject.server]
    steps = operation + part + content
    for step in steps:
        if step not in found:
            return None
        found = found[step]
    return "".join("/" + quote(step.replace("~", "~0").replace("/", "~1")) for step in steps)


def without_body(original, tried):
    """Where nothing can be sent, an empty object must do, and all others must be the same to the schema."""
    refused = [each for each in tried if original(each) is not True]
    fine = original({}) is True and len(refused) in (0, len([each for each in tried if each]))
    return [] if fine else [(False, "documents no body for", refused)]


def disagreements(subject):
    """Verdicts that differ, as (original, document, instances), and how many instances each verdict met."""
    tried = instances.around(subject.schema, subject.known, subject.name)
    if subject.place == "input":
        tried = [each for each in tried if isinstance(each, dict)]
    original, pointer = judges.original(subject.schema), where(subject)
    if pointer is None:
        return without_body(original, tried), Counter()
    documented = judges.documented(registry(subject.server), pointer)
    met, differing = Counter(), {}
    for each in tried:
        if subject.wrapped and not (isinstance(each, dict) and "result" in each):
            continue
        said = original(each)
        if subject.wrapped and said is False and isinstance(each["result"], (dict, list)):
            # A text that is an object or a list is given as that.
            said = original({**each, "result": json.dumps(each["result"])})
        met[said] += 1
        answer = documented(each["result"] if subject.wrapped else each)
        # What leads elsewhere has no verdict of its own; the document must have one all the same.
        same = answer == said if isinstance(said, bool) else isinstance(answer, bool)
        if not same:
            differing.setdefault((said, answer), []).append(each)
    return [(*verdicts, found) for verdicts, found in differing.items()], met


def judge(everything, workers):
    with ProcessPoolExecutor(workers) as pool:  # forked: the workers have the documents
        return list(pool.map(disagreements, everything, chunksize=16))


def line(subject, said, answer, found):
    word = {True: "accepts", False: "refuses"}
    instance, schema = (json.dumps(each, ensure_ascii=False) for each in (found[0] if found else None, subject.schema))
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    schema = schema if len(schema) < 1000 else schema[:1000] + "…"
    return (
        f"{subject.name} {subject.place}: the original {word.get(said, said)}, the document {word.get(answer, answer)} "
        f"{instance}{more}; schema {schema}"
    )


def report(everything, results):
    """Prints what differs and is not excluded; gives the number of failures."""
    exclusions = [(row["schemas"], row["reason"]) for row in json.loads((HERE / "exclusions.json").read_text())]
    needed, failures = set(), 0
    for subject, (differing, _) in zip(everything, results):
        matching = [pattern for pattern, _ in exclusions if fnmatch.fnmatchcase(subject.name, pattern)]
        if differing and matching:
            needed.update(matching)
        elif differing:
            failures += 1
            for said, answer, found in differing:
                print(line(subject, said, answer, found))
    for pattern, reason in exclusions:
        if pattern not in needed:
            failures += 1
            print(f"exclusions.json: nothing needs {pattern!r} any more ({reason})")
    print(f"{len(needed)} exclusions")
    return failures


def main():
    binary, parts = sys.argv[1], pathlib.Path(sys.argv[2])
    servers, everything = subjects.real(parts / "tools")
    from_servers = len(everything)
    more_servers, more = subjects.suite(parts / "suite")
    everything += more
    DOCUMENTS.update(documents(binary, {**servers, **more_servers}))
    results = judge(everything, os.cpu_count())
    failures = report(everything, results)
    for server, document in DOCUMENTS.items():
        for broken in [*judges.no_schemas(document), *openwebui.broken_rules(document)]:
            failures += 1
            print(f"{server}: {broken}")
    met = sum((met for _, met in results), Counter())
    distinct = len({json.dumps(subject.schema, sort_keys=True) for subject in everything})
    print(
        f"{from_servers} schemas of {len(servers)} real servers and {len(everything) - from_servers} placings of the "
        f"test suite's schemas, {distinct} different in all\n"
        f"{met.total()} instances, {met[True]} accepted and {met[False]} refused by the original"
    )
    sys.exit(f"{failures} failures" if failures else 0)


if __name__ == "__main__":
    main()
