"""How a command finds its cluster, proves who asks, and tells what keeps it from an answer; over real sockets."""

import asyncio
import base64
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from launchplan_operator.api.kinds import LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.cli import kubeconfig as kubeconfig_module
from launchplan_operator.cli.commands import BY_NAME
from launchplan_operator.cli.kubeconfig import Access, find_access
from launchplan_operator.cli.login import Login
from launchplan_operator.cli.main import main
from launchplan_operator.cli.problems import Problem
from launchplan_operator.cli.suggestions import FIRST
from localcluster.pki import Pki
from tests.fake import FakeApi, Fault, Lost
from tests.fake.server import _Front, kubeconfig, serve
from tests.unit.cli_cluster import Answer, Desk

Config = dict[str, Any]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def config_of(name: str, server: str, user: Config | None = None) -> Config:
    """Return a kubeconfig of one context."""
    config = kubeconfig(server)
    for part in ("clusters", "users", "contexts"):
        config[part][0]["name"] = name
    config["contexts"][0]["context"] = {"cluster": name, "user": name, "namespace": f"of-{name}"}
    config["users"][0]["user"] = user or {}
    return config | {"current-context": name}


def written(directory: Path, name: str, config: Config) -> Path:
    """Write a kubeconfig."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))
    return path


def test_of_several_kubeconfigs_the_first_word_counts(tmp_path: Path) -> None:
    """As with kubectl: each name from the first file that has it, the current context from the first that has one."""
    first = written(tmp_path, "1", config_of("a", "https://a", {"token": "1"}) | {"current-context": ""})
    second = written(tmp_path, "2", config_of("b", "https://b/"))
    third = written(tmp_path, "3", config_of("a", "https://other"))
    environment = {"KUBECONFIG": f"{tmp_path}/absent:{first}::{second}:{third}"}
    access = find_access(None, None, environment)
    assert (access.server, access.namespace) == ("https://b", "of-b")
    access = find_access(None, "a", environment)
    assert (access.server, access.user) == ("https://a", {"token": "1"})
    assert find_access(str(third), None, environment).server == "https://other"


def test_without_kubeconfig_variable_the_home_counts(tmp_path: Path) -> None:
    """Where kubectl looks."""
    written(tmp_path, ".kube/config", config_of("a", "https://a"))
    assert find_access(None, None, {"HOME": str(tmp_path)}).server == "https://a"


def test_files_are_relative_to_their_kubeconfig(tmp_path: Path) -> None:
    """And so is a login program with a slash in its name."""
    config = config_of("a", "https://a", {"client-certificate": "c.pem", "client-key": "/k.pem"})
    config["clusters"][0]["cluster"]["certificate-authority"] = "../ca.pem"
    access = find_access(str(written(tmp_path, "x/config", config)), None, {})
    assert access.cluster["certificate-authority"] == f"{tmp_path}/x/../ca.pem"
    assert access.user == {"client-certificate": f"{tmp_path}/x/c.pem", "client-key": "/k.pem"}
    assert access.directory == tmp_path / "x"


def test_a_context_without_namespace_or_user() -> None:
    """Is in the default namespace, and nobody's."""
    assert Access("https://a", "default").user == {}
    assert "token" not in repr(Access("https://a", "default", user={"token": "secret"}))


