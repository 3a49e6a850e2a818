"""Makes tests/vectors/v1/{derivations,standings,messages,talk,log,policies,succession,certificates,transcripts,
carrier}.json. Gives the same bytes whenever it runs.

    python3 reference/make_vectors.py [--check]

With --check it writes nothing, and fails where a file is not what it would write.
"""

import hashlib
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import talk_vectors
from carrier_vectors import carrier_file
from certificate_vectors import certificate_file
from log_vectors import log_file
from policy_vectors import policy_file
from stapel_reference import jsonform, keys, messages, secret_file
from stapel_reference.hidden import HIDDEN
from stapel_reference.keys import NUMBER, UNIT, Secret
from stapel_reference.messages import (
    CODES,
    KINDS,
    NO_LINE,
    Answer,
    Confirm,
    Delta,
    FullSet,
    Header,
    LineProof,
    LogEntry,
    Question,
    Receipt,
    Rejection,
    StatusReply,
    StatusRequest,
    Terms,
)
from stapel_reference.standings import Counting
from stapel_reference.talk import Exchange, PutForward, TotalsRequest
from succession_vectors import succession_file
from transcript_vectors import transcript_file

FOLDER = Path(__file__).parent.parent / "tests" / "vectors" / "v1"


def drawn(name: str, size: int = 32) -> bytes:
    """Bytes that look random and are always the same."""
    return hashlib.sha256(f"stapel vectors: {name}".encode()).digest()[:size]


# derivations.json

ADDRESS_KEYS = ["1012JS|1|A", "1012JS|1|", "1012JS|1", "9999ZZ|99999|ZZZZ9"]
SCOPES = [
    ("ondermijning-zaanstad", 1),
    ("ondermijning-zaanstad", 2),
    ("zorg", 1),
    ("a", 0),
    ("0-9", 4_294_967_295),
    ("x" * 64, 256),
]


def derivations() -> dict:
    secrets = [bytes(range(32)), bytes(32), b"\xff" * 32, drawn("secret")]
    rows = [derivation(secrets[0], *scope) for scope in SCOPES]
    rows += [derivation(secret, *SCOPES[0]) for secret in secrets[1:]]
    return {
        "about": "Section 2. prk is HKDF-Extract, info the HKDF info of K, hmac the whole HMAC whose first half is the "
        "pseudonym.",
        "derivations": rows,
        **secret_files(),
    }


def derivation(secret: bytes, purpose: str, epoch: int) -> dict:
    made = Secret(secret, purpose, epoch)
    pepper = drawn(f"pepper {purpose} {epoch}")
    pseudonyms = []
    for address_key in ADDRESS_KEYS:
        level = UNIT if address_key.count("|") == 2 else NUMBER
        whole = made.hmac(level, address_key)
        pseudonyms.append(
            {
                "level": level,
                "address_key": address_key,
                "hmac": whole.hex(),
                "pseudonym": whole[:16].hex(),
                "tag": keys.tag(pepper, whole[:16]).hex(),
            }
        )
    return {
        "secret": secret.hex(),
        "purpose": purpose,
        "epoch": epoch,
        "info": keys.info("pseudonym", purpose, epoch).hex(),
        "prk": keys.extract(secret).hex(),
        "k": made.k.hex(),
        "key_id": made.key_id.hex(),
        "pepper": pepper.hex(),
        "pseudonyms": pseudonyms,
    }


def secret_files() -> dict:
    file = secret_file.SecretFile("ondermijning-zaanstad", 1, bytes(range(32)))
    text = secret_file.text(file).decode()

    def resealed(changed: str) -> str:
        lines = changed.rpartition("checksum: ")[0]
        return f"{lines}checksum: {secret_file.checksum(lines.encode())}\n"

    wrong = {
        "another version": resealed(text.replace("stapel-secret v1", "stapel-secret v2")),
        "another profile": resealed(text.replace("nl-address/1", "nl-address/2")),
        "a leading zero in the epoch": resealed(text.replace("epoch: 1", "epoch: 01")),
        "an epoch too large": resealed(text.replace("epoch: 1", "epoch: 4294967296")),
        "upper case in the secret": resealed(text.replace("0a0b0c", "0A0B0C")),
        "a secret too short": resealed(text.replace("1e1f\n", "1e\n")),
        "the key id of another epoch": resealed(text.replace("epoch: 1", "epoch: 2")),
        "a line too many": resealed(text.replace("epoch: 1\n", "epoch: 1\nnote: x\n")),
        "two lines changed places": resealed(
            text.replace("purpose: ondermijning-zaanstad\nepoch: 1\n", "epoch: 1\npurpose: ondermijning-zaanstad\n")
        ),
        "lines ended as on Windows": resealed(text.replace("\n", "\r\n")),
        "a wrong checksum": text[:-3] + ("0" if text[-3] != "0" else "1") + text[-2:],
        "no end of the last line": text[:-1],
        "an empty line after the last": text + "\n",
        "cut short": text[: text.index("key-id")],
        "nothing": "",
    }
    rows = [
        {
            "name": "a secret file",
            "text": text,
            "purpose": file.purpose,
            "epoch": file.epoch,
            "secret": file.secret.hex(),
        }
    ]
    rows += [
        {"name": f"a secret file with {name}", "text": changed, "error": "secret_file"}
        for name, changed in wrong.items()
    ]
    return {"secret_files": rows, "joined": [joined(file, parts) for parts in (2, 9)]}


