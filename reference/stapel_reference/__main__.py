"""The commands.

python3 -m stapel_reference vectors FOLDER      checks every vector file of the folder
python3 -m stapel_reference address             lines on standard input to JSON Lines, as `stapel address` prints
python3 -m stapel_reference message             a job a line, as JSON, to JSON Lines: a partner's messages
"""

import json
import sys
from pathlib import Path

from . import address, jobs, vectors


def main(arguments: list[str]) -> int:
    match arguments:
        case ["vectors", folder]:
            passed, failed = vectors.run(Path(folder))
            print(f"{passed} passed, {failed} failed")
            return 1 if failed or not passed else 0
        case ["address"]:
            for number, line in enumerate(sys.stdin.buffer, 1):
                print(
                    json.dumps(
                        address_line(number, line.removesuffix(b"\n")), ensure_ascii=False, separators=(",", ":")
                    )
                )
            return 0
        case ["message"]:
            for line in sys.stdin:
                print(json.dumps(jobs.run(json.loads(line))), flush=True)
            return 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2


def address_line(number: int, raw: bytes) -> dict:
    row: dict = {"line": number, "input": raw.decode(errors="replace")}
    try:
        unit = address.from_line(raw)
    except address.NoAddress as error:
        certain = {"number": error.number} if error.number else {}
        return {**row, "error": {"code": error.code, "field": error.field, "message": error.text, **certain}}
    return {**row, "unit": unit, "number": address.number_key(unit)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