@pytest.mark.parametrize(
    ("text", "context", "told"),
    [
        pytest.param(None, None, "found no kubeconfig, or none with a context in it", id="no file"),
        pytest.param("{", None, "cannot read the kubeconfig", id="no YAML"),
        pytest.param("[]", None, "found no mapping in it", id="a list"),
        pytest.param("{}", None, "none with a context in it", id="an empty one"),
        pytest.param(json.dumps(config_of("a", "https://a")), "b", "found no context 'b' in the kubeconfig; it has a", id="an unknown context"),
        pytest.param(json.dumps(config_of("a", "https://a") | {"current-context": ""}), None, "has no current context", id="no current context"),
        pytest.param(json.dumps(config_of("a", "https://a") | {"clusters": []}), None, "found no cluster 'a' in the kubeconfig; it has none", id="a missing cluster"),
        pytest.param(json.dumps(config_of("a", "https://a") | {"users": []}), None, "found no user 'a'", id="a missing user"),
        pytest.param(json.dumps(config_of("a", "a:6443")), None, "found the server 'a:6443'", id="an address without a scheme"),
        pytest.param("clusters: 5", None, "expected a list at clusters", id="no list of clusters"),
        pytest.param("users: {a: {user: {}}}", None, "expected a list at users", id="a map of users"),
        pytest.param(json.dumps(config_of("a", "https://a", {"client-key": 5})), None, "expected a string at user.client-key", id="a number for a file"),
        pytest.param(json.dumps(config_of("a", "https://a", {"password": 123456})), None, "expected a string at user.password", id="a password without quotes"),
        pytest.param(json.dumps(config_of("a", "https://a", {"exec": "aws"})), None, "expected a map at user.exec", id="a login program as a text"),
        pytest.param(json.dumps(config_of("a", "https://a", {"exec": {"args": 5}})), None, "expected a list at user.exec.args", id="no list of arguments"),
        pytest.param(json.dumps(config_of("a", "https://a", {"exec": {"env": ["A=b"]}})), None, "a name and a value in each of user.exec.env", id="a variable as a text"),
        pytest.param(json.dumps(config_of("a", "https://a", {"exec": {"env": [{"name": "A", "value": 1}]}})), None, "expected a string at user.exec.env.value", id="a variable's value without quotes"),
        pytest.param(json.dumps(config_of("a", "https://a", {"auth-provider": {"config": 5}})), None, "expected a map at user.auth-provider.config", id="a provider without a map"),
        pytest.param('clusters: [{name: a, cluster: {insecure-skip-tls-verify: "false"}}]', None, "expected true or false at cluster.insecure-skip-tls-verify", id="a text that would switch the check of certificates off"),
    ],
)  # fmt: skip
def test_a_kubeconfig_that_is_of_no_use(tmp_path: Path, text: str | None, context: str | None, told: str) -> None:
    """Is told in one sentence."""
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Problem) as caught:
        find_access(None, context, {"KUBECONFIG": str(path)})
    assert told in caught.value.text
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.text


def test_a_kubeconfig_that_is_named_must_be_there(tmp_path: Path) -> None:
    """Other than those of the variable."""
    with pytest.raises(Problem, match="found no kubeconfig at"):
        find_access(str(tmp_path / "absent"), None, {})


@pytest.mark.parametrize(
    ("host", "server"), [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_in_a_pod_the_service_account_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, server: str
) -> None:
    """In the pod's namespace, with the token that is in the file then."""
    monkeypatch.setattr(kubeconfig_module, "_ACCOUNT", tmp_path)
    environment = {"KUBERNETES_SERVICE_HOST": host, "HOME": str(tmp_path)}
    with pytest.raises(Problem, match="no ServiceAccount token"):
        find_access(None, None, environment)
    (tmp_path / "token").write_text("abc\n")
    (tmp_path / "namespace").write_text("mine")
    access = find_access(None, None, environment)
    assert (access.server, access.namespace) == (server, "mine")
    assert asyncio.run(Login(access).authorization()) == "Bearer abc"
    (tmp_path / "token").write_text("def")
    assert asyncio.run(Login(access).authorization()) == "Bearer def"


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({}, None),
        ({"token": "t"}, "Bearer t"),
        ({"username": "u", "password": "p"}, f"Basic {base64.b64encode(b'u:p').decode()}"),
        ({"auth-provider": {"name": "oidc", "config": {"id-token": "i"}}}, "Bearer i"),
    ],
)
def test_the_header_of_a_user(user: Config, header: str | None) -> None:
    """As kubectl sends it."""
    assert asyncio.run(Login(Access("https://a", "default", user=user)).authorization()) == header


def program(tmp_path: Path, script: str, **settings: Any) -> Config:
    """Return a user whose credentials a program makes."""
    path = tmp_path / "login.py"
    path.write_text(script)
    return {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": [str(path)]}
        | settings
    }


def test_a_program_makes_the_token_and_is_told_what_kubectl_tells(tmp_path: Path) -> None:
    """Once, and again only after a refusal."""
    script = f"""
import json, os, pathlib
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
count = pathlib.Path({str(tmp_path)!r}) / "count"
count.write_text((count.read_text() if count.exists() else "") + "x")
token = info["kind"] + info["spec"]["cluster"]["server"] + os.environ["MORE"] + count.read_text()
print(json.dumps({{"kind": "ExecCredential", "status": {{"token": token}}}}))
"""
    user = program(tmp_path, script, provideClusterInfo=True, env=[{"name": "MORE", "value": "-more-"}])
    login = Login(Access("https://a", "default", {}, user))

    async def ask() -> list[str | None]:
        first = [await login.authorization(), await login.authorization()]
        assert login.forget()
        return [*first, await login.authorization()]

    begin = "Bearer ExecCredentialhttps://a-more-"
    assert asyncio.run(ask()) == [f"{begin}x", f"{begin}x", f"{begin}xx"]


