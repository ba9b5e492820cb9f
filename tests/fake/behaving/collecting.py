"""Garbage collection: what goes with its owners, and what stays."""

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from tests.fake.behaviours import Maker, Server, behaviour, created, owner, present


@behaviour
async def background_takes_the_dependents_along(server: Server) -> None:
    """Background takes the dependents along."""
    make = Maker(server.namespace)
    plan = await created(server, LAUNCH_PLANS, make.plan())
    execution = await created(server, LAUNCH_PLAN_EXECUTIONS, make.execution(ownerReferences=[owner(plan)]))
    await created(server, JOBS, make.job(ownerReferences=[owner(execution, controller=True)]))
    reply = await server.client.delete(LAUNCH_PLANS, server.namespace, "a")
    assert reply.ok

    async def all_gone() -> bool:
        return not await present(server, JOBS, "a") and not await present(server, LAUNCH_PLAN_EXECUTIONS, "a")

    await server.eventually(all_gone)


@behaviour
async def orphaning_removes_the_reference_and_no_object(server: Server) -> None:
    """Orphaning removes the reference and no object."""
    make = Maker(server.namespace)
    cron_job = await created(server, CRON_JOBS, make.cron_job())
    await created(server, JOBS, make.job(ownerReferences=[owner(cron_job, controller=True)]))
    assert (await server.client.delete(CRON_JOBS, server.namespace, "a", propagation="Orphan")).ok

    async def cron_job_gone() -> bool:
        return not await present(server, CRON_JOBS, "a")

    await server.eventually(cron_job_gone)
    job = await server.client.get(JOBS, server.namespace, "a")
    assert job is not None
    assert "ownerReferences" not in job["metadata"]


@behaviour
async def an_object_with_two_owners_survives_either(server: Server) -> None:
    """An object with two owners survives either."""
    make = Maker(server.namespace)
    cron_job = await created(server, CRON_JOBS, make.cron_job())
    execution = await created(server, LAUNCH_PLAN_EXECUTIONS, make.execution())
    owners = [owner(cron_job, controller=True), owner(execution)]
    for name, propagation in (("b", "Background"), ("c", "Foreground")):
        await created(server, JOBS, make.job(name, ownerReferences=owners))
        assert (await server.client.delete(CRON_JOBS, server.namespace, "a", propagation=propagation)).ok

        async def one_owner_left(name: str = name) -> bool:
            job = await server.client.get(JOBS, server.namespace, name)
            assert job is not None
            return bool(job["metadata"]["ownerReferences"] == [owner(execution)])

        await server.eventually(one_owner_left)
        cron_job = await created(server, CRON_JOBS, make.cron_job())
        owners[0] = owner(cron_job, controller=True)


@behaviour
async def an_owner_of_another_uid_is_no_owner(server: Server) -> None:
    """An owner of another uid is no owner."""
    make = Maker(server.namespace)
    plan = await created(server, LAUNCH_PLANS, make.plan())
    stranger = owner(plan) | {"uid": "11111111-2222-4333-8444-555555555555"}
    await created(server, LAUNCH_PLAN_EXECUTIONS, make.execution(ownerReferences=[stranger]))

    async def gone() -> bool:
        return not await present(server, LAUNCH_PLAN_EXECUTIONS, "a")

    await server.eventually(gone)


@behaviour
async def foreground_waits_for_the_dependents(server: Server) -> None:
    """Foreground waits for the dependents."""
    make = Maker(server.namespace)
    plan = await created(server, LAUNCH_PLANS, make.plan())
    blocking = owner(plan) | {"blockOwnerDeletion": True}
    held = make.execution(ownerReferences=[blocking], finalizers=["tests.launchplan.dev/hold"])
    await created(server, LAUNCH_PLAN_EXECUTIONS, held)
    reply = await server.client.delete(LAUNCH_PLANS, server.namespace, "a", propagation="Foreground")
    assert reply.body["metadata"]["finalizers"] == ["foregroundDeletion"]

    async def dependent_marked() -> bool:
        execution = await server.client.get(LAUNCH_PLAN_EXECUTIONS, server.namespace, "a")
        return execution is not None and "deletionTimestamp" in execution["metadata"]

    async def owner_gone() -> bool:
        return not await present(server, LAUNCH_PLANS, "a")

    await server.eventually(dependent_marked)
    assert await present(server, LAUNCH_PLANS, "a")
    free = {"metadata": {"finalizers": None}}
    assert (await server.client.patch(LAUNCH_PLAN_EXECUTIONS, server.namespace, "a", free)).ok
    await server.eventually(owner_gone)


@behaviour
async def a_job_deleted_without_a_word_orphans_its_pods(server: Server) -> None:
    """A job deleted without a word orphans its pods."""
    # Held by a finalizer, so that the mark is seen before any collector acts on it.
    await created(server, JOBS, Maker(server.namespace).job(finalizers=["tests.launchplan.dev/hold"]))
    response = await server.transport.request("DELETE", JOBS.path(server.namespace, "a"))
    assert response.status == 200
    assert "orphan" in response.body["metadata"]["finalizers"]
