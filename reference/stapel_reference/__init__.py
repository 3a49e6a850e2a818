"""A small partner for Stapel, version 1, written from SPEC.md and spec/ and from nothing else.

It exists to show that they are enough, and to hold the library to it: both must agree with every file under
tests/vectors/v1. It is made to be read beside the specification, not to be fast or to guard secrets in memory.
Section numbers in comments are those of SPEC.md.
"""
