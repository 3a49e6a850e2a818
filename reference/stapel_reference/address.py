"""spec/nl-address-1.md: from the text or the fields of an address to its unit key, or a refusal with a code.

Its functions are those of the text's pseudocode in another arrangement, so that the two can be read side by side.
"""

import re

from .address_words import CODES, PART_ENDINGS, SHORT_TOWNS, WORDS
from .errors import Refused
from .hidden import HIDDEN, code_points

CANONICAL = re.compile(
    r"[1-9][0-9]{3}(?!SA|SD|SS)[A-Z]{2}\|[1-9][0-9]{0,4}\|[0-9A-Z]{0,5}",
    re.ASCII,
)
POSTCODE = re.compile(r"([0-9]{4}) *(?:- *)?([A-Z]{2})")
DIGITS = frozenset("0123456789")
UPPER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
LETTERS = UPPER | {"~"}
ALNUM = UPPER | DIGITS
GLUE = ALNUM | {"~", "'"}
GAP = frozenset(" -/")
FIELDS = ("postcode", "huisnummer", "huisletter", "toevoeging")


class NoAddress(Refused):
    """`field` is the one at fault."""

    def __init__(self, code: str, field: str | None = None) -> None:
        usual, text = CODES[code]
        super().__init__(code, text)
        self.field = field or usual


def number_key(unit: str) -> str:
    return unit[: unit.rindex("|")]


# Characters


