"""SPEC.md 1: characters that are not seen, or that change how the text around them is read."""


def code_points(text: str) -> frozenset[int]:
    """Those of '0009-000D 0020'."""
    points: set[int] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        points.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(points)


HIDDEN = code_points(
    "0000-001F 007F-009F 00AD 034F 0600-0605 061C 06DD 070F 0890-0891 08E2 115F-1160 17B4-17B5 180B-180F 200B-200F "
    "2028-202E 2060-206F 3164 FE00-FE0F FEFF FFA0 FFF0-FFFB 110BD 110CD 13430-1343F 1BCA0-1BCA3 1D173-1D17A "
    "E0000-E0FFF"
)


def has_hidden(text: str) -> bool:
    return any(ord(character) in HIDDEN for character in text)
