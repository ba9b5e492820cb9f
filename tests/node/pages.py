"""The pages of the documentation, as what a reader would type: manifests to apply and commands to run, in order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Installs, upgrades and uninstalls: its commands are run where helm is, on a cluster of their own.
INSTALLATION = ROOT / "docs" / "how-to-install.md"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: Made from a file, and checked with that file.
_QUOTE = re.compile(r"<!-- quote \S+ -->\n.*?<!-- end -->\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: its language, and its text."""

    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The lines of a block of shell commands, without their comments."""
        lines = [line.split("  #")[0].strip() for line in self.text.splitlines()]
        return [line for line in lines if line]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page that are not quoted from files."""
    typed = _QUOTE.sub("", page.read_text(encoding="utf-8"))
    for language, text in _BLOCK.findall(typed):
        yield Block(language, text)


def kubectl_pages() -> list[Path]:
    """The pages that hold a kubectl command or a manifest for a cluster that has the operator."""
    pages = (page for page in PAGES if page != INSTALLATION)
    return [page for page in pages if any(_is_for_a_cluster(block) for block in blocks(page))]


def _is_for_a_cluster(block: Block) -> bool:
    return block.language == "yaml" or any(command.startswith("kubectl ") for command in block.commands)
