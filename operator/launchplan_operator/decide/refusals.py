"""What the API server's own words, as it refuses an object of ours, say of the way to mend it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from launchplan_operator.api.mending import Fix, edit_object, join_fixes, remove_item, run_command

#: How a strict API server names a field that it does not know.
_UNKNOWN_FIELD: Final = re.compile(r'unknown field "([^"]+)"')
_STEP: Final = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")
_QUOTA: Final = re.compile(r"exceeded quota: ([a-z0-9.-]+)")


def mend_template(message: str, job: Mapping[str, Any]) -> Fix | None:
    """Return the change of a workflow whose Job the server refuses: unknown fields go, all else is a person's to mend.

    Args:
        message: the server's.
        job: the workflow's `spec.job`. What we add to the Job may stand before the author's own in a list, so that a
            path of the message counts only where it leads somewhere.
    """
    if quota := show_quota(message):
        return quota
    unknown = [path for path in _UNKNOWN_FIELD.findall(message) if _leads_somewhere(job, path.removeprefix("spec."))]
    return join_fixes(remove_item(f"spec.job.{path.removeprefix('spec.')}") for path in unknown) or edit_object()


def without_suffix(message: str, name: str) -> str:
    """Return a message about an object of a generated name with the name that it was made from: the same each time."""
    return re.sub(rf'"{re.escape(name)}-[a-z0-9]{{5}}"', f'"{name}"', message)


def show_quota(message: str) -> Fix | None:
    """Return the command that shows the quota that a message names, or None where it names none."""
    found = _QUOTA.search(message)
    return run_command("kubectl", "describe", "resourcequota", found[1]) if found else None


def _leads_somewhere(job: Mapping[str, Any], path: str) -> bool:
    place: Any = job
    for name, index in _STEP.findall(path):
        try:
            place = place[name or int(index)]
        except (KeyError, IndexError, TypeError):
            return False
    return True
