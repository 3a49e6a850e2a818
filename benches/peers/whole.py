"""The whole job by Stapel's peers: python3 whole.py duckdb|polars|sqlite FOLDER

They begin with ready-made hashes, flags-<partner>.csv, count the distinct partners of each hash, and look up what each
partner asks, asked-<partner>.csv. The counts go to answers-<peer>-<partner>.txt, a line each, in the order of the
questions. Nobody is authenticated, nothing is sealed, logged or kept from anybody. Of the ways to write it that were
tried, each peer's fastest is here.
"""

import figures
from figures import seconds, show, show_process

PARTNERS = range(1, 5)


def with_duckdb(folder: str) -> None:
    """On disk, on two threads. Hashes are UUIDs: 16 bytes, which it groups faster than text and than BLOBs."""
    import duckdb

    con = duckdb.connect(f"{folder}/counts.duckdb")
    con.execute("SET threads = 2")

    def hashes(name: str) -> str:
        return f"read_csv('{folder}/{name}.csv', header = false, columns = {{'hash': 'UUID'}})"

    flags = " UNION ALL ".join(f"SELECT hash, {n} AS source FROM {hashes(f'flags-{n}')}" for n in PARTNERS)
    con.execute(f"CREATE TABLE counts AS SELECT hash, count(DISTINCT source) AS n FROM ({flags}) GROUP BY hash")
    show("counted", seconds())
    for n in PARTNERS:
        asked = f"SELECT hash, row_number() OVER () AS place FROM {hashes(f'asked-{n}')}"
        answer = f"SELECT n FROM ({asked}) JOIN counts USING (hash) ORDER BY place"
        con.execute(f"COPY ({answer}) TO '{folder}/answers-duckdb-{n}.txt' (FORMAT csv, HEADER false)")


def with_polars(folder: str) -> None:
    """By its streaming engine, in memory; nothing is kept. Hashes are text, which it groups faster than bytes."""
    import polars

    def hashes(name: str) -> polars.LazyFrame:
        return polars.scan_csv(f"{folder}/{name}.csv", has_header=False, schema={"hash": polars.String})

    flags = polars.concat(
        [hashes(f"flags-{n}").with_columns(source=polars.lit(n, dtype=polars.UInt8)) for n in PARTNERS]
    )
    counts = flags.group_by("hash").agg(n=polars.col("source").n_unique()).collect(engine="streaming")
    show("counted", seconds())
    for n in PARTNERS:
        asked = hashes(f"asked-{n}").collect()
        found = counts.lazy().join(asked.lazy(), on="hash", how="semi").collect(engine="streaming")
        answer = asked.join(found, on="hash", how="left", maintain_order="left")
        answer.select("n").write_csv(f"{folder}/answers-polars-{n}.txt", include_header=False)


def with_sqlite(folder: str) -> None:
    """On disk, all in one transaction, without a journal; sorted by two threads. Hashes are BLOBs."""
    import sqlite3

    con = sqlite3.connect(f"{folder}/counts.sqlite")
    con.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA threads = 2")
    con.execute("CREATE TABLE flags (hash BLOB, source INTEGER)")
    for n in PARTNERS:
        rows = ((bytes.fromhex(line),) for line in lines(folder, f"flags-{n}"))
        con.executemany(f"INSERT INTO flags VALUES (?, {n})", rows)
    con.execute("CREATE TABLE counts (hash BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID")
    con.execute("INSERT INTO counts SELECT hash, count(DISTINCT source) FROM flags GROUP BY hash")
    con.commit()
    show("counted", seconds())
    for n in PARTNERS:
        with open(f"{folder}/answers-sqlite-{n}.txt", "w", encoding="ascii") as answers:
            for line in lines(folder, f"asked-{n}"):
                (count,) = con.execute("SELECT n FROM counts WHERE hash = ?", (bytes.fromhex(line),)).fetchone()
                answers.write(f"{count}\n")


def lines(folder: str, name: str):
    with open(f"{folder}/{name}.csv", encoding="ascii") as file:
        for line in file:
            yield line.rstrip("\n")


figures.dispatch({"duckdb": with_duckdb, "polars": with_polars, "sqlite": with_sqlite}, __doc__)
show_process()
