"""How the operator's image is built: by whom, of what, and under which name."""

import json
import os
import re
from pathlib import Path

import pytest

from localcluster import installed, nodes, operatorimage, packages, tour
from localcluster.cli import main
from localcluster.imagebase import fingerprint
from localcluster.operatorimage import can_build_offline, find_builder, version
from localcluster.places import LocalClusterError
from localcluster.tour import Place

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
ANSWERS = """#!/bin/sh
[ "$1" = "{asked}" ] && exit {status}
printf '%s\\n' "$@" > "$0.arguments"
"""


def put_program(directory: Path, name: str, asked: str, status: int) -> None:
    """Put a program there that ends with a status when it is asked for its engine, else notes its arguments."""
    program = directory / name
    program.write_text(ANSWERS.format(asked=asked, status=status))
    program.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is the only one in PATH but for the shell's."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.mark.parametrize(
    ("engines", "found"),
    [
        pytest.param({"docker": 0, "podman": 0}, "docker", id="docker comes first"),
        pytest.param({"docker": 1, "podman": 0}, "podman", id="a docker whose engine does not answer is none"),
        pytest.param({"docker": 1, "podman": 1}, None, id="clients alone build nothing"),
    ],
)
def test_a_builder_is_one_that_answers(path: Path, engines: dict[str, int], found: str | None) -> None:
    """Many machines have a client without an engine."""
    for name, asked in (("docker", "version"), ("podman", "info")):
        put_program(path, name, asked, engines[name])
    assert find_builder() == found


@pytest.mark.parametrize(
    ("arguments", "index", "more"),
    [
        pytest.param([], "", [], id="the base is the Dockerfile's own"),
        pytest.param(["--base", ""], "", [], id="a base without a name is none"),
        pytest.param(["--base", "b@sha256:0"], "", ["BASE=b@sha256:0"], id="a base may be pinned"),
        pytest.param([], "https://mirror.example", ["PIP_INDEX_URL"], id="pip looks where it looks here"),
    ],
)
def test_a_builder_is_given_the_dockerfile_and_what_differs(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    index: str,
    more: list[str],
) -> None:
    """What is said at the end is the image's name."""
    put_program(path, "docker", "version", 0)
    monkeypatch.setenv("PIP_INDEX_URL", index)
    assert main(["image", *arguments]) == 0
    assert capsys.readouterr().out == f"launchplan-operator:{version()}\n"
    command, *given = (path / "docker.arguments").read_text().splitlines()
    told = [each.removeprefix("--build-arg=") for each in given if each.startswith("--build-arg=")]
    assert command == "build"
    assert re.fullmatch(r"REVISION=([0-9a-f]{40}(-dirty)?|unknown)", told[1])
    assert [told[0], *told[2:]] == [f"VERSION={version()}", *more]
    assert given[len(told) :] == [f"--tag=launchplan-operator:{version()}", str(ROOT)]


@pytest.mark.parametrize("way", [["image", "--offline"], ["image"]])
def test_a_failing_builder_is_not_passed_over(path: Path, way: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Where docker answers and fails, nothing else is tried; a base of one's own is for it only."""
    put_program(path, "docker", "version", 0)
    (path / "docker").write_text('#!/bin/sh\n[ "$1" = version ]\n')
    assert main([*way, "--base", "b"]) == 1
    said = "docker build failed" if "--offline" not in way else "there is no base but Debian's packages"
    assert said in capsys.readouterr().err


def test_what_stands_in_the_way_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an engine it takes root, on Linux."""
    put_program(path, "docker", "version", 1)
    put_program(path, "podman", "info", 1)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["image"]) == 1
    assert capsys.readouterr().err == "neither docker nor podman answers, and without them it needs root\n"


def test_packages_that_nobody_can_install_are_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no apt-get."""
    monkeypatch.setattr(nodes, "can_run_node", lambda: None)
    monkeypatch.setattr(packages, "IMAGE", {str(path / "buildah"): "buildah"})
    monkeypatch.setattr(packages, "can_install", lambda: False)
    assert can_build_offline() == "these packages are missing, and there is no apt-get to install them: buildah"


def test_the_same_sources_have_the_same_mark_and_others_another() -> None:
    """So that a cached image is never taken for one of other sources."""
    sources = [*operatorimage._sources()]
    named = set(sources[::2])
    assert {"Dockerfile", "requirements/runtime.txt", "operator/launchplan_operator/app.py"} <= named
    changed = [*sources[:-1], f"{sources[-1]}\n"]
    assert fingerprint(sources) == fingerprint([*operatorimage._sources()]) != fingerprint(changed)


def test_the_dockerfile_lets_the_base_be_pinned() -> None:
    """One argument, with a tag by default, is where both stages come from; only hashed packages go in."""
    assert re.search(r"^ARG BASE=\S+:3\.11-slim-bookworm$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}", "scratch"]
    assert "--require-hashes" in DOCKERFILE


def test_all_that_the_dockerfile_copies_is_let_through() -> None:
    """What is ignored cannot be copied, and no more is sent to the engine."""
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)
    let_through = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sorted(copied) == sorted(let_through)


def test_where_no_image_can_be_built_the_tours_operator_is_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tour says why, and goes on."""

    class Real:
        node = "real"

    def refuse(*_: object) -> None:
        raise LocalClusterError("buildah failed")

    said: list[str] = []
    monkeypatch.setattr(installed, "prepare_installation", refuse)
    monkeypatch.setattr(tour, "_start_process", lambda *_: lambda: "the process's log")
    place = Place(json.dumps, tmp_path, Real(), logs=True, hints=())  # type: ignore[arg-type]  # no cluster is asked
    assert tour._operate(place, said.append)() == "the process's log"
    assert said == [
        "the operator's image cannot be built here, so it runs as a process of this machine: buildah failed"
    ]
