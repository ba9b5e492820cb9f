"""The types with parts: lists, maps, unions and data sets. Of all types, these alone hold others.

A type's text is bounded and so is its depth (`typetext`), which bounds every recursion here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from launchplan_operator.api.addresses import ADDRESS, Addressed, Blob
from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.jsonvalues import NOT_JSON, key_refusal, read_json
from launchplan_operator.api.misfits import Misfit, TypeProblem, describe_value, quoted, shortened
from launchplan_operator.api.scalars import NONE, SCALARS, Enum, Scalar, Struct


@dataclass(frozen=True, slots=True)
class Dataset(Addressed):
    """A table; the value is its address. Without columns, any table.

    Attributes:
        columns: name and type of each, in their order.
    """

    columns: tuple[tuple[str, "Type"], ...] = ()

    def __str__(self) -> str:
        columns = ", ".join(f"{name}: {column}" for name, column in self.columns)
        return f"dataset[{columns}]" if columns else "dataset"

    @property
    def expected(self) -> str:
        """What a message says was expected."""
        return f"dataset ({ADDRESS})"


@dataclass(frozen=True, slots=True)
class ListOf:
    """Any number of values of one type."""

    item: "Type"

    def __str__(self) -> str:
        return f"list[{self.item}]"

    @property
    def expected(self) -> str:
        """What a message says was expected."""
        return str(self)

    def misfit(self, value: Any) -> Misfit | None:
        """Return why a value is no list, or the first item that does not fit."""
        if not isinstance(value, list):
            return Misfit(self.expected, describe_value(value))
        return _first(misfit.below(place) for place, item in enumerate(value) if (misfit := self.item.misfit(item)))

    def normal(self, value: Any) -> Any:
        """Return the list of each item's one value."""
        return [self.item.normal(item) for item in value]

    def text(self, value: Any) -> str:
        """Return the list as canonical JSON."""
        return canonical_json(self.normal(value))

    def value(self, text: str) -> Any:
        """Return the value of a JSON text; any other text as it is."""
        return _json_or_text(text)


@dataclass(frozen=True, slots=True)
class MapOf:
    """Values of one type by text keys."""

    item: "Type"

    def __str__(self) -> str:
        return f"map[{self.item}]"

    @property
    def expected(self) -> str:
        """What a message says was expected."""
        return str(self)

    def misfit(self, value: Any) -> Misfit | None:
        """Return why a value is no map, or the first key or value that does not fit."""
        if not isinstance(value, dict):
            return Misfit(self.expected, describe_value(value))
        if found := next((found for found in map(key_refusal, value) if found), None):
            return Misfit("keys that are strings", found)
        return _first(misfit.below(key) for key, item in value.items() if (misfit := self.item.misfit(item)))

    def normal(self, value: Any) -> Any:
        """Return the map of each item's one value."""
        return {key: self.item.normal(item) for key, item in value.items()}

    def text(self, value: Any) -> str:
        """Return the map as canonical JSON."""
        return canonical_json(self.normal(value))

    def value(self, text: str) -> Any:
        """Return the value of a JSON text; any other text as it is."""
        return _json_or_text(text)


@dataclass(frozen=True, slots=True)
class UnionOf:
    """One of several types. With `none` among them it is optional.

    Attributes:
        variants: at least two, all different, none of them a union, `none` last.
    """

    variants: tuple["Type", ...]

    def __str__(self) -> str:
        if self.optional and len(self.others) == 1:
            return f"optional[{self.others[0]}]"
        return f"union[{', '.join(map(str, self.variants))}]"

    @property
    def optional(self) -> bool:
        """Whether null fits."""
        return NONE in self.variants

    @property
    def others(self) -> tuple["Type", ...]:
        """The variants besides none."""
        return tuple(variant for variant in self.variants if variant != NONE)

    @property
    def expected(self) -> str:
        """What a message says was expected."""
        return " or ".join((*(variant.expected for variant in self.others), *(("null",) if self.optional else ())))

    def misfit(self, value: Any) -> Misfit | None:
        """Return None if a variant takes the value; else why none does, or the part that keeps the nearest from it."""
        misfits = []
        for variant in self.variants:
            misfit = variant.misfit(value)
            if misfit is None:
                return None
            misfits.append(misfit)
        reached = [misfit for misfit in misfits if misfit.path]
        if len(reached) == 1:
            return reached[0]
        return Misfit(self.expected, misfits[0].found if len(self.others) == 1 else describe_value(value))

    def normal(self, value: Any) -> Any:
        """Return the one value of all that mean the same, as the first variant has it that takes it."""
        return self._settled(value)[1]

    def text(self, value: Any) -> str:
        """Return the text that the value's variant gives it, or JSON where that text would be read as another value.

        None is the empty text.
        """
        if value is None:
            return ""
        variant, normal = self._settled(value)
        plain = variant.text(normal)
        return plain if self._means(self.value(plain), normal) else canonical_json(normal)

    def value(self, text: str) -> Any:
        """Return the value that a text stands for; a TypeProblem where several variants read it differently.

        With one variant besides none, the text is read as that one's; where it takes none, an empty text and `null` are
        None. With several, JSON comes first.
        """
        if len(self.others) == 1:
            return self._optional_value(text)
        value = _json_or_text(text)
        if value is not text and self.misfit(value) is None:
            return value
        return self._only_value(text)

    def _optional_value(self, text: str) -> Any:
        value = self.others[0].value(text)
        absent = self.others[0].misfit(value) is not None and NONE.value(text) is None
        return None if absent else value

    def _only_value(self, text: str) -> Any:
        values: dict[str, Any] = {}
        for variant in self.others:
            value = variant.value(text)
            if variant.misfit(value) is None:
                values.setdefault(canonical_json(self.normal(value)), value)
        if len(values) > 1:
            message = f"found the text {quoted(text)}, which more than one type of {self} reads, each as another value"
            return TypeProblem(message, f"write it as JSON: {' or '.join(map(shortened, values))}")
        absent = self.optional and not values and NONE.value(text) is None
        return None if absent else next(iter(values.values()), text)

    def _settled(self, value: Any) -> tuple["Type", Any]:
        """The variant of a value that fits, and its one value, which may fit a variant that comes before."""
        place = self._place(value)
        while True:
            value = self._preferred[place].normal(value)
            nearer = self._place(value)
            if nearer == place:
                return self._preferred[place], value
            place = nearer

    def _place(self, value: Any) -> int:
        return next(place for place, variant in enumerate(self._preferred) if variant.misfit(value) is None)

    @property
    def _preferred(self) -> tuple["Type", ...]:
        """The variants in the order in which they take a value: a whole number is an integer rather than a float."""
        return tuple(sorted(self.variants, key=lambda variant: variant == SCALARS["float"]))

    def _means(self, value: Any, normal: Any) -> bool:
        if isinstance(value, TypeProblem) or self.misfit(value) is not None:
            return False
        return canonical_json(self.normal(value)) == canonical_json(normal)


Type = Scalar | Struct | Enum | Blob | Dataset | ListOf | MapOf | UnionOf


def _first(misfits: Iterator[Misfit]) -> Misfit | None:
    return next(misfits, None)


def _json_or_text(text: str) -> Any:
    value = read_json(text)
    return text if value is NOT_JSON else value
