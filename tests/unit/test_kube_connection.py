"""The real connection, against the fake over HTTP on the loopback."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.kube.client import Client, Unavailable
from launchplan_operator.kube.connection import AiohttpTransport
from launchplan_operator.kube.credentials import Credentials, pod_namespace
from launchplan_operator.kube.transport import Object
from tests.fake import FakeApi, Fault, Lost
from tests.fake.server import kubeconfig, serve

SECRET = "hush-hush"  # noqa: S105 - what must not be seen
STALE = "stale"


def plan(name: str = "a", **spec: object) -> Object:
    """Return a launch plan."""
    return {
        "apiVersion": LAUNCH_PLANS.api_version,
        "kind": "LaunchPlan",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"workflowRef": {"name": "w"}} | spec,
    }


@asynccontextmanager
async def connected(api: FakeApi, file: Path, *, token: str = SECRET) -> AsyncIterator[AiohttpTransport]:
    """Serve the fake and connect by a kubeconfig file with that token."""
    async with serve(api, SECRET) as url:
        write(file, kubeconfig(url, token))
        transport = await AiohttpTransport.from_kubeconfig(str(file))
        try:
            yield transport
        finally:
            await transport.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the kubeconfig goes."""
    return tmp_path / "kubeconfig"


def test_the_namespace_of_a_pod_is_what_kubernetes_mounts(tmp_path: Path) -> None:
    """A file of one line, with or without its end."""
    mounted = tmp_path / "namespace"
    mounted.write_text("launchplan-system\n")
    assert pod_namespace(mounted) == "launchplan-system"


async def test_the_client_works_over_http(file: Path) -> None:
    """Create, read, change, list, watch, delete."""
    api = FakeApi()
    async with connected(api, file) as transport:
        client = Client(transport)
        created = await client.create(LAUNCH_PLANS, plan(defaultInputs={"text": "grüße/…"}))
        assert created.ok
        assert (await client.create(LAUNCH_PLANS, plan())).exists
        found = await client.get(LAUNCH_PLANS, "default", "a")
        assert found is not None
        assert found["spec"]["defaultInputs"] == {"text": "grüße/…"}
        since = found["metadata"]["resourceVersion"]
        assert (await client.patch(LAUNCH_PLANS, "default", "a", {"spec": {"suspend": True}})).ok
        assert len((await client.list(LAUNCH_PLANS, labels="!x")).items) == 1
        assert (await client.delete(LAUNCH_PLANS, "default", "a", uid=found["metadata"]["uid"])).ok
        assert await client.get(LAUNCH_PLANS, "default", "a") is None
        events = [event.type async for event in client.watch(LAUNCH_PLANS, "default", since, timeout=1)]
        assert events == ["MODIFIED", "DELETED", "BOOKMARK"]


async def test_a_line_of_a_watch_may_be_long(file: Path) -> None:
    """An object of a megabyte arrives whole."""
    api = FakeApi()
    async with connected(api, file) as transport:
        client = Client(transport)
        large = {f"key{number}": "x" * 10_000 for number in range(100)}
        await client.create(LAUNCH_PLANS, plan(defaultInputs=large))
        watch = client.watch(LAUNCH_PLANS, "default", "", timeout=1)
        event = await anext(watch)
        assert event.object["spec"]["defaultInputs"] == large
        await watch.aclose()


async def test_a_server_that_breaks_the_connection_is_unavailable(file: Path) -> None:
    """A dropped connection is no crash."""
    api = FakeApi()
    async with connected(api, file) as transport:
        client = Client(transport)
        api.faults = lambda _call: Fault(Lost.DROPPED)
        with pytest.raises(Unavailable, match="create launchplans: ServerDisconnectedError"):
            await client.create(LAUNCH_PLANS, plan())
        with pytest.raises(Unavailable):
            await anext(client.watch(LAUNCH_PLANS, "default", ""))


async def test_a_server_that_is_not_there_is_unavailable(file: Path) -> None:
    """A refused connection says so."""
    api = FakeApi()
    async with connected(api, file) as transport:
        pass
    transport = await AiohttpTransport.from_kubeconfig(str(file))
    with pytest.raises(Unavailable, match="get launchplans: ClientConnectorError: Connection refused"):
        await Client(transport).get(LAUNCH_PLANS, "default", "a")
    with pytest.raises(Unavailable, match="watch launchplans: ClientConnectorError"):
        await anext(Client(transport).watch(LAUNCH_PLANS, "default", ""))
    await transport.close()


async def test_a_silent_server_is_given_up(file: Path) -> None:
    """The client's time-out ends the request."""
    api = FakeApi()
    async with connected(api, file) as transport:
        api.faults = lambda _call: Fault(Lost.HANGS)
        with pytest.raises(Unavailable, match=r"no answer within 0.2 s"):
            await Client(transport, timeout=0.2).get(LAUNCH_PLANS, "default", "a")


