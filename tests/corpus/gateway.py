"""The gateway under test: the real binary, a fake server for each list of tools, documents over HTTP."""

import json
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

SECONDS = 60
FAKE = pathlib.Path(__file__).parent / "fake.py"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Gateway:
    """A context: the process ends with it."""

    def __init__(self, binary, servers, folder):
        """`servers` maps a name to its tools; `folder` is scratch."""
        config = {}
        for name, tools in servers.items():
            listing = folder / f"{name}.json"
            listing.write_text(json.dumps(tools))
            config[name] = {"command": sys.executable, "args": [str(FAKE), str(listing)]}
        (folder / "config.json").write_text(json.dumps({"mcpServers": config}))
        self.command = [binary, "--host", "127.0.0.1", "--port", "0", "--config", str(folder / "config.json")]
        self.log = []

    def __enter__(self):
        self.deadline = time.monotonic() + SECONDS
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True).start()
        listening = re.compile(r"listening on (http://[^ ,]+)")
        self.base = self.until("it listens", lambda: listening.search("".join(self.log)))[1]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def document(self, server):
        """The server's document, once the server is connected."""

        def ask():
            try:
                with DIRECT.open(f"{self.base}/{server}/openapi.json", timeout=SECONDS) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise
                return None
            except urllib.error.URLError:
                return None  # `until` tells why where the process has ended

        return self.until(f"the document of {server}", ask)

    def until(self, what, ask):
        while time.monotonic() < self.deadline:
            found = ask()
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        log = "".join(self.log[-20:])
        sys.exit(f"waited in vain: {what}; mcpo's exit code: {self.process.poll()}\n{log}")
