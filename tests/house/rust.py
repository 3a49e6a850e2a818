"""Reads Rust files as far as the checks beside this need: without comments, strings and tests, and who imports whom."""

import re
from pathlib import Path

ITEM_END = {"{": "}", "(": ")", "[": "]"}


def files(folder):
    """The Rust files below a folder that are not tests."""
    paths = sorted(Path(folder).rglob("*.rs"))
    tests = {test for path in paths for test in _test_modules(path)}
    for path in paths:
        if "tests" not in path.parts and path not in tests:
            yield path


def _test_modules(path):
    """Where the modules lie that a file declares for tests only."""
    folder = path.parent if path.name in ("mod.rs", "lib.rs", "main.rs") else path.with_suffix("")
    for name in re.findall(r"#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+);", path.read_text()):
        yield folder / f"{name}.rs"


def code(text):
    """The text with each comment, string and character blanked out; lines stay where they are."""
    out, at = [], 0
    token = re.compile(
        r"""//[^\n]*|/\*.*?\*/|b?r(?P<hashes>\#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*"|b?'(?:\\.[^']*|[^'\\\n])'""", re.S
    )
    for match in token.finditer(text):
        out.append(text[at : match.start()])
        # A string's text is data that somebody reads and counts as code; what it says must not look like code.
        is_comment = match.group().startswith("/")
        out.append(re.sub(r"[^\n]" if is_comment else r"\S", " " if is_comment else '"', match.group()))
        at = match.end()
    return "".join(out) + text[at:]


def without_tests(text):
    """Code (as `code` gives it) with each item under `#[cfg(test)]` blanked out."""
    while match := re.search(r"#\[cfg\((?:test|doctest|all\(test[^\]]*)\)\]", text):
        end = _item_end(text, match.end())
        text = text[: match.start()] + re.sub(r"[^\n]", " ", text[match.start() : end]) + text[end:]
    return text


def _item_end(text, at):
    """Where the item ends that begins at `at`: at its `;` or `,`, or with its braces."""
    depth = 0
    for place in range(at, len(text)):
        character = text[place]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0:
                return place
            if depth == 0 and character == "}":
                return place + 1
        elif character in ";," and depth == 0:
            return place + 1
    return len(text)


def paths(text):
    """Every path that a file's code uses, as a list of names, and whether it is re-exported; of a `use` each leaf."""
    uses = re.compile(r"(?P<public>pub(?:\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);")
    for match in uses.finditer(text):
        for leaf in _leaves(match["tree"]):
            yield leaf, bool(match["public"])
    rest = uses.sub(" ", text)
    for match in re.finditer(r"\b(?:crate|super)(?:\s*::\s*\w+)+", rest):
        yield re.split(r"\s*::\s*", match.group()), False


def _leaves(tree):
    """Each path of a `use` tree; `as` names dropped, `self` too."""
    tree = tree.strip()
    if "{" not in tree:
        names = re.split(r"\s*::\s*", re.sub(r"\s+as\s+\w+$", "", tree))
        yield [name for name in names if name != "self" or names[0] == "self"]
        return
    head, inner = tree.split("{", 1)
    head = [name for name in re.split(r"\s*::\s*", head.strip()) if name]
    depth, part, parts = 0, "", []
    for character in inner.rstrip().removesuffix("}"):
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += character
    for part in [*parts, part]:
        if part.strip():
            for leaf in _leaves(part):
                yield head + ([] if leaf == ["self"] else leaf)
