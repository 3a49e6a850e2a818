"""Holds this package to the vectors: what every file under tests/vectors/v1 says, and nothing left out."""

import hashlib
import http.client
import io
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import address, certificate, hpke, https, jsonform, keys, log, messages, notes, policy, secret_file, transcripts
from .errors import Refused
from .keys import unhex
from .standings import Counting
from .talk import PutForward

# A check gives the name of each vector, and what is wrong with it or nothing.
Check = Iterator[tuple[str, str | None]]


def run(folder: Path) -> tuple[int, int]:
    """How many passed and how many failed; prints those that failed."""
    passed = failed = 0
    files = sorted(folder.glob("*.json"))
    for file in files:
        if file.name not in FILES:
            print(f"{file.name}: no check for this file")
            failed += 1
            continue
        for name, wrong in FILES[file.name](json.loads(file.read_text())):
            if wrong is None:
                passed += 1
            else:
                failed += 1
                print(f"{file.name}: {name}: {wrong}")
    if missing := set(FILES) - {file.name for file in files}:
        print(f"missing: {', '.join(sorted(missing))}")
        failed += len(missing)
    return passed, failed


def unlike(due: object, made: object) -> str | None:
    return None if due == made else f"{made!r} is not {due!r}"


def code_of(call: Callable[[], object]) -> str | None:
    """The code with which it was refused; None where it was not."""
    try:
        call()
    except Refused as error:
        return error.code
    return None


def derivations(file: dict[str, Any]) -> Check:
    for number, row in enumerate(file["derivations"]):
        name = f"derivation {number}"
        secret = keys.Secret(unhex(row["secret"]), row["purpose"], row["epoch"])
        yield f"{name}: info", unlike(row["info"], keys.info("pseudonym", row["purpose"], row["epoch"]).hex())
        yield f"{name}: prk", unlike(row["prk"], keys.extract(unhex(row["secret"])).hex())
        yield f"{name}: k", unlike(row["k"], secret.k.hex())
        yield f"{name}: key id", unlike(row["key_id"], secret.key_id.hex())
        for one in row["pseudonyms"]:
            whole = secret.hmac(one["level"], one["address_key"])
            yield f"{name}: {one['address_key']}: hmac", unlike(one["hmac"], whole.hex())
            yield f"{name}: {one['address_key']}: pseudonym", unlike(one["pseudonym"], whole[:16].hex())
            tag = keys.tag(unhex(row["pepper"]), unhex(one["pseudonym"]))
            yield f"{name}: {one['address_key']}: tag", unlike(one["tag"], tag.hex())
    for row in file["secret_files"]:
        yield row["name"], secret_file_of(row)
    for row in file["joined"]:
        parts = [secret_file.parse_part(text.encode()) for text in row["parts"]]
        yield row["name"], unlike(row["secret"], secret_file.join(parts).secret.hex())


def secret_file_of(row: dict[str, Any]) -> str | None:
    data = row["text"].encode()
    if "error" in row:
        return unlike(row["error"], code_of(lambda: secret_file.parse(data)))
    file = secret_file.parse(data)
    fields = {"secret": file.secret.hex(), "purpose": file.purpose, "epoch": file.epoch}
    return unlike({name: row[name] for name in fields}, fields) or unlike(data, secret_file.text(file))


def standings(file: dict[str, Any]) -> Check:
    for number, row in enumerate(file["standings"]):
        fields = ("threshold", "min_sources", "count_cap", "own_flag_required")
        counting = Counting(**{name: row[name] for name in fields})
        made = counting.standing(row["sees"], row["organisations"], row["sources"], row["own_flag"], row["sweep"])
        yield f"standing {number}", unlike(row["standing"], made)
    for number, row in enumerate(file["sayable"]):
        counting = Counting(row["threshold"], 1, row["count_cap"], False)
        yield f"sayable {number}", unlike(row["standings"], sorted(counting.sayable(row["sees"])))


def message_bytes(row: dict[str, Any]) -> bytes:
    """The bytes of a vector: its `hex`, or the pieces of a large one, one after the other."""
    return unhex(row["hex"]) if "hex" in row else b"".join(map(piece, row["pieces"]))


