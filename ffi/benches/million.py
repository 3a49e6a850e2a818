"""A million addresses from Python: `million.py texts|fields FILE` reads them, `million.py flag FILE DIR NOW` flags
them.

The program that runs it times the same from Rust: see million.rs. The rows are lists of str, as a program in Python has
them; what it takes to hand them over is in the time.
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import stapel

ROWS = 1_000_000
READS = 5

T = TypeVar("T")


def timed(name: str, work: Callable[[], T]) -> T:
    start = time.perf_counter()
    made = work()
    seconds = time.perf_counter() - start
    print(f"{name} {seconds:.6f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}")
    return made


def main(what: str, file: str, *rest: str) -> None:
    lines = Path(file).read_text(encoding="utf-8").split("\n")[:-1]
    if what == "fields":
        columns = [lines[at : at + ROWS] for at in range(0, 4 * ROWS, ROWS)]
        for _ in range(READS):
            timed("fields", lambda: stapel.Addresses.from_fields(*columns)).close()
        return
    for _ in range(READS):
        timed("texts", lambda: stapel.Addresses.from_texts(lines)).close()
    if what == "flag":
        folder, now = rest
        by = stapel.Case("j.jansen", "1")
        with stapel.Addresses.from_texts(lines) as homes, stapel.Partner(Path(folder)) as partner:
            changed = timed("flag", lambda: partner.flag(homes, by, now=int(now)))
            if changed.added < ROWS / 2:
                sys.exit("too few were added")


main(*sys.argv[1:])
