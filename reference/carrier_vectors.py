"""carrier.json: what a broker answers to requests, and what a partner does with what comes back. spec/carrier.md."""

import json

from stapel_reference.https import MESSAGE, MOST, REPLY

HOST = "Host: localhost\r\n"
TYPE = f"Content-Type: {MESSAGE}\r\n"
LENGTH = "Content-Length: 3\r\n"
BODY = "abc"
PATH = "/v1/zaanstad/messages"

# A request in pieces: texts, and [text, how often].
Pieces = list[str | list[str | int]]


def request(method: str = "POST", path: str = PATH, fields: str = HOST + TYPE + LENGTH) -> str:
    has_body = "content-length:3" in fields.lower().replace(" ", "")
    return f"{method} {path} HTTP/1.1\r\n{fields}\r\n{BODY if has_body else ''}"


def broker() -> list[dict]:
    rows = []

    def row(name: str, pieces: str | Pieces, status: int, code: str | None = None, **more: object) -> None:
        rows.append({"name": name, "request": [pieces] if isinstance(pieces, str) else pieces, "status": status})
        rows[-1] |= {"code": code, **more}

    def fields(name: str, changed: str, status: int, code: str | None = None, **more: object) -> None:
        row(name, request(fields=changed), status, code, **more)

    good = HOST + TYPE
    row("a message", request(), 200)
    fields("a message of no bytes", f"{good}Content-Length: 0\r\n", 200)
    fields("names of fields in lower case", (HOST + LENGTH).lower() + TYPE.replace("Content-Type", "content-type"), 200)
    fields("no space after the colons", (HOST + TYPE + LENGTH).replace(": ", ":"), 200)
    fields("fields that nobody knows", f"{good}{LENGTH}User-Agent: x\r\nAccept: */*\r\nFsc-Grant-Hash: $1$4$x\r\n", 200)
    fields("another protocol offered", f"{good}{LENGTH}Connection: Upgrade\r\nUpgrade: websocket\r\n", 200)
    fields("100-continue", f"{good}{LENGTH}Expect: 100-continue\r\n", 200)
    row("padding", [f"POST {PATH} HTTP/1.1\r\n{HOST}{TYPE}{LENGTH}Padding: ", ["0", 8_192], f"\r\n\r\n{BODY}"], 200)
    row("100 fields", [f"POST {PATH} HTTP/1.1\r\n{HOST}{TYPE}{LENGTH}", ["A: b\r\n", 97], f"\r\n{BODY}"], 200)
    row("OpenAPI", request("GET", "/v1/openapi.json", HOST), 200)

    closing = {"may_close": True}
    both = f"{good}{LENGTH}Content-Length: 4\r\n"
    fields("two lengths", both, 400, "bad_request", **closing)
    for length in ("3, 4", "+3", "-3", "0x3", "three", ""):
        fields(f"the length '{length}'", f"{good}Content-Length: {length}\r\n", 400, "bad_request", **closing)
    fields("no host", TYPE + LENGTH, 400, "bad_request")
    fields("two hosts", f"{good}{LENGTH}{HOST}", 400, "bad_request")
    fields("something else expected", f"{good}{LENGTH}Expect: 200-ok\r\n", 400, "bad_request")
    fields("a field over two lines", f"{good}{LENGTH}A: b\r\n c\r\n", 400, "bad_request", **closing)
    fields("a space before the colon", f"{good}Content-Length : 3\r\n", 400, "bad_request", **closing)
    row("a query", request(path=f"{PATH}?a=b"), 400, "bad_request")
    row("an empty query", request(path=f"{PATH}?"), 400, "bad_request")
    row("HTTP/1.0", request().replace("HTTP/1.1", "HTTP/1.0"), 400, "bad_request", **closing)
    row("HTTP/2 without TLS saying so", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request", **closing)

    paths = {
        "another consortium": "/v1/elders/messages",
        "a consortium in capitals": "/v1/Zaanstad/messages",
        "a percent-encoded path": "/v1/zaan%73tad/messages",
        "a slash at the end": f"{PATH}/",
        "two slashes": "/v1//zaanstad/messages",
        "another path": "/v1/zaanstad/message",
        "no path of the consortium": "/v1/zaanstad",
        "another version": "/v2/zaanstad/messages",
        "the root": "/",
    }
    for name, path in paths.items():
        row(name, request(path=path), 404, "not_found")

    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        row(method, request(method, fields=HOST), 405, "method_not_allowed", allow="POST")
    row("HEAD, whose response has no body", request("HEAD", fields=HOST), 405, allow="POST")

    chunked = "Transfer-Encoding: chunked\r\n"
    row("no length", f"POST {PATH} HTTP/1.1\r\n{good}\r\n", 411, "length_required")
    row("chunks", f"POST {PATH} HTTP/1.1\r\n{good}{chunked}\r\n3\r\n{BODY}\r\n0\r\n\r\n", 411, "length_required")
    both = f"POST {PATH} HTTP/1.1\r\n{good}{LENGTH}{chunked}\r\n{BODY}"
    row("a length and chunks", both, 411, "length_required", **closing)

    for length in (MOST + 1, 2**32, 2**63):
        fields(f"a length of {length}", f"{good}Content-Length: {length}\r\n", 413, "too_large")

    other = "unsupported_media_type"
    fields("no media type", HOST + LENGTH, 415, other)
    fields("two media types", f"{good}{LENGTH}{TYPE}", 415, other)
    for media in ("application/json", "application/octet-stream", REPLY, f"{MESSAGE}; charset=utf-8", f"{MESSAGE};v=1"):
        fields(f"the media type {media}", f"{HOST}{LENGTH}Content-Type: {media}\r\n", 415, other)
    for coding in ("gzip", "identity"):
        fields(f"the coding {coding}", f"{good}{LENGTH}Content-Encoding: {coding}\r\n", 415, other)

    start = f"POST {PATH} HTTP/1.1\r\n{HOST}{TYPE}{LENGTH}"
    row("101 fields", [start, ["A: b\r\n", 98], f"\r\n{BODY}"], 431, "head_too_large", **closing)
    row("a head of 17,000 bytes", [f"{start}A: ", ["b", 17_000], f"\r\n\r\n{BODY}"], 431, "head_too_large", **closing)
    return rows


def response(status: int, fields: dict[str, str], body: str = "") -> str:
    lines = [f"HTTP/1.1 {status} Some", *(f"{name}: {value}" for name, value in fields.items()), "", body]
    return "\r\n".join(lines)


def reply(body: str = "reply", **changed: str) -> str:
    fields = {"Content-Type": REPLY, "Content-Length": str(len(body))}
    return response(200, fields | {name.replace("_", "-"): value for name, value in changed.items()}, body)


def problem(status: int, code: str, **more: str) -> str:
    body = json.dumps({"type": "about:blank", "title": "Some", "status": status, "code": code, "detail": "a sentence"})
    fields = {"Content-Type": "application/problem+json", "Content-Length": str(len(body))}
    return response(status, fields | {name.replace("_", "-"): value for name, value in more.items()}, body)


CLOSED, SILENT, DEAD, FOREIGN = "closed", "silent", "no_connection", "foreign_certificate"


def partner() -> list[dict]:
    rows = []

    def row(name: str, addresses: list[list[str]], ends: str, **more: object) -> None:
        rows.append({"name": name, "addresses": addresses, "ends": ends, **more})

    def again(name: str, came: str, first: tuple[int, int] = (0, 2)) -> None:
        row(name, [[came, reply()]], "reply", body="reply", waits=[first])

    def stops(name: str, addresses: list[list[str]], code: str | None) -> None:
        row(name, addresses, "stops", code=code, waits=[])

    row("a reply", [[reply()]], "reply", body="reply", waits=[])
    row("a rejection is a reply like any", [[reply("stale", API_Version="9")]], "reply", body="stale", waits=[])
    again("a reply that is lost", CLOSED)
    row("a retry that another message overtook", [[CLOSED, reply("stale")]], "reply", body="stale", waits=[(0, 2)])
    again("no response in time, and again while the first is at work", SILENT)
    again("what is no HTTP", "no HTTP at all\r\n\r\n")
    again("a reply cut short", reply(Content_Length="9"))
    again("a reply cut short in its head", "HTTP/1.1 200 OK\r\nContent-Ty")
    again("a reply longer than any", reply(Content_Length=str(MOST + 1)))
    again("a reply without a length", response(200, {"Content-Type": REPLY}, "reply"))
    again("a page with status 200", response(200, {"Content-Type": "text/html", "Content-Length": "5"}, "reply"))
    again("a media type with parameters", reply(Content_Type=f"{REPLY}; charset=utf-8"))
    again("a reply that is packed", reply(Content_Encoding="gzip"))
    again("a fault", problem(500, "internal"))
    again("slow", problem(408, "too_slow"))
    for status in (425, 429, 502, 504, 599):
        again(f"status {status}", response(status, {"Content-Length": "0"}))
    again("busy", problem(503, "busy", Retry_After="77"), (77, 77))
    again("busy for less than what is drawn", problem(503, "busy", Retry_After="1"), (1, 2))
    for after in ("3601", "-1", "soon", "Wed, 01 Dec 2027 00:00:00 GMT"):
        again(f"busy, with Retry-After: {after}", problem(503, "busy", Retry_After=after))
    three = [(1, 2), (0, 4), (10, 10)]
    busy = [problem(503, "busy", Retry_After=after) for after in ("1", "0", "10")]
    row("busy three times", [[*busy, reply()]], "reply", body="reply", waits=three)
    ten = [(0, min(2**n, 300)) for n in range(1, 11)]
    row("nobody there", [[DEAD], [DEAD]], "waits", waits=ten)
    row("a connection that always breaks", [[CLOSED]], "waits", waits=ten)

    row("two addresses, one of them dead", [[DEAD], [reply()]], "reply", body="reply", waits=[])
    standby = problem(503, "not_leader", Retry_After="30")
    row("two addresses, one of a standby", [[standby], [reply()]], "reply", body="reply", waits=[])
    busy = [problem(503, "busy", Retry_After="77"), reply()]
    row("one is busy, and the last is dead", [busy, [DEAD]], "reply", body="reply", waits=[(77, 77)])
    row("one is busy, and the last breaks", [busy, [CLOSED]], "reply", body="reply", waits=[(77, 77)])
    row("not admitted at one of two", [[problem(403, "not_admitted")], [reply()]], "reply", body="reply", waits=[])
    row("a certificate that does not hold at one", [[FOREIGN], [reply()]], "reply", body="reply", waits=[])
    row("three addresses", [[DEAD], [problem(404, "not_found")], [reply()]], "reply", body="reply", waits=[])
    refused = problem(403, "not_admitted")
    stops("not admitted at one, broken at the other", [[refused], [CLOSED, reply()]], "not_admitted")
    stops("not admitted at all", [[refused]] * 2, "not_admitted")
    stops("not found at all", [[problem(404, "not_found")]] * 3, "not_found")
    stops("a certificate that does not hold", [[FOREIGN]], None)
    for status in (301, 302, 303, 307, 308):
        moved = response(status, {"Location": "https://localhost/", "Content-Length": "0"})
        stops(f"a redirect, {status}", [[moved, reply()]], None)
    for status, code in ((400, "bad_request"), (405, "method_not_allowed"), (411, "length_required")):
        stops(f"status {status}", [[problem(status, code), reply()]], code)
    for status, code in ((413, "too_large"), (415, "unsupported_media_type"), (431, "head_too_large")):
        stops(f"status {status}", [[problem(status, code), reply()]], code)
    for status in (201, 204, 401, 407):
        stops(f"status {status}", [[response(status, {"Content-Length": "0"}), reply()]], None)
    return rows


def carrier_file() -> dict:
    return {
        "about": "spec/carrier.md 1 to 4. broker: a request, byte for byte, and the status and code of the response. "
        "partner: what comes of one message at each address, try for try, and what a partner makes of it. README.md "
        "here has the fields.",
        "broker": broker(),
        "partner": partner(),
    }
