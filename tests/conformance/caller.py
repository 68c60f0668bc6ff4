"""Whoever calls the gateway's tools: an HTTP client, with a browser for when a login is asked for."""

import json
import time

from harness.gateway import Gateway

from .browser import Browser

SERVER = "suite"
#: Seconds until an answer must be there, a login and a connection anew included.
PATIENCE = 20
#: How often a person logs in before they give up.
MOST_LOGINS = 3


class Refused(Exception):
    """What the gateway does not do, in its own words."""


class Caller:
    def __init__(self, gateway: Gateway, browser: Browser):
        self.gateway, self.browser, self.logins = gateway, browser, 0

    def document(self) -> dict:
        """The document of the suite's server, once it is connected."""
        return self._ask("GET", "openapi.json")

    def tools(self) -> list[str]:
        return [path.removeprefix("/") for path in self.document()["paths"]]

    def call(self, tool: str, arguments: dict):
        """The result of a tool."""
        return self._ask("POST", tool, json.dumps(arguments).encode())

    def _ask(self, method: str, path: str, body: bytes | None = None):
        """Waits while the server is not connected, and logs in where that is asked for."""
        deadline = time.monotonic() + PATIENCE
        while True:
            headers = {"Content-Type": "application/json"}
            status, _, answer = self.gateway.ask(method, f"/{SERVER}/{path}", headers, body)
            if status == 200:
                return json.loads(answer)
            login = _authorization_url(answer) if status == 401 else None
            if login and self.logins < MOST_LOGINS:
                self._log_in(login)
            elif status != 503 or time.monotonic() > deadline:
                raise Refused(f"{method} {path}: {status} {answer.decode()}")
            else:
                time.sleep(0.05)

    def _log_in(self, url: str):
        self.logins += 1
        status, page = self.browser.open(url)
        if status != 200:
            raise Refused(f"the login ended with {status} {page}")


def _authorization_url(answer: bytes) -> str | None:
    return json.loads(answer)["detail"].get("authorization_url")
