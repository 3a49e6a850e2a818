"""What tests/vectors/v1/log.json holds: spec/audit-log.md. `make_vectors.py` writes it."""

import base64
import hashlib
import json

from stapel_reference import log, messages

# The origin and the key of the sample policy's log.
ORIGIN = "stapel.example.nl/zaanstad"
SEED = b"\xc0" * 32
PUBLIC = messages.public_key(SEED)
KEY_ID = log.key_id(ORIGIN, PUBLIC)
POLICY = "11" * 32


def drawn(name: str) -> str:
    """32 bytes that look random and are always the same."""
    return hashlib.sha256(name.encode()).hexdigest()


def about_message(number: int, kind: str, partner: int, count: int, outcome: str, **more: object) -> dict:
    """The fields of a line on a message."""
    both = {"message": drawn(f"message {number}"), "journal": drawn(f"journal {number}")}
    return {"kind": kind, "partner": partner, "epoch": 1, "count": count, "outcome": outcome, **both, **more}


EVENTS: list[tuple[str, dict]] = [
    ("a first policy", {"kind": "policy", "version": 1}),
    ("an epoch opened", {"kind": "epoch_opened", "epoch": 1}),
    ("a full set", about_message(2, "full_set", 1, 4000, "ok", renewed=0)),
    ("a delta with renewals", about_message(3, "delta", 2, 12, "ok", renewed=5)),
    ("a rejected confirm", about_message(4, "confirm", 3, 0, "full_set_required")),
    ("a release", {"kind": "release", "epoch": 1, "release": 1, "as_of": "2026-12-02T00:00:00Z", "full": True}),
    ("a question", about_message(6, "question", 1, 25, "ok")),
    (
        "a question over budget",
        {**about_message(7, "question", 65_535, 100_000, "over_budget"), "epoch": 4_294_967_295},
    ),
    ("a sweep", about_message(8, "sweep", 4, 3, "ok", reason="wijkactie-2026")),
    (
        "a status request without a journal",
        {k: v for k, v in about_message(9, "status", 1, 0, "ok").items() if k != "journal"},
    ),
    (
        "messages of unknown senders",
        {
            "kind": "unauthenticated",
            "minute": "2026-12-02T12:34:00Z",
            "rejected": {"bad_signature": 3, "malformed": 41, "unknown_partner": 1},
        },
    ),
    (
        "an expiry release",
        {"kind": "release", "epoch": 1, "release": 2, "as_of": "2026-12-03T00:00:00Z", "full": False},
    ),
    ("a day's totals", {"kind": "told", "day": "2026-12-02", "epoch": 1, "stacked": 2, "not_stacked": 26}),
    ("a next policy", {"kind": "policy", "version": 2, "previous": "22" * 32}),
    ("an accepted clock", {"kind": "clock_accepted", "last": "2026-11-20T00:00:00Z"}),
    ("a purge", {"kind": "purge", "flags": 120, "bytes": 65_536}),
    ("a backup", {"kind": "backup"}),
    ("a restore", {"kind": "restore"}),
    ("an epoch closed", {"kind": "epoch_closed", "epoch": 1}),
    (
        "a prune, with the largest number",
        {"kind": "prune", "before": "2023-12-04", "lines": 17, "total": log.MAX_NUMBER},
    ),
    (
        "a restore that names a checkpoint",
        {"kind": "restore", "origin": "stapel.example.nl/zaanstad/7", "size": 13, "root": drawn("root")},
    ),
    (
        "a receipt that the log does not have",
        {"kind": "forgotten", "partner": 7, "receipt": drawn("receipt"), "announced": False},
    ),
    (
        "messages that used up no number",
        {"kind": "replayed", "hour": "2026-12-05T07:00:00Z", "count": 4_294_967_295},
    ),
    (
        "a suspension",
        {
            "kind": "certificate", "partner": 7, "epoch": 1, "serial": 2, "certificate": drawn("suspension"),
            "suspends": True,
        },
    ),
    (
        "a version for a lost policy key",
        {
            "kind": "policy_announced", "version": 2, "announced": drawn("a version"), "organisation": "politie",
        },
    ),
]  # fmt: skip


def line(number: int, event: dict) -> str:
    salt, time = drawn(f"salt {number}")[:32], f"2026-12-{1 + number // 5:02}T08:{number:02}:00Z"
    return log.canonical({"salt": salt, "time": time, "policy": POLICY, **event})


