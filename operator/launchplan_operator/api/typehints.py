"""What a text that declares no type may have meant: the names that other languages have for our types."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from launchplan_operator.api.scalars import SCALARS

#: What other languages call our types, and what people try.
_OTHER_NAMES: Final = {
    "int": "integer",
    "int32": "integer",
    "int64": "integer",
    "long": "integer",
    "double": "float",
    "float64": "float",
    "number": "float",
    "decimal": "float",
    "str": "string",
    "text": "string",
    "bool": "boolean",
    "date": "datetime",
    "time": "datetime",
    "timestamp": "datetime",
    "timedelta": "duration",
    "interval": "duration",
    "object": "struct",
    "json": "struct",
    "any": "struct",
    "bytes": "binary",
    "base64": "binary",
    "file": "blob",
    "uri": "blob",
    "url": "blob",
    "path": "blob",
    "directory": "blob",
    "dataframe": "dataset",
    "table": "dataset",
    "schema": "dataset",
    "null": "none",
    "nil": "none",
    "dict": "struct",
    "array": "list",
    "sequence": "list",
    "set": "list",
    "maybe": "optional",
    "oneof": "union",
    "choice": "enum",
}
#: The same names where parts follow.
_NAMES_OF_PARTS: Final = {"dict": "map", "object": "map", "tuple": "list", "any": "union"}
#: How the types that need parts look.
_EXAMPLES: Final = {
    "enum": "enum[a, b]",
    "list": "list[string]",
    "map": "map[string]",
    "union": "union[integer, string]",
    "optional": "optional[string]",
}
_KNOWN: Final = (*SCALARS, "blob", "dataset", "none", *_EXAMPLES, *_OTHER_NAMES)
#: A choice between names, of which an enum's own and a column's name mean themselves.
_WORD: Final = re.compile(r"(?i:enum|blob)\[[^\[\]]*\]|[^\[\],:|?]+:|(?P<name>[^\[\],:|?]+)(?P<parts>\[?)")


def meant_types(text: str) -> Iterator[str]:
    """Yield texts that a text may have meant, the most likely first; they may declare no type either."""
    whole = _WORD.sub(_nearest_word, text.strip())
    whole = re.sub(r"\bmap\[ *string *, *", "map[", whole)
    if whole.endswith("[]"):
        yield f"list[{whole.removesuffix('[]')}]"
    if whole.endswith("?"):
        yield f"optional[{whole.removesuffix('?')}]"
    if "|" in whole:
        yield f"union[{whole.replace('|', ',')}]"
    yield whole


def _nearest_word(match: re.Match[str]) -> str:
    if match["name"] is None:
        return match[0].lower() if match[0][:4].lower() in {"enum", "blob"} else match[0]
    found = _nearest_name(match["name"].strip().lower(), parts=bool(match["parts"]))
    return found + match["parts"] if found else match[0]


def _nearest_name(name: str, *, parts: bool) -> str | None:
    nearest = next(iter(get_close_matches(name, _KNOWN, n=1, cutoff=0.75)), None)
    if nearest is None:
        return None
    if parts:
        return _NAMES_OF_PARTS.get(nearest) or _OTHER_NAMES.get(nearest, nearest)
    named = _OTHER_NAMES.get(nearest, nearest)
    return _EXAMPLES.get(named, named)
