"""Compares two outputs of `stapel address`, line by line: key for key, and refusals by code, field and number."""

import json
import sys


def outcome(line):
    row = json.loads(line)
    error = row.get("error")
    if error:
        return (row["line"], error["code"], error["field"], error.get("number"))
    return (row["line"], row["unit"], row["number"])


def main():
    ours, theirs = (open(path, encoding="utf-8").read().splitlines() for path in sys.argv[1:3])
    if len(ours) != len(theirs):
        sys.exit(f"{len(ours)} lines and {len(theirs)} lines")
    different = [(a, b) for a, b in zip(ours, theirs) if outcome(a) != outcome(b)]
    for a, b in different[:10]:
        print(f"differ:\n  {a}\n  {b}")
    keys = sum('"unit"' in line for line in ours)
    print(f"{len(ours)} lines, {keys} of them addresses, {len(different)} different")
    if different or not keys:
        sys.exit(1)


main()