LINES = [line(number, event) for number, (_, event) in enumerate(EVENTS)]
LEAVES = [log.leaf_hash(text.encode()) for text in LINES]


def invalid_lines() -> list[tuple[str, str]]:
    question, sweep, minute, prune = LINES[6], LINES[8], LINES[10], LINES[19]
    fields = json.loads(question)

    def with_(**changes: object) -> str:
        return log.canonical({key: value for key, value in {**fields, **changes}.items() if value is not None})

    rest = log.canonical({key: value for key, value in fields.items() if key != "time"})
    return [
        ("white space", question.replace(",", ", ", 1)),
        ("a line break", question + "\n"),
        ("keys in another order", '{"time":' + json.dumps(fields["time"]) + "," + rest[1:]),
        ("a restore that names a checkpoint by half", LINES[20].replace('"size":13,', "")),
        ("a key twice", question.replace('"count":25', '"count":25,"count":25')),
        ("a key that no line has", with_(address="1012JS|1|")),
        ("a key of another kind of line", with_(renewed=0)),
        ("a key is missing", with_(partner=None)),
        ("an unknown kind", with_(kind="answer")),
        ("an unknown outcome", with_(outcome="fine")),
        ("a journal of zeros", with_(journal="00" * 32)),
        ("upper-case hexadecimal", with_(message=fields["message"].upper())),
        ("a short salt", with_(salt=fields["salt"][2:])),
        ("a fraction", question.replace('"count":25', '"count":25.0')),
        ("an exponent", question.replace('"count":25', '"count":25e0')),
        ("a negative number", with_(count=-1)),
        ("a number in quotes", with_(count="25")),
        ("a partner over 65535", with_(partner=65_536)),
        ("a count over 4294967295", with_(count=2**32)),
        ("an escape that is not needed", question.replace("question", "qu\\u0065stion")),
        ("an offset", with_(time="2026-12-02T08:06:00+00:00")),
        ("a fraction of a second", with_(time="2026-12-02T08:06:00.0Z")),
        ("a leap second", with_(time="2026-12-31T23:59:60Z")),
        ("a day that does not exist", with_(time="2026-11-31T08:06:00Z")),
        ("a sweep's reason that is no slug", sweep.replace("wijkactie-2026", "Wijkactie")),
        ("a minute that begins later", minute.replace("12:34:00Z", "12:34:01Z")),
        ("no reason at all", log.canonical({**json.loads(minute), "rejected": {}})),
        ("a reason of no message", minute.replace('"malformed":41', '"malformed":0')),
        ("a count of nothing", LINES[22].replace('"count":4294967295', '"count":0')),
        ("half an hour", LINES[22].replace("07:00:00", "07:30:00")),
        ("a number over 9007199254740991", prune.replace("9007199254740991", "9007199254740992")),
        ("longer than 1024 bytes", with_(address="a" * 1024)),
        ("an array", f"[{question}]"),
        ("nothing", ""),
    ]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def body(size: int) -> str:
    return log.body(ORIGIN, size, log.root(LEAVES[:size]))


def signed(text: str) -> str:
    return log.sign(text, ORIGIN, SEED)


def note(size: int) -> str:
    return signed(body(size))


WITNESS = log.signature_line("witness.example", b"abcd", b"w" * 72)


def invalid_checkpoints() -> list[tuple[str, str]]:
    text, whole = body(13), note(13)
    line = whole.partition("\n\n")[2]
    short = messages.private_key(SEED).sign(text.encode())[:63]
    return [
        ("nothing", ""),
        ("not signed", f"{text}\n"),
        ("signed by a witness only", f"{text}\n{WITNESS}"),
        ("no empty line", text + line),
        ("the signature of another size", f"{text}\n" + note(8).partition("\n\n")[2]),
        ("a second, wrong signature of the same key", whole + log.signature_line(ORIGIN, KEY_ID, b"s" * 64)),
        ("a signature of 63 bytes", f"{text}\n" + log.signature_line(ORIGIN, KEY_ID, short)),
        ("base 64 in two pieces", f"{whole}{log.DASH}witness.example {b64(b'w' * 7)}{b64(b'w' * 7)}\n"),
        ("an extension line, signed", signed(f"{text}extension\n")),
        ("a leading zero, signed", signed(text.replace("\n13\n", "\n013\n"))),
        ("a sign, signed", signed(text.replace("\n13\n", "\n+13\n"))),
        ("a hash of 31 bytes, signed", signed(f"{ORIGIN}\n13\n{b64(log.root(LEAVES[:13])[:31])}\n")),
        ("a hash without padding, signed", signed(text.replace("=", ""))),
        ("another origin, signed", signed(text.replace("zaanstad", "utrecht"))),
        ("carriage returns, signed", signed(text.replace("\n", "\r\n"))),
        ("no line break at the end", whole[:-1]),
        ("something after the signatures", f"{whole}\n"),
        ("a hyphen for the dash", whole.replace("\u2014", "-")),
        ("another name before the key id", whole.replace("\u2014 stapel", "\u2014 Stapel")),
    ]


