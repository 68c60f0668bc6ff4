"""What Open WebUI asks of a document before it can offer the tools in it to a model.

It takes a tool's parameters from the top-level `properties` of the JSON body's schema, and replaces a `$ref` only
where it looks for one: the schema itself, and below `properties`, `items`, `oneOf`, `anyOf` and `allOf`. Elsewhere there
should be none, but for schemas that contain themselves, which cannot be written without.
"""

import re

OPERATION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def broken_rules(document):
    """One sentence for each rule that an operation breaks."""
    seen = set()
    for path, item in document["paths"].items():
        operation = item["post"]
        identifier = operation.get("operationId", "")
        if not OPERATION_ID.fullmatch(identifier):
            yield f"{path}: operationId {identifier!r}"
        if identifier in seen:
            yield f"{path}: operationId {identifier!r} is not the only one"
        seen.add(identifier)
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]
            if "application/json" not in content:
                yield f"{path}: its body is {list(content)}"
                continue
            schema = content["application/json"]["schema"]
            if "properties" not in resolved(document, schema):
                yield f"{path}: no top-level properties"
            yield from (f"{path}: $ref below {place}" for place in sorted(unresolved(document, schema)))


def resolved(document, schema):
    hops = 0
    while isinstance(schema, dict) and "$ref" in schema and hops < 100:
        schema, hops = component(document, schema["$ref"]), hops + 1
    return schema if isinstance(schema, dict) else {}


def component(document, reference):
    return document["components"]["schemas"].get(reference.rpartition("/")[2], {})


def contains_itself(document, reference):
    """Whether following the reference never comes to an end."""
    seen, waiting = set(), [(component(document, reference), (reference,))]
    while waiting:
        here, way = waiting.pop()
        if isinstance(here, list):
            waiting += [(each, way) for each in here]
        elif isinstance(here, dict):
            further = here.get("$ref")
            if further in way:
                return True
            if isinstance(further, str) and further not in seen:
                seen.add(further)
                waiting.append((component(document, further), (*way, further)))
            waiting += [(each, way) for key, each in here.items() if key not in ("default", "const", "enum", "examples")]
    return False


def unresolved(document, schema):
    """The keywords below which Open WebUI leaves a `$ref` of this schema standing."""
    found, followed, waiting = set(), set(), [(schema, None)]
    while waiting:
        here, blind = waiting.pop()
        if isinstance(here, list):
            waiting += [(each, blind) for each in here]
        if not isinstance(here, dict):
            continue
        reference = here.get("$ref")
        if isinstance(reference, str):
            found |= {blind} if blind and not contains_itself(document, reference) else set()
            if reference not in followed:
                followed.add(reference)
                waiting.append((component(document, reference), None))
        for key, value in here.items():
            if key in ("properties", "patternProperties", "dependentSchemas", "$defs") and isinstance(value, dict):
                below = blind if key == "properties" else key
                waiting += [(each, below) for each in value.values()]
            elif key in ("items", "oneOf", "anyOf", "allOf"):
                waiting.append((value, blind))
            elif key not in ("default", "const", "enum", "examples", "example"):
                waiting.append((value, key))
    return found