def joined(file: secret_file.SecretFile, parts: int) -> dict:
    shares = [drawn(f"share {number} of {parts}") for number in range(1, parts)]
    last = file.secret
    for share in shares:
        last = bytes(a ^ b for a, b in zip(last, share))
    key_id = Secret(file.secret, file.purpose, file.epoch).key_id
    texts = [
        secret_file.part_text(secret_file.SecretPart(file.purpose, file.epoch, number, parts, share, key_id)).decode()
        for number, share in enumerate([*shares, last], 1)
    ]
    return {"name": f"a secret in {parts} parts", "parts": texts, "secret": file.secret.hex()}


# standings.json


def standings() -> dict:
    rows = []

    def row(counting: Counting, sees: str, organisations: int, sources: int, own_flag: bool, sweep: bool) -> None:
        given = {"sees": sees, "organisations": organisations, "sources": sources, "own_flag": own_flag, "sweep": sweep}
        rows.append({**vars(counting), **given, "standing": counting.standing(**given)})

    countings = [
        Counting(2, 3, 3, True),
        Counting(2, 3, 9, True),
        Counting(3, 4, 30, False),
        Counting(250, 3, 250, False),
    ]
    for counting in countings:
        for sees in ("presence", "band", "count"):
            edges = {0, 1, counting.threshold - 1, counting.threshold, counting.count_cap - 1, counting.count_cap}
            edges |= {counting.count_cap + 1, 300} | {end + step for end in counting.bands() for step in (-1, 0, 1)}
            for organisations in sorted(edges):
                row(counting, sees, organisations, 300, True, False)
    for own_flag_required in (True, False):
        counting = Counting(2, 3, 9, own_flag_required)
        for sources in (2, 3):
            for organisations in (0, 1, 2):
                for own_flag in (True, False) if organisations else (False,):
                    for sweep in (True, False):
                        row(counting, "count", organisations, sources, own_flag, sweep)
    sayable = [
        {"threshold": c.threshold, "count_cap": c.count_cap, "sees": sees, "standings": sorted(c.sayable(sees))}
        for c in countings
        for sees in ("presence", "band", "count")
    ]
    return {
        "about": "Section 5.7: the standing of a pseudonym with released flags of so many organisations, where so many "
        "(sources) have any released flag in the epoch. sayable: all that a partner can be told, section 4.8.",
        "standings": rows,
        "sayable": sayable,
    }


# messages.json

PARTNER_SEED = drawn("partner")
BROKER_SEED = drawn("broker")
SEEDS = {"partner": PARTNER_SEED, "broker": BROKER_SEED}
SECRET = Secret(bytes(range(32)), "ondermijning-zaanstad", 1)
NOVEMBER = 20_787  # 2026-11-30
DECEMBER = 20_818
FEBRUARY = 21_243  # 2028-02-29
FEBRUARY_2100 = 47_540  # 2100-02-28, in a year without a leap day
FIRST = 20_780  # 2026-11-23
LOG = LogEntry(1_795_000_000, 41, drawn("leaf"), drawn("salt", 16))


def rows(*numbers: int) -> list[bytes]:
    """Pseudonyms of made-up addresses, in the order of their bytes."""
    return sorted(SECRET.pseudonym(UNIT, f"1012JS|{number}|") for number in numbers)


def until(last_day: int) -> Terms:
    return Terms(last_day, FIRST)


def of_every_kind() -> messages.Groups:
    """Groups that differ in one of their terms each, in their order."""
    reasons = [Terms(NOVEMBER, FIRST, reason) for reason in messages.REASONS]
    number = replace(reasons[-1], house_number=True)
    terms = [until(NOVEMBER), replace(until(NOVEMBER), house_number=True), *reasons, number]
    terms += [Terms(NOVEMBER, FIRST + 1), Terms(NOVEMBER, 65_535), until(DECEMBER)]
    return [(one, rows(number)) for number, one in enumerate(terms)]


def header(body: messages.Body) -> Header:
    kind = KINDS[type(body)]
    state = isinstance(body, Delta | FullSet | Confirm | Receipt)
    return Header(
        kind=kind,
        consortium="zaanstad",
        purpose=SECRET.purpose,
        epoch=SECRET.epoch,
        key_id=SECRET.key_id,
        partner=7,
        sequence=3,
        previous=2 if state else 0,
        time=1_795_910_400,
        policy=drawn("policy"),
        context=drawn("context"),
    )


def sender(kind: int) -> str:
    return "partner" if messages.of_partner(kind) else "broker"


def front_of(head: Header, size: int) -> bytes:
    return bytes([messages.ENVELOPE]) + head.encode(size)


def signed(front: bytes, raw: bytes, kind: int, seed: bytes | None = None) -> bytes:
    """A message of any bytes, its signature right all the same."""
    key = messages.private_key(seed or SEEDS[sender(kind)])
    return front + raw + key.sign(messages.signed_bytes(kind, front, raw))


