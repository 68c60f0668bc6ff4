"""Clients that generators write by the document, which they fetch themselves."""

import json
import os
import sys
from pathlib import Path

from harness.parts import NODE, PARTS, TESTS

from .calls import CALLS, Answer, faults
from .shell import run, served

NPM = PARTS / "node-clients/node_modules"


def python(server: str, key: str, folder: Path) -> list[str]:
    """openapi-python-client."""
    config = folder / "config.yaml"
    config.write_text("post_hooks: []\n")
    generate = [PARTS / "clients/bin/openapi-python-client", "generate", "--url", f"{server}/openapi.json"]
    options = ["--fail-on-warning", "--meta", "none", "--config", config]
    run(*generate, *options, "--output-path", folder / "example_client")
    return called([sys.executable, TESTS / "clients/generated_calls.py"], server, key, folder)


def typescript(server: str, key: str, folder: Path) -> list[str]:
    """@hey-api/openapi-ts, and the TypeScript compiler on what it writes."""
    source = folder / "source"
    run(NODE, NPM / "@hey-api/openapi-ts/bin/run.js", "-i", f"{server}/openapi.json", "-o", source)
    compiler = [NODE, NPM / "typescript/bin/tsc", "--strict", "--target", "es2022", "--module", "commonjs"]
    run(*compiler, "--outDir", folder / "example_client", source / "index.ts", source / "client.gen.ts")
    return called([NODE, TESTS / "clients/generated_calls.mjs"], server, key, folder)


def called(driver: list, server: str, key: str, folder: Path, **environment: str) -> list[str]:
    """What comes of the calls that a script makes with the client in `example_client`, as the script prints it."""
    calls = json.dumps([[call.tool, call.arguments] for call in CALLS])
    environment = os.environ | {"PYTHONPATH": str(folder)} | environment
    printed = run(*driver, server, key, calls, cwd=folder, env=environment)
    return faults([Answer(*answer) for answer in json.loads(printed)], served(server))