# Control characters have no place in an address; the others change the order in which digits are read.
NEVER = code_points("0001-0008 000E-001F 007F-0084 0086-009F 202A-202E 2066-2069")
FOLDED: dict[int, str] = {
    **{ord(c): c for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-/."},
    **{ord(c.lower()): c for c in UPPER},
    **dict.fromkeys(code_points("0009-000D 0020 0085 00A0 1680 2000-200A 202F 205F 3000") | HIDDEN - NEVER, " "),
    **dict.fromkeys([*map(ord, ',;:"'), *code_points("00AB 00BB 201C-201E")], ","),
    **dict.fromkeys([ord("'"), *code_points("0060 00B4 02BC 2018 2019")], "'"),
    **dict.fromkeys(map(ord, "(["), "("),
    **dict.fromkeys(map(ord, ")]"), ")"),
    **dict.fromkeys(code_points("2010-2015 2212"), "-"),
    **dict.fromkeys(code_points("00C0-024F 0300-036F 1E00-1EFF") - {0xD7, 0xF7} - HIDDEN, "~"),
}
FOLDED |= {point: FOLDED[point - 0xFEE0] for point in range(0xFF01, 0xFF5F) if point - 0xFEE0 in FOLDED}


def fold(text: str, field: str | None = None) -> str:
    folded = []
    for character in text:
        if ord(character) not in FOLDED:
            raise NoAddress("character", field)
        folded.append(FOLDED[ord(character)])
    return "".join(folded)


# Separate fields


def from_fields(postcode: str, huisnummer: str, huisletter: str, toevoeging: str) -> str:
    """The unit key of an address in four fields."""
    return "|".join(
        [
            postcode_field(prepared(postcode, "postcode")),
            number_field(prepared(huisnummer, "huisnummer")),
            addition_field(letter_field(prepared(huisletter, "huisletter")), prepared(toevoeging, "toevoeging")),
        ]
    )


def prepared(text: str, field: str) -> str:
    if len(text.encode()) > 100:
        raise NoAddress("too_long", field)
    return fold(text, field).strip(" ")


def postcode_field(text: str) -> str:
    if not text:
        raise NoAddress("no_postcode", "postcode")
    match = POSTCODE.fullmatch(text)
    if not match:
        raise NoAddress("postcode_form", "postcode")
    return checked_postcode(match, "postcode")


def checked_postcode(match: re.Match[str], field: str | None = None) -> str:
    if match[1][0] == "0":
        raise NoAddress("postcode_first_digit", field)
    if match[2] in ("SA", "SD", "SS"):
        raise NoAddress("postcode_letters", field)
    return match[1] + match[2]


def number_field(text: str) -> str:
    if not text:
        raise NoAddress("no_number", "huisnummer")
    if not set(text) <= DIGITS:
        raise NoAddress("number_form", "huisnummer")
    refuse_long(text, "huisnummer")
    if int(text) == 0:
        raise NoAddress("number_zero", "huisnummer")
    return str(int(text))


def refuse_long(digits: str, field: str | None = None) -> None:
    """Numbers of more than five digits, some of which look like BAG ids."""
    if len(digits) <= 5:
        return
    if len(digits) == 16:
        raise NoAddress("bag_id_needs_register" if digits[4:6] in ("01", "02", "03", "20") else "bag_id_type", field)
    raise NoAddress("bag_id_length" if 13 <= len(digits) <= 19 else "number_too_long", field)


def letter_field(text: str) -> str:
    if len(text) > 1 or not set(text) <= UPPER:
        raise NoAddress("letter_form", "huisletter")
    return text


def addition_field(addition: str, text: str) -> str:
    if not text:
        return addition
    if text[0] in "-/":
        text = text[1:].lstrip(" ")
    at = 0
    before = gap = ""
    while True:
        token = run(text, at, ALNUM)
        at += len(token)
        if not token or (before[-1:] in DIGITS and token[0] in DIGITS) or t_slash(before, gap, token):
            raise NoAddress("addition_form", "toevoeging")
        addition += token
        if len(addition) > 5:
            raise NoAddress("suffix_too_long", "toevoeging")
        gap = run(text, at, GAP)
        at += len(gap)
        if separators(gap) > 1:
            raise NoAddress("addition_form", "toevoeging")
        if not gap and at == len(text):
            return addition
        before = token


def run(text: str, at: int, of: frozenset[str]) -> str:
    """The maximal run of these characters from here."""
    end = at
    while end < len(text) and text[end] in of:
        end += 1
    return text[at:end]


def separators(gap: str) -> int:
    return len(gap) - gap.count(" ")


def t_slash(before: str, gap: str, token: str) -> str | None:
    """O or M where the token continues 'T/' to t/o or t/m."""
    if gap == "/" and before == "T" and re.match("[OM]([0-9]|$)", token):
        return token[0]
    return None


# A line of text


def from_line(raw: bytes) -> str:
    """The unit key of an address in one line."""
    if len(raw) > 1_000:
        raise NoAddress("too_long")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise NoAddress("not_utf8") from error
    if "|" in text:
        if not CANONICAL.fullmatch(text):
            raise NoAddress("not_canonical")
        return text
    return Line(fold(text)).read()


class Line:
    """One reading of a folded line, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.postcode: str | None = None
        self.number: str | None = None
        self.addition = ""
        self.word: str | None = None
        self.segment_start = True
        self.after_postcode = False
        self.year = False
        self.ordinal = False
        self.begin_run(at_postcode=False)

    def begin_run(self, at_postcode: bool) -> None:
        self.run_at_postcode = at_postcode
        self.run_words: list[str] = []

    def read(self) -> str:
        at = 0
        while at < len(self.text):
            here = self.text[at]
            if here in DIGITS:
                at = self.digits(at)
                continue
            if here in LETTERS:
                at = self.letters(at)
                continue
            if here == ",":
                self.boundary()
                self.word = None
                self.segment_start = True
                self.after_postcode = False
            elif here in "-/()":
                self.word = None
            at += 1
        self.boundary()
        if not set(self.text) & (LETTERS | DIGITS):
            raise NoAddress("empty")
        if self.postcode is None:
            raise NoAddress("no_postcode")
        if self.number is None:
            raise NoAddress("no_number")
        return f"{self.postcode}|{self.number}|{self.addition}"

    def at(self, place: int) -> str:
        """The character there, or nothing."""
        return self.text[place] if 0 <= place < len(self.text) else ""

    def spaces(self, place: int) -> int:
        """Where the spaces from here end."""
        return place + len(run(self.text, place, frozenset(" ")))

    def postcode_shape(self, place: int) -> re.Match[str] | None:
        match = POSTCODE.match(self.text, place)
        if match and self.at(place - 1) not in GLUE and self.at(match.end()) not in GLUE:
            return match
        return None

    def boundary(self, at_postcode: bool = False) -> None:
        letters = sum(map(len, self.run_words))
        if self.number is not None and not self.run_at_postcode and 1 <= letters <= 5:
            if len(self.run_words) != 1 or self.run_words[0] not in SHORT_TOWNS | {"NL"}:
                raise NoAddress("suffix_unclear")
        self.begin_run(at_postcode)

    def letters(self, at: int) -> int:
        word = run(self.text, at, LETTERS)
        end = at + len(word)
        flags = WORDS.get(word, frozenset())
        rest = self.text[self.spaces(end) :]
        exempt = {"BIJ": "DUURSTEDE", "HOOG": "SOEREN", "HUIS": "TER"}.get(word)
        if not (exempt and rest.startswith(exempt)):
            if "box" in flags:
                raise NoAddress("not_a_place")
            if "near" in flags:
                raise NoAddress("not_the_house")
            if "part" in flags:
                raise NoAddress("suffix_in_words")
            joined = self.at(end) == "-" and self.at(end + 1) in LETTERS
            if ("after" in flags or word.endswith(PART_ENDINGS)) and self.number is not None and not joined:
                raise NoAddress("suffix_in_words")
        if word == "T" and re.match(r"[./](O|H[./]V)(?![A-Z~'])", self.text[end:]):
            raise NoAddress("not_the_house")
        self.run_words.append(word)
        self.word = word
        self.segment_start = False
        self.after_postcode = False
        return end

    def digits(self, at: int) -> int:
        if match := self.postcode_shape(at):
            return self.take_postcode(match)
        digits = run(self.text, at, DIGITS)
        end = at + len(digits)
        refuse_long(digits)
        if self.at(at - 1) in LETTERS | {"'", "("}:
            raise NoAddress("number_unclear")
        if passed := self.take_ordinal(digits, end):
            return passed
        if self.number is not None:
            raise NoAddress("two_numbers")
        if passed := self.take_year(digits, end):
            return passed
        return self.take_number(at, digits)

    def take_postcode(self, match: re.Match[str]) -> int:
        postcode = checked_postcode(match)
        if self.postcode is not None:
            raise NoAddress("two_postcodes")
        self.postcode = postcode
        self.boundary(at_postcode=True)
        self.word = None
        self.segment_start = True
        self.after_postcode = True
        return match.end()

    def take_ordinal(self, digits: str, end: int) -> int | None:
        if not self.segment_start or len(digits) > 2:
            return None
        letters = run(self.text, end, UPPER)
        after = end + len(letters)
        name = self.spaces(after)
        if letters not in ("E", "DE", "STE") or name == after or self.at(name) not in LETTERS | {"'"}:
            return None
        if self.number is not None:
            if not self.text.startswith(("EXLO", "VALTH"), name):
                return None
        else:
            part = re.split("[0-9,/()]", self.text[name:])[0]
            if sum(character in LETTERS for character in part) < 5:
                raise NoAddress("ordinal_unclear")
            self.ordinal = True
        self.word = None
        self.segment_start = False
        self.after_postcode = False
        return after

    def take_year(self, digits: str, end: int) -> int | None:
        if self.word is None or self.year or len(digits) != 4 or not 1500 <= int(digits) <= 2099:
            return None
        place = self.spaces(end)
        if self.at(place) in ("-", "/"):
            place = self.spaces(place + 1)
            last = run(self.text, place, DIGITS)
            two = len(last) == 2 and int(last) > int(digits[2:])
            four = len(last) == 4 and int(digits) < int(last) <= 2099 and not self.postcode_shape(place)
            if not (two or four):
                return None
            last_end = place + len(last)
            place = self.spaces(last_end)
            if place == last_end or not self.bare_number(place):
                raise NoAddress("year_unclear")
        elif place == end or not self.bare_number(place):
            return None
        self.year = True
        return place

    def bare_number(self, place: int) -> bool:
        return self.at(place) in DIGITS and not self.postcode_shape(place)

    def take_number(self, at: int, digits: str) -> int:
        before = self.text[:at].rstrip(" ")
        if before[-1:] in ("-", "/") and not self.after_postcode:
            raise NoAddress("number_unclear")
        if self.at(at - 1) == "." and self.word is None:
            raise NoAddress("number_unclear")
        if self.word is not None:
            if len(self.word) == 1:
                raise NoAddress("number_unclear")
            if "before" in WORDS.get(self.word, frozenset()):
                raise NoAddress("not_the_house")
            if "box-before" in WORDS.get(self.word, frozenset()):
                raise NoAddress("not_a_place")
        elif self.ordinal:
            raise NoAddress("number_unclear")
        number = int(digits)
        if number == 0:
            raise NoAddress("number_zero")
        if self.year and 1500 <= number <= 2099:
            raise NoAddress("year_unclear")
        self.boundary()
        self.addition, end = self.read_addition(number, at + len(digits))
        if re.fullmatch("(EN|OF|TOT|TM|TO)[0-9]+", self.addition):
            raise NoAddress("range_unclear")
        self.number = str(number)
        self.word = None
        self.segment_start = False
        self.after_postcode = False
        return end

    def read_addition(self, number: int, at: int) -> tuple[str, int]:
        """The addition that follows a number, and where the line goes on."""
        token = run(self.text, at, ALNUM)
        at += len(token)
        addition = token
        if len(addition) > 5:
            raise NoAddress("suffix_too_long")
        while True:
            if self.at(at) in ("~", "'"):
                raise NoAddress("suffix_unclear")
            gap = run(self.text, at, GAP)
            at += len(gap)
            if separators(gap) > 1:
                raise NoAddress("suffix_unclear")
            if self.at(at) not in ALNUM:
                self.check_end(at, gap)
                return addition, at
            if self.postcode_shape(at):
                return addition, at
            before, token = token, run(self.text, at, ALNUM)
            if token[0] in DIGITS:
                check_digits(number, addition, gap, token)
            elif set(token) <= UPPER and self.check_letters(gap, token):
                return addition, at
            if found := t_slash(before, gap, token):
                raise NoAddress("not_the_house" if found == "O" else "range_unclear")
            addition += token
            at += len(token)
            if len(addition) > 5:
                raise NoAddress("suffix_too_long")

    def check_end(self, at: int, gap: str) -> None:
        dots = run(self.text, at, frozenset(". ")) if self.at(at) == "." else ""
        place = at + len(dots)
        ended = self.at(place) in ("", ",", ")") or (dots and self.postcode_shape(place))
        if not ended or separators(gap):
            raise NoAddress("suffix_unclear")

    def check_letters(self, gap: str, token: str) -> bool:
        """Whether the addition is complete before this token of letters only."""
        flags = WORDS.get(token, frozenset())
        if "box" in flags:
            raise NoAddress("not_a_place")
        if "near" in flags:
            raise NoAddress("not_the_house")
        if "part" in flags:
            raise NoAddress("suffix_in_words")
        if " " not in gap:
            return False
        if "joins" in flags:
            raise NoAddress("range_unclear")
        if "unclear" in flags:
            raise NoAddress("suffix_unclear")
        if "country" in flags and not separators(gap):
            return True
        near = (token, token[:-1], token[1:])
        if len(token) > 2 and not any("addition" in WORDS.get(part, frozenset()) for part in near):
            raise NoAddress("suffix_too_long" if len(token) > 5 else "suffix_unclear")
        return False


def check_digits(number: int, addition: str, gap: str, token: str) -> None:
    if not addition:
        if not separators(gap):
            raise NoAddress("two_numbers")
        match = re.fullmatch("([0-9]+)[A-Z]*", token)
        if match and number < (other := int(match[1])) <= number + 20 and (other - number) % 2 == 0:
            raise NoAddress("range_unclear")
    elif addition[-1] in DIGITS:
        raise NoAddress("suffix_unclear")
