"""stapel.h in ctypes: the structs, the functions, and how the library is found. Nothing here is for callers."""

from __future__ import annotations

import ctypes as c
import os
import sys
from typing import Any

ABI_VERSION = 1

Handle = c.c_void_p
Status = c.c_int32
Bytes = c.POINTER(c.c_uint8)


class Str(c.Structure):
    _fields_ = [("ptr", c.c_void_p), ("len", c.c_size_t)]

    def text(self) -> str | None:
        return None if self.ptr is None else c.string_at(self.ptr, self.len).decode()


class Address(c.Structure):
    _fields_ = [("unit", c.c_char * 24), ("number", c.c_char * 16), ("how", c.c_int32)]


class Fields(c.Structure):
    _fields_ = [
        ("postcode", Str),
        ("number", Str),
        ("letter", Str),
        ("addition", Str),
        ("street", Str),
        ("town", Str),
    ]


class Packed(c.Structure):
    _fields_ = [("bytes", c.c_char_p), ("bytes_len", c.c_size_t), ("ends", c.POINTER(c.c_uint64))]


class PackedFields(c.Structure):
    _fields_ = [
        ("postcode", Packed),
        ("number", Packed),
        ("letter", Packed),
        ("addition", Packed),
        ("street", Packed),
        ("town", Packed),
    ]


class Row(c.Structure):
    _fields_ = [
        ("row", c.c_size_t),
        ("status", Status),
        ("level", c.c_int32),
        ("how", c.c_int32),
        ("reference", Str),
        ("canonical", Str),
        ("typed", Str),
        ("number", Str),
        ("field", Str),
        ("message", Str),
    ]


class HowCounts(c.Structure):
    _fields_ = [
        ("registered", c.c_size_t),
        ("by_id", c.c_size_t),
        ("completed", c.c_size_t),
        ("street", c.c_size_t),
        ("other_spelling", c.c_size_t),
        ("unregistered", c.c_size_t),
        ("withdrawn", c.c_size_t),
    ]


class RegisterAbout(c.Structure):
    _fields_ = [("addresses", c.c_size_t), ("withdrawn", c.c_size_t), ("source_day", c.c_char * 16)]


class RegisterEntry(c.Structure):
    _fields_ = [
        ("canonical", Str),
        ("street", Str),
        ("town", Str),
        ("postcode", Str),
        ("number", c.c_uint32),
        ("letter", Str),
        ("addition", Str),
        ("id", Str),
        ("object", Str),
        ("building", Str),
        ("latitude", c.c_double),
        ("longitude", c.c_double),
        ("is_secondary", c.c_int32),
        ("is_withdrawn", c.c_int32),
    ]


class LogEntry(c.Structure):
    _fields_ = [("index", c.c_uint64), ("leaf", c.c_uint8 * 32)]


class Receipt(c.Structure):
    _fields_ = [
        ("release", c.c_uint64),
        ("added", c.c_uint32),
        ("changed", c.c_uint32),
        ("withdrawn", c.c_uint32),
        ("held", c.c_uint32),
        ("part", c.c_uint16),
        ("parts", c.c_uint16),
        ("log", LogEntry),
    ]


class Answer(c.Structure):
    _fields_ = [
        ("actor", Str),
        ("reference", Str),
        ("release", c.c_uint64),
        ("as_of", c.c_uint64),
        ("until", c.c_uint64),
        ("rows", c.c_size_t),
        ("epoch", c.c_uint32),
        ("organisations", c.c_uint16),
        ("fresh", c.c_uint16),
        ("log", LogEntry),
    ]


class Standing(c.Structure):
    _fields_ = [("kind", c.c_uint8), ("count", c.c_uint8)]


class AnswerRow(c.Structure):
    _fields_ = [("canonical", Str), ("typed", Str), ("level", c.c_int32), ("standing", Standing)]


class Position(c.Structure):
    _fields_ = [
        ("release", c.c_uint64),
        ("as_of", c.c_uint64),
        ("until", c.c_uint64),
        ("accepted_state", c.c_uint64),
        ("highest_state", c.c_uint64),
        ("highest_question", c.c_uint64),
        ("held", c.c_uint32),
        ("new_flags_left", c.c_uint32),
        ("first_sets_left", c.c_uint32),
        ("held_left", c.c_uint32),
        ("asked_left_today", c.c_uint32),
        ("asked_left_epoch", c.c_uint32),
        ("swept_left_today", c.c_uint32),
        ("status_left_today", c.c_uint32),
        ("full_set_required", c.c_int32),
        ("complaint", Status),
        ("complaint_text", Str),
        ("log", LogEntry),
    ]