def piece(rule: dict[str, Any]) -> bytes:
    if "pseudonyms" in rule:
        first, count = rule["pseudonyms"]
        return b"".join(number.to_bytes(16, "big") for number in range(first, first + count))
    if "zeros" in rule:
        return bytes(rule["zeros"])
    return unhex(rule["hex"])


def message_vectors(file: dict[str, Any]) -> Check:
    signers = {name: unhex(key["public"]) for name, key in file["keys"].items()}
    for name, key in file["keys"].items():
        yield f"key of the {name}", unlike(key["public"], messages.public_key(unhex(key["seed"])).hex())
    for row in file["valid"]:
        yield row["name"], valid_message(row, file["keys"], signers)
    for row in file["invalid"]:
        data = message_bytes(row)
        yield row["name"], unlike(row["error"], code_of(lambda: read(data, row["from"], signers)))


def read(data: bytes, sender: str, signers: dict[str, bytes]) -> tuple[messages.Header, messages.Body]:
    message = messages.decode(data, from_partner=sender == "partner")
    return message.header, message.verified(signers[sender])


def valid_message(row: dict[str, Any], keys_: dict[str, Any], signers: dict[str, bytes]) -> str | None:
    data = message_bytes(row)
    if wrong := unlike(row["digest"], hashlib.sha256(data).hexdigest()):
        return wrong
    message = messages.decode(data, from_partner=row["from"] == "partner")
    signed = row.get("signed", True)
    body = message.verified(signers[row["from"]]) if signed else message.unsigned_rejection()
    if body is None:
        return "neither signed nor an unsigned rejection"
    sign = messages.private_key(unhex(keys_[row["from"]]["seed"])).sign if signed else lambda _: messages.NO_SIGNATURE
    if messages.encode(message.header, body, sign) != data:
        return "encodes to other bytes"
    if "header" not in row:
        return None
    header = jsonform.header_from_json(row["header"])
    made = messages.encode(header, jsonform.from_json(jsonform.NAMES[row["header"]["kind"]], row["body"]), sign)
    return unlike(data.hex(), made.hex()) or unlike(row["body"], jsonform.to_json(body))


def addresses(file: dict[str, Any]) -> Check:
    for row in file["text"]:
        raw = row["input"].encode()
        yield f"line {row['input']!r}", address_of(row, lambda: address.from_line(raw))
    for row in file["bytes"]:
        yield f"bytes {row['hex'][:40]}", address_of(row, lambda: address.from_line(unhex(row["hex"])))
    for row in file["fields"]:
        fields = [row.get(name, "") for name in address.FIELDS]
        yield f"fields {fields}", address_of(row, lambda: address.from_fields(*fields))


def address_of(row: dict[str, Any], call: Callable[[], str]) -> str | None:
    try:
        unit = call()
    except address.NoAddress as error:
        if "error" not in row:
            return f"refused with {error.code}"
        found = unlike(row["error"], error.code) or unlike(row.get("field", error.field), error.field)
        return found or unlike(row.get("number"), error.number)
    if "error" in row:
        return f"{unit!r}, and not {row['error']}"
    return unlike(row["unit"], unit) or unlike(row["number"], address.number_key(unit))


def policies(file: dict[str, Any]) -> Check:
    for row in file["valid"]:
        made = policy.parse(row["toml"].encode())
        yield f"{row['name']}: canonical form", unlike(row["canonical"], policy.canonical(made).decode())
        yield f"{row['name']}: digest", unlike(row["digest"], policy.digest(made).hex())
    for row in file["invalid"]:
        yield row["name"], unlike(row["error"], code_of(lambda: checked_policy(row["toml"].encode())))


def signatures(file: dict[str, Any]) -> Check:
    for row in file["cases"]:
        made = keys.verifies(unhex(row["key"]), unhex(row["signature"]), unhex(row["message"]))
        yield row["name"], unlike(row["verifies"], made)
        yield f"{row['name']}: small order", unlike(row["small_order"], policy.small_order(row["key"]))


def successions(file: dict[str, Any]) -> Check:
    for row in file["successions"]:
        old = policy.in_force(row["in_force"].encode(), row["in_force_signatures"])
        newer = row["newer"].encode()
        wrong = code_of(lambda: policy.succeed(old, newer, row["newer_signatures"]))
        yield row["name"], unlike(row.get("error"), wrong)


