"""spec/nl-address-1.md: from the text or the fields of an address to its unit key, or a refusal with a code.

Its functions are those of the text's pseudocode in another arrangement, so that the two can be read side by side.
"""

import re

from .address_words import (
    ARTICLES,
    BELGIAN_CODES,
    CODES,
    MONTHS,
    NO_VALUE,
    NUMBERED,
    PART_ENDINGS,
    SHORT_TOWNS,
    STOREYS,
    STREETS,
    WORDS,
    YEAR,
)
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
    """`field` is the one at fault, `number` the key of the house if that is certain."""

    def __init__(self, code: str, field: str | None = None) -> None:
        usual, text = CODES[code]
        super().__init__(code, text)
        self.field = field or usual
        self.number: str | None = None


def number_key(unit: str) -> str:
    return unit[: unit.rindex("|")]


# Characters


# Control characters have no place in an address; the others change the order in which digits are read.
NEVER = code_points("0001-0008 000E-001F 007F-0084 0086-009F 202A-202E 2066-2069")
FOLDED: dict[int, str] = {
    **{ord(c): c for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-/.&"},
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
    house = None
    try:
        if is_id_alone(postcode, huisnummer):
            number_field(prepared(huisnummer, "huisnummer"))
        code = postcode_field(prepared(postcode, "postcode"))
        number = number_field(prepared(huisnummer, "huisnummer"))
        house = f"{code}|{number}"
        letter = letter_field(prepared(huisletter, "huisletter"))
        return f"{house}|{addition_field(int(number), letter, prepared(toevoeging, 'toevoeging'))}"
    except NoAddress as refused:
        if refused.code not in ("too_long", "not_the_house", "not_a_place", "range_unclear"):
            refused.number = house
        raise


def is_id_alone(postcode: str, huisnummer: str) -> bool:
    """Whether a BAG id is all there is: that says more than that the postcode is missing."""
    try:
        number = fold(huisnummer).strip(" ")
        return fold(postcode).strip(" ") == "" and 13 <= len(number) <= 19 and set(number) <= DIGITS
    except NoAddress:
        return False


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
        plain = without_signs(text)
        raise NoAddress("spreadsheet_date" if plain is not None and is_date(plain) else "number_form", "huisnummer")
    refuse_long(text, "huisnummer")
    if int(text) == 0:
        raise NoAddress("number_zero", "huisnummer")
    return str(int(text))


def refuse_long(digits: str, field: str | None = None) -> None:
    """Numbers of more than five digits, some of which look like BAG ids."""
    if len(digits) <= 5:
        return
    is_address = len(digits) >= 13 and digits[-12:-10] in ("01", "02", "03", "20")
    if len(digits) == 16:
        raise NoAddress("bag_id_needs_register" if is_address else "bag_id_type", field)
    if 13 <= len(digits) <= 19:
        raise NoAddress("bag_id_zero_lost" if is_address and len(digits) < 16 else "bag_id_length", field)
    raise NoAddress("number_too_long", field)


def letter_field(text: str) -> str:
    if text and (plain := without_signs(text)) is not None and is_no_value(plain):
        raise NoAddress("empty_value", "huisletter")
    if len(text) > 1 or not set(text) <= UPPER:
        raise NoAddress("letter_form", "huisletter")
    return text


def without_signs(text: str) -> str | None:
    """Letters and digits alone, unless other signs than spaces, hyphens, slashes and dots are among them."""
    plain = "".join(character for character in text if character not in " -/.")
    return plain if set(plain) <= ALNUM else None


def addition_field(number: int, addition: str, text: str) -> str:
    try:
        return read_addition_field(number, addition, text)
    except NoAddress as refused:
        code = "addition_form" if refused.code == "suffix_unclear" else refused.code
        raise NoAddress(code, "toevoeging") from None


def read_addition_field(number: int, addition: str, text: str) -> str:
    if not text:
        return addition
    plain = without_signs(text)
    if plain is not None:
        if text.count("-") + text.count("/") == 2 and 6 <= len(plain) <= 8 and set(plain) <= DIGITS:
            raise NoAddress("spreadsheet_date")
        check_written(plain)
    if text[0] in "-/":
        text = text[1:].lstrip(" ")
    at = 0
    before = gap = ""
    while True:
        token = run(text, at, ALNUM)
        at += len(token)
        if not token:
            raise NoAddress("addition_form")
        check_pair(number, before, gap, token)
        addition += token
        if len(addition) > 5:
            raise NoAddress("suffix_too_long")
        gap = run(text, at, GAP)
        at += len(gap)
        if separators(gap) > 1:
            raise NoAddress("addition_form")
        if not gap and at == len(text):
            check_joined(addition)
            return addition
        before = token


# Letter and addition, in fields and lines


def check_pair(number: int, before: str, gap: str, token: str) -> None:
    """Refuses a token that cannot go on with an addition after the token before it."""
    if not before:
        return
    if gap == "/" and before == "T" and re.match("[OM]([0-9]|$)", token):
        raise NoAddress("not_the_house" if token[0] == "O" else "range_unclear")
    alike = "range_unclear" if separators(gap) else "suffix_unclear"
    match before[-1] in DIGITS, token[0] in DIGITS:
        case True, True:
            raise NoAddress("suffix_unclear")
        case True, False:
            if before[0] in UPPER and token[-1] in DIGITS:
                raise NoAddress(alike)
        case False, True:
            if before[0] in DIGITS and token[-1] in UPPER:
                raise NoAddress(alike)
            if separators(gap) and goes_on(number, token):
                raise NoAddress("range_unclear")
        case _:
            if before[0] in DIGITS:
                if len(token) == 1:
                    raise NoAddress(alike)
            elif set(token) <= UPPER:
                roman = set(before + token) <= set("IVX")
                if roman or not (is_addition(before) or is_addition(token)):
                    raise NoAddress(alike if roman or len(before) == len(token) == 1 else "suffix_unclear")


def is_addition(word: str) -> bool:
    return "addition" in WORDS.get(word, frozenset())


def may_be_range(number: int, token: str) -> bool:
    """Whether a number and the token after it may be a range: 12-14, 12-12a, 14-12."""
    match = re.fullmatch("([0-9]+)([A-Z]*)", token)
    if not match:
        return False
    second = int(match[1])
    backwards = number > 9 and number - second in range(2, 21, 2) and len(str(number)) == len(str(second))
    return second > number or (second == number and match[2] != "") or backwards


def goes_on(number: int, token: str) -> bool:
    """Whether a number with a letter and the token after them may be a range: 12a-14, 3a-3c."""
    match = re.fullmatch("([0-9]+)([A-Z]*)", token)
    if not match or len(str(int(match[1]))) != len(str(number)):
        return False
    return int(match[1]) >= number and (number > 9 or match[2] != "")


def check_written(plain: str) -> None:
    """Refuses an addition that is a date, no value, or a word."""
    if is_date(plain):
        raise NoAddress("spreadsheet_date")
    if is_no_value(plain):
        raise NoAddress("empty_value")
    if set(plain) <= UPPER:
        refuse_anywhere(plain)
        if plain == "TO":
            raise NoAddress("not_the_house")
        after = "after" in WORDS.get(plain, frozenset()) and not is_addition(plain)
        if after if len(plain) <= 5 else plain.endswith(PART_ENDINGS):
            raise NoAddress("suffix_in_words")


def is_date(plain: str) -> bool:
    return plain.strip("0123456789") in MONTHS


def is_no_value(plain: str) -> bool:
    return plain in NO_VALUE or set(plain) <= {"0"}


def check_joined(suffix: str) -> None:
    """Refuses letter and addition that are a floor, or a second number after a joining word."""
    if re.fullmatch("[0-9]+(E|DE|STE|HG|HOOG)", suffix):
        raise NoAddress("suffix_in_words")
    if re.fullmatch("(EN|OF|TOT|TM|TO)[0-9]+", suffix):
        raise NoAddress("range_unclear")


def refuse_anywhere(word: str) -> None:
    flags = WORDS.get(word, frozenset())
    if "box" in flags:
        raise NoAddress("not_a_place")
    if "near" in flags:
        raise NoAddress("not_the_house")
    if "part" in flags:
        raise NoAddress("suffix_in_words")


def run(text: str, at: int, of: frozenset[str]) -> str:
    """The maximal run of these characters from here."""
    end = at
    while end < len(text) and text[end] in of:
        end += 1
    return text[at:end]


def separators(gap: str) -> int:
    return len(gap) - gap.count(" ")


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
    line = Line(fold(text))
    try:
        return line.read()
    except NoAddress as refused:
        refused.number = line.certain(refused.code)
        raise


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
        self.lettered = False
        self.belgian = False
        self.house: int | None = None
        self.begin_run(at_postcode=False)

    def begin_run(self, at_postcode: bool) -> None:
        self.run_at_postcode = at_postcode
        self.run_words: list[str] = []
        self.run_start = 0

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
            elif here == "&":
                self.word = here
                self.lettered = False
            at += 1
        self.boundary()
        if not set(self.text) & (LETTERS | DIGITS):
            raise NoAddress("empty")
        if self.postcode is None:
            raise NoAddress("no_postcode")
        if self.number is None:
            raise NoAddress("no_number")
        if self.belgian and self.postcode[4:] in BELGIAN_CODES:
            raise NoAddress("belgian_town")
        if self.addition[:1].isdigit() and has_numbered_streets(self.postcode):
            raise NoAddress("numbered_street")
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

    def postcode_or_glued(self, place: int) -> re.Match[str] | None:
        """A postcode; or one that begins the line, with the house number glued to it."""
        match = POSTCODE.match(self.text, place)
        if match and self.at(match.end()) in DIGITS and not self.text[:place].strip(" "):
            return match
        return self.postcode_shape(place)

    def boundary(self, at_postcode: bool = False) -> None:
        letters = sum(map(len, self.run_words))
        if self.number is not None and self.run_at_postcode and len(self.run_words) == 1 and letters <= 2:
            at = self.run_start
            if self.run_words[0] not in ("NL", "EE", "X") and self.stands_alone(at, at + letters):
                raise NoAddress("suffix_unclear")
        if self.number is not None and not self.run_at_postcode and 1 <= letters <= 5:
            several = len(self.run_words) > 1
            if not (self.run_words[0] == "TE" if several else is_short_town(self.run_words[0])):
                raise NoAddress("suffix_unclear")
        self.begin_run(at_postcode)

    def stands_alone(self, at: int, end: int) -> bool:
        rest = self.text[end:].lstrip(".")
        return rest[:1] in ("", " ", ",", "(", ")") and self.at(at - 1) != "'"

    def may_be_last_addition(self, word: str, at: int, end: int) -> bool:
        """Whether a word may be the addition of the number before it: II anywhere, and B right after the postcode."""
        if not self.stands_alone(at, end):
            return False
        if len(word) == 1:
            return self.after_postcode and word in "ABCDEFGHIV"
        return len(word) <= 5 and set(word) <= set("IVX")

    def letters(self, at: int) -> int:
        word = run(self.text, at, LETTERS)
        end = at + len(word)
        flags = WORDS.get(word, frozenset())
        if not self.begins_town(word, end) and not self.begins_street(word, at, end):
            refuse_anywhere(word)
            hyphenated = self.at(end) == "-" and self.at(end + 1) in LETTERS
            if self.number is not None and is_part(word) and not hyphenated:
                raise NoAddress("suffix_in_words")
            if self.number is None and "corner" in flags:
                raise NoAddress("not_the_house")
            self.belgian = self.belgian or "belgian" in flags
        if self.opposite(word, end):
            raise NoAddress("not_the_house")
        if self.number is not None and self.may_be_last_addition(word, at, end):
            raise NoAddress("suffix_unclear")
        before = self.word
        alone = self.segment_start if before is None else len(before) > 1 and not flags_of(before, "lettered", "before")
        self.lettered = len(word) == 1 and not alone
        if not self.run_words:
            self.run_start = at
        self.run_words.append(word)
        self.word = word
        self.segment_start = False
        self.after_postcode = False
        return end

    def begins_town(self, word: str, end: int) -> bool:
        second = {"BIJ": "DUURSTEDE", "HOOG": "SOEREN", "HUIS": "TER"}.get(word)
        return second is not None and self.text.startswith(second, self.spaces(end))

    def begins_street(self, word: str, at: int, end: int) -> bool:
        """Whether Bij or By begins a street's name, at the line's start or after the postcode."""
        first = not set(self.text[:at]) & (LETTERS | DIGITS)
        if word not in ("BIJ", "BY") or not self.segment_start or self.number is not None:
            return False
        article = run(self.text, end + len(run(self.text, end, frozenset(" '"))), LETTERS)
        return (first or self.postcode is not None) and article in ARTICLES

    def opposite(self, word: str, end: int) -> bool:
        """Whether this is t/o, t.o., t/h/v or t.h.v."""
        return word == "T" and re.match(r"[./](O|H[./]V)(?![A-Z~'])", self.text[end:]) is not None

    def digits(self, at: int) -> int:
        if match := self.postcode_or_glued(at):
            return self.take_postcode(match)
        digits = run(self.text, at, DIGITS)
        end = at + len(digits)
        refuse_long(digits)
        before = self.at(at - 1)
        if before == "(" and self.number is not None:
            raise NoAddress("suffix_unclear")
        if before == "(" or (before in LETTERS and not self.after_postcode):
            raise NoAddress("number_unclear")
        if passed := self.take_name(digits, end):
            self.word = None
            self.segment_start = False
            self.after_postcode = False
            return passed
        if self.number is not None:
            raise NoAddress("suffix_in_words" if self.is_floor(end) else "two_numbers")
        if passed := self.take_year(at, digits, end):
            return passed
        if before == "'":
            raise NoAddress("number_unclear")
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

    def ordinal_end(self, end: int) -> int | None:
        letters = run(self.text, end, UPPER)
        return end + len(letters) if letters in ("E", "DE", "STE") else None

    def take_name(self, digits: str, end: int) -> int | None:
        """Where a number ends that belongs to a name: 2e Dorpsstraat, Waterpad 3e Straat, 250 singel."""
        ordinal = self.ordinal_end(end)
        if ordinal is None:
            if self.segment_start and self.number is None and self.street_takes(end):
                self.ordinal = True
                return end
            return None
        name = self.spaces(ordinal)
        if len(digits) > 2 or name == ordinal or self.at(name) not in LETTERS | {"'"}:
            return None
        if self.number is not None:
            town = self.segment_start and self.text.startswith(("EXLO", "VALTH"), name)
            return ordinal if town else None
        if self.segment_start:
            part = re.split("[0-9,/()]", self.text[name:])[0]
            if sum(character in LETTERS for character in part) < 5:
                raise NoAddress("ordinal_unclear")
        elif not self.street_takes(ordinal):
            return None
        self.ordinal = True
        return ordinal

    def street_takes(self, end: int) -> bool:
        """Whether a kind of street follows, and then a number."""
        match = re.compile("( +|-)([A-Z~]+)").match(self.text, end)
        if not match or not takes_number(match[2]):
            return False
        return self.number_after(match.end()) is not None

    def number_after(self, end: int) -> int | None:
        place = self.spaces(end)
        bare = place > end and self.at(place) in DIGITS and not self.postcode_shape(place)
        return place if bare else None

    def is_floor(self, end: int) -> bool:
        """Whether digits that end here are a floor's, as in 2hoog and 2e verdieping."""
        if run(self.text, end, LETTERS) in STOREYS:
            return True
        ordinal = self.ordinal_end(end)
        word = run(self.text, self.spaces(end if ordinal is None else ordinal), LETTERS)
        part = flags_of(word, "part", "after") or word.endswith(PART_ENDINGS)
        return word in STOREYS or (ordinal is not None and part)

    def take_year(self, at: int, digits: str, end: int) -> int | None:
        full = len(digits) == 4 and 1500 <= int(digits) <= 2099
        short = len(digits) == 2 and self.at(at - 1) == "'"
        if self.word is None or self.year or not (full or short):
            return None
        place = self.spaces(end)
        if self.at(place) in ("-", "/"):
            place = self.spaces(place + 1)
            place += self.at(place) == "'"
            last = run(self.text, place, DIGITS)
            two = len(last) == 2 and int(last) > int(digits[-2:])
            four = full and len(last) == 4 and int(digits) < int(last) <= 2099 and not self.postcode_shape(place)
            if not (two or four):
                return None
            found = self.number_after(place + len(last))
            if found is None:
                raise NoAddress("year_unclear")
        else:
            found = self.number_after(end) if full else None
        self.year = found is not None
        return found

    def take_number(self, at: int, digits: str) -> int:
        before = self.text[:at].rstrip(" ")
        if before[-1:] in ("-", "/") and not self.after_postcode:
            raise NoAddress("number_unclear")
        if self.at(at - 1) == "." and self.word is None:
            raise NoAddress("number_unclear")
        if self.word is not None:
            if self.lettered:
                raise NoAddress("number_unclear")
            if flags_of(self.word, "before"):
                raise NoAddress("not_the_house")
            if flags_of(self.word, "box-before"):
                raise NoAddress("not_a_place")
        elif self.ordinal:
            raise NoAddress("number_unclear")
        number = int(digits)
        if number == 0:
            raise NoAddress("number_zero")
        if self.year and 1500 <= number <= 2099:
            raise NoAddress("year_unclear")
        self.boundary()
        self.house = at
        self.addition, end = self.read_addition(number, at, at + len(digits))
        self.number = str(number)
        self.word = None
        self.segment_start = False
        self.after_postcode = False
        return end

    def read_addition(self, number: int, start: int, end: int) -> tuple[str, int]:
        """The addition that follows a number, and where the line goes on."""
        token = run(self.text, end, ALNUM)
        at = end + len(token)
        addition = token
        if len(addition) > 5:
            raise NoAddress("suffix_too_long")
        if re.match("X.", token) and self.at(start - 1) in LETTERS:
            raise NoAddress("suffix_unclear")
        while True:
            if self.at(at) in ("~", "'"):
                raise NoAddress("suffix_unclear")
            gap = run(self.text, at, GAP)
            at += len(gap)
            if separators(gap) > 1:
                raise NoAddress("suffix_unclear")
            if self.postcode_shape(at) or self.ends_at(number, end, addition, at, gap):
                break
            before, token = token, run(self.text, at, ALNUM)
            if not token:
                raise NoAddress("suffix_unclear")
            check_pair(number, before, gap, token)
            addition += token
            at += len(token)
            if len(addition) > 5:
                raise NoAddress("suffix_too_long")
        if addition:
            check_written(addition)
            check_joined(addition)
        return addition, at

    def ends_at(self, number: int, end: int, addition: str, at: int, gap: str) -> bool:
        """Whether the addition was complete before what stands here, which is no postcode."""
        here = self.at(at)
        if here in LETTERS or (here == "'" and " " in gap):
            return self.ends_before(at, gap)
        if here in DIGITS:
            self.check_digits(number, end, addition, at, gap)
            return False
        if here == "&":
            raise NoAddress("range_unclear")
        dots = run(self.text, at, frozenset(". ")) if here == "." else ""
        place = at + len(dots)
        ended = self.at(place) in ("", ",", ")") or (dots and self.postcode_shape(place))
        if not ended or separators(gap):
            raise NoAddress("suffix_unclear")
        return True

    def check_digits(self, number: int, end: int, addition: str, at: int, gap: str) -> None:
        if " " in gap and self.is_floor(at + len(run(self.text, at, DIGITS))):
            raise NoAddress("suffix_in_words")
        if addition:
            if not separators(gap) and self.ordinal_end(end) == end + len(addition):
                raise NoAddress("ordinal_unclear")
        elif not separators(gap):
            raise NoAddress("two_numbers")
        elif may_be_range(number, run(self.text, at, ALNUM)):
            raise NoAddress("range_unclear")

    def ends_before(self, at: int, gap: str) -> bool:
        """Whether the addition was complete before this word: the country or a town."""
        word = run(self.text, at, LETTERS)
        end = at + len(word)
        flags = WORDS.get(word, frozenset())
        apart = " " in gap and not separators(gap)
        if self.at(end) in DIGITS:
            return False
        if apart and "near" not in flags and self.begins_town(word, end):
            return True
        refuse_anywhere(word)
        if " " not in gap:
            return False
        if "joins" in flags:
            raise NoAddress("range_unclear")
        if "unclear" in flags:
            raise NoAddress("suffix_unclear")
        plain = word != "" and "~" not in word and self.at(end) != "'"
        if plain and (len(word) <= 2 or any(map(is_addition, (word, word[:-1], word[1:])))):
            ahead = self.words_ahead(end)
            return apart and word == "TE" and ahead is not None and len("".join(ahead)) > 1
        if is_part(word):
            raise NoAddress("suffix_in_words")
        if apart and "country" in flags:
            return True
        ahead = self.words_ahead(at)
        if apart and ahead is not None and flags <= {"belgian"}:
            if self.word is None and takes_number(word):
                raise NoAddress("number_unclear")
            if not plain or len(ahead) > 1:
                if len("".join(ahead)) > 5:
                    return True
            elif len(word) > 5 or is_short_town(word):
                return True
            elif self.word is not None:
                return False
        raise NoAddress("suffix_too_long" if len(word) > 5 else "suffix_unclear")

    def words_ahead(self, at: int) -> list[str] | None:
        """The words up to a comma or a postcode, if nothing else comes first."""
        part = re.compile("[A-Z~ './-]*").match(self.text, at)
        assert part
        ended = self.at(part.end()) == "," or self.postcode_shape(part.end())
        return re.findall("[A-Z~]+", part[0]) if ended else None

    def certain(self, code: str) -> str | None:
        """The key of the house of a refused line, if that is certain."""
        in_words = code in ("suffix_in_words", "empty_value", "spreadsheet_date")
        if self.house is None or not (in_words or code in ("suffix_unclear", "suffix_too_long")):
            return None
        number = run(self.text, self.house, DIGITS)
        ordinal = self.ordinal_end(self.house + len(number))
        if ordinal is not None and self.at(ordinal) == " ":
            return None
        postcodes = []
        others = at = 0
        while at < len(self.text):
            digits, word = run(self.text, at, DIGITS), run(self.text, at, LETTERS)
            if match := self.postcode_or_glued(at):
                postcodes.append(match)
                at = match.end()
                continue
            if digits and at > self.house and self.at(at - 1) != "(":
                others += 1
            if word and at > self.house and self.names_another(word, at + len(word)):
                return None
            at += len(digits or word) or 1
        try:
            (postcode,) = map(checked_postcode, postcodes)
        except (ValueError, NoAddress):
            return None
        if has_numbered_streets(postcode) or others > in_words:
            return None
        return f"{postcode}|{int(number)}"

    def names_another(self, word: str, end: int) -> bool:
        """Whether this names another place than the house, or several."""
        named = flags_of(word, "near", "box", "joins") and not self.begins_town(word, end)
        return named or self.at(self.spaces(end)) == "&" or self.opposite(word, end)


def flags_of(word: str, *flags: str) -> bool:
    """Whether the word has one of the flags."""
    return not WORDS.get(word, frozenset()).isdisjoint(flags)


def is_part(word: str) -> bool:
    return flags_of(word, "after") or word.endswith(PART_ENDINGS)


def is_short_town(word: str) -> bool:
    return word in SHORT_TOWNS or word in ("NL", "NLD")


def takes_number(word: str) -> bool:
    """Whether a number before this kind of street, alone or after a month, is a part of its name."""
    return word in STREETS or any(word.removeprefix(month) in STREETS for month in YEAR)


def has_numbered_streets(postcode: str) -> bool:
    return any(int(postcode[:4]) in numbers for numbers in NUMBERED)
