"""The README's table of differences is the one that the differences make."""

import re
from pathlib import Path

from harness.parts import TESTS

from .differences import CELLS, Difference

README = TESTS.parent / "README.md"
HEAD = "| | Python mcpo | mcpo | why |\n|---|---|---|---|\n"


def table(differences: list[Difference]) -> str:
    rows = (" | ".join(getattr(difference, cell) for cell in CELLS) for difference in differences)
    return HEAD + "".join(f"| {row} |\n" for row in rows)


def faults(differences: list[Difference]) -> list[str]:
    """What is wrong with the README's table, row by row."""
    there, wanted = set(find()[1].splitlines()), set(table(differences).splitlines())
    missing = [
        f"README.md: this row is missing or not as in differences.toml: {row}" for row in wanted - there
    ]
    stale = [f"README.md: this row is not (any more) in differences.toml: {row}" for row in there - wanted]
    tests = [fault for difference in differences if (fault := without_test(difference))]
    return sorted([*missing, *stale, *tests])


def write(differences: list[Difference]):
    text, there = find()
    README.write_text(text.replace(there, table(differences)))


def find() -> tuple[str, str]:
    """The README, and the table below its heading."""
    text = README.read_text()
    found = re.search(r"^## Differences from the Python mcpo\n.*?\n(\|.*?\n)(?!\|)", text, re.S | re.M)
    if not found:
        raise ValueError("README.md: no table below the heading 'Differences from the Python mcpo'")
    return text, found[1]


def without_test(difference: Difference) -> str:
    """`file.rs: function`, below tests/."""
    if not difference.test:
        return ""
    file, _, function = difference.test.partition(": ")
    path: Path = TESTS / file
    if path.exists() and re.search(rf"\bfn {re.escape(function)}\b", path.read_text()):
        return ""
    return f"differences.toml: {difference.name}: there is no test {difference.test}"
