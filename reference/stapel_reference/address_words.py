"""The lists of spec/nl-address-1.md, sections 6 to 8: words with a meaning, short towns, and the codes of refusals."""

# Words, and their flags.
ROWS = [
    ("NAAST TEGENOVER NABIJ OMGEVING THV BIJ BY", "near"),
    ("POSTBUS POSTBUSNR POSTBUSNUMMER ANTWOORDNUMMER ANTWOORDNR", "box"),
    (
        "BOVENWONING BENEDENWONING ACHTERWONING BOVENHUIS BENEDENHUIS ACHTERHUIS VOORHUIS SOUTERRAIN "
        "SOUTERREIN SOUSTERRAIN PARTERRE VERDIEPING ETAGE APPARTEMENT KAMER GARAGE GARAGEBOX BERGING SCHUUR "
        "EENHOOG TWEEHOOG DRIEHOOG VIERHOOG",
        "part",
    ),
    ("ACHTER BENEDEN HOOG RECHTS", "after, before"),
    ("HS BG BIS BEN BOV BENED BOVEN ONDER VOOR LINKS UNIT APP", "after, before, addition"),
    ("BOX", "after, box-before, addition"),
    ("HUIS", "after, addition"),
    (
        "KELDER ZOLDER BEGANE EERSTE TWEEDE DERDE VIERDE LOKAAL VLEUGEL CARAVAN STACARAVAN CHALET BUNGALOW WOONBOOT "
        "WOONSCHIP WOONARK WOONWAGEN LIGPLAATS STANDPLAATS KANTOOR ATELIER MAGAZIJN WERKPLAATS PENTHOUSE DAKOPBOUW",
        "after",
    ),
    ("INGANG PORTIEK LOODS GEBOUW", "after, lettered"),
    ("ZIJ OND ACHT SOUS ROOD ZWART", "after, addition"),
    ("III VII", "addition"),
    ("TUSSEN LANGS VANAF TO KM", "before"),
    ("KAVEL PERCEEL SECTIE BLOK FLAT", "before, lettered"),
    ("TOREN VAK STEIGER RIJKSWEG SNELWEG AUTOWEG", "lettered"),
    ("HK", "corner"),
    ("NOORD OOST ZUID WEST", "district"),
    (
        "ANTWERPEN BRUSSEL BRUXELLES GENT BRUGGE LEUVEN LUIK NAMEN OOSTENDE ROESELARE TURNHOUT GENK CHARLEROI "
        "BELGIE BELGI~ BELGIUM BELGIQUE",
        "belgian",
    ),
    ("PB", "box-before"),
    ("EN OF TOT TM &", "before, joins"),
    ("NEDERLAND", "country"),
    ("NL NLD NR EE", "unclear"),
]
WORDS = {word: frozenset(flags.split(", ")) for words, flags in ROWS for word in words.split()}

# Endings of words that name a part of a building.
PART_ENDINGS = ("WONING", "KAMER", "ETAGE", "VERDIEPING", "RUIMTE", "DEUR", "HOOG", "HUIS", "BOX", "KELDER", "STUDIO")

# Kinds of street, and the months that may stand before one: a number before them is a part of the name.
STREETS = frozenset("STRAAT DWARSSTRAAT LAAN WEG PAD PLEIN SINGEL GRACHT KADE DIJK STEEG DREEF".split())
YEAR = "JANUARI FEBRUARI MAART APRIL MEI JUNI JULI AUGUSTUS SEPTEMBER OKTOBER NOVEMBER DECEMBER".split()

# What follows Bij, or the Frisian By, in the name of a street.
ARTICLES = frozenset("DE DEN DER HET IT T".split())

# Words that a number stands before: 2 hoog.
STOREYS = frozenset("HOOG HG ETAGE VERDIEPING WOONLAAG".split())

# How a spreadsheet writes a month, and a program that there is no value.
MONTHS = frozenset("JAN FEB MRT MAR APR MEI MAY JUN JUL AUG SEP OKT OCT NOV DEC".split())
NO_VALUE = frozenset("NULL NONE NAN NA NVT GEEN ONG".split())

# The letters of a postcode that are not one where a Belgian town is named.
BELGIAN_CODES = frozenset("BE BX NL FR DE EN LU".split())

# The digits of postcodes where streets have numbers.
NUMBERED = [range(6535, 6539), range(6901, 6906), range(8200, 8250), range(8321, 8323)]

