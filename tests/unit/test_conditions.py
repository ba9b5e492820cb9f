"""Conditions, findings and reasons."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from launchplan_operator.api.conditions import ConditionType, Finding, Reason, find_condition, make_condition

NINE = datetime(2026, 1, 31, 9, 0, 0, 123456, tzinfo=UTC)
LATER = NINE + timedelta(hours=1)


def test_a_condition_holds_what_kubernetes_expects_of_one() -> None:
    """All six fields stand there, the instant in UTC and in whole seconds."""
    berlin = timezone(timedelta(hours=1))
    assert make_condition(ConditionType.Ready, "False", Reason.CronInvalid, "bad", 7, NINE.astimezone(berlin)) == {
        "type": "Ready",
        "status": "False",
        "reason": "CronInvalid",
        "message": "bad",
        "observedGeneration": 7,
        "lastTransitionTime": "2026-01-31T09:00:00Z",
    }


@pytest.mark.parametrize(
    ("status", "moved"),
    [pytest.param("False", False, id="the same status keeps it"), pytest.param("True", True, id="another moves it")],
)
def test_the_transition_time_moves_with_the_status_alone(status: str, moved: bool) -> None:
    """A new reason, message or generation is no transition."""
    before = [make_condition("Ready", "False", Reason.CronInvalid, "bad", 1, NINE)]
    after = make_condition(
        "Ready", "True" if status == "True" else "False", Reason.TimeZoneUnknown, "worse", 2, LATER, before
    )
    assert (after["lastTransitionTime"] == "2026-01-31T10:00:00Z") is moved
    assert after["reason"] == "TimeZoneUnknown"


def test_a_condition_made_again_is_equal() -> None:
    """Nothing in a status changes while its meaning stays."""
    before = make_condition("Ready", "True", Reason.Active, "", 1, NINE)
    assert make_condition("Ready", "True", Reason.Active, "", 1, LATER, [before]) == before


def test_a_message_is_cut_to_what_the_api_server_takes() -> None:
    """A longer message would have the whole status refused."""
    message = make_condition("Ready", "False", Reason.JobRefused, "x" * 40_000, 1, NINE)["message"]
    assert len(message) == 32_768
    assert message.endswith("x…")


def test_a_condition_is_found_by_its_type() -> None:
    """Absent is nothing."""
    ready = make_condition("Ready", "True", Reason.Active, "", 1, NINE)
    assert find_condition([ready], "Ready") is ready
    assert find_condition([ready], "Stalled") is None


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (Finding(Reason.CronInvalid, "found '* *'"), "found '* *'"),
        (Finding(Reason.CronInvalid, "found '* *'", "spec.schedule.cron"), "spec.schedule.cron: found '* *'"),
        (Finding(Reason.CronInvalid, "found '* *'", "spec.x", "add three"), "spec.x: found '* *' (add three)"),
    ],
)
def test_a_finding_reads_as_one_sentence(finding: Finding, text: str) -> None:
    """Place first, then what was found, then what may help."""
    assert finding.text == text


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_is_one_word_with_one_sentence_of_meaning(reason: Reason) -> None:
    """Its name is its text, fits a condition, and is documented."""
    assert reason.name == reason.value == str(reason) == f"{reason}"
    assert reason.value.isalnum()
    assert reason.value[0].isupper()
    assert reason.meaning.endswith(".")
    assert "\n" not in reason.meaning


def test_no_two_reasons_mean_the_same() -> None:
    """One reason each."""
    assert len({reason.meaning for reason in Reason}) == len(list(Reason))
