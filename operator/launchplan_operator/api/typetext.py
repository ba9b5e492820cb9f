"""The text of a type: a small grammar, read by recursive descent of bounded depth.

    type   = scalar | "blob" [ "[" format [ "," "multipart" ] "]" ] | "dataset" [ "[" column { "," column } "]" ]
           | "enum" "[" choice { "," choice } "]" | "list" "[" type "]" | "map" "[" type "]"
           | "union" "[" variant { "," variant } "]" | "optional" "[" type "]"
    column = name ":" type        variant = type | "none"

Formats, choices and names are any visible text without brackets, commas and, for names, colons. Blanks around each of them
and around types mean nothing. A union in a union is one union, and a union of one type is that type.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from launchplan_operator.api.addresses import Blob
from launchplan_operator.api.compounds import Dataset, ListOf, MapOf, Type, UnionOf
from launchplan_operator.api.misfits import TypeProblem, quoted
from launchplan_operator.api.scalars import NONE, SCALARS, Enum
from launchplan_operator.api.typehints import meant_types

#: The CRD allows half as many characters; the canonical text of a type may have a blank more after each comma.
MAX_TYPE_TEXT: Final = 2048
#: Types within types: `list[integer]` has two levels.
MAX_TYPE_DEPTH: Final = 16
#: Types that one union holds, besides none.
MAX_VARIANTS: Final = 16
#: What ends the name of a type or a column; a format or a choice may have colons, such as 10:30.
_ENDS_NAME: Final = frozenset("[],:")
_ENDS_LABEL: Final = frozenset("[],")
_FORMS: Final = "blob, dataset, enum[a, b], list[T], map[T], union[T1, T2], optional[T]"


def parse_type(text: str) -> Type | TypeProblem:
    """Return the type that a text declares, or why it declares none; the same object for the same text."""
    if len(text) > MAX_TYPE_TEXT:
        return TypeProblem(f"found a type of {len(text)} characters, expected {MAX_TYPE_TEXT} at most")
    return _parse(text)


def nearest_type(text: str) -> Type | None:
    """Return the type that a text which declares none may have meant."""
    meant = (found for candidate in meant_types(text) if not isinstance(found := _read(candidate), TypeProblem))
    return next(meant, None)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Type | TypeProblem:
    parsed = _read(text)
    if not isinstance(parsed, TypeProblem):
        return parsed
    nearest = nearest_type(text)
    return TypeProblem(parsed.message, f"did you mean {nearest}?") if nearest is not None else parsed


def _read(text: str) -> Type | TypeProblem:
    reader = _Reader(text)
    try:
        return reader.read_whole()
    except _NoTypeError as error:
        return TypeProblem(str(error))


class _NoTypeError(Exception):
    """What was found in a text that declares no type, and what was expected."""


@dataclass(slots=True)
class _Reader:
    """A text and how far it was read."""

    text: str
    place: int = 0

    def read_whole(self) -> Type:
        """Read a type that ends with the text."""
        if self.text != self.text.strip():
            raise self.refusal("no blanks around it")
        found = self.read_type(1)
        if self.place < len(self.text):
            raise self.refusal(f"nothing after {quoted(self.text[: self.place])}")
        return found

    def read_type(self, depth: int, *, variant: bool = False) -> Type:
        """Read one type, which ends before a comma, a closing bracket or the end."""
        if depth > MAX_TYPE_DEPTH:
            raise self.refusal(f"at most {MAX_TYPE_DEPTH} levels of types within types")
        start = self.place
        name = self.word(_ENDS_NAME)
        if not name and self.text:
            raise self.refusal(f"a type after {quoted(self.text[:start])}")
        if name == str(NONE) and variant:
            return NONE
        if scalar := SCALARS.get(name):
            return scalar
        if form := _WITH_PARTS.get(name):
            return self._read_parts(name, form, depth)
        raise self._unknown(name)

    def word(self, ends: frozenset[str]) -> str:
        """Read up to the next of some delimiters, without the blanks around it."""
        start = self.place
        while self.place < len(self.text) and self.text[self.place] not in ends:
            self.place += 1
        return self.text[start : self.place].strip()

    def label(self, what: str, ends: frozenset[str] = _ENDS_LABEL) -> str:
        """Read a format, a choice or a column's name."""
        found = self.word(ends)
        if not found:
            raise _NoTypeError(f"found an empty {what} in {quoted(self.text)}, expected a text")
        if not found.isprintable():
            raise _NoTypeError(f"found the {what} {quoted(found)} in {quoted(self.text)}, expected visible characters")
        return found

    def takes(self, delimiter: str) -> bool:
        """Read a delimiter if it comes next."""
        found = self.text[self.place : self.place + 1] == delimiter
        self.place += found
        return found

    def listed(self, read: Callable[[], Any]) -> list[Any]:
        """Read parts with commas between them."""
        found = [read()]
        while self.takes(","):
            found.append(read())
        return found

    def refusal(self, expected: str) -> _NoTypeError:
        """Return the error that says what was expected of the whole text."""
        return _NoTypeError(f"found the type {quoted(self.text)}, expected {expected}")

    def _read_parts(self, name: str, form: "_Form", depth: int) -> Type:
        if not self.takes("["):
            if form.bare is None:
                raise self._within(name, f"its parts in brackets, such as {form.example}")
            return form.bare
        start = self.place
        found = form.read(self, depth + 1)
        if not self.takes("]"):
            raise self._unclosed(self.text[start : self.place], form)
        return found

    def _unclosed(self, parts: str, form: "_Form") -> _NoTypeError:
        next_ = self.text[self.place : self.place + 1]
        if next_:
            return self.refusal(f"a form such as {form.example}, without {next_!r} after {quoted(parts)}")
        return self.refusal(f"a ] after {quoted(parts)}")

    def _unknown(self, name: str) -> _NoTypeError:
        if name == str(NONE):
            return self._within(name, "it among the types of a union only: optional[T]")
        return self._within(name, f"one of {', '.join(SCALARS)}, {_FORMS}")

    def _within(self, name: str, expected: str) -> _NoTypeError:
        where = "" if name == self.text else f" in {quoted(self.text)}"
        return _NoTypeError(f"found the type {quoted(name)}{where}, expected {expected}")


