"""Starts a gateway for each client, and lets the client call every tool at once, while its server is still starting."""

import sys
import tempfile
import time
from pathlib import Path

from harness.gateway import KEY, ours
from harness.parts import MCPO

from . import generated, open_webui, postman, shell

CLIENTS = {
    "curl": shell.curl,
    "newman": postman.newman,
    "openapi-python-client": generated.python,
    "hey-api": generated.typescript,
    "open-webui": open_webui.client,
}


def main(chosen: list[str]) -> int:
    if unknown := set(chosen) - set(CLIENTS):
        print(f"no such client: {', '.join(unknown)}; there are {', '.join(CLIENTS)}", file=sys.stderr)
        return 2
    faulty = []
    with tempfile.TemporaryDirectory(prefix="mcpo-clients-") as name:
        for client in chosen or CLIENTS:
            start = time.monotonic()
            faults = call(client, Path(name) / client)
            verdict = f"{len(faults)} faults" if faults else "fine"
            print(f"==> {client}: {verdict} ({time.monotonic() - start:.0f} s)", flush=True)
            for fault in faults:
                print("    " + fault.replace("\n", "\n    "))
            faulty += [client] if faults else []
    verdict = f"faults of {', '.join(faulty)}" if faulty else "all fine"
    print(f"==> {len(chosen or CLIENTS)} clients: {verdict}")
    return 1 if faulty else 0


def call(client: str, folder: Path) -> list[str]:
    # Slow enough that the client comes first.
    example = {"command": "sh", "args": ["-c", 'sleep 3; exec "$0" example-server', str(MCPO)]}
    servers = {"example": example}
    gateway = ours(folder / "gateway", ["--api-key", KEY, "--log-level", "warning"], servers=servers)
    try:
        return CLIENTS[client](f"http://127.0.0.1:{gateway.port}/example", KEY, folder)
    finally:
        gateway.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
