"""Calls tools as Open WebUI does for a model; prints what came of each as JSON.

Its module for tools imports nearly all of the rest. What has nothing to do with servers of tools (the database, its
built-in tools, other packages) is replaced by nothing; settings, JSON and the module itself are its own.
"""

import asyncio
import json
import re
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from unittest.mock import MagicMock

CODE = Path(__file__).parent.parent / ".parts/open-webui"
OWN = {f"open_webui.{name}" for name in ("constants", "env", "utils", "utils.json_codec", "utils.tools")}
ABSENT = {"fastapi", "langchain_core"}


class Nothing:
    """Finds and loads modules that have whatever they are asked for."""

    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if (root == "open_webui" and name not in OWN) or root in ABSENT:
            return ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        below = [str(CODE / "open_webui")] if spec.name == "open_webui" else []
        return MagicMock(__path__=below, __spec__=spec)

    def exec_module(self, module):
        pass


sys.path.insert(0, str(CODE))
sys.meta_path.insert(0, Nothing())
from open_webui.utils import tools


async def main(server: str, key: str, calls: list):
    # As an administrator enters it under "External Tools".
    connection = {"url": server, "path": "openapi.json", "auth_type": "bearer", "key": key}
    [known] = await tools.get_tool_servers_data([{**connection, "config": {"enable": True}}])
    specs = {spec["name"]: spec for spec in known["specs"]}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    answers = []
    for tool, arguments in calls:
        name = f"tool_{tool}_post"
        if set(arguments) - set(specs[name]["parameters"]["properties"]):
            raise ValueError(f"{name} does not offer the model all of {list(arguments)}: {specs[name]}")
        data, received = await tools.execute_tool_server(server, headers, {}, name, arguments, known)
        answers.append((tool, 200, json.dumps(data, ensure_ascii=False)) if received else refused(tool, data))
    print(json.dumps(answers))


def refused(tool: str, data: dict):
    """Its model is told of the status in words."""
    words = re.fullmatch(r"HTTP error (\d+): (.*)", data["error"], re.DOTALL)
    return (tool, int(words[1]), words[2]) if words else (tool, 0, data["error"])


asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
