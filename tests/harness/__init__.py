"""Shared by the judges and the differential suite: real MCP servers in fresh worlds, gateways over them."""
