"""What the caller does in each scenario: what its server waits for, and no more."""

import json

from .caller import Caller


def play(scenario: str, caller: Caller, context: dict):
    if scenario.startswith("auth/"):
        caller.call("test-tool", {})
    else:
        SCENARIOS[scenario](caller, context)


def lists(caller: Caller, _context: dict):
    caller.document()


def calls_every_tool(caller: Caller, _context: dict):
    """With arguments that fit whatever the suite's tools declare."""
    for tool in caller.tools():
        caller.call(tool, {"a": 2, "b": 3, "region": "us-west1"})


def calls_as_told(caller: Caller, context: dict):
    for call in context["toolCalls"]:
        caller.call(call["name"], call["arguments"])


def echoes_a_schema(caller: Caller, _context: dict):
    caller.call("json_schema_echo", {"schema": json_schema(caller.document(), "json_schema_2020_12_tool")})


def json_schema(document: dict, tool: str) -> dict:
    """The arguments of a tool, which OpenAPI 3.1 describes in JSON Schema 2020-12, as a schema that stands alone."""
    components, root = document["components"]["schemas"], f"{tool}_form_model"
    own = {name: schema for name, schema in components.items() if name.startswith(root)}
    own = json.loads(json.dumps(own).replace(f"#/components/schemas/{root}_", "#/$defs/"))
    schema = own.pop(root)
    definitions = {name.removeprefix(f"{root}_"): definition for name, definition in own.items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": definitions}


SCENARIOS = {
    "initialize": lists,
    "tools_call": calls_every_tool,
    "sse-retry": calls_every_tool,
    "request-metadata": lists,
    "http-standard-headers": calls_every_tool,
    "http-custom-headers": calls_as_told,
    "http-invalid-tool-headers": calls_every_tool,
    "json-schema-ref-no-deref": lists,
    "json-schema-2020-12-preservation": echoes_a_schema,
    "sep-2322-client-request-state": calls_every_tool,
}
