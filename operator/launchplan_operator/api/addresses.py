"""Where data lies: the rule for URIs and paths, and the blob that one of them points at."""

import re
from dataclasses import dataclass
from typing import Any, Final

from launchplan_operator.api.jsonvalues import is_unicode
from launchplan_operator.api.misfits import Misfit, describe_value

#: How an address looks, for messages.
ADDRESS: Final = "a URI such as s3://bucket/key, or an absolute path"
#: A scheme of two characters at least, since C:\data is no URI, or a path from the root; no control characters.
_ADDRESS: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+:/*[^/\s]|/)[^\x00-\x1f\x7f]*")


class Addressed:
    """A type whose values are addresses, which stay as they are."""

    __slots__ = ()

    @property
    def expected(self) -> str:
        """What a message says was expected."""
        return f"{self} ({ADDRESS})"

    def misfit(self, value: Any) -> Misfit | None:
        """Return why a value is no address, or None if it is one; nobody looks at what is there."""
        return None if is_address(value) else Misfit(self.expected, describe_value(value))

    def normal(self, value: Any) -> Any:
        """Return the address as it is."""
        return value

    def text(self, value: Any) -> str:
        """Return the address as it is."""
        return str(value)

    def value(self, text: str) -> str:
        """Return the address that a text holds."""
        return text.strip()


@dataclass(frozen=True, slots=True)
class Blob(Addressed):
    """A file, or with `multipart` a directory, of a format; the value is its address."""

    format: str = ""
    multipart: bool = False

    def __str__(self) -> str:
        parts = ", ".join((*([self.format] if self.format else ()), *(["multipart"] if self.multipart else ())))
        return f"blob[{parts}]" if parts else "blob"


def is_address(value: Any) -> bool:
    """Tell whether a value is a URI with a scheme or an absolute path, without blanks at its ends."""
    if not isinstance(value, str) or value != value.strip():
        return False
    return _ADDRESS.fullmatch(value) is not None and is_unicode(value)