NODES = [drawn("node 1"), drawn("node 2")]
VALID: list[tuple[str, messages.Body, dict]] = [
    (
        "delta that flags and withdraws",
        Delta([(until(NOVEMBER), rows(1, 2)), (until(DECEMBER), rows(3))], rows(4, 5)),
        {},
    ),
    ("delta that only flags", Delta([(until(FEBRUARY), rows(1))]), {}),
    ("delta with the last day of February 2100", Delta([(until(FEBRUARY_2100), rows(1))]), {}),
    ("delta that only withdraws", Delta([], rows(1)), {}),
    ("delta that renews", Delta([(Terms(DECEMBER, FIRST, "observed_again"), rows(1, 3))]), {}),
    ("delta with every term", Delta(of_every_kind()), {}),
    (
        "delta with 300 groups",
        Delta([(Terms(NOVEMBER, day), rows(day)) for day in range(300)]),
        {},
    ),
    ("delta with the first and the last pseudonym", Delta([(until(NOVEMBER), [bytes(16)])], [b"\xff" * 16]), {}),
    ("delta with the first and the last month", Delta([(until(30), rows(1)), (until(65_529), rows(2))]), {}),
    ("full set", FullSet(groups=[(until(NOVEMBER), rows(1, 2, 3))]), {}),
    ("full set of nothing", FullSet(), {"previous": 0}),
    (
        "full set that shrinks and renews",
        FullSet(True, groups=[(Terms(DECEMBER, FIRST, "being_acted_on"), rows(1))]),
        {},
    ),
    ("part 2 of 3 of a full set", FullSet(part=2, parts=3, groups=[(until(NOVEMBER), rows(6, 7))]), {}),
    ("part 65535 of 65535 of a full set", FullSet(shrink=True, part=65_535, parts=65_535), {}),
    ("confirm", Confirm(), {}),
    ("first message of a partner", FullSet(groups=[(until(NOVEMBER), rows(1))]), {"sequence": 1, "previous": 0}),
    (
        "confirm with the largest header",
        Confirm(),
        {"consortium": "c" * 64, "purpose": "p" * 64, "epoch": 2**32 - 1, "partner": 65_535},
    ),
    ("confirm without a journal", Confirm(), {"context": bytes(32)}),
    ("question", Question(rows(1, 2, 3)), {}),
    ("question of a sweep", Question(rows(8), "brandveiligheid"), {}),
    ("question of a sweep with the longest reason", Question(rows(8), "r" * 64), {}),
    ("status request", StatusRequest(), {}),
    ("status request with the largest number", StatusRequest(), {"sequence": 2**64 - 1}),
    ("status request with a checkpoint", StatusRequest(42), {}),
    ("status request with lines", StatusRequest(42, [0, 7, 2**64 - 1]), {}),
    ("status request with a receipt", StatusRequest(42, [7], drawn("receipt", 32) * 10), {}),
    ("status request with 2,048 bytes of a receipt", StatusRequest(0, [], bytes(2_048)), {}),
    ("status request with 1,000 lines", StatusRequest(42, list(range(1_000))), {}),
    ("receipt", Receipt(LOG, 5, 0, 0, 3, 1, 2, 40, 1), {}),
    ("receipt of a part", Receipt(LOG, 5, 1, 2, 0, 0, 0, 40, 0), {}),
    ("answer", Answer(LOG, 6, 1_795_824_000, 1_795_910_400, 4, 3, bytes([0, 1, 2, 3])), {}),
    ("answer with presence", Answer(LOG, 6, 1_795_824_000, 1_795_910_400, 4, 4, bytes([255, 0])), {}),
    ("rejection that nothing was kept of, after a restore", Rejection(LogEntry(7), "unavailable", 0, "Later."), {}),
    ("answer without a log line", Answer(NO_LINE, 0, 0, 1_795_910_400, 4, 0, bytes([0])), {}),
    (
        "status reply",
        StatusReply(
            NO_LINE, 6, 1_795_824_000, 1_795_910_400, 2, 3, 9, 40, False,
            960, 0, 99_960, 9_000, 99_000, 0, 99, b"", [], [],
        ),
        {},
    ),
    (
        "status reply with a checkpoint and a proof",
        StatusReply(LOG, 6, 1, 2, 0, 0, 0, 0, True, 1, 2, 3, 4, 5, 6, 7, b"example.nl/proef\n42\n", NODES, []),
        {},
    ),
]
PROVEN = [LineProof(3, [drawn("node 1")]), LineProof(2**64 - 1, [drawn(f"node {n}") for n in range(65)])]
VALID += [
    (
        "status reply with proven lines",
        StatusReply(LOG, 6, 1, 2, 0, 0, 0, 0, False, 1, 2, 3, 4, 5, 6, 7, b"example.nl/proef\n42\n", [], PROVEN),
        {},
    ),
]
VALID += [
    (
        f"rejection: {code}",
        Rejection(LOG, code, 7 if code in messages.NUMBERED - {"other_epoch"} else 0, "Zo niet: één zin."),
        {},
    )
    for code in CODES
]


def example() -> list[tuple[str, messages.Body, dict]]:
    """The messages of spec/worked-example.md: an address is flagged, and asked about a day later."""
    address_key = SECRET.pseudonym(UNIT, "1012JS|1|A")
    delta = Delta([(Terms(NOVEMBER, NOVEMBER - 1), [address_key])])
    question = Question([address_key])
    journal = {"context": bytes(32)}
    asked = {"time": 1_795_996_800, "sequence": 1} | journal
    sign = messages.private_key(PARTNER_SEED).sign
    context = messages.digest(messages.encode(replace(header(question), **asked), question, sign))
    answer = Answer(NO_LINE, 6, 1_795_996_800, 1_796_083_200, 4, 3, bytes([2]))
    told = {"time": 1_795_996_801, "sequence": 1, "context": context}
    return [
        ("worked example: delta", delta, {"sequence": 2, "previous": 1} | journal),
        ("worked example: question", question, asked),
        ("worked example: answer", answer, told),
    ]


VALID += example()
VALID += talk_vectors.VALID
UNSIGNED = [
    (
        "unsigned rejection: malformed",
        Rejection(NO_LINE, "malformed", 0, "the bytes end too early"),
        {"epoch": 0, "key_id": bytes(16), "partner": 0, "sequence": 0, "previous": 0},
    ),
    ("unsigned rejection: unknown_partner", Rejection(NO_LINE, "unknown_partner", 0, ""), {}),
    ("unsigned rejection: bad_signature", Rejection(NO_LINE, "bad_signature", 0, "x" * 1_000), {}),
    ("unsigned rejection: wrong_consortium", Rejection(NO_LINE, "wrong_consortium", 0, "another consortium"), {}),
    ("unsigned rejection: too_large", Rejection(NO_LINE, "too_large", 0, "too large"), {}),
]