def certificates(file: dict[str, Any]) -> Check:
    under = policy.parse(file["policy"].encode())
    for row in file["valid"]:
        made = certificate.verify(row["text"], under)
        fields = {"partner": made.partner, "epoch": made.epoch, "serial": made.serial, "suspends": made.keys is None}
        digest = hashlib.sha256(row["text"].encode()).hexdigest()
        yield row["name"], unlike({name: row[name] for name in fields}, fields) or unlike(row["digest"], digest)
    for row in file["invalid"]:
        yield row["name"], unlike(row["error"], code_of(lambda: certificate.verify(row["text"], under)))
    for row in file["kept"]:
        kept: list[certificate.Statement] = []
        for given in row["given"]:
            try:
                kept = certificate.keep(kept, certificate.verify(given["text"], under))
                wrong = unlike(given.get("error"), None)
            except Refused as error:
                wrong = unlike(given.get("error"), error.code)
            yield row["name"], wrong
        for one in row["counts"]:
            due = (one["serial"], one["message_key"])
            yield f"{row['name']}, {one['day']}", unlike(due, certificate.counts(kept, one["day"]))


def checked_policy(data: bytes) -> None:
    if rules := policy.check(policy.parse(data)):
        raise Refused("policy_unsafe", ", ".join(rules))


def log_vectors(file: dict[str, Any]) -> Check:
    leaves = []
    for row in file["lines"]:
        yield row["name"], unlike(json.loads(row["line"]), log.parse_line(row["line"].encode()))
        leaves.append(log.leaf_hash(row["line"].encode()))
        yield f"{row['name']}: leaf hash", unlike(row["leaf"], leaves[-1].hex())
    for row in file["invalid_lines"]:
        yield row["name"], unlike("log_line", code_of(lambda: log.parse_line(row["line"].encode())))
    roots = {row["size"]: unhex(row["root"]) for row in file["roots"]}
    for size, due in roots.items():
        yield f"root of {size}", unlike(due, log.root(leaves[:size]))
    origin, key = file["origin"], unhex(file["checkpoint_key"])
    yield "the checkpoints' key", unlike(key, messages.public_key(unhex(file["checkpoint_seed"])))
    yield "its id", unlike(file["checkpoint_key_id"], log.key_id(origin, key).hex())
    for row in file["checkpoints"]:
        size = row["size"]
        yield (
            f"checkpoint of {size}",
            unlike((size, roots[size]), log.verify_checkpoint(row["checkpoint"], origin, key)),
        )
    for row in file["invalid_checkpoints"]:
        yield row["name"], unlike("checkpoint", code_of(lambda: log.verify_checkpoint(row["checkpoint"], origin, key)))
    for row in file["inclusion"]:
        index, size = row["index"], row["size"]
        due = (index, (size, roots[size]))
        yield f"line {index} of {size}", unlike(due, log.verify_inclusion(row["proof"], leaves[index], origin, key))
    for row in file["consistency"]:
        old, new = row["old"], row["new"]
        wrong = code_of(lambda: log.verify_consistency(row["proof"], (old, roots[old]), (new, roots[new])))
        yield f"{old} to {new} lines", unlike(None, wrong)
    for row in file["invalid_proofs"]:
        one = code_of(lambda: log.verify_inclusion(row["proof"], leaves[4], origin, key))
        two = code_of(lambda: log.verify_consistency(row["proof"], (13, roots[13]), (20, roots[20])))
        yield row["name"], None if one and two else "taken"


def transcript_vectors(file: dict[str, Any]) -> Check:
    policies_ = {
        name: policy.in_force(one["toml"].encode(), one["signatures"]) for name, one in file["policies"].items()
    }
    for name, one in file["policies"].items():
        yield f"policy {name}", unlike(one["digest"], policy.digest(policies_[name]).hex())
    rosters = {policy.digest(one).hex(): {row["number"] for row in one["partner"]} for one in policies_.values()}
    for play in file["partner"]:
        yield play["name"], transcripts.play(play, file["policies"])
    for play in file["broker"]:
        for at, step in enumerate(play["steps"]):
            if step["do"] == "message":
                yield f"{play['name']}, step {at}", sent(step, rosters)
        if "seal_keys" in play["start"]:
            yield play["name"], conversation(play)


