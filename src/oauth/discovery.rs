//! Finding the authorization server of an MCP server.
