"""Whether a value of one declared type may flow into an input of another, as Flyte's compiler decides it.

The rules are those of `AreTypesCastable` in flytepropeller/pkg/compiler/validators/typing.go. Nothing widens: an integer is
no float there. Every type is castable to itself, unions with overlapping variants too: from a union to a union each variant
needs some variant that takes it, not exactly one, so each finds at least itself.
"""

from collections.abc import Mapping

from launchplan_operator.api.addresses import Blob
from launchplan_operator.api.compounds import Dataset, ListOf, MapOf, Type, UnionOf
from launchplan_operator.api.scalars import NONE, SCALARS, Enum

_STRING = SCALARS["string"]


def castable(source: Type, target: Type) -> bool:
    """Tell whether every value of the source type may be given where the target type is declared."""
    return casting_obstacle(source, target) is None


def casting_obstacle(source: Type, target: Type) -> str | None:
    """Return why a source type is not castable to a target type, or None if it is."""
    match target:
        case UnionOf():
            return _to_union(source, target)
        case ListOf():
            return _to_list(source, target)
        case MapOf():
            return _to_map(source, target)
        case Blob():
            return _to_blob(source, target)
        case Dataset():
            return _to_dataset(source, target)
        case _:
            return _to_plain(source, target)


def _to_plain(source: Type, target: Type) -> str | None:
    """An enum is a string, and a string may hold one of an enum's choices, which its value will tell."""
    texts = _STRING in (source, target) and (isinstance(source, Enum) or isinstance(target, Enum))
    if source == target or texts:
        return None
    return _differ(source, target)


def _to_list(source: Type, target: ListOf) -> str | None:
    if not isinstance(source, ListOf):
        return _differ(source, target)
    return None if source.item == NONE else _within("items", casting_obstacle(source.item, target.item))


def _to_map(source: Type, target: MapOf) -> str | None:
    if not isinstance(source, MapOf):
        return _differ(source, target)
    return None if source.item == NONE else _within("values", casting_obstacle(source.item, target.item))


def _to_blob(source: Type, target: Blob) -> str | None:
    """Formats are equal, or one of them is not said; whether it is one file or many does not count there."""
    if not isinstance(source, Blob):
        return _differ(source, target)
    if source.format and target.format and source.format != target.format:
        return f"the format {source.format} is not {target.format}"
    return None


def _to_dataset(source: Type, target: Dataset) -> str | None:
    """None is taken too, as nowhere else but in an optional type: a quirk of Flyte's that we keep."""
    if source == NONE:
        return None
    if not isinstance(source, Dataset):
        return _differ(source, target)
    if not source.columns or not target.columns:
        return None
    given = dict(source.columns)
    return next((found for name, column in target.columns if (found := _to_column(given, name, column))), None)


def _to_column(given: Mapping[str, Type], name: str, target: Type) -> str | None:
    if name not in given:
        return f"the column {name} is missing"
    return _within(f"column {name}", casting_obstacle(given[name], target))


def _to_union(source: Type, target: UnionOf) -> str | None:
    if isinstance(source, UnionOf):
        lost = [variant for variant in source.variants if not _takers(variant, target)]
        return f"no type of {target} takes {lost[0]}" if lost else None
    takers = _takers(source, target)
    if len(takers) == 1:
        return None
    if not takers:
        return f"no type of {target} takes {source}"
    return f"{' and '.join(map(str, takers))} of {target} both take {source}, which leaves open what it is"


def _takers(source: Type, target: UnionOf) -> list[Type]:
    return [variant for variant in target.variants if castable(source, variant)]


def _differ(source: Type, target: Type) -> str:
    return f"{source} is not {target}"


def _within(where: str, obstacle: str | None) -> str | None:
    return obstacle and f"{where}: {obstacle}"
