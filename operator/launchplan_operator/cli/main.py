"""The frame of the command line: reads the arguments, loads the one command, and turns every end into an exit code."""

import argparse
import importlib
import io
import os
import sys
import traceback
from typing import Any, Final, NoReturn

from launchplan_operator import __version__
from launchplan_operator.cli.commands import BY_NAME, COMMANDS, Command
from launchplan_operator.cli.output import visible
from launchplan_operator.cli.problems import BROKEN_PIPE_EXIT, FAILURE_EXIT, INTERNAL_EXIT, INTERRUPTED_EXIT, Problem

PROGRAM: Final = "kubectl launchplan"
#: The command that completion scripts call; it takes words as they are, options among them.
COMPLETE: Final = "__complete"
#: Any value shows an unexpected error's traceback.
DEBUG_VARIABLE: Final = "LAUNCHPLAN_DEBUG"


class _Parser(argparse.ArgumentParser):
    """A parser that takes whole words only, and says a usage error in one sentence, and where to read more."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False} | options)

    def error(self, message: str) -> NoReturn:
        raise Problem(message, hint=f"see: {self.prog} --help")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 1 for a failure or findings, 2 for a refused text or wrong usage."""
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except Problem as problem:
        sys.stderr.write(f"error: {visible(problem.text)}\n")
        return problem.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE_EXIT
    except OSError as error:
        sys.stderr.write(f"error: {error.strerror or error}\n")
        _discard_output()
        return FAILURE_EXIT
    except Exception as error:  # noqa: BLE001 - the last resort: no user shall meet a traceback
        return _report(error)


def build_parser(chosen: str = "") -> argparse.ArgumentParser:
    """Return the parser of all commands; only the chosen one's module is loaded and has its arguments."""
    parser = _Parser(prog=PROGRAM, description="Check, start and follow launch plans.")
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help)
        if command.name == chosen:
            _configure(subparser, command)
    return parser


def command_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of one command's own arguments."""
    parser = _Parser(prog=f"{PROGRAM} {name}")
    _configure(parser, BY_NAME[name])
    return parser


def _configure(parser: argparse.ArgumentParser, command: Command) -> None:
    parser.description = f"{command.help[0].upper()}{command.help[1:]}."
    importlib.import_module(command.path).configure(parser)


def _run(arguments: list[str]) -> int:
    _write_utf8()
    if arguments[:1] == [COMPLETE]:
        return int(importlib.import_module("launchplan_operator.cli.complete").complete(arguments[1:]))
    chosen = next((word for word in arguments if not word.startswith("-")), "")
    if chosen and chosen not in BY_NAME:
        raise _unknown(chosen)
    try:
        options = build_parser(chosen).parse_args(arguments)
    except SystemExit as end:  # --help and --version
        sys.stdout.flush()
        return int(end.code or 0)
    code = int(importlib.import_module(BY_NAME[options.command].path).run(options))
    sys.stdout.flush()
    return code


def _unknown(command: str) -> Problem:
    from difflib import get_close_matches  # noqa: PLC0415 - only a typing error needs it

    nearest = get_close_matches(command, BY_NAME, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"see: {PROGRAM} --help"
    return Problem(f"found the command {command!r}, expected one of {', '.join(BY_NAME)}", hint=hint)


def _write_utf8() -> None:
    """Write as kubectl does whatever the locale says; half a surrogate pair, which JSON can hold, as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _discard_output() -> None:
    """Drop what stdout does not take: Python flushes it once more at its end, and would complain there."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exc()
    message = " ".join(str(error).split())[:200]
    sys.stderr.write(
        f"error: unexpected {type(error).__name__}: {message}; this is a bug of {PROGRAM}: "
        f"run it again with {DEBUG_VARIABLE}=1 and report what it shows\n"
    )
    return INTERNAL_EXIT
