"""The Python mcpo and this one, asked the same."""
