"""spec/audit-log.md: the audit log's lines, tree, checkpoints and proofs, as a partner or an officer checks them."""

import base64
import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import Any

from . import keys, messages
from .errors import Refused
from .keys import SLUG

MAX_LINE = 1024
MAX_NUMBER = 2**53 - 1
MAX_CHECKPOINT = 65_535
MAX_HASHES = 65
DASH = "\u2014 "

# Lines: for each kind its fields, for each field its form.

MESSAGE = {
    "partner": "u16",
    "epoch": "u32",
    "message": "digest",
    "journal": "digest?",
    "count": "u32",
    "outcome": "outcome",
}
KINDS = {
    "delta": {**MESSAGE, "renewed": "u32"},
    "full_set": {**MESSAGE, "renewed": "u32"},
    "confirm": MESSAGE,
    "question": MESSAGE,
    "sweep": {**MESSAGE, "reason": "slug"},
    "status": MESSAGE,
    "unauthenticated": {"minute": "minute", "rejected": "rejected"},
    "replayed": {"hour": "hour", "count": "some"},
    "release": {"epoch": "u32", "release": "number", "as_of": "moment", "full": "truth"},
    "introduced": {"day": "day", "epoch": "u32", "pairs": "u32"},
    "told": {"day": "day", "epoch": "u32", "stacked": "number", "not_stacked": "number"},
    "policy": {"version": "u32", "previous": "digest?"},
    "policy_announced": {"version": "u32", "announced": "digest", "organisation": "slug"},
    "certificate": {
        "partner": "u16",
        "epoch": "u32",
        "serial": "u32",
        "certificate": "digest",
        "suspends": "truth",
    },
    "epoch_opened": {"epoch": "u32"},
    "epoch_closed": {"epoch": "u32"},
    "clock_accepted": {"last": "moment"},
    "purge": {"flags": "number", "bytes": "number"},
    "backup": {},
    "restore": {"origin": "text?", "size": "number?", "root": "digest?"},
    "forgotten": {"partner": "u16", "receipt": "digest", "announced": "truth"},
    "prune": {"before": "day", "lines": "number", "total": "number"},
}
ALL = {"kind": "kind", "policy": "digest", "salt": "salt", "time": "moment"}


def is_date(value: Any, form: str, shape: str) -> bool:
    if not isinstance(value, str) or not re.fullmatch(shape, value, re.ASCII):
        return False
    try:
        return "1970-01-01" <= value[:10] <= "2149-06-06" and datetime.strptime(value, form) is not None
    except ValueError:
        return False


