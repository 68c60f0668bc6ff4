"""Open WebUI's own code for tool servers: it fetches the document, makes tools of it, and calls them."""

import sys
from pathlib import Path

from harness.parts import TESTS

from .generated import called


def client(server: str, key: str, folder: Path) -> list[str]:
    settings = {"DATA_DIR": str(folder), "WEBUI_SECRET_KEY": "unused"}
    return called([sys.executable, TESTS / "clients/open_webui_calls.py"], server, key, folder, **settings)