def conversation(play: dict[str, Any]) -> str | None:
    """Of partners whose seal keys are known: whether each code that they are told is the one that the other sent, and
    each note that they are brought opens to what was written, under the conversation that it is of."""
    start = play["start"]
    keys = {int(number): unhex(key) for number, key in start["seal_keys"].items()}
    public = {number: hpke.public_key(key) for number, key in keys.items()}
    # What is called so by the broker; and by sender and row, what the codes of it are made with.
    subjects: dict[bytes, bytes] = {}
    put_forward: dict[tuple[int, int], tuple[messages.Header, PutForward]] = {}
    for step in play["steps"]:
        reply = step.get("reply", {})
        if step["do"] != "message" or reply.get("kind") not in ("kept", "post"):
            continue
        message = messages.decode(unhex(step["message"]), from_partner=True)
        header, own, body = message.header, message.header.partner, message.body()
        if message.raw_body != body.encode():
            return "a body that is written otherwise"
        if isinstance(body, PutForward):
            put_forward[own, header.sequence] = (header, body)
        for entry in reply["body"].get("entries", []):
            subject, called = unhex(entry["subject"]), unhex(entry["conversation"])
            if entry["told"] == "introduced":
                subjects[called] = subject
                if called != notes.conversation(unhex(start["pepper"]), subject):
                    return "a conversation that is called otherwise"
            if entry["row"]:
                wrong = code_told(entry, own, keys, public, put_forward[entry["partner"], entry["row"]])
                if wrong:
                    return wrong
        for brought, due in zip(reply["body"].get("notes", []), reply.get("opened", []), strict=True):
            slot = brought["note"]
            scope = notes.NoteScope(
                header.consortium, header.purpose, slot["epoch"], subjects[unhex(slot["conversation"])],
                slot["began"], slot["partner"], own, slot["number"],
            )  # fmt: skip
            note_ = scope.open(unhex(slot["sealed"]), keys[own], public[slot["partner"]])
            if jsonform.to_json(note_) != due:
                return f"a note that says {note_!r}, and not {due!r}"
    return None


def code_told(
    entry: dict[str, Any],
    own: int,
    keys: dict[int, bytes],
    public: dict[int, bytes],
    said: tuple[messages.Header, PutForward],
) -> str | None:
    """Whether the code of an introduction is that of the other's row, as the receiver makes it."""
    header, body = said
    other = entry["partner"]
    scope = notes.RowScope(header.consortium, header.purpose, header.epoch, other, own)
    key = scope.key(keys[own], public[other])
    row = next(row for row in body.rows if notes.subject(row.pseudonym).hex() == entry["subject"])
    theirs = row.codes[body.receivers.index(own)]
    # To the coordinator it is about the subject: of the two one is right, and the other is not.
    made = [
        notes.code(key, header.policy, about, header.sequence, body.last_day)
        for about in (row.pseudonym, unhex(entry["subject"]))
    ]
    if theirs.hex() != entry["code"] or made.count(theirs) != 1 or body.last_day != entry["until"]:
        return f"an introduction of {other} to {own} with another code, or another day"
    return None


def sent(step: dict[str, Any], rosters: dict[str, set[int]]) -> str | None:
    """Of a message to the broker: whether its bytes and its partner are refused exactly where a hint says so."""
    data = message_bytes({"hex": step["message"]} if "message" in step else step)
    reply = step.get("reply", {"signed": True})
    hint = None if reply["signed"] else reply["body"]["code"]
    wrong = code_of(lambda: messages.decode(data, from_partner=True))
    if wrong or hint in ("malformed", "too_large"):
        return unlike(hint, wrong)
    is_known = "policy" not in reply or messages.decode(data, True).header.partner in rosters[reply["policy"]]
    if hint != "wrong_consortium" and is_known == (hint == "unknown_partner"):
        return f"{hint}, and whether the roster has it: {is_known}"
    return None


