"""Go duration texts: exactly what Go reads, and what Go would print."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.types import format_go_duration, parse_go_duration

TABLE = yaml.safe_load((Path(__file__).parents[1] / "data" / "types" / "durations.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", [pytest.param(row, id=repr(row["text"])) for row in TABLE])
def test_a_text_is_the_duration_that_go_reads(row: dict[str, Any]) -> None:
    """Each row gives its microseconds or nothing, as Go's ParseDuration does."""
    expected = timedelta(microseconds=row["us"]) if "us" in row else None
    assert parse_go_duration(row["text"]) == expected


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "0s"),
        (1, "1µs"),
        (1_100, "1.1ms"),
        (2_200, "2.2ms"),
        (999_999, "999.999ms"),
        (1_000_000, "1s"),
        (3_300_000, "3.3s"),
        (60_000_000, "1m0s"),
        (245_000_000, "4m5s"),
        (245_001_000, "4m5.001s"),
        (18_367_001_000, "5h6m7.001s"),
        (3_600_000_000, "1h0m0s"),
        (-90_000_000, "-1m30s"),
        (100 * 3_600_000_000, "100h0m0s"),
    ],
)
def test_a_duration_prints_as_go_prints_it(microseconds: int, text: str) -> None:
    """Each row gives the text of Go's Duration.String."""
    assert format_go_duration(timedelta(microseconds=microseconds)) == text


@given(st.timedeltas(min_value=timedelta(days=-100_000), max_value=timedelta(days=100_000)))
def test_a_printed_duration_reads_as_itself(duration: timedelta) -> None:
    """To the microsecond, in centuries too."""
    assert parse_go_duration(format_go_duration(duration)) == duration