class Talked(c.Structure):
    _fields_ = [
        ("kept", c.c_uint32),
        ("unflagged", c.c_uint32),
        ("added", c.c_uint32),
        ("new_left", c.c_uint32),
        ("held_left", c.c_uint32),
        ("news", c.c_uint32),
        ("passed_over", c.c_uint32),
        ("more", c.c_int32),
        ("complaint", Status),
        ("complaint_text", Str),
        ("log", LogEntry),
    ]


class Totals(c.Structure):
    _fields_ = [
        ("release", c.c_uint64),
        ("as_of", c.c_uint64),
        ("cells", c.c_size_t),
        ("flags", c.c_uint32),
        ("year", c.c_uint16),
        ("quarter", c.c_uint8),
        ("log", LogEntry),
    ]


class TotalsCell(c.Structure):
    _fields_ = [("from_", c.c_uint8), ("to", c.c_uint8), ("number", c.c_uint32)]


class YearCell(c.Structure):
    _fields_ = [("ways", c.c_uint8), ("number", c.c_uint32)]


class ForwardedRow(c.Structure):
    _fields_ = [
        ("canonical", Str),
        ("typed", Str),
        ("level", c.c_int32),
        ("since", Str),
        ("epoch", c.c_uint32),
        ("ended", c.c_int32),
        ("more", Str),
        ("stands_until", Str),
    ]


class AskedRow(c.Structure):
    _fields_ = [
        ("canonical", Str),
        ("typed", Str),
        ("level", c.c_int32),
        ("day", Str),
        ("answer_by", Str),
        ("answer", Str),
        ("answered", Str),
        ("is_put_forward", c.c_int32),
    ]


class TalkNewsRow(c.Structure):
    _fields_ = [
        ("kind", c.c_int32),
        ("conversation", c.c_uint32),
        ("partner", c.c_uint16),
        ("name", Str),
        ("canonical", Str),
        ("typed", Str),
        ("answer_by", Str),
        ("actor", Str),
        ("case_reference", Str),
        ("more", Str),
    ]


class Conversation(c.Structure):
    _fields_ = [
        ("number", c.c_uint32),
        ("epoch", c.c_uint32),
        ("canonical", Str),
        ("typed", Str),
        ("began", Str),
        ("lead", c.c_uint16),
        ("outcome", Str),
        ("decision", Str),
        ("decided_at", c.c_uint64),
        ("next", Str),
        ("left", Str),
        ("introduced", c.c_size_t),
        ("notes", c.c_size_t),
    ]


class Introduced(c.Structure):
    _fields_ = [
        ("partner", c.c_uint16),
        ("name", Str),
        ("organisation", Str),
        ("since", Str),
        ("left", Str),
        ("misses_note", c.c_int32),
    ]


class Note(c.Structure):
    _fields_ = [
        ("kind", c.c_int32),
        ("from_", c.c_uint16),
        ("lead", c.c_uint16),
        ("time", c.c_uint64),
        ("text", Str),
        ("canonical", Str),
        ("typed", Str),
        ("outcome", Str),
        ("next", Str),
        ("copies", c.c_size_t),
    ]


class NoteCopy(c.Structure):
    _fields_ = [("to", c.c_uint16), ("progress", c.c_int32), ("put_off", Str), ("reason", Str)]


class AgendaRow(c.Structure):
    _fields_ = [
        ("conversation", c.c_uint32),
        ("is_new", c.c_int32),
        ("began", Str),
        ("waiting_since", Str),
        ("waits_for", Str),
        ("ended", Str),
        ("ended_on", Str),
        ("lead", c.c_uint16),
        ("decision", Str),
        ("next", Str),
        ("outcome", Str),
        ("joined", c.c_size_t),
        ("left", c.c_size_t),
        ("addresses", c.c_size_t),
    ]


class AgendaPlace(c.Structure):
    _fields_ = [("canonical", Str), ("typed", Str)]


class Rejection(c.Structure):
    _fields_ = [
        ("status", Status),
        ("next", c.c_int32),
        ("number", c.c_uint64),
        ("sentence", Str),
        ("log", LogEntry),
    ]