def talk(file: dict[str, Any]) -> Check:
    for number, row in enumerate(file["subjects"]):
        about = notes.subject(unhex(row["pseudonym"]))
        made = (about.hex(), notes.conversation(unhex(row["pepper"]), about).hex())
        yield f"subject {number}", unlike((row["subject"], row["conversation"]), made)
    for number, row in enumerate(file["rows"]):
        scope = notes.RowScope(*(row[name] for name in ("consortium", "purpose", "epoch", "sender", "receiver")))
        sender, receiver = unhex(row["sender_key"]), unhex(row["receiver_key"])
        for own, other in ((sender, receiver), (receiver, sender)):
            yield f"row key {number}", unlike(row["key"], scope.key(own, hpke.public_key(other)).hex())
        policy_, about = unhex(row["policy"]), unhex(row["about"])
        made = notes.code(unhex(row["key"]), policy_, about, row["number"], row["last_day"]).hex()
        yield f"row code {number}", unlike(row["code"], made)
    for row in file["notes"]:
        yield row["name"], note(row)
    for row in file["invalid_notes"]:
        plain = unhex(row["plain"]).ljust(notes.NOTE, b"\0")
        yield row["name"], unlike("malformed", code_of(lambda: notes.Note.decode(plain)))
    for row in file["not_opened"]:
        yield row["name"], unlike("not_opened", code_of(lambda: opened(row)))


def note_scope(row: dict[str, Any]) -> notes.NoteScope:
    fields = ("consortium", "purpose", "epoch", "began", "sender", "receiver", "number")
    return notes.NoteScope(**{name: row[name] for name in fields}, subject=unhex(row["subject"]))


def opened(row: dict[str, Any]) -> notes.Note:
    sender = hpke.public_key(unhex(row["sender_key"]))
    return note_scope(row).open(unhex(row["sealed"]), unhex(row["receiver_key"]), sender)


def note(row: dict[str, Any]) -> str | None:
    due = notes.Note(**row["note"])
    plain = unhex(row["plain"]).ljust(notes.NOTE, b"\0")
    to = hpke.public_key(unhex(row["receiver_key"]))
    sealed = note_scope(row).seal(plain, unhex(row["sender_key"]), to, unhex(row["random"]))
    wrong = unlike(plain, due.encode()) or unlike(due, notes.Note.decode(plain))
    return wrong or unlike(row["sealed"], sealed.hex()) or unlike(due, opened(row))


class Attempts:
    """What comes of attempts at addresses, as a row of carrier.json says, and the waits between them."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.came = {str(number): list(events) for number, events in enumerate(row["addresses"])}
        self.due, self.waits = row["waits"], 0
        self.ends_with_waits = row["ends"] == "waits"

    def attempt(self, name: str) -> http.client.HTTPResponse:
        came = self.came[name].pop(0) if len(self.came[name]) > 1 else self.came[name][0]
        if came == "foreign_certificate":
            raise ssl.SSLCertVerificationError(came)
        if came in ("no_connection", "closed", "silent"):
            raise ConnectionError(came)
        response = http.client.HTTPResponse(Bytes(came.encode()), method="POST")  # type: ignore[arg-type]
        response.begin()
        return response

    def wait(self, seconds: float) -> None:
        if self.waits == len(self.due) and self.ends_with_waits:
            raise TimeoutError
        least, most = self.due[self.waits]
        assert least <= seconds <= most, f"waited {seconds} seconds, not {least} to {most}"
        self.waits += 1


class Bytes:
    """A socket on which bytes came, and the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self.data)


def carrier(file: dict[str, Any]) -> Check:
    for row in file["partner"]:
        attempts = Attempts(row)
        ended: tuple[str, str | None]
        try:
            ended = ("reply", https.exchange(list(attempts.came), attempts.attempt, attempts.wait).decode())
        except Refused as error:
            ended = ("stops", error.code if error.code == row.get("code") else None)
        except TimeoutError:
            ended = ("waits", None)
        due = (row["ends"], row.get("body", row.get("code")), len(row["waits"]))
        yield row["name"], unlike(due, (*ended, attempts.waits))
    for address in ("https://stapel.example.nl", "https://stapel.example.nl:8443/sub"):
        for length in (0, 351, 5_000, https.MOST):
            head = https.head(address, "zaanstad", length)
            is_whole = head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1
            yield f"padding at {address} of {length} bytes", unlike((0, True), ((len(head) + length) % 4_096, is_whole))


FILES: dict[str, Callable[[dict[str, Any]], Check]] = {
    "addresses.json": addresses,
    "carrier.json": carrier,
    "certificates.json": certificates,
    "derivations.json": derivations,
    "log.json": log_vectors,
    "messages.json": message_vectors,
    "policies.json": policies,
    "signatures.json": signatures,
    "standings.json": standings,
    "transcripts.json": transcript_vectors,
    "succession.json": successions,
    "talk.json": talk,
}