async def test_a_refused_token_is_read_anew_once(file: Path) -> None:
    """After a 401 the kubeconfig is read again, and the call repeated once."""
    api = FakeApi()
    async with connected(api, file, token=STALE) as transport:
        client = Client(transport)
        with pytest.raises(Unavailable, match="create launchplans: 401"):
            await client.create(LAUNCH_PLANS, plan())
        rewrite(file, SECRET)
        replies = await asyncio.gather(*(client.create(LAUNCH_PLANS, plan(f"p{number}")) for number in range(5)))
        assert all(reply.ok for reply in replies)


async def test_a_watch_with_a_refused_token_works_the_next_time(file: Path) -> None:
    """The refused watch reads the credentials anew."""
    api = FakeApi()
    async with connected(api, file, token=STALE) as transport:
        client = Client(transport)
        rewrite(file, SECRET)
        with pytest.raises(Unavailable, match="watch launchplans: 401"):
            await anext(client.watch(LAUNCH_PLANS, "default", ""))
        assert [event.type async for event in client.watch(LAUNCH_PLANS, "default", "", timeout=1)] == ["BOOKMARK"]


async def test_credentials_that_cannot_be_read_are_an_outage(file: Path) -> None:
    """A kubeconfig that vanished is no crash, and its content is not quoted."""
    api = FakeApi()
    async with connected(api, file, token=STALE) as transport:
        write(file, {"nonsense": SECRET})
        with pytest.raises(Unavailable, match="create launchplans: no credentials: ConfigException"):
            await Client(transport).create(LAUNCH_PLANS, plan())


async def test_proxies_of_the_environment_are_ignored(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the kubeconfig names a proxy."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with connected(FakeApi(), file) as transport:
        assert await Client(transport).get(LAUNCH_PLANS, "default", "a") is None


@pytest.mark.parametrize("fault", [None, Fault(Lost.DROPPED), Fault(403)])
async def test_no_secret_is_seen(file: Path, caplog: pytest.LogCaptureFixture, fault: Fault | None) -> None:
    """Neither a log line nor an exception with all its causes holds the token or the password of an address."""
    caplog.set_level(logging.DEBUG)
    api = FakeApi()
    api.faults = lambda _call: fault
    async with connected(api, file) as transport:
        assert SECRET not in json.dumps(await provoke(transport))
        config = read(file)
        for server in (config["clusters"][0]["cluster"]["server"], "http://127.0.0.1:1"):
            config["clusters"][0]["cluster"]["server"] = server.replace("//", f"//user:{SECRET}@")
            write(file, config)
            other = await AiohttpTransport.from_kubeconfig(str(file))
            assert SECRET not in json.dumps(await provoke(other))
            await other.close()
    assert SECRET not in caplog.text
    assert SECRET not in repr(await Credentials.from_kubeconfig(str(file)))


async def test_an_address_may_log_in(file: Path) -> None:
    """User and password of the address become a header, as with kubectl, unless there is a token."""
    write(file, kubeconfig(f"https://user:{SECRET}@example.invalid/root/"))
    credentials = await Credentials.from_kubeconfig(str(file))
    assert credentials.url == "https://example.invalid/root"
    assert await credentials.authorization() == f"Basic {base64.b64encode(f'user:{SECRET}'.encode()).decode()}"
    rewrite(file, "token")
    credentials = await Credentials.from_kubeconfig(str(file))
    assert await credentials.authorization() == "Bearer token"


async def test_a_context_can_be_chosen(file: Path) -> None:
    """The context named, not the current one."""
    config = kubeconfig("https://one.invalid")
    config["clusters"].append({"name": "two", "cluster": {"server": "https://two.invalid"}})
    config["contexts"].append({"name": "two", "context": {"cluster": "two", "user": "fake"}})
    write(file, config)
    assert (await Credentials.from_kubeconfig(str(file), "two")).url == "https://two.invalid"


async def provoke(transport: AiohttpTransport) -> list[str]:
    """Make calls that may fail and return what their failures say."""
    client, texts = Client(transport), list[str]()
    for call in (client.get(LAUNCH_PLANS, "default", "a"), anext(client.watch(LAUNCH_PLANS, "default", "", timeout=1))):
        try:
            await call
        except (Unavailable, StopAsyncIteration) as error:
            found: BaseException | None = error
            while found is not None:
                texts.append(repr(found))
                found = found.__cause__
    return texts


def rewrite(file: Path, token: str) -> None:
    """Change the token of a kubeconfig."""
    config = read(file)
    config["users"][0]["user"]["token"] = token
    write(file, config)


def read(file: Path) -> Object:
    """Read a kubeconfig."""
    config: Object = yaml.safe_load(file.read_text())
    return config


def write(file: Path, config: Object) -> None:
    """Write a kubeconfig."""
    file.write_text(yaml.safe_dump(config))
