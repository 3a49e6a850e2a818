"""What a process took, as the programs in Rust tell it: a line for each figure, its name and its number."""

import resource
import sys
import time

START = time.perf_counter()


def show(name: str, value: float) -> None:
    print(f"{name}\t{value:.3f}")


def seconds() -> float:
    """Seconds since this module was loaded, which is before a peer's own."""
    return time.perf_counter() - START


def show_process() -> None:
    """Shows seconds by the clock and of the processor, all threads together, and the most memory at any time in MiB."""
    show("wall", seconds())
    show("processor", time.process_time())
    show("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def dispatch(functions: dict, usage: str) -> None:
    """Calls the function that the first argument names with the others."""
    if len(sys.argv) != 3 or sys.argv[1] not in functions:
        sys.exit(usage)
    functions[sys.argv[1]](sys.argv[2])
