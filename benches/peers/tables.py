"""Makes tables of what was measured: python3 tables.py FOLDER [RESULTS.md]

The folder has a file for each program that ran, with a line for each figure. The tables go to standard output, and
between the two marks in a Markdown file that has them.
"""

import sys
import textwrap
from pathlib import Path

BEGIN = "<!-- benches/peers/run writes from here"
END = "<!-- to here -->"

# In the order in which they happen: figures of the program `whole`, and what they are called.
STEPS = [
    ("deliver: addresses read", "partner: addresses read from a file, and checked"),
    ("deliver: flags set", "partner: flags set, sealed in the journal"),
    ("deliver: full set signed", "partner: pseudonyms, full set in parts, signed and kept"),
    ("broker accepted", "broker: full sets verified, tagged, sealed and kept"),
    ("deliver: replies read", "partner: receipts read"),
    ("broker released", "broker: release"),
    ("ask: folder opened", "partner: folder opened again"),
    ("ask: question signed", "partner: question made, kept and signed"),
    ("broker answered", "broker: questions answered"),
    ("ask: replies read", "partner: answer checked, kept and written"),
]


def main(folder: Path, results: Path | None) -> None:
    text = "\n\n".join([prose((folder / "machine").read_text()), *whole(folder), *ingest(folder)]) + "\n"
    sys.stdout.write(text)
    if results:
        page = results.read_text()
        before, begin, rest = page.partition(BEGIN)
        mark, _, rest = rest.partition("\n")
        _, end, after = rest.partition(END)
        if not end:
            sys.exit(f"{results} has no two marks to write between")
        results.write_text(f"{before}{begin}{mark}\n\n{text}\n{end}{after}")


def whole(folder: Path) -> list[str]:
    turns, together, alone = (best(folder, name) for name in ("run-1", "run-2", "alone-2"))
    own = together["wall"]
    rows = [
        stapel("Stapel, whole, two partners at a time", together, 2, own),
        stapel("Stapel, whole, one partner after another", turns, 1, own),
        row("Stapel, the broker's side alone, two partners at a time", alone, "broker ", own),
    ]
    for name, title in [
        ("duckdb", "DuckDB, on disk, two threads"),
        ("polars", "polars, streaming, two threads"),
        ("sqlite", "SQLite, on disk, made safe by nothing"),
    ]:
        rows.append(row(title, best(folder, name), "", own))
    psi = best(folder, "psi")
    scaled = psi["whole scaled"]
    rows.append(cells("openmined-psi, scaled, one thread", scaled, scaled, f"{psi['peak']:,.0f}, not scaled", own))
    steps = [(title, turns[name]) for name, title in STEPS]
    rest = turns["wall"] - sum(took for _, took in steps)
    steps.append(("processes begun and ended, bytes carried between them", rest))
    shares = [f"| {title} | {took:.2f} | {took / turns['wall']:.0%} |" for title, took in steps]
    return [
        "### The whole job",
        table("| | seconds | of the processor | most memory, MiB | times Stapel's seconds |", rows),
        prose(
            f"openmined-psi was measured at {psi['items']:,.0f} by {psi['items']:,.0f}: "
            f"{psi['set encrypted']:.1f} s to encrypt a set, "
            f"{psi['question exchanged']:.1f} s to exchange a question, of the processor. "
            "The whole job is four sets, each encrypted once, and twelve exchanges."
        ),
        "### Where Stapel's time goes: four partners together, one after another",
        table("| step | seconds | share |", shares),
    ]


def stapel(title: str, took: dict[str, float], at_once: int, own: float) -> str:
    processor = sum(took[f"{who} processor"] for who in ("broker", "deliver:", "ask:"))
    broker, partner = took["broker peak"], max(took["deliver: peak"], took["ask: peak"])
    memory = f"{broker + at_once * partner:,.0f} at once: broker {broker:,.0f}, a partner {partner:,.0f}"
    return cells(title, took["wall"], processor, memory, own)


def row(title: str, took: dict[str, float], process: str, own: float) -> str:
    return cells(title, took["wall"], took[f"{process}processor"], f"{took[f'{process}peak']:,.0f}", own)


def cells(title: str, wall: float, processor: float, memory: str, own: float) -> str:
    return f"| {title} | {wall:,.1f} | {processor:,.1f} | {memory} | {wall / own:.2f} |"


def ingest(folder: Path) -> list[str]:
    took = {}
    for line in (folder / "ingest.tsv").read_text().splitlines():
        name, *numbers = line.split("\t")
        took[name] = [float(number) for number in numbers]
    rows = []
    for name, title in [
        ("stapel", "Stapel, signatures, tags and release included"),
        ("stapel-2", "the same, messages of two partners at a time, release on two threads"),
        ("hmac", "the tags' bare HMACs alone, one core"),
        ("duckdb", "DuckDB, appended without a key"),
        ("fjall", "fjall"),
        ("sqlite", "SQLite"),
    ]:
        flags, wall, processor = took[name]
        each, busy = wall / flags * 1e9, processor / flags * 1e9
        rows.append(f"| {title} | {flags / wall:,.0f} | {each:,.0f} ({busy:,.0f}) | {wall / took['stapel'][1]:.2f} |")
    head = "| | flags a second | ns a flag (processor, all threads) | times Stapel's |"
    return ["### Durable ingest", table(head, rows)]


def prose(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def table(head: str, rows: list[str]) -> str:
    rule = "|" + "---|" * (head.count("|") - 1)
    return "\n".join([head, rule, *rows])


def best(folder: Path, name: str) -> dict[str, float]:
    """The figures of the round that took least time."""
    rounds = [figures(path) for path in sorted(folder.glob(f"{name}.*.tsv"))]
    return min(rounds, key=lambda took: took["wall"])


def figures(path: Path) -> dict[str, float]:
    return {name: float(value) for name, value in (line.split("\t") for line in path.read_text().splitlines())}


main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