@pytest.mark.parametrize(
    ("script", "settings", "told"),
    [
        pytest.param("raise SystemExit(3)", {}, "ended with exit code 3", id="it fails"),
        pytest.param("print('hi')", {}, "wrote no ExecCredential", id="it writes something else"),
        pytest.param("print('{\"status\": null}')", {}, "wrote no ExecCredential", id="it writes no status"),
        pytest.param("", {"command": "no-such-program", "installHint": "get  it\nthere"}, "cannot run the kubeconfig's login program 'no-such-program': No such file or directory (get it there)", id="it is not there"),
    ],
)  # fmt: skip
def test_a_program_that_makes_nothing(tmp_path: Path, script: str, settings: Config, told: str) -> None:
    """Is named, with the kubeconfig's own hint."""
    login = Login(Access("https://a", "default", {}, program(tmp_path, script, **settings)))
    with pytest.raises(Problem) as caught:
        asyncio.run(login.authorization())
    assert told in caught.value.text


async def typed(capsys: pytest.CaptureFixture[str], path: Path, *words: str) -> tuple[int, str, str]:
    """Call the command line beside the running loop, against a kubeconfig."""
    code = await asyncio.to_thread(main, [*words, "--kubeconfig", str(path)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


@asynccontextmanager
async def over_tls(api: FakeApi, pki: Pki) -> AsyncIterator[str]:
    """Serve the fake to who shows a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.path("ca.crt")))
    context.load_cert_chain(pki.path("server.crt"), pki.path("server.key"))
    context.verify_mode = ssl.CERT_REQUIRED
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _Front(api, None).handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        api.break_watches()
        await runner.cleanup()


@pytest.mark.parametrize("inline", [False, True])
async def test_a_client_certificate(capsys: pytest.CaptureFixture[str], tmp_path: Path, *, inline: bool) -> None:
    """From files and from the kubeconfig itself; the server's is checked."""
    desk = Desk()
    desk.plan()
    pki = Pki(tmp_path / "pki")
    pki.create(["127.0.0.1"])
    async with over_tls(desk.api, pki) as url:
        files = {"certificate-authority": "ca.crt", "client-certificate": "client.crt", "client-key": "client.key"}
        read = {f"{key}-data": base64.b64encode(pki.path(name).read_bytes()).decode() for key, name in files.items()}
        held = read if inline else {key: str(pki.path(name)) for key, name in files.items()}
        config = config_of("fake", url, {key: value for key, value in held.items() if key.startswith("client")})
        config["contexts"][0]["context"]["namespace"] = "default"
        trusted = {key: value for key, value in held.items() if key.startswith("cert")}
        config["clusters"][0]["cluster"] |= trusted
        code, out, _ = await typed(capsys, written(tmp_path, "config", config), "list", "--plans")
        assert (code, "daily" in out) == (0, True)
        for key in trusted:
            del config["clusters"][0]["cluster"][key]
        code, out, err = await typed(capsys, written(tmp_path, "config", config), "list")
        assert (code, out, "its certificate is not trusted" in err) == (2, "", True)
        config["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
        assert (await typed(capsys, written(tmp_path, "config", config), "list"))[0] == 0


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ({"client-certificate-data": "e", "client-key-data": "e"}, "cannot read the kubeconfig's client-certificate"),
        ({"client-certificate": "/nowhere", "client-key": "/nowhere"}, "cannot read the kubeconfig's client-certificate: No such file"),
        ({"client-certificate-data": "eA==", "client-key-data": "eA=="}, "cannot use the kubeconfig's client certificate"),
        ({"tokenFile": "/nowhere"}, "cannot read the token file /nowhere"),
    ],
)  # fmt: skip
async def test_credentials_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, user: Config, told: str
) -> None:
    """Are told without what they hold."""
    path = written(tmp_path, "config", config_of("a", "https://127.0.0.1:1", user))
    code, _, err = await typed(capsys, path, "list")
    assert (code, told in err) == (2, True), err


