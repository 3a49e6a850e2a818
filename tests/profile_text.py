"""Runs the pseudocode of spec/nl-address-1.md as it stands there: it must agree with the vectors and the reference.

The text's tables are read too: characters, words, short towns and codes. So what a reader implements is what is tested.
"""

import json
import pathlib
import random
import re
import sys
import types

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "reference")]

import address_lines  # noqa: E402
from stapel_reference import address as reference  # noqa: E402

TEXT = (ROOT / "spec/nl-address-1.md").read_text(encoding="utf-8")
MUTATIONS = 20_000


def section(number):
    return re.search(rf"\n## {number}\. .*?(?=\n## |\Z)", TEXT, re.DOTALL)[0]


def table(number, header):
    """The rows of the table of a section that has this first column."""
    rows = section(number).split(f"\n| {header} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


class Refusal(Exception):
    pass


def refuse(code):
    if code not in CODES:
        raise KeyError(code)
    raise Refusal(code)


def points(cell):
    """The characters that a cell of the table of characters names: in code quotes, or as U+ numbers and ranges."""
    found = set()
    for quoted in re.findall(r"`(.)`-`(.)`", cell):
        found.update(range(ord(quoted[0]), ord(quoted[1]) + 1))
    found.update(ord(quoted) for quoted in re.findall(r"`(.)`", cell))
    for first, last in re.findall(r"U\+([0-9A-F]{4})(?:-([0-9A-F]{2,4}))?", cell):
        found.update(range(int(first, 16), int(first[: 4 - len(last)] + last if last else first, 16) + 1))
    return found


def hidden():
    """The hidden characters of SPEC.md, section 1."""
    text = (ROOT / "SPEC.md").read_text()
    listed = " ".join(text[text.index("- A *hidden* character") : text.index("- A *slug* is")].split())
    found = set()
    for part in listed.partition("U+")[2].rstrip(".").split(", "):
        first, _, last = part.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return found


def folding():
    becomes = {}
    for cell, result in table(2, "characters"):
        cell, _, without = cell.partition(" without ")
        without, _, more = without.partition(";")
        taken = (points(cell) - points(without)) | points(more)
        if "hidden characters" in cell:
            taken |= hidden()
        for point in taken - becomes.keys():
            if result == "themselves":
                becomes[point] = chr(point)
            elif result == "the upper-case letter":
                becomes[point] = chr(point).upper()
            elif "0xFEE0 lower" in result:
                becomes[point] = becomes.get(point - 0xFEE0)
            elif result.startswith("refused"):
                becomes[point] = None
            else:
                becomes[point] = {"space": " "}.get(result, result.strip("`"))
    return {point: byte for point, byte in becomes.items() if byte is not None}


CODES = {row[0].strip("`"): row[1] for row in table(8, "code")}
FOLDED = folding()
FLAGS = {}
for words, names in table(6, "words"):
    FLAGS.update(dict.fromkeys(words.split(), frozenset(names.split(", "))))
UPPER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGIT = frozenset("0123456789")


def fold(text):
    folded = [FOLDED.get(ord(character)) for character in text]
    if None in folded:
        refuse("character")
    return "".join(folded)


def at(place):
    text = profile.text
    return text[place] if 0 <= place < len(text) else ""


def run(place, kind):
    end = place
    while at(end) and at(end) in kind:
        end += 1
    return profile.text[place:end]


def is_utf8(line):
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_canonical_unit(line):
    return re.fullmatch(rb"[1-9][0-9]{3}(?!SA|SD|SS)[A-Z]{2}\|[1-9][0-9]{0,4}\|[0-9A-Z]{0,5}", line) is not None


profile = types.ModuleType("profile")
profile.__dict__.update(
    refuse=refuse,
    fold=fold,
    at=at,
    run=run,
    is_utf8=is_utf8,
    is_canonical_unit=is_canonical_unit,
    flags=lambda word: FLAGS.get(word, frozenset()),
    SHORT_TOWNS=frozenset(re.findall(r"\b[A-Z]{3,5}\b", section(7).split("\n\n", 2)[2])),
    DIGIT=DIGIT,
    UPPER=UPPER,
    LETTER=UPPER | {"~"},
    ALNUM=UPPER | DIGIT,
    GLUE=UPPER | DIGIT | {"~", "'"},
    SPACE=frozenset(" "),
    GAP=frozenset(" -/"),
    END=frozenset([""]),
)
for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
    exec(compile(block, "nl-address-1.md", "exec"), profile.__dict__)
read_folded = profile.read_folded


def with_state(folded):
    profile.text = folded
    profile.s = types.SimpleNamespace(
        postcode=None, number=None, addition="", words=[], after_code=False, word=None,
        segment_start=True, last_is_code=False, year=False, ordinal=False, lettered=False, house=None, belgian=False,
    )  # fmt: skip
    return read_folded(folded)


profile.read_folded = with_state


def read_line(line):
    profile.s = types.SimpleNamespace(house=None)
    try:
        return profile.read_line(line)
    except Refusal as refusal:
        return (str(refusal), CODES[str(refusal)], profile.certain(str(refusal)))


def read_fields(fields):
    """Reads the four fields in the order that section 4 has."""
    texts = dict(fields)
    found = {}
    name = None
    try:
        for name in in_order(texts):
            if len(texts[name].encode()) > 100:
                refuse("too_long")
            profile.text = fold(texts[name]).strip(" ")
            read = profile.__dict__[f"read_{name}"]
            found[name] = read(found["huisnummer"], found["huisletter"]) if name == "toevoeging" else read()
    except Refusal as refusal:
        code = str(refusal)
        elsewhere = code in ("too_long", "not_the_house", "not_a_place", "range_unclear")
        certain = None if elsewhere or len(found) < 2 else f"{found['postcode']}|{found['huisnummer']}"
        return (code, name, certain)
    return f"{found['postcode']}|{found['huisnummer']}|{found['toevoeging']}"


def in_order(texts):
    """The fields' names; a BAG id without a postcode is read before it."""
    try:
        postcode, number = (fold(texts[name]).strip(" ") for name in ("postcode", "huisnummer"))
    except Refusal:
        return reference.FIELDS
    if postcode == "" and 13 <= len(number) <= 19 and set(number) <= DIGIT:
        return ("huisnummer", "postcode", "huisletter", "toevoeging")
    return reference.FIELDS


def theirs(read, *given):
    try:
        return read(*given)
    except reference.NoAddress as refused:
        return (refused.code, refused.field, refused.number)


def compare(given, ours, other):
    if ours != other:
        sys.exit(f"the text reads {given!r} as {ours}, not as {other}")


def expected(case, ours):
    """What a vector says; it names no field."""
    return case["unit"] if "unit" in case else (case["error"], ours[1], case.get("number"))


def vectors():
    cases = json.loads((ROOT / "tests/vectors/v1/addresses.json").read_text(encoding="utf-8"))
    for case in cases["text"]:
        ours = read_line(case["input"].encode())
        compare(case["input"], ours, expected(case, ours))
    for case in cases["fields"]:
        fields = [(name, case.get(name, "")) for name in reference.FIELDS]
        ours = read_fields(fields)
        compare(fields, ours, expected(case, ours))
    return len(cases["text"]) + len(cases["fields"])


def mutations(number):
    seeds = address_lines.vector_texts() + address_lines.register_texts()
    chance = random.Random(1)
    keys = 0
    for _ in range(number):
        line = address_lines.mutated(seeds, chance)
        ours = read_line(line.encode())
        compare(line, ours, theirs(reference.from_line, line.encode()))
        keys += isinstance(ours, str)
    if not keys or keys == number:
        sys.exit(f"{keys} of {number} lines are addresses")


def field_mutations(number):
    chance = random.Random(2)
    pieces = ["", "A", "b", "1", "12", "-", "/", " ", "T", "O", "M", "BG", "é", "12345", "1012", "JS", "0", ".", "２"]
    pieces += ["to", "by", "NULL", "na", "mrt", "1-3-2026", "tm", "e", "hoog", "II", "kelder", "0363200000081087"]
    keys = 0
    for _ in range(number):
        fields = []
        for name, usual in zip(reference.FIELDS, ["1012JS", "12", "", "A"]):
            several = "".join(chance.choices(pieces, k=chance.randint(0, 4)))
            fields.append((name, usual if chance.random() < 0.5 else several))
        ours = read_fields(fields)
        compare(fields, ours, theirs(reference.from_fields, *(value for _, value in fields)))
        keys += isinstance(ours, str)
    if not keys or keys == number:
        sys.exit(f"{keys} of {number} rows are addresses")


if set(CODES) != set(reference.CODES):
    sys.exit("the text and the reference have other codes")
if FOLDED != reference.FOLDED:
    sys.exit("the text and the reference fold other characters")
number = vectors()
mutations(MUTATIONS)
field_mutations(MUTATIONS)
print(f"{number} vectors, {MUTATIONS} lines and {MUTATIONS} rows of fields agree")
