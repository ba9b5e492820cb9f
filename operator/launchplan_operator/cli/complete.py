"""What completion scripts ask for: `__complete WORD…` prints what the last word may become, one candidate a line.

A line `:4` at the end tells kubectl and the scripts not to offer files; without it they do (`:0`). The protocol is that
of kubectl's own plugins: an executable `kubectl_complete-launchplan` gets the words after `kubectl launchplan`.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from launchplan_operator.cli.commands import BY_NAME, COMMANDS
from launchplan_operator.cli.problems import Problem

NO_FILES: Final = 4
FILES: Final = 0
#: Options whose value is a file.
_FILE_OPTIONS: Final = frozenset({"-f", "--filename", "--inputs", "--kubeconfig"})
#: Commands whose arguments are files.
_FILE_COMMANDS: Final = frozenset({"lint"})


def main() -> int:
    """Answer kubectl, which passes the words as arguments."""
    return complete(sys.argv[1:])


def complete(words: Sequence[str]) -> int:
    """Write the candidates for the last of the words; never fails, as nobody would read why."""
    try:
        candidates, directive = list(candidates_for(words)), directive_for(words)
    except Problem:
        candidates, directive = [], NO_FILES
    sys.stdout.writelines(f"{candidate}\n" for candidate in candidates)
    sys.stdout.write(f":{directive}\n")
    return 0


def candidates_for(words: Sequence[str]) -> Iterator[str]:
    """Yield what the last word may become."""
    *before, last = words or [""]
    command = _command(before)
    if command is None:
        yield from _starting(last, (f"{each.name}\t{each.help}" for each in COMMANDS))
        return
    actions = _actions(command)
    waiting = _waiting(before, actions)
    if waiting is not None:
        yield from _starting(last, map(str, waiting.choices or _suggestions(command, before, waiting, actions)))
    elif last.startswith("-"):
        yield from _starting(last, _options(actions))
    else:
        positionals = (action for action in actions if not action.option_strings)
        yield from _starting(last, (str(choice) for action in positionals for choice in action.choices or ()))
        yield from _starting(last, iter(_suggestions(command, before, None, actions)))


def directive_for(words: Sequence[str]) -> int:
    """Tell whether files are offered beside the candidates."""
    *before, last = words or [""]
    command = _command(before)
    if command is None:
        return NO_FILES
    waiting = _waiting(before, _actions(command))
    if waiting is not None:
        return FILES if _FILE_OPTIONS & set(waiting.option_strings) else NO_FILES
    return FILES if command in _FILE_COMMANDS and not last.startswith("-") else NO_FILES


def _command(before: Sequence[str]) -> str | None:
    return next((word for word in before if word in BY_NAME), None)


def _actions(command: str) -> list[argparse.Action]:
    from launchplan_operator.cli.main import command_parser  # noqa: PLC0415 - main loads this module for its command

    # argparse has no public way to ask a parser for its arguments.
    return list(command_parser(command)._actions)  # noqa: SLF001


def _waiting(before: Sequence[str], actions: Sequence[argparse.Action]) -> argparse.Action | None:
    """Return the option whose value comes next, if the word before names one that takes a value."""
    named = (action for action in actions if before and before[-1] in action.option_strings)
    return next((action for action in named if action.nargs != 0), None)


def _suggestions(
    command: str, before: Sequence[str], waiting: argparse.Action | None, actions: Sequence[argparse.Action]
) -> list[str]:
    """Return what the cluster knows of the next word."""
    from launchplan_operator.cli.suggestions import suggest  # noqa: PLC0415 - not for what needs no cluster

    if waiting is not None and _FILE_OPTIONS & set(waiting.option_strings):
        return []
    return suggest(command, before, waiting, actions)


def _options(actions: Sequence[argparse.Action]) -> Iterator[str]:
    for action in actions:
        if action.option_strings and action.help != argparse.SUPPRESS:
            yield f"{action.option_strings[-1]}\t{action.help}"


def _starting(last: str, candidates: Iterator[str]) -> Iterator[str]:
    return (candidate for candidate in candidates if candidate.startswith(last))
