"""Ways to break runs through references, entered by `with`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from launchplan_operator.reconcile import execution, remote, requester
from launchplan_operator.reconcile.result import Done
from launchplan_operator.reconcile.standing import Standing, find_end
from launchplan_operator.reconcile.unstarted import write_aborted


@contextmanager
def no_handshake() -> Iterator[None]:
    """A remote starts whether or not the one that asks for it has noted it."""

    async def none(*_: Any) -> None:
        return None

    with patch.object(requester, "_await_note", none):
        yield


@contextmanager
def taken_unlooked() -> Iterator[None]:
    """Whatever has the name of a remote is taken for it."""
    with patch.object(remote, "_is_wanted", lambda *_: True):
        yield


@contextmanager
def consent_not_asked() -> Iterator[None]:
    """A remote starts that the plan allowed when it was made, whatever the plan allows now."""
    with patch.object(requester, "consents", lambda *_: True):
        yield


@contextmanager
def end_not_awaited() -> Iterator[None]:
    """A run that is told to end has ended, whatever the remote does."""
    mirror = remote._mirror

    async def end_at_once(context: Any, asking: Mapping[str, Any], noted: Mapping[str, str]) -> Any:
        outcome = await mirror(context, asking, noted)
        end = find_end(asking, Standing())
        return await write_aborted(context, asking, end) if end is not None else outcome

    with patch.object(remote, "_mirror", end_at_once):
        yield


@contextmanager
def lost_from_cache() -> Iterator[None]:
    """A remote is lost when it is not in the cache."""

    async def find(context: Any, _asking: Mapping[str, Any], noted: Mapping[str, str]) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = context.caches.executions.get(noted["namespace"], noted["name"])
        return found if found is not None and found["metadata"]["uid"] == noted["uid"] else None

    with patch.object(remote, "_find", find):
        yield


@contextmanager
def left_running() -> Iterator[None]:
    """A remote runs on when the one that asks for it is gone."""

    async def leave(*_: Any) -> Done:
        return Done()

    with patch.object(execution, "end_unasked", leave):
        yield
