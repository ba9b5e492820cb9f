"""The frame of the command line: help, usage errors, and every way to end."""

import os
import subprocess
import sys
from pathlib import Path

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
        pytest.param(OSError(28, "No space left on device"), 1, "error: No space left", id="a full disk"),
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


#: An empty PYTHONUNBUFFERED is none: output waits in a buffer, as it does for users.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(frame.__file__).parents[2]), "PYTHONUNBUFFERED": ""}
HEAVY = ("aiohttp", "kopf", "kubernetes", "asyncio")
PLAN = Path(__file__).parents[2] / "examples" / "01-hello"


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        pytest.param(["--help"], (*HEAVY, "pydantic", "yaml"), id="help"),
        pytest.param(["--version"], (*HEAVY, "pydantic", "yaml"), id="version"),
        pytest.param(["lint", "--help"], (*HEAVY, "pydantic", "yaml"), id="a command's help"),
        pytest.param(["__complete", "lint", "--"], (*HEAVY, "pydantic", "yaml"), id="completion"),
        pytest.param(["lint", str(PLAN)], HEAVY, id="lint"),
        pytest.param(["next", "--cron", "@daily"], (*HEAVY, "yaml"), id="next"),
        pytest.param(["next", "-f", str(PLAN)], HEAVY, id="next of files"),
        pytest.param(["resolve", "-f", str(PLAN), "--plan", "hello"], HEAVY, id="resolve"),
    ],
)
def test_a_command_loads_what_it_needs(arguments: list[str], unneeded: tuple[str, ...]) -> None:
    """A plugin must start at once: what talks to a cluster, or reads models, is loaded where it is used."""
    script = (
        "import sys\n"
        "from launchplan_operator.cli.main import main\n"
        f"code = main({arguments!r})\n"
        f"sys.stderr.write(' '.join(sorted(set({unneeded!r}) & set(sys.modules))))\n"
        "sys.exit(code)\n"
    )
    run = python("-c", script)
    assert run.returncode == 0
    assert not set(run.stderr.split()) & set(unneeded)


def test_the_package_is_a_program() -> None:
    """`python -m launchplan_operator.cli` is the same as the installed script."""
    run = python("-m", "launchplan_operator.cli", "--version")
    assert (run.returncode, run.stdout) == (0, f"{__version__}\n")


@pytest.mark.parametrize("count", ["5", "1000"], ids=["less than a buffer", "more than a buffer"])
def test_a_closed_pipe_is_quiet(count: str) -> None:
    """`kubectl launchplan … | head -1` shows one line and no complaint."""
    command = [sys.executable, "-m", "launchplan_operator.cli", "next", "--cron", "* * * * *", "--count", count]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_full_disk_is_one_line() -> None:
    """What cannot be written is no bug of ours."""
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "launchplan_operator.cli", "next", "--cron", "* * * * *"]
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
    assert (run.returncode, run.stderr) == (1, b"error: No space left on device\n")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with our package."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=60
    )
