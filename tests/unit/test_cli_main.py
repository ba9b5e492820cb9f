"""The frame of the command line: help, usage errors, and every way to end."""

import pytest

from launchplan_operator import __version__
from launchplan_operator.cli import commands
from launchplan_operator.cli import main as frame
from launchplan_operator.cli.main import main
from launchplan_operator.cli.output import format_data, format_table


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is printed, and nothing else."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command of the table stands in the help with its line."""
    assert main(["--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert all(f"{command.name} {command.help}" in out for command in commands.COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "the following arguments are required: COMMAND", id="no command"),
        pytest.param(["--nonsense"], "required: COMMAND", id="an unknown option and no command"),
        pytest.param(["nonsense"], "found the command 'nonsense'", id="an unknown command"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Whatever is wrong with the call stands in one line on stderr."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        pytest.param(KeyboardInterrupt(), 130, "", id="Ctrl-C is quiet"),
        pytest.param(RuntimeError("two\nlines"), 70, "unexpected RuntimeError: two lines", id="a bug is one line"),
    ],
)
def test_every_end_has_its_exit_code(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    said: str,
) -> None:
    """An end that no command foresaw shows no traceback."""

    def fail(_arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr(frame, "_run", fail)
    assert main([]) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == (1 if said else 0)


def test_the_debug_variable_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for it sees where the unexpected happened."""

    def fail(_arguments: list[str]) -> int:
        raise RuntimeError

    monkeypatch.setattr(frame, "_run", fail)
    monkeypatch.setenv(frame.DEBUG_VARIABLE, "1")
    assert main([]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_table_is_as_wide_as_its_cells() -> None:
    """Columns are three blanks apart, and no line ends in a blank."""
    assert format_table(("name", "x"), [("a", "1"), ("longer", "")]) == "NAME     X\na        1\nlonger\n"


def test_json_keeps_letters_of_every_script() -> None:
    """Nothing is escaped that JSON need not escape."""
    assert format_data({"é": 1}, "json") == '{\n  "é": 1\n}\n'