async def test_a_watch_and_a_token_over_http(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A run is waited for over a real connection, which breaks once."""
    desk = Desk()
    desk.plan()
    desk.run()
    async with serve(desk.api, "secret") as url:
        config = config_of("fake", url, {"token": "secret"})
        path = written(tmp_path, "config", config)
        waiting = asyncio.create_task(typed(capsys, path, "wait", "daily-abcde", "-n", "default"))
        while not desk.api.store.watches():  # noqa: ASYNC110 - nothing tells of a watch that was opened
            await asyncio.sleep(0.01)
        desk.api.break_watches()
        desk.ends("daily-abcde", "Aborted")()
        code, out, _ = await waiting
        assert (code, out) == (5, "lpx/daily-abcde: Aborted\n")
        code, _, err = await typed(capsys, written(tmp_path, "config", config_of("fake", url)), "list")
        assert (code, "401 Unauthorized" in err) == (2, True)


async def test_a_program_is_asked_again_after_a_refusal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A token that has expired is made anew, once."""
    marker = tmp_path / "second"
    script = f"""
import json, pathlib
second = pathlib.Path({str(marker)!r})
token = "new" if second.exists() else "old"
second.touch()
print(json.dumps({{"status": {{"token": token}}}}))
"""
    async with serve(FakeApi(), "new") as url:
        config = config_of("fake", url, program(tmp_path, script))
        code, _, err = await typed(capsys, written(tmp_path, "config", config), "list")
        assert (code, err) == (0, "")


async def test_nobody_listens(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The address is told, and why."""
    path = written(tmp_path, "config", config_of("a", "https://user:hidden@127.0.0.1:1"))
    code, out, err = await typed(capsys, path, "run", "daily")
    assert (code, out) == (2, "")
    assert "the API server gave no usable answer: get launchplans: 127.0.0.1:1: " in err
    assert "Connection refused" in err
    assert "hidden" not in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param(Fault(403, message='launchplans is forbidden: User "u" cannot list'), 'the API server forbids it: launchplans is forbidden: User "u" cannot list (see: kubectl auth can-i --list)', id="forbidden"),
        pytest.param(Fault(401), "does not know who you are: 401 Unauthorized", id="not logged in"),
        pytest.param(Fault(503, message="starting"), "no usable answer: list launchplans: 503 starting", id="not ready"),
        pytest.param(Fault(429, message="slow down"), "429 slow down", id="too many requests"),
        pytest.param(Fault(Lost.DROPPED), "connection broke", id="a connection that breaks"),
    ],
)  # fmt: skip
def test_what_the_server_says_is_one_line(fault: Fault, told: str) -> None:
    """And exit code 2."""
    desk = Desk()
    desk.api.faults = lambda _: fault
    ended = desk.type("list", "--plans")
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [("list",), ("describe", "x"), ("run", "x"), ("wait", "x"), ("activate", "x"), ("clone", "x", "y")]
)
def test_a_cluster_without_the_operator(words: tuple[str, ...]) -> None:
    """Every command says that the CRDs are not installed."""
    desk = Desk()
    for key in [key for key in desk.api.resources if key[0] == LAUNCH_PLANS.group]:
        del desk.api.resources[key]
    ended = desk.type(*words)
    assert (ended.code, ended.out) == (2, "")
    assert "the operator's CRDs are not installed (kubectl apply -f crds/)" in ended.err


def test_a_watch_that_is_forbidden_ends_the_wait() -> None:
    """Instead of trying for ever."""
    desk = Desk()
    desk.run()
    desk.api.faults = lambda call: Fault(403, message="cannot watch") if call.verb == "watch" else None
    ended = desk.type("wait", "daily-abcde")
    assert (ended.code, "the API server forbids it: cannot watch" in ended.err) == (2, True)


def test_what_asks_the_cluster_starts_without_what_is_slow_to_load() -> None:
    """Neither an HTTP library, nor the official client, nor the models."""
    modules = [command.path for name, command in BY_NAME.items() if name in FIRST]
    script = f"import importlib, sys; [importlib.import_module(name) for name in {modules!r}]; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(Path(kubeconfig_module.__file__).parents[2])}
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loaded = run.stdout.split()
    assert set(modules) <= set(loaded)
    assert {"aiohttp", "kopf", "kubernetes", "pydantic", "yaml"} & set(loaded) == set()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(("describe", "daily"), 0, "Plan:", id="a plan is described"),
        pytest.param(("clone", "daily", "weekly"), 0, "lp/weekly created", id="a plan is copied"),
        pytest.param(("logs", "daily-abcde"), 0, "words", id="a log is shown"),
        pytest.param(("run", "none"), 1, "found no LaunchPlan 'none' in the namespace", id="a typing error is told"),
        pytest.param(("describe", "none"), 1, "found no LaunchPlan, LaunchPlanExecution or", id="an unknown name"),
        pytest.param(("describe", "wfd/report"), 2, "the API server forbids it", id="the workflow itself is refused"),
    ],
)
def test_who_may_not_see_workflows_uses_plans(words: tuple[str, ...], code: int, told: str) -> None:
    """A right that a command can do without does not stop it."""
    desk = Desk()
    desk.workflow()
    desk.plan()
    desk.run()
    desk.pod("daily-abcde", "a", {"terminated": {"exitCode": 0}})
    desk.connection.logs = {"a": [Answer(200, (b"words",))]}
    desk.api.faults = lambda call: Fault(403) if call.kind == WORKFLOW_DEFINITIONS else None
    ended = desk.type(*words)
    assert (ended.code, told in ended.out + ended.err) == (code, True)
