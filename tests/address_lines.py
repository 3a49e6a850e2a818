"""Prints lines for `stapel address`: the vectors' texts, the register's if it is there, and mutations of both."""

import json
import os
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
REGISTER = ROOT.parent / "shared" / "data" / "bag_weesp.tsv"
MUTATIONS = 200_000

# Words and signs that the rules turn on.
PIECES = [
    "by", "bij de ", "te ", "to", "t/o", "t/m ", "en", "of", "hk ", "NL", "NLD", "nr", "Ede", "Ee", "Weesp",
    "Amsterdam", "Den Haag", "'s-Gravenhage", "Hoog Soeren", "Huis ter Heide", "a/d", "Gent", "Brussel",
    "Belgi\u00eb", "BE", "BX", "caravan", "kelder", "hoog", "2e ", "1ste ", "3e Straat", "verdieping", "etage",
    "kamer", "zolderkamer", "ingang", "blok", "gebouw", "Rijksweg", "bis", "BG", "II", "III", "TRAF", "ark", "Zuid",
    "NULL", "nan", "NVT", "0", "00", "1-mrt", "jan", "MEI", "singel", "Meiplein", "pad", "1940-'45 ", "'39-'44 ",
    "& ", "(2)", "12a-c", "14-12", "a-14", "8243 AB", "6537AB", "2000 BE", "1234AB", "XA", "E", "DE",
    "1234 AB II", "1234 AB b", "H.I. ", "1234 AB K", "1234 AB zw", "Amsterdam IV", "Hengelo O", "Beek (L)",
]  # fmt: skip


def vector_texts():
    vectors = json.loads((ROOT / "tests/vectors/v1/addresses.json").read_text(encoding="utf-8"))
    return [case["input"] for case in vectors["text"]]


def register_texts():
    if not REGISTER.exists():
        if os.environ.get("CI") == "true":
            sys.exit(f"{REGISTER} is not there")
        print("left out: the lines of ../shared/data/bag_weesp.tsv, which is not there", file=sys.stderr)
        return []
    rows = [line.rstrip("\n").split("\t") for line in REGISTER.open(encoding="utf-8")]
    at = {name: index for index, name in enumerate(rows[0])}
    forms = [
        "{street} {number}{letter}{addition}, {postcode} {town}",
        "{postcode} {number}-{letter}{addition}",
        "{street} {number} {letter} {addition} {postcode} {town}",
        "{town}, {postcode}, {street} {number}/{addition}{letter}",
        "{street} {number}{dashed} {town} {postcode}",
        "{street} {number} {letter}{addition}, {postcode}  {town}",
        "{street} {number} te {town}, {postcode}",
        "{postcode}{number}{dashed}",
        "{street} {number}{letter}-{number}{addition}, {postcode}",
        "{street} {number} {letter}, {number}e verdieping, {postcode} {town}",
    ]
    texts = []
    for index, row in enumerate(rows[1:]):
        fields = {
            "street": row[at["street"]],
            "number": row[at["huisnummer"]],
            "letter": row[at["huisletter"]],
            "addition": row[at["toevoeging"]],
            "postcode": row[at["postcode"]],
            "town": row[at["woonplaats"]],
        }
        fields["dashed"] = f"-{fields['letter']}{fields['addition']}".removesuffix("-")
        texts.append(forms[index % len(forms)].format(**fields))
    return texts


def mutated(seeds, random):
    text = list(random.choice(seeds))
    alphabet = "0123456789aAbBiIzZ -/,.|()'&\u00a0\uff11\u0430\u00b2\u00e9\u200b\u2013\u0000"
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(text))
        match random.randint(0, 4):
            case 0:
                text.insert(at, random.choice(alphabet))
            case 4:
                text[at:at] = random.choice(["", " "]) + random.choice(PIECES)
            case 1 if at < len(text):
                del text[at]
            case 2 if at < len(text):
                text[at] = random.choice(alphabet)
            case _:
                other = random.choice(seeds)
                start = random.randint(0, len(other))
                text[at:at] = other[start : start + random.randint(1, 12)]
    return "".join(text)


def main():
    seeds = vector_texts() + register_texts()
    chance = random.Random(1)
    lines = seeds + [mutated(seeds, chance) for _ in range(MUTATIONS)]
    out = sys.stdout.buffer
    for line in lines:
        out.write(line.replace("\n", " ").replace("\r", " ").encode("utf-8", "surrogatepass") + b"\n")


if __name__ == "__main__":
    main()
