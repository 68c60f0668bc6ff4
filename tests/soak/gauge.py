"""What a process holds, as `/proc` tells it, and whether that has grown."""

import contextlib
import os
import time
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import ClassVar

#: How much more may be held at the end than after warming up: a part, and what comes and goes with connections, children
#: and the threads that read files.
SHARE = 0.05
LEEWAY = {"rss": 0, "files": 6, "threads": 2, "children": 1, "zombies": 1}


def processes() -> dict[int, tuple[str, int]]:
    """State and parent of each process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # It may have ended since.
            with contextlib.suppress(OSError):
                # "pid (name) state parent ...": the name may hold anything, so look behind its last bracket.
                state, parent = (entry / "stat").read_text().rpartition(") ")[2].split()[:2]
                found[int(entry.name)] = state, int(parent)
    return found


def family(pid: int) -> dict[int, str]:
    """The state of each process that it has started, directly or not."""
    all_of_them, found, parents = processes(), {}, {pid}
    while parents:
        children = {child: state for child, (state, parent) in all_of_them.items() if parent in parents}
        found |= children
        parents = set(children)
    return found


@dataclass
class Sample:
    """What a process holds at one moment; memory in KiB."""

    rss: int
    files: int
    threads: int
    children: int
    zombies: int

    HEADER: ClassVar[str] = f"{'RSS KiB':>9} {'files':>6} {'threads':>7} {'children':>8} {'zombies':>7}"

    def __str__(self):
        return f"{self.rss:9} {self.files:6} {self.threads:7} {self.children:8} {self.zombies:7}"

    @classmethod
    def of(cls, pid: int) -> "Sample":
        lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        states = list(family(pid).values())
        return cls(
            rss=int(status["VmRSS"].split()[0]),
            files=len(os.listdir(f"/proc/{pid}/fd")),
            threads=int(status["Threads"]),
            children=len(states) - states.count("Z"),
            zombies=states.count("Z"),
        )


def faults(samples: list[Sample]) -> list[str]:
    """What has grown from the second fifth of the samples to the last; the first is for warming up."""
    fifth, found = len(samples) // 5, []
    for name in (field.name for field in fields(Sample)):
        values = [getattr(sample, name) for sample in samples]
        before, after = median(values[fifth : 2 * fifth]), median(values[-fifth:])
        if after > before * (1 + SHARE) + LEEWAY[name]:
            found.append(f"{name} grew from {before:g} to {after:g}")
    return found


def settled(pid: int) -> bool:
    """Whether every child that has ended is reaped soon."""
    deadline = time.monotonic() + 10
    while "Z" in family(pid).values():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
