"""The policy vectors (SPEC.md 6.1, 6.2, 6.5): their texts are written by hand, in the file; this fills in what follows.

To add a vector, put its name and text (and, of a wrong one, its error) into tests/vectors/v1/policies.json, and run
make_vectors.py.
"""

import json
from pathlib import Path
from typing import Any

from stapel_reference import policy


def policy_file(file: Path) -> dict[str, Any]:
    made = json.loads(file.read_text())
    for row in made["valid"]:
        parsed = policy.parse(row["toml"].encode())
        row["canonical"] = policy.canonical(parsed).decode()
        row["digest"] = policy.digest(parsed).hex()
        if "meet" in parsed:
            numbers = [epoch["number"] for epoch in parsed["epoch"]]
            row["unsafe_introductions"] = [[one, policy.unsafe_introductions(parsed, one)] for one in numbers]
            row["never_asked"] = [[one, policy.never_asked(parsed, one)] for one in numbers]
    return made
