"""The official MCP conformance suite in client mode, with the gateway as the client under test."""
