"""What the suite starts as the client under test: a gateway over the suite's server, and a caller who uses it.

`python -m conformance.driver URL`, with the scenario's name and what it tells a client in the environment. Ends well
if the caller got what they asked for. Where a client must refuse, they do not; the suite knows, and judges by what
its server has seen.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from harness.gateway import ours

from .browser import Browser
from .caller import SERVER, Caller, Refused
from .scenarios import play

#: Where the suite expects a client's own metadata document: at `/client-metadata.json` of this host.
PUBLIC_HOST = "conformance-test.local"


def main() -> int:
    scenario, url = os.environ["MCP_CONFORMANCE_SCENARIO"], sys.argv[-1]
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    with tempfile.TemporaryDirectory(prefix="mcpo-conformance-") as name:
        folder = Path(name)
        servers = {SERVER: server(scenario, url, context)}
        gateway = ours(folder, options(scenario, folder), servers=servers)
        try:
            browser = Browser({PUBLIC_HOST: ("127.0.0.1", gateway.port)})
            play(scenario, Caller(gateway, browser), context)
            return 0
        except (Refused, OSError) as error:
            print(f"{error}\n\n{gateway.process.log.read_text()}", file=sys.stderr)
            return 1
        finally:
            gateway.stop()


def options(scenario: str, folder: Path) -> list[str]:
    if not scenario.startswith("auth/"):
        return []
    public = ["--public-url", f"https://{PUBLIC_HOST}"] if scenario == "auth/basic-cimd" else []
    return ["--token-dir", str(folder / "tokens"), *public]


def server(scenario: str, url: str, context: dict) -> dict:
    """The config of the suite's server, with the client that the scenario has registered there."""
    configured = {"type": "streamable-http", "url": url}
    if "client_id" not in context:
        return configured
    client = {"client_id": context["client_id"]}
    if "private_key_pem" in context:
        client["private_key"] = context["private_key_pem"]
        client["signing_algorithm"] = context["signing_algorithm"]
        client["token_endpoint_auth_method"] = "private_key_jwt"
    else:
        client["client_secret"] = context["client_secret"]
        client["token_endpoint_auth_method"] = "client_secret_basic"
    if scenario.startswith("auth/client-credentials"):
        client["grant_type"] = "client_credentials"
    return configured | {"oauth": client}


if __name__ == "__main__":
    sys.exit(main())
