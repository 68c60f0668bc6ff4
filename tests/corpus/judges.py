"""Two readings of one schema: the upstream's own, and that of the gateway's OpenAPI document.

Both by Python's jsonschema, which mcpo does not use. Formats are annotations, nothing is fetched. A verdict is True,
False, or words for a schema that gives none.
"""

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from referencing import Registry, Specification
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

DOCUMENT = "http://mcpo.invalid/openapi.json"


def original(schema):
    """Judges by the schema as the upstream sent it, under its own dialect; one that names none is 2020-12 (MCP)."""
    return _judge(validator_for(schema, default=Draft202012Validator)(schema, registry=Registry()))


def documented(registry, pointer):
    """Judges by the schema at a JSON pointer of a document in the registry."""
    return _judge(Draft202012Validator({"$ref": f"{DOCUMENT}#{pointer}"}, registry=registry))


def no_schemas(document):
    """The components that are no schemas of 2020-12, each with what is wrong."""
    for name, schema in document["components"]["schemas"].items():
        fault = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
        if fault:
            yield f"the component {name} is no schema: {fault.json_path} {fault.message}"


def registry(document):
    """An OpenAPI document as a place to resolve references in, and nothing else."""
    return Registry().with_resource(DOCUMENT, OPENAPI.create_resource(document)).crawl()


def _is_document(contents):
    return isinstance(contents, dict) and "openapi" in contents


def _subresources(contents):
    document = _is_document(contents)
    below = contents["components"]["schemas"].values() if document else DRAFT202012.subresources_of(contents)
    return [each for each in below if isinstance(each, (dict, bool))]  # `no_schemas` tells what else stands there


def _enter(segments, resolver, subresource):
    if segments[:2] == ["components", "schemas"]:
        segments = segments[3:]
    return DRAFT202012.maybe_in_subresource(segments, resolver, subresource)


# Schemas of 2020-12 that stand below components (OpenAPI 3.1.1 section 4.8.24).
OPENAPI = Specification(
    name="openapi-3.1",
    id_of=lambda contents: None if _is_document(contents) else DRAFT202012.id_of(contents),
    subresources_of=_subresources,
    anchors_in=lambda _, contents: DRAFT202012.anchors_in(contents),
    maybe_in_subresource=_enter,
)


def _judge(validator):
    def verdict(instance):
        try:
            return validator.is_valid(instance)
        except Unresolvable as error:
            return f"cannot resolve {error.ref}"
        except RecursionError:
            return "has no end"
        except Exception as error:  # whatever a schema that is none does to the validator
            return f"is unusable: {type(error).__name__}"

    return verdict
