"""Runs the scenarios, prints a table of them, and what is wrong."""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .expectations import LEFT_OUT, NOT_MET
from .suite import VERSIONS, Outcome, Run, perform, scenarios

#: At a time. A run is a suite, a driver and a gateway, each idle while it waits for another.
WORKERS = 2
#: Measures how long the client waits: nothing runs beside it.
ALONE = ("sse-retry",)


def main(chosen: list[str]) -> int:
    all_scenarios = scenarios()
    if unknown := (set(chosen) | set(LEFT_OUT)) - set(all_scenarios):
        print(f"no such scenario: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    start = time.monotonic()
    names = [name for name in all_scenarios if not chosen or name in chosen]
    runs = [Run(name, version) for name in names if name not in LEFT_OUT for version in all_scenarios[name]]
    outcomes = perform_all(runs)
    print_table(names, outcomes)
    wrong = [outcome for outcome in outcomes.values() if verdict(outcome) == "fail"]
    for outcome in wrong:
        explain(outcome)
    result = f"{len(wrong)} failed" if wrong else "none failed"
    print(f"==> {len(outcomes)} runs, {result} ({time.monotonic() - start:.0f} s)")
    return 1 if wrong else 0


def perform_all(runs: list[Run]) -> dict[Run, Outcome]:
    with tempfile.TemporaryDirectory(prefix="mcpo-conformance-") as name:
        folders = {run: Path(name) / str(number) for number, run in enumerate(runs)}
        outcomes = {run: perform(run, folders[run]) for run in runs if run.scenario in ALONE}
        with ThreadPoolExecutor(WORKERS) as pool:
            others = [run for run in runs if run not in outcomes]
            done = pool.map(lambda run: perform(run, folders[run]), others)
            outcomes |= {outcome.run: outcome for outcome in done}
    return outcomes


def print_table(names: list[str], outcomes: dict[Run, Outcome]):
    columns = sorted({run.version for run in outcomes} | set(VERSIONS))
    print_row("", columns)
    for name in names:
        if name in LEFT_OUT:
            print_row(name, [f"left out: {LEFT_OUT[name]}"])
        else:
            print_row(name, [verdict(outcomes.get(Run(name, version))) for version in columns])


def print_row(name: str, cells: list[str]):
    print(f"{name:42}{''.join(f'{cell:14}' for cell in cells)}".rstrip())


def verdict(outcome: Outcome | None) -> str:
    if outcome is None:
        return "-"
    if not outcome.faults:
        return "pass" if outcome.passed and not expected(outcome) else "fail"
    return "as explained" if outcome.faults.keys() == expected(outcome).keys() else "fail"


def expected(outcome: Outcome) -> dict[str, str]:
    return NOT_MET.get((outcome.run.scenario, outcome.run.version), {})


def explain(outcome: Outcome):
    print(f"==> {outcome.run.scenario} at {outcome.run.version}")
    for check, fault in outcome.faults.items():
        print(f"    {check}: {fault}")
    for check in expected(outcome).keys() - outcome.faults.keys():
        print(f"    {check}: is met now, take it out of NOT_MET")
    print("    " + outcome.output.strip().replace("\n", "\n    "))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
