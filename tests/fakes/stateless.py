"""A stateless MCP server (2026-07-28) over streamable HTTP, by the official SDK. Its tools tell what they were sent.

It listens on the port that the environment names.
"""

import os
from typing import Annotated

from mcp.server.mcpserver import Context, MCPServer
from pydantic import Field

Region = Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]

server = MCPServer("stateless")


@server.tool()
def headers(context: Context, region: Region) -> dict[str, str]:
    """The headers of this very request."""
    return dict(context.request_context.request.headers)


@server.tool()
def echo(message: str, region: Region) -> list[str]:
    """Its arguments."""
    return [message, region]


server.run(transport="streamable-http", port=int(os.environ["PORT"]))