# Towns of at most five letters.
SHORT_TOWNS = frozenset(
    """
    AALST AERDT ALMEN ARUM ASCH ASSEN AXEL BAARN BAFLO BAKEL BANT BATH BEDUM BEEK BEERS BEESD BEETS BERN BEST
    BLIJA BORN BREDA BUDEL BUREN CUIJK DALEN DEEST DEIL DELFT DOORN DRIEL ECHT EDAM EDE EEDE EELDE EERDE EEXT
    ELP ELST EMMEN EMST ENS ENTER EPE ERICA ERM ERP EXLOO EYS GARYP GEES GENDT GOES GOOR GOUDA GRAVE GROU HALL
    HALLE HANK HAREN HEEG HEEL HEEZE HEIDE HEINO HERPT HOEK HOORN HORN HORST HULST JOPPE JOURE KATS LAREN LEEK
    LEENS LENT LEUR LEUTH LIES LITH MADE MARUM MEGEN MHEER MILL MOOK NEER NORG NUIS NUTH ODIJK OENE OIJEN OLST
    OMMEL OMMEN ONNEN OOIJ OPLOO OSS PEEST PEIZE PESSE PUTTE REEK RHEE RHOON RODEN ROLDE SNEEK SOEST SON SPIER
    STEIN STROE TIEL UDEN ULFT URK VAALS VARIK VEEN VEERE VELP VENLO VRIES VUGHT WAPSE WARNS WEERT WEESP WELL
    WIJHE WOUW YDE ZALK ZEIST ZWAAG
    """.split()
)

# Code: the field that an error about a line names, and what was found.
CODES = {
    "too_long": ("line", "is longer than one address can be"),
    "not_utf8": ("line", "is not valid UTF-8"),
    "empty": ("line", "holds no letter and no digit"),
    "character": ("line", "is a character that no address is written with, or only looks like one that is"),
    "not_canonical": ("line", "is not the canonical form of a unit"),
    "no_postcode": ("postcode", "names no postcode"),
    "two_postcodes": ("postcode", "is a second postcode"),
    "postcode_form": ("postcode", "is not a postcode"),
    "postcode_first_digit": ("postcode", "begins with 0, as no postcode does"),
    "postcode_letters": ("postcode", "ends in SA, SD or SS, as no postcode does"),
    "belgian_town": ("postcode", "is a Belgian postcode and a code of a country or language, or a Dutch postcode"),
    "no_number": ("huisnummer", "names no house number"),
    "two_numbers": ("huisnummer", "is a second number beside the house number"),
    "number_form": ("huisnummer", "is not a number in digits alone"),
    "number_zero": ("huisnummer", "is zero, as no house number is"),
    "number_too_long": ("huisnummer", "has more than five digits"),
    "number_unclear": ("huisnummer", "may be the house number or a part of another name"),
    "ordinal_unclear": ("huisnummer", "may be an ordinal or a house number"),
    "year_unclear": ("huisnummer", "may be a year in the street's name or a house number"),
    "numbered_street": (
        "huisnummer",
        "may be a number and an addition, or the number of a street and a house number",
    ),
    "range_unclear": ("huisnummer", "may be several house numbers, or one with an addition"),
    "suffix_too_long": ("toevoeging", "makes letter and addition longer than five characters together"),
    "suffix_unclear": ("toevoeging", "may be an addition or something else"),
    "suffix_in_words": ("toevoeging", "describes a part of the building in words"),
    "empty_value": ("toevoeging", "is how a program writes an empty value, and no addition"),
    "spreadsheet_date": ("toevoeging", "is a date, which a spreadsheet made of an addition such as 1-3"),
    "letter_form": ("huisletter", "is not one letter"),
    "addition_form": ("toevoeging", "is not letters and digits with single separators between unlike ones"),
    "not_the_house": ("line", "names a place near, not the house itself"),
    "not_a_place": ("line", "is a box or reply number, not a place"),
    "bag_id_length": ("line", "looks like a BAG id but has not 16 digits"),
    "bag_id_zero_lost": ("line", "is a BAG id with its leading zero lost"),
    "bag_id_type": ("line", "is not the BAG id of an address, of which digits 5 and 6 are 01, 02, 03 or 20"),
    "bag_id_needs_register": ("line", "is a BAG id, which only a local register can turn into an address"),
}
