"""The named differences (differences.toml), and which of them explain what is not the same in an answer."""

import ast
import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from .answers import Answer, same

FILE = Path(__file__).with_name("differences.toml")
CELLS = ("name", "python", "mcpo", "why")
PROOFS = ("shown", "test", "missing")


@dataclass(eq=False)
class Rule:
    """Which requests a difference covers, and what exactly is different in their answers.

    `mode`, `method`, `path`, `sent` are regular expressions for the whole of the mode's name, the method,
    the path and the body sent; `headers` for headers of the request. `parts` maps a part of the answer to
    what it is for both, `[theirs, ours]` in patterns (see [`fits`]), or to a function's name in [`BECOMES`].
    """

    parts: dict
    mode: str = ".*"
    method: str = ".*"
    path: str = ".*"
    sent: str = ".*"
    headers: dict[str, str] = field(default_factory=dict)

    def explains(self, mode: str, request, theirs: Answer, ours: Answer) -> set[str]:
        """The parts of these answers that this rule explains."""
        asked = [
            (self.mode, mode),
            (self.method, request.method),
            (self.path, request.path),
            (self.sent, request.body or ""),
            *((pattern, request.headers.get(name, "")) for name, pattern in self.headers.items()),
        ]
        if not all(re.fullmatch(pattern, value, re.S) for pattern, value in asked):
            return set()
        for name, change in self.parts.items():
            one, other = theirs.parts.get(name), ours.parts.get(name)
            if isinstance(change, str):
                if not BECOMES[change](one, other):
                    return set()
            elif not (fits(change[0], one) and fits(change[1], other)):
                return set()
        return set(self.parts)


@dataclass
class Difference:
    """A row of the README's table: `shown` by requests, or by a `test` elsewhere, or `missing` so far."""

    name: str
    python: str
    mcpo: str
    why: str
    shown: list[Rule]
    test: str = ""
    missing: bool = False


def load() -> list[Difference]:
    with FILE.open("rb") as file:
        entries = tomllib.load(file)["difference"]
    differences = []
    for entry in entries:
        if unknown := entry.keys() - {*CELLS, *PROOFS}:
            raise ValueError(f"{FILE.name}: {entry.get('name')}: unknown keys {sorted(unknown)}")
        if sum(key in entry for key in PROOFS) != 1:
            raise ValueError(f"{FILE.name}: {entry.get('name')}: needs one of {', '.join(PROOFS)}")
        rules = [Rule(**rule) for rule in entry.pop("shown", [])]
        differences.append(Difference(**entry, shown=rules))
    return differences


def fits(pattern, value) -> bool:
    """Whether a value is as a pattern says.

    In a pattern, `"<any>"` stands for anything and `"<none>"` for nothing, `"~…"` for a string in which this
    regular expression is found, `["<each>", pattern]` for a list of at least one of that, `"<violations>"`
    for a 422 as FastAPI writes it; a member `"…?"` may be absent.
    """
    match pattern:
        case "<any>":
            return True
        case "<none>":
            return value is None
        case "<violations>":
            return fits(VIOLATIONS, value)
        case str() if pattern.startswith("~"):
            return isinstance(value, str) and re.search(pattern[1:], value, re.S) is not None
        case ["<each>", each]:
            return isinstance(value, list) and bool(value) and all(fits(each, item) for item in value)
        case list():
            if not isinstance(value, list) or len(pattern) != len(value):
                return False
            return all(map(fits, pattern, value))
        case dict():
            if not isinstance(value, dict):
                return False
            patterns = {key.removesuffix("?"): each for key, each in pattern.items()}
            needed = {key for key in pattern if not key.endswith("?")}
            if not needed <= value.keys() <= patterns.keys():
                return False
            return all(fits(patterns[key], item) for key, item in value.items())
    return same(pattern, value)


VIOLATIONS = {
    "detail": [
        "<each>",
        {"type": "~.", "loc": ["<each>", "<any>"], "msg": "~.", "input": "<any>", "ctx?": "<any>"},
    ]
}


def own_words(theirs, ours) -> bool:
    """The tool's text, which Python wrapped as the repr of a dict inside the repr of an exception."""
    try:
        assert theirs["detail"]["message"] == "Unexpected error"
        error = ast.literal_eval(theirs["detail"]["error"].removeprefix("500: "))
        return same(ours, {"detail": {"message": error["message"]}})
    except (AssertionError, KeyError, SyntaxError, TypeError, ValueError):
        return False


def more_responses(theirs, ours) -> bool:
    """All that was documented is documented still, and more."""
    if not isinstance(theirs, dict) or not isinstance(ours, dict):
        return False
    return all(set(codes) <= set(ours.get(name, ())) for name, codes in theirs.items())


def inside(theirs, ours) -> bool:
    """An object of which one member is what they answered; they read a text as JSON wherever it is JSON."""

    def as_json(value):
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return value

    return isinstance(ours, dict) and any(same(as_json(value), theirs) for value in ours.values())


#: Functions of both values of a part, for what patterns cannot say.
BECOMES = {"own words": own_words, "more responses": more_responses, "inside": inside}
