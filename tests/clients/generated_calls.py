"""Calls tools with the client that openapi-python-client has written; prints what came of each as JSON."""

import inspect
import json
import sys
from importlib import import_module

from example_client import AuthenticatedClient

server, key, calls = sys.argv[1:]
client = AuthenticatedClient(base_url=server, token=key)
answers = []
for tool, arguments in json.loads(calls):
    operation = import_module(f"example_client.api.default.tool_{tool}_post")
    body = inspect.signature(operation.sync_detailed).parameters.get("body")
    given = {"body": body.annotation.from_dict(arguments)} if body else {}
    response = operation.sync_detailed(client=client, **given)
    if response.parsed is None:
        raise ValueError(f"{tool}: the client cannot read {response.content}")
    answers.append((tool, response.status_code, json.dumps(json.loads(response.content), ensure_ascii=False)))
print(json.dumps(answers))