def is_whole(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def is_text(value: Any, shape: str) -> bool:
    return isinstance(value, str) and re.fullmatch(shape, value, re.ASCII) is not None


def is_moment(value: Any) -> bool:
    return is_date(value, "%Y-%m-%dT%H:%M:%SZ", r"\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\dZ")


FORMS = {
    "kind": lambda value: isinstance(value, str) and value in KINDS,
    "u16": lambda value: is_whole(value, 2**16 - 1),
    "u32": lambda value: is_whole(value, 2**32 - 1),
    "number": lambda value: is_whole(value, MAX_NUMBER),
    "digest": lambda value: is_text(value, "[0-9a-f]{64}"),
    "salt": lambda value: is_text(value, "[0-9a-f]{32}"),
    "slug": lambda value: is_text(value, SLUG.pattern),
    "moment": is_moment,
    "minute": lambda value: is_moment(value) and value.endswith(":00Z"),
    "hour": lambda value: is_moment(value) and value.endswith(":00:00Z"),
    "some": lambda value: is_whole(value, 2**32 - 1) and value > 0,
    "day": lambda value: is_date(value, "%Y-%m-%d", r"\d{4}-\d\d-\d\d"),
    "text": lambda value: isinstance(value, str),
    "truth": lambda value: isinstance(value, bool),
    "outcome": lambda value: value == "ok" or value in messages.CODES,
    "rejected": lambda value: (
        isinstance(value, dict)
        and len(value) > 0
        and all(code in messages.CODES and is_whole(count, 2**32 - 1) and count > 0 for code, count in value.items())
    ),
}


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parse_line(data: bytes) -> dict[str, Any]:
    """The fields of a line (section 1)."""
    try:
        line = json.loads(data) if len(data) <= MAX_LINE else None
        same = canonical(line).encode() == data
    except (ValueError, RecursionError):
        line, same = None, False
    if not isinstance(line, dict) or not same:
        raise Refused("log_line", "not an object in canonical form")
    forms = {**ALL, **KINDS.get(line["kind"], {})} if isinstance(line.get("kind"), str) else ALL
    for name, form in forms.items():
        if form.endswith("?") and name not in line:
            continue
        if not FORMS[form.rstrip("?")](line.get(name)):
            raise Refused("log_line", f"{name} is missing, or not of its form")
    if unknown := set(line) - set(forms):
        raise Refused("log_line", f"no line of this kind has {', '.join(sorted(unknown))}")
    if line["kind"] == "restore" and len({name in line for name in ("origin", "size", "root")}) != 1:
        raise Refused("log_line", "a checkpoint by half")
    if line.get("journal") == "0" * 64:
        raise Refused("log_line", "no journal is not written as zeros")
    return line


def lines_on(
    asked: "messages.Unverified", request: "messages.Body", header: "messages.Header", reply: "messages.Body"
) -> list[bytes]:
    """The line on a message, rebuilt from it and the signed reply to it (section 2). Where it was rejected there are
    two: nothing tells whether the broker looked at the body."""
    kind = {messages.Delta: "delta", messages.FullSet: "full_set", messages.Confirm: "confirm"}.get(type(request))
    rows: list[bytes] = []
    if isinstance(request, messages.Question):
        kind, rows = "question", request.pseudonyms
    elif isinstance(request, messages.StatusRequest):
        kind = "status"
    elif not isinstance(request, messages.Confirm):
        rows = [row for _, group in request.groups for row in group] + getattr(request, "withdrawn", [])
    rejected = isinstance(reply, messages.Rejection)
    fields: dict[str, Any] = {
        "kind": kind,
        "salt": reply.log.salt.hex(),
        "time": (datetime(1970, 1, 1) + timedelta(seconds=header.time)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "policy": header.policy.hex(),
        "partner": header.partner,
        "epoch": header.epoch,
        "message": header.context.hex(),
        "count": 0,
        "outcome": reply.code if rejected else "ok",
    }
    if any(asked.header.context):
        fields["journal"] = asked.header.context.hex()
    if kind in ("delta", "full_set"):
        fields["renewed"] = 0 if rejected else reply.renewed
    whole = {**fields, "count": len(rows)}
    if isinstance(request, messages.Question) and request.sweep is not None:
        whole |= {"kind": "sweep", "reason": request.sweep}
    return [canonical(line).encode() for line in ([whole, fields] if rejected else [whole])]


# The tree (section 2), by the definitions of RFC 6962.


def leaf_hash(line: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two under the size."""
    return 1 << (size - 1).bit_length() - 1


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    middle = split(len(leaves))
    return node_hash(root(leaves[:middle]), root(leaves[middle:]))


def inclusion(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    middle = split(len(leaves))
    if index < middle:
        return inclusion(index, leaves[:middle]) + [root(leaves[middle:])]
    return inclusion(index - middle, leaves[middle:]) + [root(leaves[:middle])]


def consistency(old: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    if old in (0, len(leaves)):
        return [] if whole else [root(leaves)]
    middle = split(len(leaves))
    if old <= middle:
        return consistency(old, leaves[:middle], whole) + [root(leaves[middle:])]
    return consistency(old - middle, leaves[middle:], False) + [root(leaves[:middle])]


def root_of_inclusion(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes:
    """The root that the proof leads to: the way down of `inclusion`, gone up again."""
    if index >= size or (size == 1) != (not proof):
        raise Refused("log_proof", "too many hashes, or too few")
    if size == 1:
        return leaf
    middle = split(size)
    if index < middle:
        return node_hash(root_of_inclusion(index, middle, leaf, proof[:-1]), proof[-1])
    return node_hash(proof[-1], root_of_inclusion(index - middle, size - middle, leaf, proof[:-1]))


def roots_of_consistency(
    old: int, new: int, old_root: bytes, proof: list[bytes], whole: bool = True
) -> tuple[bytes, bytes]:
    """The two roots that the proof leads to, by the way down of `consistency`."""
    if old == new:
        if len(proof) != (0 if whole else 1):
            raise Refused("log_proof", "too many hashes, or too few")
        return (old_root, old_root) if whole else (proof[0], proof[0])
    if not proof:
        raise Refused("log_proof", "too few hashes")
    middle = split(new)
    if old <= middle:
        was, now = roots_of_consistency(old, middle, old_root, proof[:-1], whole)
        return was, node_hash(now, proof[-1])
    was, now = roots_of_consistency(old - middle, new - middle, old_root, proof[:-1], False)
    return node_hash(proof[-1], was), node_hash(proof[-1], now)


# Checkpoints (section 3) and proofs (section 4).

Checkpoint = tuple[int, bytes]


def base64_of(text: str, code: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise Refused(code, "not base 64 in its one form")
    return data


def hash_of(text: str, code: str) -> bytes:
    data = base64_of(text, code)
    if len(data) != 32:
        raise Refused(code, "not a hash")
    return data


def whole(text: str, code: str) -> int:
    if not re.fullmatch("0|[1-9][0-9]{0,19}", text, re.ASCII) or int(text) >= 2**64:
        raise Refused(code, "not a whole number without leading zeros")
    return int(text)


def key_id(origin: str, key: bytes) -> bytes:
    return hashlib.sha256(origin.encode() + b"\n\x01" + key).digest()[:4]


def body(origin: str, size: int, root_hash: bytes) -> str:
    return f"{origin}\n{size}\n{base64.b64encode(root_hash).decode()}\n"


def signature_line(name: str, identity: bytes, signature: bytes) -> str:
    return f"{DASH}{name} {base64.b64encode(identity + signature).decode()}\n"


def sign(text: str, origin: str, seed: bytes) -> str:
    key = messages.private_key(seed)
    return f"{text}\n{signature_line(origin, key_id(origin, messages.public_key(seed)), key.sign(text.encode()))}"


def verify_checkpoint(text: str, origin: str, key: bytes) -> Checkpoint:
    """The size and the root of a checkpoint of this origin and key."""
    if len(text.encode()) > MAX_CHECKPOINT or re.search("[\0-\x09\x0b-\x1f\x7f-\x9f]", text):
        raise Refused("checkpoint", "too long, or with control characters")
    head, apart, signatures = text.partition("\n\n")
    lines = head.split("\n")
    if not apart or len(lines) != 3 or not signatures.endswith("\n"):
        raise Refused("checkpoint", "not three lines, an empty one, and signatures")
    size, root_hash = whole(lines[1], "checkpoint"), hash_of(lines[2], "checkpoint")
    ours = 0
    for line in signatures[:-1].split("\n"):
        name, space, signature = line.removeprefix(DASH).partition(" ")
        if not line.startswith(DASH) or not space or not name or re.search(r"[\s+]", name):
            raise Refused("checkpoint", "not a signature line")
        data = base64_of(signature, "checkpoint")
        if len(data) < 5:
            raise Refused("checkpoint", "a signature line without a signature")
        if (name, data[:4]) != (origin, key_id(origin, key)):
            continue
        if not keys.verifies(key, data[4:], f"{head}\n".encode()):
            raise Refused("checkpoint", "the signature is wrong")
        ours += 1
    if lines[0] != origin or not ours:
        raise Refused("checkpoint", "of another log, or not signed by its key")
    return size, root_hash


def hashes(lines: list[str]) -> list[bytes]:
    if len(lines) > MAX_HASHES:
        raise Refused("log_proof", "more hashes than any log needs")
    return [hash_of(line, "log_proof") for line in lines]


def numbered(line: str, word: str) -> int:
    if not line.startswith(f"{word} "):
        raise Refused("log_proof", f"not '{word}' and a number")
    return whole(line.removeprefix(f"{word} "), "log_proof")


def verify_inclusion(text: str, leaf: bytes, origin: str, key: bytes) -> tuple[int, Checkpoint]:
    """Of a tlog-proof: the number of the line with this leaf hash, and the checkpoint that it is under."""
    head, apart, note = text.partition("\n\n")
    lines = head.split("\n")
    if not apart or len(lines) < 2 or lines[0] != "c2sp.org/tlog-proof@v1":
        raise Refused("log_proof", "not a tlog-proof")
    index, proof = numbered(lines[1], "index"), hashes(lines[2:])
    size, root_hash = verify_checkpoint(note, origin, key)
    if root_of_inclusion(index, size, leaf, proof) != root_hash:
        raise Refused("log_proof", "the line is not in the log at this number")
    return index, (size, root_hash)


def verify_consistency(text: str, older: Checkpoint, newer: Checkpoint) -> None:
    head, apart, rest = text.partition("\n\n")
    lines = head.split("\n")
    if not apart or rest or len(lines) < 3 or lines[0] != "stapel-consistency-proof v1":
        raise Refused("log_proof", "not a consistency proof")
    sizes, proof = (numbered(lines[1], "old"), numbered(lines[2], "new")), hashes(lines[3:])
    if sizes != (older[0], newer[0]) or older[0] > newer[0]:
        raise Refused("log_proof", "of other sizes")
    if older[0] == 0:
        made, proved = (root([]), newer[1]), not proof
    else:
        made, proved = roots_of_consistency(older[0], newer[0], older[1], proof), True
    if not proved or made != (older[1], newer[1]):
        raise Refused("log_proof", "the newer log does not begin with the older")
