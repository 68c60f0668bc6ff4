"""The schemas under test, and the tools that carry them.

Real servers' schemas are served as they came. A schema of the test suite is served in up to three places, each of
which a translation can get wrong in its own way: as a whole outputSchema, as the property `value` of an inputSchema,
and, where it accepts an object at all, as a whole inputSchema.
"""

import copy
import json
from dataclasses import dataclass, field

from referencing.jsonschema import specification_with

import judges

DRAFTS = {
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}
# Of the suite's optional tests those about references; the rest is about formats, regular expressions and big numbers.
OPTIONAL = ["anchor", "id", "refOfUnknownKeyword", "unknownKeyword"]
OBJECT = {"type": "object"}


@dataclass
class Subject:
    """One schema at one place of one tool."""

    name: str
    server: str
    tool: str
    place: str  # "input" or "output"
    schema: dict  # as the upstream lists it, the whole of it
    known: list = field(default_factory=list)
    wrapped: bool = False  # the body of an answer is the content's only property, `result`


def real(folder):
    """The servers with their tools, and a subject for each schema of each tool."""
    servers, subjects = {}, []
    for file in sorted(folder.glob("*.json")):
        server, tools = file.stem, json.loads(file.read_text())
        servers[server] = tools
        for tool in tools:
            for place in ("input", "output"):
                schema = tool.get(f"{place}Schema")
                if schema is not None:
                    wrapped = place == "output" and is_wrapped(tool["name"], schema)
                    name = f"{server}/{tool['name']}"
                    subjects.append(Subject(name, server, tool["name"], place, schema, wrapped=wrapped))
    return servers, subjects


def is_wrapped(tool, schema):
    """Whether a Python SDK has put an object around a result that is none."""
    by_title = schema.get("title") == f"{tool}Output" and list(schema.get("properties", {})) == ["result"]
    return schema.get("x-fastmcp-wrap-result") is True or (by_title and schema.get("required") == ["result"])


def suite(folder):
    """One server for each draft, and the subjects of its tools."""
    servers, subjects = {}, []
    for draft, dialect in DRAFTS.items():
        files = sorted((folder / draft).glob("*.json"))
        files += [file for word in OPTIONAL if (file := folder / draft / "optional" / f"{word}.json").exists()]
        servers[draft] = []
        for file in files:
            for number, group in enumerate(json.loads(file.read_text()), 1):
                # Some files stand in both folders.
                stem = file.stem if file.parent.name == draft else f"optional-{file.stem}"
                tools, more = group_of(draft, dialect, f"{stem}-{number}", group)
                servers[draft] += tools
                subjects += more
    return servers, subjects


def group_of(draft, dialect, tool, group):
    """The tools and subjects of one schema of the suite."""
    name = f"{draft}/{tool.rpartition('-')[0]}/{group['description']}"
    known = [test["data"] for test in group["tests"]]
    property_known = [{"value": each} for each in known]
    nested = below_value(group["schema"], dialect)
    listed = {"name": tool, "inputSchema": nested}
    same_meaning(name, group["schema"], nested, known)
    subjects = [Subject(f"{name} [value]", draft, tool, "input", nested, property_known)]
    if not isinstance(group["schema"], dict):
        return [listed], subjects
    whole = {"$schema": dialect, **group["schema"]}
    listed["outputSchema"] = whole
    subjects.append(Subject(f"{name} [output]", draft, tool, "output", whole, known))
    accepts = judges.original(whole)
    objects = [each for each in known if isinstance(each, dict)]
    if not any(accepts(each) is True for each in objects):
        return [listed], subjects
    subjects.append(Subject(f"{name} [input]", draft, f"{tool}-whole", "input", whole, objects))
    return [listed, {"name": f"{tool}-whole", "inputSchema": whole}], subjects


def below_value(schema, dialect):
    """An object schema whose property `value` is `schema`, meaning the same: its references by pointer lead on."""
    schema = copy.deepcopy(schema)
    specification = specification_with(dialect)
    if isinstance(schema, dict):
        if schema.get("$schema") == dialect:
            del schema["$schema"]
        if "$recursiveRef" in json.dumps(schema):  # which has no other form than `#`
            schema.setdefault("$id", "urn:mcpo:corpus")
        move_references(schema, specification)
    return {"$schema": dialect, **OBJECT, "properties": {"value": schema}}


def move_references(schema, specification):
    """Stops at schemas with an identifier: they are roots of their own."""
    if not isinstance(schema, dict) or specification.id_of(schema) is not None:
        return
    for keyword in ("$ref", "$dynamicRef"):
        reference = schema.get(keyword)
        if isinstance(reference, str) and (reference == "#" or reference.startswith("#/")):
            schema[keyword] = "#/properties/value" + reference[1:]
    for below in specification.subresources_of(schema):
        move_references(below, specification)


def same_meaning(name, schema, nested, known):
    """Ends the run where the corpus itself, not mcpo, has changed a schema's meaning."""
    whole = {"allOf": [schema]} if isinstance(schema, bool) else schema
    whole = judges.original({"$schema": nested["$schema"], **whole})
    below = judges.original(nested)
    for each in known:
        if whole(each) != below({"value": each}):
            raise SystemExit(f"{name}: means something else as a property's schema: {json.dumps(each)}")