def valid() -> list[dict]:
    made = []
    for name, body, changes in VALID + UNSIGNED:
        head = replace(header(body), **changes)
        unsigned = name.startswith("unsigned")
        sign = (lambda _: messages.NO_SIGNATURE) if unsigned else messages.private_key(SEEDS[sender(head.kind)]).sign
        data = messages.encode(head, body, sign)
        row = {
            "name": name,
            "from": sender(head.kind),
            "header": jsonform.header_to_json(head),
            "body": jsonform.to_json(body),
            **stored(data),
            "digest": messages.digest(data).hex(),
        }
        made.append({**row, "signed": False} if unsigned else row)
    return made + [
        large(
            "delta of 1,000,000 pseudonyms",
            KINDS[Delta],
            [{"hex": "0000" + u32(1_000_000)}, {"pseudonyms": [0, 1_000_000]}],
        ),
        large(
            "full set of 1,000,000 pseudonyms in two groups",
            KINDS[FullSet],
            [
                {"hex": "00010001000200" + until(NOVEMBER).encode().hex() + u32(999_999)},
                {"pseudonyms": [0, 999_999]},
                {"hex": until(DECEMBER).encode().hex() + u32(1)},
                {"pseudonyms": [999_999, 1]},
            ],
        ),
        large(
            "question of 100,000 pseudonyms",
            KINDS[Question],
            [{"hex": "0000" + u32(100_000)}, {"pseudonyms": [1, 100_000]}],
        ),
        large(
            "put forward of 10,000 rows",
            KINDS[PutForward],
            [{"hex": u16(20_800) + u16(0) + u32(10_000)}, {"pseudonyms": [0, 10_000]}],
        ),
        large(
            "put forward to 1,000 partners",
            KINDS[PutForward],
            [{"hex": u16(20_800) + u16(1_000) + "".join(u16(number) for number in range(8, 1_008)) + u32(0)}],
        ),
        large(
            "answer of 100,000 standings", KINDS[Answer], [{"hex": answer_head() + u32(100_000)}, {"zeros": 100_000}]
        ),
    ]


def u16(value: int) -> str:
    return value.to_bytes(2, "little").hex()


def u32(value: int) -> str:
    return value.to_bytes(4, "little").hex()


def answer_head() -> str:
    return Answer(LOG, 6, 1_795_824_000, 1_795_910_400, 4, 3, b"").encode()[:-4].hex()


def piece(rule: dict) -> bytes:
    if "pseudonyms" in rule:
        first, count = rule["pseudonyms"]
        return b"".join(number.to_bytes(16, "big") for number in range(first, first + count))
    return bytes(rule["zeros"]) if "zeros" in rule else bytes.fromhex(rule["hex"])


def stored(data: bytes) -> dict:
    """The bytes of a vector as hexadecimal; of one with long runs of zeros, such as empty slots, in pieces."""
    pieces = []
    at = 0
    for run in re.finditer(rb"\x00{128,}", data):
        pieces += [{"hex": data[at : run.start()].hex()}, {"zeros": run.end() - run.start()}]
        at = run.end()
    return {"pieces": [*pieces, {"hex": data[at:].hex()}]} if pieces else {"hex": data.hex()}


BODY_OF_KIND = {kind: body for body, kind in KINDS.items()}


def head_of_kind(kind: int) -> Header:
    body = next(body for _, body, _ in VALID if KINDS[type(body)] == kind)
    return header(body)


def large(name: str, kind: int, body: list[dict]) -> dict:
    """A message too long to store: its pieces, joined, are its bytes."""
    raw = b"".join(map(piece, body))
    front = front_of(head_of_kind(kind), len(raw))
    data = signed(front, raw, kind)
    pieces = [{"hex": front.hex()}, *body, {"hex": data[-64:].hex()}]
    return {"name": name, "from": sender(kind), "pieces": pieces, "digest": messages.digest(data).hex()}