@dataclass(frozen=True, slots=True)
class _Form:
    """A type with parts in brackets.

    Attributes:
        read: reads the parts, at a depth.
        example: how it looks.
        bare: what it is without parts, if it may be.
    """

    read: Callable[[_Reader, int], Type]
    example: str
    bare: Type | None = None


def _read_blob(reader: _Reader, _: int) -> Type:
    parts = reader.listed(lambda: reader.label("format"))
    if parts[0] == "multipart" or parts[1:] not in ([], ["multipart"]):
        raise reader.refusal("blob[format] or blob[format, multipart]")
    return Blob(parts[0], multipart=len(parts) > 1)


def _read_dataset(reader: _Reader, depth: int) -> Type:
    columns = reader.listed(lambda: _read_column(reader, depth))
    _refuse_twice(reader, "column", [name for name, _ in columns])
    return Dataset(tuple(columns))


def _read_column(reader: _Reader, depth: int) -> tuple[str, Type]:
    name = reader.label("column name", _ENDS_NAME)
    if not reader.takes(":"):
        raise reader.refusal(f"a type after the column {quoted(name)}, such as {name}: integer")
    return name, reader.read_type(depth)


def _read_enum(reader: _Reader, _: int) -> Type:
    choices = reader.listed(lambda: reader.label("choice"))
    _refuse_twice(reader, "choice", choices)
    return Enum(tuple(choices))


def _read_union(reader: _Reader, depth: int) -> Type:
    found = reader.listed(lambda: reader.read_type(depth, variant=True))
    flat = [inner for variant in found for inner in (variant.variants if isinstance(variant, UnionOf) else (variant,))]
    return _union(reader, flat)


def _read_optional(reader: _Reader, depth: int) -> Type:
    inner = reader.read_type(depth)
    return _union(reader, [*(inner.variants if isinstance(inner, UnionOf) else (inner,)), NONE])


def _union(reader: _Reader, variants: Sequence[Type]) -> Type:
    others = [variant for variant in variants if variant != NONE]
    if not others:
        raise reader.refusal("a type besides none in the union")
    if len(others) > MAX_VARIANTS:
        raise reader.refusal(f"at most {MAX_VARIANTS} types in one union")
    _refuse_twice(reader, "type", [str(variant) for variant in others])
    if len(others) == len(variants) == 1:
        return others[0]
    return UnionOf((*others, *([NONE] if len(others) < len(variants) else [])))


def _refuse_twice(reader: _Reader, what: str, names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise _NoTypeError(f"found the {what} {quoted(twice)} twice in {quoted(reader.text)}")


_WITH_PARTS: Final = {
    "blob": _Form(_read_blob, "blob[csv]", Blob()),
    "dataset": _Form(_read_dataset, "dataset[id: integer]", Dataset()),
    "enum": _Form(_read_enum, "enum[a, b]"),
    "list": _Form(lambda reader, depth: ListOf(reader.read_type(depth)), "list[string]"),
    "map": _Form(lambda reader, depth: MapOf(reader.read_type(depth)), "map[string]"),
    "union": _Form(_read_union, "union[integer, string]"),
    "optional": _Form(_read_optional, "optional[string]"),
}
