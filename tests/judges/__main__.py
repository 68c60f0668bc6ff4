"""Starts one gateway over all servers, and puts every judge before its documents."""

import json
import sys
import tempfile
import time
from pathlib import Path

from harness.gateway import KEY, Gateway, ours
from harness.parts import MCPO
from harness.world import HTTP, STDIO, World

from . import documents, live

SERVERS = (*STDIO, *HTTP)
JUDGES = {
    "openapi-spec-validator": documents.spec_validator,
    "redocly": documents.redocly,
    "openapi-typescript": documents.typescript,
    "openapi-python-client": documents.python_client,
    "openapi-generator": documents.generator,
    "schemathesis": live.schemathesis,
}


def main(chosen: list[str]) -> int:
    if unknown := set(chosen) - set(JUDGES):
        print(f"no such judge: {', '.join(unknown)}; there are {', '.join(JUDGES)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="mcpo-judges-") as name:
        folder = Path(name)
        world = World(folder / "world", MCPO)
        gateway = None
        try:
            servers = world.config(*SERVERS)
            for name in live.STRICT:
                servers[name]["validation"] = "strict"
            gateway = ours(folder / "gateway", ["--api-key", KEY, "--log-level", "warning"], servers=servers)
            write_documents(gateway, folder)
            return judge(chosen or list(JUDGES), gateway, folder)
        finally:
            if gateway:
                gateway.stop()
            world.stop()


def write_documents(gateway: Gateway, folder: Path):
    """`documents/<server>.json` for every server, and `root.json` for the gateway itself."""
    (folder / "documents").mkdir()
    for name in ("root", *SERVERS):
        path = "/openapi.json" if name == "root" else f"/{name}/openapi.json"
        document = gateway.connected(path)
        (folder / "documents" / f"{name}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False))


def judge(names: list[str], gateway: Gateway, folder: Path) -> int:
    faulty = []
    for name in names:
        start = time.monotonic()
        faults = JUDGES[name](gateway, folder)
        verdict = f"{len(faults)} faults" if faults else "clean"
        print(f"==> {name}: {verdict} ({time.monotonic() - start:.0f} s)", flush=True)
        for fault in faults:
            print("    " + fault.replace("\n", "\n    "))
        if faults:
            faulty.append(name)
    verdict = f"faults found by {', '.join(faulty)}" if faulty else "all clean"
    print(f"==> {len(SERVERS) + 1} documents, {len(names)} judges: {verdict}")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
