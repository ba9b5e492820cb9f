"""What tools that sync from Git make of an object: their own code, asked line by line."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from docs.argocd import CONFIG_MAP
from localcluster.build import build
from localcluster.toolsets import ARGOLUA, KSTATUS, ToolSet

Object = dict[str, Any]
_CUSTOMIZATIONS = "resource.customizations."
_FIELDS = {"health": "healthLua", "actions": "actions"}


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that answers one line of JSON with one line of JSON."""

    program: Path

    @classmethod
    def of(cls, tools: ToolSet) -> "Engine":
        """Build the program if it must be."""
        return cls(build(tools, print) / tools.name)

    def ask(self, questions: Iterable[Object]) -> list[Object]:
        """Return the answers in the order of the questions."""
        lines = "\n".join(json.dumps(question) for question in questions)
        done = subprocess.run([self.program], input=lines, capture_output=True, text=True, timeout=60, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]


@dataclass(frozen=True, slots=True)
class ArgoCD:
    """Argo CD's Lua engine with the scripts of the generated ConfigMap."""

    engine: Engine
    overrides: Object

    def ask(self, obj: Object, question: str, action: str = "") -> Any:
        """Return what the engine answers; a script's error fails."""
        told = {"object": obj, "overrides": self.overrides, "ask": question, "action": action}
        answer = self.engine.ask([told])[0]
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def act(self, obj: Object, action: str) -> tuple[str, Object]:
        """Return the operation of an action and the object that it creates or patches."""
        (impacted,) = self.ask(obj, "run", action)
        return impacted["operation"], impacted["resource"]


def kstatus() -> Engine:
    """Return kstatus as Helm has it."""
    return Engine.of(KSTATUS)


def argo_cd() -> ArgoCD:
    """Return Argo CD's engine, which read the ConfigMap."""
    overrides: Object = {}
    for key, text in yaml.safe_load(CONFIG_MAP.read_text(encoding="utf-8"))["data"].items():
        field, _, kind = key.removeprefix(_CUSTOMIZATIONS).partition(".")
        overrides.setdefault(kind.replace("_", "/"), {})[_FIELDS[field]] = text
    return ArgoCD(Engine.of(ARGOLUA), overrides)
