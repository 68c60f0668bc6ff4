"""An answer in the form in which it is compared: its status, the headers that matter, what its body means."""

import json
import re
from dataclasses import dataclass
from urllib.parse import urljoin

#: Headers that matter, beside `vary` and what HTTP itself says of a message.
HEADERS = (
    "allow",
    "location",
    "retry-after",
    "www-authenticate",
    "content-type",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
    "vary",
)

#: Documented routes of the gateway itself.
OPEN = ("/healthz", "/readyz", "/status")
#: What of an operation is compared word by word.
OUTLINE = ("operationId", "summary", "description", "security", "tags")

#: What is another in every run, and what stands for it.
MOMENTS = (
    (re.compile(r"\b\d{1,2}:\d\d:\d\d [AP]M\b"), "<time>"),
    (re.compile(r"\bat 0x[0-9a-f]+\b"), "<address>"),
    (re.compile(r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d\b"), "<moment>"),
)
NOW = (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"), "<now>")


@dataclass
class Answer:
    """`parts`: each thing that can be the same or not, by its name (`status`, `header allow`, `body` …)."""

    parts: dict


def answer(path: str, received: tuple[int, dict, bytes], names: dict[str, str]) -> Answer:
    """`names` are strings that differ between the two worlds, with what stands for each."""
    status, headers, content = received
    text = content.decode(errors="backslashreplace")
    masks = [*MOMENTS, NOW] if path.endswith("/get_current_time") else MOMENTS

    def neutral(text: str) -> str:
        for name, stand_in in names.items():
            text = text.replace(name, stand_in)
        for pattern, stand_in in masks:
            text = pattern.sub(stand_in, text)
        return text

    parts = {"status": status}
    for name in HEADERS:
        if (value := headers.get(name)) is not None:
            parts[f"header {name}"] = header(name, neutral(value), path)
    kind = headers.get("content-type", "")
    if kind.startswith("text/html"):
        parts |= page(text)
    elif not kind.startswith("application/json") or not text:
        parts["body"] = neutral(text)
    else:
        body = neutral_json(json.loads(text), neutral)
        is_document = isinstance(body, dict) and "openapi" in body
        parts |= document(body) if is_document else {"body": body}
        if status == 200 and not is_document and (numbers := whole_floats(body)):
            parts["numbers"] = numbers
    return Answer(parts)


def header(name: str, value: str, path: str):
    """Lists in one order, and a location as it is seen from outside."""
    if name == "location":
        return value if value.startswith("$GATEWAY") else f"$GATEWAY{urljoin(path, value)}"
    if name in ("content-type", "www-authenticate"):
        return value
    return sorted({member.strip().lower() for member in value.split(",")} - {""})


def page(text: str) -> dict:
    """A page: its title, and from where else it loads something."""
    title = re.search("<title>(.*?)</title>", text, re.S)
    elsewhere = re.findall(r'(?:src|href)="(https?://[^/"]*)', text)
    return {"title": title and title[1].strip(), "loads from": sorted(set(elsewhere))}


def document(body: dict) -> dict:
    """An OpenAPI document: what it says of the server and of each operation, and of both the schemas."""
    operations, arguments, responses, schemas = {}, {}, {}, {}
    paths = {path: methods for path, methods in body["paths"].items() if path not in OPEN}
    for path, methods in paths.items():
        for method, operation in methods.items():
            name = f"{method} {path}"
            operations[name] = {key: operation.get(key) for key in OUTLINE}
            arguments[name] = taken(body, operation)
            responses[name] = sorted(operation["responses"])
            schemas[name] = [operation.get("requestBody"), operation["responses"].get("200")]
    return {
        "document": {key: body.get(key) for key in ("openapi", "servers")},
        "info": body.get("info"),
        "open routes": sorted(body["paths"].keys() - paths.keys()),
        "operations": operations,
        "arguments": arguments,
        "responses": responses,
        "schemas": [schemas, body.get("components")] if schemas else None,
    }


def taken(body: dict, operation: dict):
    """The names of the arguments, and which of them are required; nothing for a tool that takes none."""
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    if reference := schema.get("$ref"):
        schema = body["components"]["schemas"][reference.rpartition("/")[2]]
    return [sorted(schema.get("properties", {})), sorted(schema.get("required", []))]


def whole_floats(value) -> list[str]:
    """The whole numbers that are written with a fraction: 33.0 equals 33, and yet a server wrote only one."""
    match value:
        case float() if value.is_integer():
            return [str(value)]
        case list():
            return [number for item in value for number in whole_floats(item)]
        case dict():
            return [number for key in sorted(value) for number in whole_floats(value[key])]
    return []


def neutral_json(value, neutral):
    match value:
        case str():
            return neutral(value)
        case list():
            return [neutral_json(item, neutral) for item in value]
        case dict():
            return {neutral(key): neutral_json(item, neutral) for key, item in value.items()}
    return value


def same(one, other) -> bool:
    """Equality of JSON values: 33 equals 33.0, but neither 1 nor "1" is true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    match one, other:
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


def differing(theirs: Answer, ours: Answer) -> list[str]:
    """The names of the parts that are not the same; more in `vary` is the same."""
    names = [*theirs.parts, *(name for name in ours.parts if name not in theirs.parts)]
    return [name for name in names if not alike(name, theirs.parts.get(name), ours.parts.get(name))]


def alike(name: str, theirs, ours) -> bool:
    if name == "header vary":
        return set(theirs or ()) <= set(ours or ())
    return same(theirs, ours)
