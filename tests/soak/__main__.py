"""Runs the soak, prints a line every so often, and gives the verdict."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from . import chaos
from .gauge import Sample, faults, settled
from .trouble import Trouble

#: How many lines are printed, at most one a second.
LINES = 60


def minutes(text: str) -> float:
    value = float(text)
    if not 0.2 <= value <= 7 * 24 * 60:
        raise ValueError
    return value


def options():
    parser = argparse.ArgumentParser(prog="tests/soak/run", description=__doc__)
    parser.add_argument("--minutes", type=minutes, default=10, help="from 0.2 to a week; default 10")
    parser.add_argument("--chaos", action="store_true", help="among servers and callers that mean harm")
    return parser.parse_args()


def watch(trouble: Trouble, seconds: float) -> list[Sample]:
    """Samples what the gateway holds, and prints it."""
    samples, start, step = [], time.monotonic(), max(1.0, seconds / LINES)
    print(f"{'s':>6} {Sample.HEADER} {'calls':>8} {'failed':>6} {'kills':>6} {'reloads':>7}")
    while (now := time.monotonic() - start) < seconds:
        samples.append(sample := Sample.of(trouble.pid))
        counts = f"{trouble.calls:8} {len(trouble.failed):6} {trouble.kills:6} {trouble.reloads:7}"
        print(f"{now:6.0f} {sample} {counts}", flush=True)
        time.sleep(min(step, max(0.0, seconds - now)))
    return samples


def main() -> int:
    told = options()
    seconds = told.minutes * 60
    if told.chaos:
        with tempfile.TemporaryDirectory() as folder:
            found = chaos.run(seconds, Path(folder))
        for fault in found[:20]:
            print(fault)
        print(f"{len(found)} faults" if found else "no good call failed, and what was taken up has been given back")
        return 1 if found else 0
    with tempfile.TemporaryDirectory() as folder, Trouble(Path(folder)) as trouble:
        samples = watch(trouble, seconds)
        trouble.end()
        found = faults(samples) + [f"a call failed: {failure}" for failure in trouble.failed[:5]]
        if not settled(trouble.pid):
            found.append("a zombie is left")
    for fault in found:
        print(fault)
    print("not flat" if found else "flat: no call failed, and nothing has grown")
    return 1 if found else 0


sys.exit(main())
