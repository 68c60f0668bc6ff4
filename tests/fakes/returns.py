"""An MCP server over stdio, by the official SDK. Its tools say what they are told, each as another type of Python's."""

import json
from typing import Any

from mcp.server.mcpserver import MCPServer

server = MCPServer("returns")


@server.tool()
def text(say: str) -> str:
    return say


@server.tool(name="renamed-text")
def said(say: str) -> str:
    return say


@server.tool()
def optional(say: str, nothing: bool = False) -> str | None:
    return None if nothing else say


@server.tool()
def either(say: str) -> str | list[str]:
    return say


@server.tool()
def texts(say: str) -> list[str]:
    return [say]


@server.tool()
def table(say: str) -> dict[str, Any]:
    return json.loads(say)


@server.tool()
def number(say: str) -> int:
    return len(say)


@server.tool(structured_output=False)
def plain(say: str) -> str:
    return say


server.run()