def invalid() -> list[dict]:
    made: list[dict] = []

    def add(name: str, data: bytes, error: str = "malformed", from_: str = "partner") -> None:
        kept = stored(data)
        digest = {"digest": messages.digest(data).hex()} if "pieces" in kept else {}
        made.append({"name": name, "from": from_, **kept, **digest, "error": error})

    def body(name: str, kind: type, raw: bytes, error: str = "malformed") -> None:
        head = head_of_kind(KINDS[kind])
        add(name, signed(front_of(head, len(raw)), raw, head.kind), error, sender(head.kind))

    def changed(name: str, kind: type, find: bytes, put: bytes) -> None:
        """The first valid message of the kind with bytes of its body replaced, signed anew."""
        raw = next(one for _, one, _ in VALID if isinstance(one, kind)).encode()
        assert raw.count(find) == 1, name
        body(name, kind, raw.replace(find, put))

    confirm = header(Confirm())
    good = signed(front_of(confirm, 0), b"", confirm.kind)

    # The whole
    add("nothing", b"")
    add("an envelope byte and no more", b"\x01")
    add("sealed envelope, which is reserved", b"\x02" + good[1:])
    add("envelope 0x00", b"\x00" + good[1:])
    for cut in (1, 2, 10, 19, 64, 65, len(good) // 2, len(good) - 64, len(good) - 1):
        add(f"cut to {cut} bytes", good[:cut])
    add("one byte after the signature", good + b"\0")
    add("a signature twice", good + good[-64:])
    add("a message of the broker where a partner's is due", reply_bytes(), "malformed", "partner")
    add("a message of a partner where the broker's is due", good, "malformed", "broker")

    # The header
    def with_front(
        name: str, front: bytes, raw: bytes = b"", error: str = "malformed", kind: int = confirm.kind
    ) -> None:
        add(name, signed(front, raw, kind), error)

    front = front_of(confirm, 0)
    with_front("version 2", front[:1] + b"\x02" + front[2:])
    with_front("version 0", front[:1] + b"\x00" + front[2:])
    for kind in (0x00, 0x06, 0x0F, 0x10, 0x15, 0x1F, 0x24, 0x27, 0x2B, 0x2F, 0x30, 0xFF):
        with_front(f"kind {kind:#04x}", front[:2] + bytes([kind]) + front[3:], kind=kind)
    slug_at = 3

    def with_slug(name: str, raw: bytes, length: int | None = None) -> None:
        size = (len(raw) if length is None else length).to_bytes(8, "little")
        with_front(name, front[:slug_at] + size + raw + front[slug_at + 8 + len("zaanstad") :])

    with_slug("an empty consortium", b"")
    with_slug("a consortium of 65 characters", b"c" * 65)
    with_slug("a consortium in upper case", b"Zaanstad")
    with_slug("a consortium with a space", b"zaan stad")
    with_slug("a consortium with a NUL", b"zaansta\0")
    with_slug("a consortium that is not ASCII", "zaanståd".encode())
    with_slug("a consortium that is not UTF-8", b"zaanst\xffd")
    with_slug("a consortium of 1,100 characters, which is over the header's limit", b"c" * 1_100)
    with_slug("a consortium with a length over the bytes", b"zaanstad", 2**32)
    with_slug("a consortium with the largest length", b"zaanstad", 2**64 - 1)
    purpose = confirm.purpose.encode()
    for name, put in (
        ("an empty purpose", b""),
        ("a purpose of 65 characters", b"p" * 65),
        ("a purpose with an underscore", b"a_b"),
    ):
        with_front(
            name, front.replace(len(purpose).to_bytes(8, "little") + purpose, len(put).to_bytes(8, "little") + put)
        )
    for name, size in (("a body length one too large", 1), ("the largest body length", 2**32 - 1)):
        with_front(name, front_of(confirm, size))
    with_front("a body length one too small", front_of(confirm, 0), b"\0")
    question = Question(rows(1, 2))
    with_front(
        "previous in a question",
        front_of(replace(header(question), previous=1), len(question.encode())),
        question.encode(),
        kind=KINDS[Question],
    )
    status = StatusRequest(0)
    previous = front_of(replace(header(status), previous=1), 12)
    with_front("a status request with previous", previous, status.encode(), kind=KINDS[StatusRequest])

    for one in (PutForward(0), Exchange(), TotalsRequest(), talk_vectors.YEAR):
        raw = one.encode()
        previous = front_of(replace(header(one), previous=1), len(raw))
        with_front(f"previous in kind {KINDS[type(one)]:#04x}", previous, raw, kind=KINDS[type(one)])
    for one in (talk_vectors.KEPT, talk_vectors.POST, talk_vectors.TOTALS):
        raw, kind = one.encode(), KINDS[type(one)]
        previous = front_of(replace(header(one), previous=1), len(raw))
        add(f"previous in kind {kind:#04x}", signed(previous, raw, kind), "malformed", "broker")

    # Signatures
    delta = Delta([(until(NOVEMBER), rows(1, 2))], rows(3))
    raw = delta.encode()
    delta_front = front_of(header(delta), len(raw))
    good_delta = signed(delta_front, raw, KINDS[Delta])
    for at, what in (
        (3 + 8, "consortium"),
        (len(delta_front) - 4 - 64, "policy"),
        (len(delta_front) - 5, "context"),
        (len(delta_front), "bits of the body"),
        (len(good_delta) - 65, "last byte of the body"),
        (len(good_delta) - 64, "first byte of the signature"),
        (len(good_delta) - 1, "last byte of the signature"),
    ):
        flipped = bytearray(good_delta)
        flipped[at] ^= 0x01 if what != "consortium" else 0x03
        add(f"a flipped bit: {what}", bytes(flipped), "bad_signature")
    swapped = delta_front[:2] + bytes([KINDS[FullSet]]) + delta_front[3:]
    add("a delta passed off as a full set", swapped + good_delta[len(delta_front) :], "bad_signature")
    add("signed with the label of another kind", signed(delta_front, raw, KINDS[FullSet]), "bad_signature")
    add("signed with the label of the broker", signed(delta_front, raw, KINDS[Receipt], PARTNER_SEED), "bad_signature")
    add("signed with the broker's key", signed(delta_front, raw, KINDS[Delta], BROKER_SEED), "bad_signature")
    add("signed with a key of nobody", signed(delta_front, raw, KINDS[Delta], drawn("nobody")), "bad_signature")
    add("a signature of zeros", delta_front + raw + messages.NO_SIGNATURE, "bad_signature")
    unlabelled = messages.private_key(PARTNER_SEED).sign(delta_front + hashlib.sha256(raw).digest())
    add("signed without a label", delta_front + raw + unlabelled, "bad_signature")
    whole = messages.private_key(PARTNER_SEED).sign(b"stapel1 partner\x01" + delta_front + raw)
    add("signed over the body and not its digest", delta_front + raw + whole, "bad_signature")
    add(
        "a wrong signature and a body that is malformed",
        delta_front + b"\xff" + raw[1:] + good_delta[-64:],
        "bad_signature",
    )
    signature = good_delta[-64:]
    order = 2**252 + 27742317777372353535851937790883648493
    large_s = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    add("a signature whose S is not reduced", good_delta[:-32] + large_s, "bad_signature")
    code_5 = Rejection(NO_LINE, "wrong_purpose", 0, "another purpose")
    head = header(code_5)
    add(
        "an unsigned rejection with a code that is always signed",
        messages.encode(head, code_5, lambda _: messages.NO_SIGNATURE),
        "bad_signature",
        "broker",
    )

    for name, hint in (
        ("an unsigned rejection with a log line", Rejection(LOG, "malformed", 0, "x")),
        ("an unsigned rejection with a number that its code does not have", Rejection(NO_LINE, "malformed", 1, "x")),
    ):
        data = messages.encode(header(hint), hint, lambda _: messages.NO_SIGNATURE)
        add(name, data, "bad_signature", "broker")

    # Deltas
    one, two, three = ([row] for row in rows(1, 2, 3))
    body("delta: nothing", Delta, Delta().encode())
    body("delta: no bytes", Delta, b"")
    for at, byte, what in (
        (6, len(messages.REASONS) + 1, "an unknown reason"),
        (6, 0xFF, "the highest reason"),
        (7, 0x02, "unknown bit 0x02"),
        (7, 0x81, "unknown bit 0x80"),
    ):
        body(f"delta: {what} of a group", Delta, raw[:at] + bytes([byte]) + raw[at + 1 :])
    every = of_every_kind()
    for at in range(len(every) - 1):
        swapped = [*every[:at], every[at + 1], every[at], *every[at + 2 :]]
        body(f"delta: groups {at} and {at + 1} in each other's place", Delta, Delta(swapped).encode())
    body("delta: cut", Delta, raw[:-1])
    body("delta: a byte too many", Delta, raw + b"\0")
    body("delta: pseudonyms not in order", Delta, Delta([(until(NOVEMBER), rows(1, 2)[::-1])]).encode())
    body("delta: a pseudonym twice in a group", Delta, Delta([(until(NOVEMBER), one + one)]).encode())
    in_both = Delta([(until(NOVEMBER), one + two), (until(DECEMBER), two)])
    body("delta: a pseudonym in two groups", Delta, in_both.encode())
    body("delta: a pseudonym flagged and withdrawn", Delta, Delta([(until(NOVEMBER), one + two)], one).encode())
    body("delta: withdrawn not in order", Delta, Delta([], rows(1, 2)[::-1]).encode())
    body("delta: withdrawn twice", Delta, Delta([], one + one).encode())
    body("delta: groups not in order", Delta, Delta([(until(DECEMBER), one), (until(NOVEMBER), two)]).encode())
    body("delta: two groups of the same terms", Delta, Delta([(until(NOVEMBER), one), (until(NOVEMBER), two)]).encode())
    body("delta: an empty group", Delta, Delta([(until(NOVEMBER), [])], one).encode())
    for day in (NOVEMBER - 1, NOVEMBER + 1, 0, FEBRUARY - 1, FEBRUARY_2100 + 1, 65_535):
        body(f"delta: day {day} is no month's last", Delta, Delta([(until(day), one)]).encode())
    body("delta: 1,025 groups", Delta, bytes.fromhex(u16(1_025)) + Delta([(until(NOVEMBER), one)]).encode()[2:])
    body(
        "delta: a group's count over the bytes",
        Delta,
        b"\1\0" + until(NOVEMBER).encode() + bytes.fromhex(u32(2)) + one[0] + bytes(4),
    )
    body("delta: the largest count", Delta, b"\0\0" + b"\xff" * 4 + one[0])
    body("delta: fewer groups than counted", Delta, b"\2" + Delta([(until(NOVEMBER), one)]).encode()[1:])

    # Full sets
    for part, parts in ((0, 0), (0, 1), (2, 1)):
        body(f"full set: part {part} of {parts}", FullSet, FullSet(part=part, parts=parts).encode())
    for bit in (0x02, 0x80):
        body(f"full set: unknown bit {bit:#04x}", FullSet, bytes([bit]) + FullSet().encode()[1:])
    body("full set: cut", FullSet, FullSet().encode()[:-1])
    body("full set: a byte too many", FullSet, FullSet().encode() + b"\0")
    body(
        "full set: a pseudonym in two groups",
        FullSet,
        FullSet(groups=[(until(NOVEMBER), rows(1, 2, 3)), (until(DECEMBER), three)]).encode(),
    )
    body("full set: an empty group", FullSet, FullSet(groups=[(until(NOVEMBER), [])]).encode())
    body("full set: not a month's last day", FullSet, FullSet(groups=[(until(NOVEMBER + 1), one)]).encode())
    turned = FullSet(groups=[(until(DECEMBER), one), (until(NOVEMBER), two)])
    body("full set: groups not in order", FullSet, turned.encode())

    # Confirm, question, status request
    body("confirm: a byte", Confirm, b"\0")
    body("question: nothing", Question, Question([]).encode())
    body("question: not in order", Question, Question(rows(1, 2)[::-1]).encode())
    body("question: twice the same", Question, Question(one + one).encode())
    body("question: cut", Question, Question(one).encode()[:-1])
    body("question: a byte too many", Question, Question(one).encode() + b"\0")
    body("question: unknown bit 0x02", Question, b"\x02" + Question(one).encode()[1:])
    body("question: a reason without a sweep", Question, b"\0" + Question(one, "brand").encode()[1:])
    body("question: a sweep without a reason", Question, b"\1" + Question(one).encode()[1:])
    body("question: a sweep whose reason is no slug", Question, Question(one, "Brand!").encode())
    body("question: a sweep whose reason has 65 characters", Question, Question(one, "r" * 65).encode())
    body("question: a sweep whose reason is not UTF-8", Question, b"\1\2\xff\xfe" + Question(one).encode()[2:])
    body("status request: eleven bytes", StatusRequest, bytes(11))
    body("status request: thirteen bytes", StatusRequest, bytes(13))
    body("status request: a receipt of 2,049 bytes", StatusRequest, StatusRequest(0, [], bytes(2_049)).encode())
    body("status request: a receipt cut short", StatusRequest, StatusRequest(0, [], bytes(9)).encode()[:-1])
    body("status request: lines not in order", StatusRequest, StatusRequest(0, [2, 1]).encode())
    body("status request: a line twice", StatusRequest, StatusRequest(0, [1, 1]).encode())
    body("status request: 1,001 lines", StatusRequest, StatusRequest(0, list(range(1_001))).encode())
    body("status request: fewer lines than counted", StatusRequest, StatusRequest(0, [1, 2]).encode()[:-10])

    # Replies
    receipt = Receipt(LOG, 5, 0, 0, 3, 1, 2, 40, 1)
    body("receipt: part 0 of 2", Receipt, replace(receipt, parts=2).encode())
    body("receipt: part 3 of 2", Receipt, replace(receipt, part=3, parts=2).encode())
    body("receipt: part 1 of 1", Receipt, replace(receipt, part=1, parts=1).encode())
    for effect in ("added", "changed", "withdrawn"):
        part = Receipt(LOG, 5, 1, 2, 0, 0, 0, 40, 0)
        body(f"receipt: a part before the last has {effect}", Receipt, replace(part, **{effect: 1}).encode())
    body("receipt: more added and changed than held", Receipt, replace(receipt, added=40).encode())
    body("receipt: added and changed that 32 bits do not hold", Receipt, replace(receipt, added=2**32 - 1).encode())
    body("receipt: cut", Receipt, receipt.encode()[:-1])
    body("receipt: a byte too many", Receipt, receipt.encode() + b"\0")
    answer = Answer(LOG, 6, 1_795_824_000, 1_795_910_400, 4, 3, bytes([0, 1, 2]))
    body("answer: no standings", Answer, replace(answer, standings=b"").encode())
    for standing in (251, 254):
        body(f"answer: standing {standing}", Answer, replace(answer, standings=bytes([0, standing])).encode())
    body("answer: more fresh than there are", Answer, replace(answer, fresh=5).encode())
    previous = front_of(replace(header(answer), previous=1), len(answer.encode()))
    add("answer: previous", signed(previous, answer.encode(), KINDS[Answer]), "malformed", "broker")
    body("answer: fewer standings than counted", Answer, answer.encode()[:-1])
    body("answer: a byte too many", Answer, answer.encode() + b"\0")
    changed("status reply: a yes that is 2", StatusReply, b"\x28\0\0\0\0\xc0\x03\0\0", b"\x28\0\0\0\2\xc0\x03\0\0")
    reply = StatusReply(NO_LINE, 6, 1, 2, 0, 0, 0, 0, True, 1, 2, 3, 4, 5, 6, 7, b"note", [drawn("node 1")], [])
    previous = front_of(replace(header(reply), previous=1), len(reply.encode()))
    add("status reply: previous", signed(previous, reply.encode(), KINDS[StatusReply]), "malformed", "broker")
    body("status reply: accepted and not used", StatusReply, replace(reply, last_state=2, highest_state=1).encode())
    body("status reply: a proof without a checkpoint", StatusReply, replace(reply, checkpoint=b"").encode())
    body("status reply: a proof of 66 hashes", StatusReply, replace(reply, proof=[drawn("node 1")] * 66).encode())
    body("status reply: cut in the proof", StatusReply, reply.encode()[:-1])
    body("status reply: a hash too many", StatusReply, reply.encode() + bytes(32))
    longer = replace(reply, proof=[]).encode().replace(b"\4\0note\0", b"\xff\xffnote\0")
    none = replace(reply, checkpoint=b"", proof=[])
    body("status reply: a proven line without a checkpoint", StatusReply, replace(none, lines=PROVEN).encode())
    body("status reply: proven lines not in order", StatusReply, replace(reply, lines=PROVEN[::-1]).encode())
    body("status reply: a proven line twice", StatusReply, replace(reply, lines=PROVEN[:1] * 2).encode())
    long = [LineProof(3, [drawn("node 1")] * 66)]
    body("status reply: a line's proof of 66 hashes", StatusReply, replace(reply, lines=long).encode())
    many = [LineProof(number, []) for number in range(1_001)]
    body("status reply: 1,001 proven lines", StatusReply, replace(reply, lines=many).encode())
    body("status reply: a checkpoint's length over the bytes", StatusReply, longer)
    rejection = Rejection(LOG, "gap", 7, "seven").encode()
    no_leaf = LogEntry(0, 41, bytes(32), bytes(16))
    only_salt = LogEntry(0, 0, bytes(32), drawn("salt", 16))
    body("receipt: a salt without a leaf hash", Receipt, replace(receipt, log=only_salt).encode())
    for one_of in (receipt, answer, reply, Rejection(NO_LINE, "gap", 7, "")):
        name = type(one_of).__name__.lower()
        body(f"{name}: a log line without a leaf hash", type(one_of), replace(one_of, log=no_leaf).encode())
    for code in CODES:
        if code not in messages.NUMBERED:
            body(f"rejection: a number with {code}", Rejection, Rejection(LOG, code, 1, "").encode())
    body("rejection: 0 as the lowest number still free", Rejection, Rejection(LOG, "stale", 0, "").encode())
    for code in (0, 24, 255):
        body(f"rejection: code {code}", Rejection, rejection[:64] + bytes([code]) + rejection[65:])
    body("rejection: a sentence that is not UTF-8", Rejection, rejection[:-1] + b"\xff")
    reordered = Rejection(LOG, "gap", 7, "a\u202eb")
    body("rejection: a sentence with a bidirectional override", Rejection, reordered.encode())
    body("rejection: a sentence with a line feed", Rejection, Rejection(LOG, "gap", 7, "a\nb").encode())
    body("rejection: a sentence of 1,001 bytes", Rejection, Rejection(LOG, "gap", 7, "x" * 1_001).encode())
    body("rejection: cut", Rejection, rejection[:-1])
    body("rejection: a byte too many", Rejection, rejection + b"\0")

    # After a hit
    talk_vectors.invalid(body)

    # Too large
    for row in (
        large(
            "put forward of 10,001 rows",
            KINDS[PutForward],
            [{"hex": u16(20_800) + u16(0) + u32(10_001)}, {"pseudonyms": [0, 10_001]}],
        ),
        large(
            "put forward to 1,001 partners",
            KINDS[PutForward],
            [{"hex": u16(20_800) + u16(1_001) + "".join(u16(number) for number in range(8, 1_009)) + u32(0)}],
        ),
        large(
            "delta of 1,000,001 pseudonyms, all withdrawn",
            KINDS[Delta],
            [{"hex": "0000" + u32(1_000_001)}, {"pseudonyms": [0, 1_000_001]}],
        ),
        large(
            "delta of 1,000,001 pseudonyms, one withdrawn",
            KINDS[Delta],
            [
                {"hex": "0100" + until(NOVEMBER).encode().hex() + u32(1_000_000)},
                {"pseudonyms": [0, 1_000_000]},
                {"hex": u32(1)},
                {"pseudonyms": [1_000_000, 1]},
            ],
        ),
        large(
            "full set of 1,000,001 pseudonyms in two groups",
            KINDS[FullSet],
            [
                {"hex": "00010001000200" + until(NOVEMBER).encode().hex() + u32(1)},
                {"pseudonyms": [1_000_000, 1]},
                {"hex": until(DECEMBER).encode().hex() + u32(1_000_000)},
                {"pseudonyms": [0, 1_000_000]},
            ],
        ),
        large(
            "question of 100,001 pseudonyms",
            KINDS[Question],
            [{"hex": "0000" + u32(100_001)}, {"pseudonyms": [0, 100_001]}],
        ),
        large(
            "answer of 100,001 standings", KINDS[Answer], [{"hex": answer_head() + u32(100_001)}, {"zeros": 100_001}]
        ),
        large("body of 16,777,217 bytes", KINDS[Delta], [{"zeros": 16_777_217}]),
    ):
        made.append({**row, "error": "too_large"})
    for name, size, error in (
        ("as long as any message, and nothing but zeros", messages.MAX_MESSAGE, "malformed"),
        ("one byte longer than any message", messages.MAX_MESSAGE + 1, "too_large"),
    ):
        pieces = [{"hex": "01"}, {"zeros": size - 1}]
        digest = hashlib.sha256(b"".join(map(piece, pieces))).hexdigest()
        made.append({"name": name, "from": "partner", "pieces": pieces, "digest": digest, "error": error})
    return made


def reply_bytes() -> bytes:
    receipt = Receipt(LOG, 5, 0, 0, 3, 1, 2, 40, 1)
    return messages.encode(header(receipt), receipt, messages.private_key(BROKER_SEED).sign)


def message_file() -> dict:
    right, wrong = valid(), invalid()
    names = [row["name"] for row in right + wrong]
    assert len(set(names)) == len(names), [name for name in names if names.count(name) > 1]
    return {
        "about": "Section 4. A vector's bytes are its hex, or its pieces one after the other: hex, so many zeros, or "
        "pseudonyms [first, count], which are ascending numbers in 16 bytes, big-endian. from says whose message it is "
        "to be read as, and so by which of the keys it is to be verified. signed: false marks a rejection with 64 zero "
        "bytes.",
        "keys": {name: {"seed": seed.hex(), "public": messages.public_key(seed).hex()} for name, seed in SEEDS.items()},
        "valid": right,
        "invalid": wrong,
    }


# Files


def compact(value: object, depth: int = 0) -> str:
    """JSON with a line for each vector."""
    indent = " " * (depth + 1)
    if isinstance(value, dict) and depth < 1:
        inner = ",\n".join(f"{indent}{json.dumps(name)}: {compact(item, depth + 1)}" for name, item in value.items())
        return f"{{\n{inner}\n{' ' * depth}}}"
    if isinstance(value, list) and depth < 2 and value:
        inner = ",\n".join(f"{indent}{readable(item)}" for item in value)
        return f"[\n{inner}\n{' ' * depth}]"
    return readable(value)


def readable(value: object) -> str:
    """JSON in which only hidden characters are escaped, and those that JSON itself escapes."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(json.dumps(c)[1:-1] if ord(c) in HIDDEN else c for c in text)


def main() -> int:
    made = {
        "derivations.json": derivations(),
        "standings.json": standings(),
        "messages.json": message_file(),
        "talk.json": talk_vectors.talk_file(),
        "log.json": log_file(),
        "policies.json": policy_file(FOLDER / "policies.json"),
        "succession.json": succession_file(),
        "certificates.json": certificate_file(),
        "transcripts.json": transcript_file(),
        "carrier.json": carrier_file(),
    }
    stale = []
    for name, content in made.items():
        text = compact(content) + "\n"
        file = FOLDER / name
        if "--check" not in sys.argv:
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            stale.append(name)
    if stale:
        print(f"not what this script makes: {', '.join(stale)}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
