"""What ends a command early: a user's mistake, told in one sentence and never with a traceback."""

from typing import Final

#: The text or the file that was given is refused, or the command was called wrongly.
USAGE_EXIT: Final = 2
#: What was asked for was understood, and did not work out.
FAILURE_EXIT: Final = 1
#: As a shell reports a process that SIGINT ended.
INTERRUPTED_EXIT: Final = 130
#: As a shell reports a process that SIGPIPE ended.
BROKEN_PIPE_EXIT: Final = 141
#: An error of ours.
INTERNAL_EXIT: Final = 70


class Problem(Exception):  # noqa: N818 - it is the user's problem, not an error of the program
    """Something that the user can mend; only `main` catches it.

    Attributes:
        message: what was found and what was expected.
        reason: one word of the documented list, if there is one.
        hint: how to mend it.
        exit_code: what the process ends with.
    """

    def __init__(self, message: str, *, reason: str = "", hint: str = "", exit_code: int = USAGE_EXIT) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.hint = hint
        self.exit_code = exit_code

    @property
    def text(self) -> str:
        """The sentence for stderr: `reason: message (hint)`."""
        return f"{f'{self.reason}: ' if self.reason else ''}{self.message}{f' ({self.hint})' if self.hint else ''}"
