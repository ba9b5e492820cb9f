"""What of the cluster a shell offers for the next word: fast, and silent on any error."""

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.cli.commands import BY_NAME
from launchplan_operator.cli.suggestions import FIRST
from tests.fake import Fault, Lost
from tests.unit.cli_cluster import VERSION_1, VERSION_2, Desk


@pytest.fixture
def desk() -> Desk:
    """A workflow, two plans and a run."""
    desk = Desk()
    desk.workflow()
    desk.plan()
    desk.plan("nightly")
    desk.run()
    return desk


def offered(desk: Desk, *words: str) -> list[str]:
    """Return the candidates, without what is told of them; nothing else may be written."""
    ended = desk.type("__complete", *words)
    *candidates, directive = ended.out.splitlines()
    assert (ended.code, ended.err, directive) == (0, "", ":4")
    return [candidate.partition("\t")[0] for candidate in candidates]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(("run", ""), ["daily", "nightly", "wfd/report"], id="what can run"),
        pytest.param(("run", "n"), ["nightly"], id="what begins so"),
        pytest.param(("run", "wfd/"), ["wfd/report"], id="workflows"),
        pytest.param(("wait", ""), ["daily-abcde"], id="runs"),
        pytest.param(("describe", "lpx/"), ["lpx/daily-abcde"], id="runs by their kind"),
        pytest.param(("activate", "daily", "--version", ""), [VERSION_2, VERSION_1], id="versions, newest first"),
        pytest.param(("resolve", "--plan", "daily", "--version", "1"), [VERSION_1], id="versions of an option's plan"),
        pytest.param(("versions", "daily", VERSION_1, ""), [VERSION_2, VERSION_1], id="versions to compare"),
        pytest.param(("run", "daily", "--input", ""), ["city=", "days="], id="inputs of a plan"),
        pytest.param(("run", "--wait", "wfd/report", "--input", "d"), ["days="], id="inputs of a workflow"),
        pytest.param(("relaunch", "daily-abcde", "--input", ""), ["city=", "days="], id="inputs of a run's plan"),
        pytest.param(("run", "-n", "default", "d"), ["daily"], id="after an option with a value"),
        pytest.param(("run", "--namespace=elsewhere", ""), [], id="in another namespace"),
        pytest.param(("list", "-n", ""), ["default"], id="namespaces"),
        pytest.param(("list", "--phase", "Tim"), ["TimedOut"], id="phases"),
        pytest.param(("run", "daily", ""), [], id="nothing more"),
        pytest.param(("run", "absent", "--version", ""), [], id="versions of what is not there"),
        pytest.param(("run", "--version", ""), [], id="versions of nothing"),
    ],
)
def test_the_cluster_knows_the_next_word(desk: Desk, words: tuple[str, ...], expected: list[str]) -> None:
    """From names, versions and interfaces."""
    assert offered(desk, *words) == expected


@pytest.mark.parametrize("fault", [Fault(403), Fault(401), Fault(503), Fault(Lost.DROPPED)])
def test_a_cluster_that_does_not_answer_is_not_mentioned(desk: Desk, fault: Fault) -> None:
    """There is nothing to be offered."""
    desk.api.faults = lambda _: fault
    assert offered(desk, "run", "") == []


def test_a_cluster_that_hangs_is_not_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than a person would."""
    monkeypatch.setattr("launchplan_operator.cli.suggestions._PATIENCE", 0.01)
    desk.api.faults = lambda call: Fault(Lost.HANGS) if call.kind == LAUNCH_PLANS else None
    assert offered(desk, "run", "") == []


def test_each_command_that_names_an_object_offers_some() -> None:
    """No command of a plan or a run is forgotten, and none is made up."""
    assert set(BY_NAME) - set(FIRST) == {"lint", "resolve", "completion"}
