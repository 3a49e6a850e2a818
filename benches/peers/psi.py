"""Private set intersection by openmined-psi, and what the whole job would take by it: python3 psi.py psi FOLDER

A set of at most 100,000 hashes of partner 2 and a question of as many are intersected, and the result is checked. The
whole job is scaled from that: each of the four partners encrypts its own flags once, and answers the questions of the
three others. It works on one thread; seconds are of the processor.
"""

import itertools
import sys
import time

import figures
from figures import show, show_process

PARTNERS = 4
FALSE_POSITIVES = 1e-9


def intersect(folder: str) -> None:
    import private_set_intersection.python as psi

    held, whole = hashes(folder, 2)
    asked, _ = hashes(folder, 1)
    # The first flags of two partners have few in common: a third of the question is of what the other holds.
    asked[::3] = held[::3][: len(asked[::3])]
    asked = list(dict.fromkeys(asked))
    server, client = psi.server.CreateWithNewKey(True), psi.client.CreateWithNewKey(True)
    start = time.process_time()
    setup = server.CreateSetupMessage(FALSE_POSITIVES, len(asked), held, psi.DataStructure.GCS)
    encrypted = time.process_time()
    found = client.GetIntersection(setup, server.ProcessRequest(client.CreateRequest(asked)))
    exchanged = time.process_time()
    same = set(held)
    if sorted(found) != [at for at, row in enumerate(asked) if row in same]:
        sys.exit("the intersection is not that of the two sets")
    show("items", len(held))
    show("set encrypted", encrypted - start)
    show("question exchanged", exchanged - encrypted)
    sets = (encrypted - start) / len(held) * whole * PARTNERS
    show("whole scaled", sets + (exchanged - encrypted) * PARTNERS * (PARTNERS - 1))


def hashes(folder: str, partner: int) -> tuple[list[str], int]:
    """At most 100,000 of a partner's hashes, and how many it has."""
    with open(f"{folder}/flags-{partner}.csv", encoding="ascii") as file:
        rows = [line.rstrip("\n") for line in itertools.islice(file, 100_000)]
        return rows, len(rows) + sum(1 for _ in file)


figures.dispatch({"psi": intersect}, __doc__)
show_process()
