"""A partner's side of spec/carrier.md, with the standard library alone: messages to the broker, and replies back."""

import http.client
import itertools
import json
import random
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from .errors import Refused

MESSAGE, REPLY = "application/vnd.stapel.message", "application/vnd.stapel.reply"
MOST = 16_778_305
TEMPORARY = {408, 425, 429, *range(500, 600)}


class AgainLater(Exception):
    """No reply, so the same bytes again. Its argument: for how many seconds the broker asks to wait."""


def tls(certificate: Path, key: Path, authorities: list[Path]) -> ssl.SSLContext:
    """Section 5: trusts these authorities alone, whatever else the machine trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    for file in authorities:
        context.load_verify_locations(file)
    context.load_cert_chain(certificate, key)
    return context


def head(address: str, consortium: str, length: int) -> bytes:
    """Section 2: the head, padded so that head and body are a multiple of 4,096 bytes."""
    target = urlsplit(address)
    lines = [f"POST {target.path}/v1/{consortium}/messages HTTP/1.1", f"Host: {target.netloc}"]
    lines += [f"Content-Type: {MESSAGE}", f"Content-Length: {length}", "Padding: "]
    size = sum(len(line) + 2 for line in lines) + 2 + length
    return ("\r\n".join(lines) + "0" * (-size % 4_096) + "\r\n\r\n").encode()


def post(address: str, consortium: str, message: bytes, context: ssl.SSLContext) -> http.client.HTTPResponse:
    """One attempt at one address."""
    host, port = urlsplit(address).hostname or "", urlsplit(address).port
    connection = http.client.HTTPSConnection(host, port, timeout=10, context=context)
    connection.connect()
    connection.sock.settimeout(120)
    # In one run: http.client would send head and body apart, and the TLS records of each would show its length.
    connection.sock.sendall(head(address, consortium, len(message)) + message)
    response = http.client.HTTPResponse(connection.sock, method="POST")
    response.begin()
    return response


def number(text: str | None, most: int) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and int(text) <= most else None


def reply_of(response: http.client.HTTPResponse) -> bytes:
    """Section 3, the table: the reply, or AgainLater, or what a person is to look at."""
    field, media = response.headers, response.headers.get("Content-Type", "").lower()
    if response.status in TEMPORARY:
        raise AgainLater(number(field.get("Retry-After"), 3_600) or 0)
    if response.status != 200:
        problem = json.loads(response.read(16_384)) if media == "application/problem+json" else {}
        raise Refused(problem.get("code", "carrier_refused"), problem.get("detail", f"status {response.status}"))
    length = number(field.get("Content-Length"), MOST)
    if length is None or media != REPLY or "Content-Encoding" in field or len(body := response.read()) != length:
        raise AgainLater(0)
    return body


def exchange(
    addresses: list[str],
    attempt: Callable[[str], http.client.HTTPResponse],
    wait: Callable[[float], None] = time.sleep,
) -> bytes:
    """Section 3: one message at all addresses until its reply came, however long that takes. `attempt` is `post`."""
    for n in itertools.count(1):
        refused, least = None, 0
        for address in random.sample(addresses, len(addresses)):
            try:
                return reply_of(attempt(address))
            except ssl.SSLCertVerificationError as error:
                refused = Refused("connect_certificate", str(error))
            except Refused as error:
                refused = error
            except AgainLater as error:
                least = error.args[0]
            except (OSError, http.client.HTTPException):
                pass  # no response, which takes back nothing of what another address asked for
        if refused:
            raise refused
        wait(max(random.uniform(0, min(2**n, 300)), least))
    raise AssertionError("it counts without end")
