"""The judge that calls: schemathesis sends what the documents allow, and what they do not."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.gateway import KEY
from harness.parts import PARTS, TESTS

#: The gateway's own routes.
ROOT = ("",)
#: Servers whose tools do no harm, whatever they are sent; asked to check arguments strictly.
STRICT = ("example", "time", "memory", "sequential-thinking", "everything")
#: The same, with the default that mends arguments: what the document forbids may well be accepted there.
LAX = ("everything-sse", "everything-http")


def schemathesis(gateway, folder: Path) -> list[str]:
    """Statuses, shapes, headers and refusals; which tools may fail by themselves is in schemathesis.toml."""
    environment = os.environ | {"JUDGES_KEY": KEY, "NO_COLOR": "1"}

    def judge(server: str) -> str:
        config = TESTS / "judges/schemathesis.toml"
        home = f"/{server}" if server else ""
        url = f"http://127.0.0.1:{gateway.port}{home}/openapi.json"
        command = [PARTS / "judges/bin/st", "--config-file", config, "run", url, "--checks", "all"]
        if server in LAX:
            command += ["--exclude-checks", "negative_data_rejection"]
        # It keeps a database of examples in its working directory.
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
        return "" if done.returncode == 0 else f"{server or 'root'}:\n{done.stdout}{done.stderr}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [fault for fault in pool.map(judge, ROOT + STRICT + LAX) if fault]