class NewsRow(c.Structure):
    _fields_ = [
        ("canonical", Str),
        ("typed", Str),
        ("level", c.c_int32),
        ("change", c.c_int32),
        ("before", Standing),
        ("now", Standing),
    ]


class Case(c.Structure):
    _fields_ = [("actor", Str), ("reference", Str)]


class Changed(c.Structure):
    _fields_ = [
        ("added", c.c_uint64),
        ("changed", c.c_uint64),
        ("withdrawn", c.c_uint64),
        ("unchanged", c.c_uint64),
        ("lapsed", c.c_uint64),
        ("refused", c.c_uint64),
        ("repeated", c.c_uint64),
    ]


_size, _out, _now = c.c_size_t, c.POINTER, c.c_uint64
_text = [c.c_char_p, _size]
_bytes = [c.c_char_p, _size]
_by = _out(Case)
_made = _out(Handle)

# What each function takes; all of them return a status.
FUNCTIONS: dict[str, list[Any]] = {
    "open_handles": [_out(_size)],
    "address_from_text": [Handle, *_text, _out(Address)],
    "address_from_fields": [Handle, _out(Fields), _out(Address)],
    "addresses_from_packed_texts": [Handle, _out(Packed), _out(Packed), _size, _made],
    "addresses_from_packed_fields": [Handle, _out(PackedFields), _out(Packed), _size, _made],
    "addresses_numbers": [Handle, _made],
    "addresses_refused_numbers": [Handle, _made],
    "addresses_pick": [Handle, c.c_void_p, _size, _made],
    "addresses_count": [Handle, _out(_size), _out(_size)],
    "addresses_how_counts": [Handle, _out(HowCounts)],
    "addresses_row": [Handle, _size, _out(Row)],
    "addresses_refused_row": [Handle, _size, _out(Row)],
    "addresses_lines": [Handle, _made],
    "addresses_free": [Handle],
    "register_open": [*_text, _made],
    "register_describe": [Handle, _out(RegisterAbout)],
    "register_look_up": [Handle, *_text, _made],
    "register_free": [Handle],
    "findings_count": [Handle, _out(_size)],
    "findings_get": [Handle, _size, _out(RegisterEntry)],
    "findings_now": [Handle, _out(Str)],
    "findings_free": [Handle],
    "buffer_bytes": [Handle, _out(c.c_void_p), _out(_size)],
    "buffer_free": [Handle],
    "messages_count": [Handle, _out(_size)],
    "messages_get": [Handle, _size, _out(c.c_void_p), _out(_size)],
    "messages_free": [Handle],
    "reply_kind": [Handle, _out(c.c_int32)],
    "reply_receipt": [Handle, _out(Receipt)],
    "reply_answer": [Handle, _out(Answer)],
    "reply_standings": [Handle, Handle, _out(Standing), _size],
    "reply_row": [Handle, _size, _out(AnswerRow)],
    "reply_status": [Handle, _out(Position)],
    "reply_rejection": [Handle, _out(Rejection)],
    "reply_talked": [Handle, _out(Talked)],
    "reply_totals": [Handle, _out(Totals)],
    "reply_totals_cell": [Handle, _size, _out(TotalsCell)],
    "reply_free": [Handle],
    "news_count": [Handle, _out(_size)],
    "news_get": [Handle, _size, _out(NewsRow)],
    "news_free": [Handle],
    "partner_init": [*_text, *_text, c.c_uint16, _made],
    "partner_join": [*_text, *_text, *_text],
    "partner_open": [*_text, *_text, c.c_uint32, _made],
    "partner_adopt_policy": [Handle, *_text, _now],
    "partner_add_secret": [Handle, *_text],
    "partner_number": [Handle, _out(c.c_uint16)],
    "partner_undelivered": [Handle, _out(_size)],
    "partner_flags": [Handle, _made],
    "partner_flag": [Handle, Handle, _by, _now, _out(Changed)],
    "partner_flag_until": [Handle, Handle, *_text, _by, _now, _out(Changed)],
    "partner_renew": [Handle, Handle, *_text, _by, _now, _out(Changed)],
    "partner_accept_clock": [Handle, _by, _now, _out(c.c_size_t)],
    "partner_withdraw": [Handle, Handle, _by, _now, _out(Changed)],
    "partner_replace_all": [Handle, Handle, c.c_int32, _by, _now, _out(Changed)],
    "partner_deliver": [Handle, _now, _made],
    "partner_confirm": [Handle, _now, _made],
    "partner_ask": [Handle, Handle, _by, _now, _made],
    "partner_ask_own": [Handle, _by, _now, _made],
    "partner_sweep": [Handle, Handle, *_text, _by, _now, _made],
    "partner_status": [Handle, _now, _made],
    "partner_in_flight": [Handle, _made],
    "partner_read": [Handle, *_bytes, _now, _made],
    "partner_give_up": [Handle, *_bytes, _now],
    "partner_news": [Handle, _made],
    "partner_put_forward": [Handle, Handle, _by, _now, _out(_size)],
    "partner_take_back": [Handle, Handle, _by, _now, _out(_size)],
    "partner_forwarded": [Handle, _by, _now, _made],
    "forwarded_count": [Handle, _out(_size)],
    "forwarded_get": [Handle, _size, _out(ForwardedRow)],
    "forwarded_free": [Handle],
    "partner_asked": [Handle, _by, _now, _made],
    "asked_count": [Handle, _out(_size)],
    "asked_get": [Handle, _size, _out(AskedRow)],
    "asked_free": [Handle],
    "partner_answer": [Handle, *_text, *_text, _by, _now],
    "partner_talk": [Handle, _now, _made],
    "partner_talk_news": [Handle, _by, _now, _made],
    "talk_news_count": [Handle, _out(_size)],
    "talk_news_get": [Handle, _size, _out(TalkNewsRow)],
    "talk_news_free": [Handle],
    "partner_conversations": [Handle, c.c_uint32, _by, _now, _made],
    "conversations_count": [Handle, _out(_size)],
    "conversations_get": [Handle, _size, _out(Conversation)],
    "conversations_introduced": [Handle, _size, _size, _out(Introduced)],
    "conversations_note": [Handle, _size, _size, _out(Note)],
    "conversations_copy": [Handle, _size, _size, _size, _out(NoteCopy)],
    "conversations_free": [Handle],
    "partner_write_text": [Handle, c.c_uint32, c.c_uint16, *_text, _by, _now],
    "partner_write_lead": [Handle, c.c_uint32, c.c_uint16, *_text, _by, _now],
    "partner_write_outcome": [Handle, c.c_uint32, *_text, *_text, _by, _now],
    "partner_write_decision": [Handle, c.c_uint32, c.c_uint16, *_text, *_text, _by, _now],
    "partner_leave": [Handle, c.c_uint32, _by, _now],
    "partner_agenda": [Handle, _by, _now, _made],
    "agenda_count": [Handle, _out(_size)],
    "agenda_get": [Handle, _size, _out(AgendaRow)],
    "agenda_joined": [Handle, _size, _size, _out(Introduced)],
    "agenda_left": [Handle, _size, _size, _out(Introduced)],
    "agenda_address": [Handle, _size, _size, _out(AgendaPlace)],
    "agenda_free": [Handle],
    "partner_totals": [Handle, _now, _made],
    "partner_year_cells": [Handle, c.c_uint16, _out(YearCell), _size, _out(_size)],
    "partner_report_year": [Handle, c.c_uint16, _now, _made],
    "partner_free": [Handle],
    "broker_init_keys": [*_text, _made, _made],
    "broker_create": [*_text, *_text, *_text, _now, _made],
    "broker_open": [*_text, *_text, _made],
    "broker_handle": [Handle, *_bytes, _now, _made],
    "broker_certify": [Handle, *_text, _now],
    "broker_release": [Handle, _now, c.c_int32, _made],
    "broker_status": [Handle, _made],
    "broker_free": [Handle],
}


def _load() -> c.CDLL:
    named = {"win32": "stapel.dll", "darwin": "libstapel.1.dylib"}.get(sys.platform, "libstapel.so.1")
    library = c.CDLL(os.environ.get("STAPEL_LIBRARY", named))
    library.stapel_abi_version.restype = c.c_uint32
    if library.stapel_abi_version() != ABI_VERSION:
        raise ImportError(
            f"the library has ABI version {library.stapel_abi_version()}; this package needs {ABI_VERSION}")
    for function, arguments in FUNCTIONS.items():
        call = getattr(library, "stapel_" + function)
        call.argtypes, call.restype = arguments, Status
    library.stapel_status_code.argtypes = [Status]
    for text in (library.stapel_status_code, library.stapel_last_error_message, library.stapel_version):
        text.restype = c.c_char_p
    return library


library = _load()
