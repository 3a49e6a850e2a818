"""Durable ingest by DuckDB of the rows that `ingest FOLDER` left: python3 ingest.py duckdb FOLDER

A table without a key, a commit for each message. DuckDB is handed columns of integers, which it takes fastest: a tag
is two of 64 bits. Prints a line as the program in Rust does: name, flags, seconds, seconds of the processor.
"""

import sys
import time
from pathlib import Path

import figures


def with_duckdb(folder: str) -> None:
    import duckdb
    import numpy

    messages = []
    for path in sorted(Path(folder).glob("*.rows")):
        data = path.read_bytes()
        count = len(data) // 18
        columns = {
            "high": numpy.frombuffer(data, "<u8", count),
            "low": numpy.frombuffer(data, "<u8", count, 8 * count),
            "last": numpy.frombuffer(data, "<u2", count, 16 * count),
        }
        messages.append((int(path.stem.split("-")[1]), columns))
    con = duckdb.connect(f"{folder}/flags.duckdb")
    con.execute("SET threads = 2")
    con.execute("CREATE TABLE flags (high UBIGINT, low UBIGINT, partner USMALLINT, first USMALLINT, last USMALLINT)")
    flags = sum(len(columns["last"]) for _, columns in messages)
    start, before = time.perf_counter(), time.process_time()
    for partner, columns in messages:
        con.execute(f"INSERT INTO flags SELECT high, low, {partner}, {FIRST}, last FROM columns")
    wall, processor = time.perf_counter() - start, time.process_time() - before
    (kept,) = con.execute("SELECT count(*) FROM flags").fetchone()
    if kept != flags:
        sys.exit(f"{kept} of {flags} rows were kept")
    print(f"duckdb\t{flags}\t{wall:.3f}\t{processor:.3f}")


# 2026-12-01, in days.
FIRST = 20788

figures.dispatch({"duckdb": with_duckdb}, __doc__)