def inclusion(index: int, size: int) -> str:
    hashes = "".join(f"{b64(one)}\n" for one in log.inclusion(index, LEAVES[:size]))
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{note(size)}"


def consistency(old: int, new: int) -> str:
    hashes = "".join(f"{b64(one)}\n" for one in log.consistency(old, LEAVES[:new]))
    return f"stapel-consistency-proof v1\nold {old}\nnew {new}\n{hashes}\n"


def invalid_proofs() -> list[tuple[str, str]]:
    one, two = inclusion(4, 13), consistency(13, 20)
    lines, rows = one.split("\n"), two.split("\n")
    return [
        ("inclusion: another index", one.replace("index 4", "index 5")),
        ("inclusion: a leading zero", one.replace("index 4", "index 04")),
        ("inclusion: extra data", one.replace("index 4", "extra YQ==\nindex 4")),
        ("inclusion: a hash less", "\n".join(lines[:2] + lines[3:])),
        ("inclusion: a hash twice", "\n".join(lines[:3] + lines[2:])),
        ("inclusion: another version", one.replace("@v1", "@v2")),
        ("inclusion: no checkpoint", one.partition("\n\n")[0] + "\n\n"),
        ("consistency: a hash less", "\n".join(rows[:3] + rows[4:])),
        ("consistency: a hash more", f"{two[:-1]}{b64(b'h' * 32)}\n\n"),
        ("consistency: another size", two.replace("old 13", "old 12")),
        ("consistency: no empty line at the end", two[:-1]),
        ("consistency: something after it", f"{two}\n"),
    ]


def log_file() -> dict:
    return {
        "about": "spec/audit-log.md. lines, in this order, are the log of all that follows. invalid_lines: error "
        "log_line. roots: of the first lines. checkpoints: signed with the key of the seed. invalid_checkpoints: error "
        "checkpoint. invalid_proofs: of line 4 among 13, and of 13 and 20 lines; each is refused when read or when "
        "checked.",
        "lines": [
            {"name": name, "line": text, "leaf": leaf.hex()} for (name, _), text, leaf in zip(EVENTS, LINES, LEAVES)
        ],
        "invalid_lines": [{"name": name, "line": text} for name, text in invalid_lines()],
        "roots": [{"size": size, "root": log.root(LEAVES[:size]).hex()} for size in range(len(LEAVES) + 1)],
        "origin": ORIGIN,
        "checkpoint_seed": SEED.hex(),
        "checkpoint_key": PUBLIC.hex(),
        "checkpoint_key_id": KEY_ID.hex(),
        "checkpoints": [{"size": size, "checkpoint": note(size)} for size in (0, 1, 8, 13, 20)]
        + [{"size": 13, "checkpoint": note(13) + WITNESS}],
        "invalid_checkpoints": [{"name": name, "checkpoint": text} for name, text in invalid_checkpoints()],
        "inclusion": [
            {"index": index, "size": size, "proof": inclusion(index, size)}
            for index, size in ((0, 1), (0, 8), (7, 8), (4, 13), (12, 13), (6, 20), (19, 20))
        ],
        "consistency": [
            {"old": old, "new": new, "proof": consistency(old, new)}
            for old, new in ((0, 13), (1, 8), (1, 13), (8, 13), (8, 20), (13, 20), (13, 13))
        ],
        "invalid_proofs": [{"name": name, "proof": text} for name, text in invalid_proofs()],
    }
