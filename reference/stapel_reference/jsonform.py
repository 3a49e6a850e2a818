"""Messages as JSON: how the vectors, and the command, write their fields. Bytes are hexadecimal."""

import dataclasses
import types
import typing

from . import messages
from .errors import Refused
from .keys import unhex

# The names that JSON has for the kinds of section 4.2.
NAMES: dict[str, type] = {
    "delta": messages.Delta,
    "full_set": messages.FullSet,
    "confirm": messages.Confirm,
    "question": messages.Question,
    "status": messages.StatusRequest,
    "receipt": messages.Receipt,
    "answer": messages.Answer,
    "status_reply": messages.StatusReply,
    "rejection": messages.Rejection,
    "put_forward": messages.PutForward,
    "exchange": messages.Exchange,
    "totals_request": messages.TotalsRequest,
    "year": messages.Year,
    "kept": messages.Kept,
    "post": messages.Post,
    "totals": messages.Totals,
}


def kind_name(kind: int) -> str:
    return next(name for name, body in NAMES.items() if messages.KINDS[body] == kind)


def header_to_json(header: messages.Header) -> dict:
    return {**to_json(header), "kind": kind_name(header.kind)}


def header_from_json(fields: dict) -> messages.Header:
    kind = messages.KINDS[NAMES[fields["kind"]]]
    return typing.cast(messages.Header, from_json(messages.Header, {**fields, "kind": kind}))


def to_json(value: object) -> typing.Any:
    """A message's part as JSON: dataclasses become objects, bytes hexadecimal, (terms, pseudonyms) pairs groups."""
    if value == messages.NO_LINE:
        return None
    if dataclasses.is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return {**to_json(value[0]), "pseudonyms": to_json(value[1])}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    return value


def from_json(shape: typing.Any, value: typing.Any) -> typing.Any:
    """The other way, by the type of the field."""
    if shape is messages.LogEntry and value is None:
        return messages.NO_LINE
    if dataclasses.is_dataclass(shape):
        hints = typing.get_type_hints(shape)
        if unknown := set(value) - set(hints):
            raise Refused("malformed", f"unknown fields: {', '.join(sorted(unknown))}")
        return shape(**{name: from_json(hints[name], value[name]) for name in value})
    if isinstance(shape, types.UnionType):
        inner = next(one for one in typing.get_args(shape) if one is not type(None))
        return None if value is None else from_json(inner, value)
    if shape is bytes:
        return unhex(value)
    if typing.get_origin(shape) is list:
        return [from_json(typing.get_args(shape)[0], item) for item in value]
    if typing.get_origin(shape) is tuple:
        terms = {name: said for name, said in value.items() if name != "pseudonyms"}
        return from_json(messages.Terms, terms), [unhex(row) for row in value["pseudonyms"]]
    return value
