"""What is read of a Job's cause: ours, or whatever a person wrote there."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Reason
from launchplan_operator.decide.run import End
from launchplan_operator.reconcile.tombstone import occupied_since, read_end, tell_cause
from launchplan_operator.render.tombstone import render_burial

MADE = datetime(2026, 1, 1, 12, tzinfo=UTC)
ABORTED = End(Reason.Aborted, "enough")


def job(cause: str | None) -> dict[str, Any]:
    """Return a Job that bears a cause."""
    annotations = {} if cause is None else {"launchplan.dev/cause": cause}
    metadata = {"name": "a", "uid": "u", "resourceVersion": "1", "creationTimestamp": "2026-01-01T12:00:00Z"}
    return {"metadata": metadata | {"annotations": annotations}}


def test_a_buried_job_says_why_and_since_when() -> None:
    """It may be much older than the end of its run."""
    patch = render_burial(job(None), "run", tell_cause(ABORTED), "2026-01-01T13:00:00Z")
    buried = job(patch["metadata"]["annotations"]["launchplan.dev/cause"])
    assert read_end(buried) == ABORTED
    assert occupied_since(buried) == datetime(2026, 1, 1, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cause", "end"),
    [
        pytest.param(None, None, id="none is there"),
        pytest.param(json.dumps(tell_cause(ABORTED)), ABORTED, id="a tombstone from the start says no time"),
        pytest.param('{"reason": "Aborted"', None, id="no JSON"),
        pytest.param('["Aborted"]', None, id="no object"),
        pytest.param('{"reason": "Bored", "message": "x"}', None, id="no reason of ours"),
        pytest.param('{"reason": "Aborted", "message": "enough", "since": "now"}', ABORTED, id="no time"),
        pytest.param(
            '{"reason": "Aborted", "message": "enough", "since": "2026-01-01T13:00:00"}', ABORTED, id="no time zone"
        ),
        pytest.param(
            '{"reason": "Aborted", "message": "enough", "since": "2025-01-01T13:00:00Z"}',
            ABORTED,
            id="before it was made",
        ),
    ],
)
def test_without_a_time_that_can_be_read_a_job_occupies_its_name_since_it_was_made(
    cause: str | None, end: End | None
) -> None:
    assert read_end(job(cause)) == end
    assert occupied_since(job(cause)) == MADE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([*Reason.__members__]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["reason", "message", "since"]), inner),
    max_leaves=5,
)


@given(st.text() | JSON.map(json.dumps))
def test_nothing_that_people_write_as_a_cause_breaks_us(cause: str) -> None:
    """Else a plan, or a run, would fail for ever by what anybody can write who may write Jobs."""
    end = read_end(job(cause))
    assert end is None or isinstance(end.cause, str)
    assert occupied_since(job(cause)) >= MADE
