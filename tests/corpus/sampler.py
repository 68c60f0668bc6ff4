"""Makes instances that a schema probably accepts. The judges say whether it does; here a wrong guess costs nothing.

Reads the keywords of all dialects at once. Follows references by JSON pointer; others it takes for "anything".
"""

import re
from urllib.parse import unquote

GENERIC = [
    None, True, False, 0, 1, -1, 7, 1.5, 10**20, "", "a", "foo", "5", "ü\u2028", [], [1], [1, 1], ["foo", None, {}],
    [[]], {}, {"a": 1}, {"foo": "bar"}, {"foo": {"bar": []}, "": 0},
]  # fmt: skip
STRINGS = [
    "", "a", "foo", "A1", "abc-def", "123", "2024-01-31", "2024-01-31T10:00:00Z", "https://example.com/a", "a@b.com",
]  # fmt: skip
DEPTH = 8
TYPES = {
    "object": ["properties", "required", "additionalProperties", "patternProperties", "minProperties", "propertyNames"],
    "array": ["items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"],
    "string": ["minLength", "maxLength", "pattern", "format"],
    "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
}


class Sampler:
    """`thorough` fills every property in."""

    def __init__(self, schema, chance, thorough=False):
        self.root = schema
        self.chance = chance
        self.thorough = thorough

    def sample(self):
        return self.of(self.root, DEPTH)

    def of(self, schema, depth):
        schema = self.flat(schema, depth)
        if "const" in schema:
            return schema["const"]
        for choices in ("enum", "examples"):
            if isinstance(schema.get(choices), list) and schema[choices]:
                return self.chance.choice(schema[choices])
        make = getattr(self, self.kind(schema), None)
        return make(schema, depth - 1) if make else self.chance.choice(GENERIC)

    def flat(self, schema, depth):
        """The schema with its references and one choice of its branches merged into it."""
        flat = dict(schema) if isinstance(schema, dict) else {}
        if depth <= 0:
            return {"type": flat.get("type", "null")}
        branches = []
        if isinstance(flat.get("$ref"), str):
            branches.append(self.target(flat["$ref"]))
        for keyword in ("anyOf", "oneOf"):
            if isinstance(flat.get(keyword), list) and flat[keyword]:
                branches.append(self.chance.choice(flat[keyword]))
        branches += flat["allOf"] if isinstance(flat.get("allOf"), list) else []
        branches += [flat[keyword] for keyword in self.chance.choice([["if", "then"], ["else"]]) if keyword in flat]
        for branch in branches:
            for key, value in self.flat(branch, depth - 1).items():
                merged = flat.get(key)
                if isinstance(value, dict) and isinstance(merged, dict):
                    flat[key] = {**merged, **value}
                elif isinstance(value, list) and isinstance(merged, list) and key == "required":
                    flat[key] = merged + value
                else:
                    flat[key] = value
        return flat

    def target(self, reference):
        found = self.root
        for step in unquote(reference).lstrip("#").split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            found = found[int(step)] if isinstance(found, list) and step.isdigit() else found
            found = found.get(step) if isinstance(found, dict) else found
        return found if reference.startswith("#") else {}

    def kind(self, schema):
        kind = schema.get("type")
        if isinstance(kind, list) and kind:
            kind = self.chance.choice(kind)
        if isinstance(kind, str):
            return kind
        told = [kind for kind, keywords in TYPES.items() if any(keyword in schema for keyword in keywords)]
        return self.chance.choice(told) if told else "anything"

    def null(self, _schema, _depth):
        return None

    def boolean(self, _schema, _depth):
        return self.chance.choice([True, False])

    def integer(self, schema, depth):
        return int(self.number(schema, depth))

    def number(self, schema, _depth):
        def limit(keyword):
            value = schema.get(keyword)
            return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

        low, high = limit("minimum"), limit("maximum")
        low = limit("exclusiveMinimum") + 1 if limit("exclusiveMinimum") is not None else low
        high = limit("exclusiveMaximum") - 1 if limit("exclusiveMaximum") is not None else high
        low = low if low is not None else min(0, high or 0)
        high = high if high is not None else low + 100
        step = limit("multipleOf")
        if step:
            return -(-low // step) * step
        return self.chance.choice([low, high, (low + high) // 2])

    def string(self, schema, _depth):
        fitting = [text for text in STRINGS if matches(schema.get("pattern"), text)] or STRINGS
        text = self.chance.choice(fitting)
        least, most = schema.get("minLength"), schema.get("maxLength")
        if isinstance(least, int) and 0 <= len(text) < least < 10_000:
            text += (text[-1:] or "x") * (least - len(text))
        return text[:most] if isinstance(most, int) else text

    def array(self, schema, depth):
        first = schema.get("prefixItems", schema.get("items"))
        first = first if isinstance(first, list) else []
        rest = schema.get("items") if not isinstance(schema.get("items"), list) else schema.get("additionalItems")
        least = schema.get("minItems") if isinstance(schema.get("minItems"), int) else 0
        length = max(least, len(first), self.chance.randrange(3)) if least < 100 else 0
        return [self.of(first[index] if index < len(first) else rest, depth) for index in range(length)]

    def object(self, schema, depth):
        properties = schema.get("properties") if isinstance(schema.get("properties"), dict) else {}
        needed = schema.get("required") if isinstance(schema.get("required"), list) else []
        generous = 1 if self.thorough else self.chance.random()
        names = [name for name in properties if name in needed or self.chance.random() < generous]
        made = {name: self.of(properties.get(name), depth) for name in [*names, *needed] if isinstance(name, str)}
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and generous > 0.5:
            made[self.chance.choice(STRINGS)] = self.of(more, depth)
        for pattern, value in (schema.get("patternProperties") or {}).items():
            made.update({name: self.of(value, depth) for name in STRINGS[1:3] if matches(pattern, name)})
        return made


def matches(pattern, text):
    if not isinstance(pattern, str):
        return True
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False
