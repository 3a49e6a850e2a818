"""The one exception: what was refused, under the code that SPEC.md gives it."""


class Refused(Exception):
    """`code` is a word of SPEC.md (`malformed`, `too_large`, `bad_signature` ...), the text a sentence for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
