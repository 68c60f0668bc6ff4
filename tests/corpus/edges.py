"""Instances at the edges of a schema: for each constraint in it, one that just keeps it and one that just breaks it.

Works on the schema itself: where the constraint stands, a constant takes its place, and the whole is sampled.
"""

from sampler import GENERIC, Sampler

MOST = 60
TRIES = 2
LONG = 5_000


def around(schema, chance):
    places = [(node, value) for node in _nodes(schema) for value in _values(schema, node, chance)]
    sampler = Sampler(schema, chance, thorough=True)
    for node, value in places if len(places) <= MOST else chance.sample(places, MOST):
        kept = dict(node)
        node.clear()
        node["const"] = value
        yield from (sampler.sample() for _ in range(TRIES))
        node.clear()
        node.update(kept)


def _nodes(schema):
    """All that may be a schema; what only looks like one does no harm."""
    if isinstance(schema, dict):
        yield schema
    for below in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(below, (dict, list)):
            yield from _nodes(below)


def _values(schema, node, chance):
    sampler = Sampler(schema, chance, thorough=True)
    for keyword, limit in node.items():
        if isinstance(limit, bool) or not isinstance(limit, (int, float)):
            yield from _others(sampler, node, keyword, limit, chance)
        elif keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            yield from (limit, limit - 1, limit + 1)
        elif keyword == "multipleOf":
            yield from (limit, limit * 1.5)
        elif keyword in ("minLength", "maxLength") and limit < LONG:
            yield from ("x" * size for size in _sizes(limit))
        elif keyword in ("minItems", "maxItems") and limit < LONG:
            yield from ([sampler.of(node.get("items"), 3)] * size for size in _sizes(limit))
        elif keyword in ("minProperties", "maxProperties") and limit < LONG:
            yield from ({f"p{number}": 1 for number in range(size)} for size in _sizes(limit))


def _sizes(limit):
    return [max(0, int(limit) + more) for more in (-1, 0, 1)]


def _others(sampler, node, keyword, value, chance):
    if keyword in ("enum", "const", "pattern"):
        yield "none of these"
    if keyword in ("type", "enum", "const", "pattern", "not", "anyOf", "oneOf", "allOf", "$ref"):
        yield from chance.sample(GENERIC, 2)
    elif keyword == "uniqueItems":
        yield [sampler.of(node.get("items"), 3)] * 2
    elif keyword in ("required", "additionalProperties", "propertyNames", "patternProperties"):
        whole = sampler.object(sampler.flat(node, 3), 3)
        yield {**whole, "undeclared": chance.choice(GENERIC)}
        for name in value if isinstance(value, list) else []:
            yield {key: each for key, each in whole.items() if key != name}
