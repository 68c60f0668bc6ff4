"""curl, as people type it, and what else is run as a command."""

import json
import subprocess
from pathlib import Path
from urllib.request import urlopen

from .calls import CALLS, Answer, faults


def curl(server: str, key: str, folder: Path) -> list[str]:
    """`--json @file` sends a file as it is; `-d @file` takes the line breaks out."""
    answers = []
    for call in CALLS:
        file = folder / f"{call.tool}.json"
        file.write_text(json.dumps(call.arguments, indent=2, ensure_ascii=False) + "\n")
        for data in (["--json", f"@{file}"], ["-H", "Content-Type: application/json", "-d", f"@{file}"]):
            line = ["curl", "-sS", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {key}", *data]
            text, _, status = run(*line, f"{server}/{call.tool}").rpartition("\n")
            answers.append(Answer(call.tool, int(status), text))
    return faults(answers, served(server))


def served(server: str) -> set[str]:
    """The tools in the server's document."""
    with urlopen(f"{server}/openapi.json", timeout=60) as answer:
        return {path.removeprefix("/") for path in json.load(answer)["paths"]}


def run(*command, **options) -> str:
    """What a command prints; it must not fail."""
    words = [str(word) for word in command]
    done = subprocess.run(words, check=False, capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{words[:2]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
