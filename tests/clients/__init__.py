"""Clients that others wrote, as they are, call the tools of the example server."""
