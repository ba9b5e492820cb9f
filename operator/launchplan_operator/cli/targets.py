"""What a user names: `NAME`, or a kind's short name before it as kubectl writes it, `lp/NAME`."""

from dataclasses import dataclass
from typing import Final

from launchplan_operator.api.kinds import Kind
from launchplan_operator.cli.cluster import SHORT, Cluster, Forbidden, checked_name
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.kube.transport import Object

_SPELLINGS: Final = {
    spelling: kind
    for kind, short in SHORT.items()
    for spelling in (
        short,
        kind.plural,
        kind.kind.lower(),
        f"{kind.plural}.{kind.group}",
        f"{kind.kind.lower()}.{kind.group}",
    )
}


@dataclass(frozen=True, slots=True)
class Target:
    """An object that the user names."""

    kind: Kind
    name: str

    @property
    def text(self) -> str:
        """How the user would write it."""
        return f"{SHORT[self.kind]}/{self.name}"


def read_target(text: str, *kinds: Kind) -> Target:
    """Return what a text names; without a kind before the name, the first of the kinds that are expected.

    Raises:
        Problem: the kind is none of these, or there is no name.
    """
    spelling, slash, name = text.rpartition("/")
    kind = _SPELLINGS.get(spelling.lower()) if slash else kinds[0]
    if kind in kinds and name:
        return Target(kind, checked_name(name))
    expected = " or ".join(("NAME", *(f"{SHORT[each]}/NAME" for each in kinds)))
    raise Problem(f"found {text!r}, expected {expected}")


async def find_target(cluster: Cluster, text: str, *kinds: Kind) -> tuple[Target, Object]:
    """Return what a text names and the object; a bare name may be of any of the kinds, but of one only.

    Raises:
        Problem: there is no such object, or more than one.
    """
    named = (read_target(text, *kinds),) if "/" in text else tuple(Target(kind, checked_name(text)) for kind in kinds)
    looked = [(target, await _get(cluster, target, alone=len(named) == 1)) for target in named]
    found = [(target, obj) for target, obj in looked if obj]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(target.text for target, _ in found)
        raise Problem(f"{text!r} names both {names}", hint=f"say which: {found[0][0].text}")
    if len(named) == 1:
        await cluster.missing(named[0].kind, named[0].name)
    kinds_text = ", ".join(target.kind.kind for target in named[:-1]) + f" or {named[-1].kind.kind}"
    message = f"found no {kinds_text} {text!r} in the namespace {cluster.namespace!r}"
    hint = f"see: kubectl get {','.join(SHORT[target.kind] for target in named)}"
    raise Problem(message, hint=hint, exit_code=FAILURE_EXIT)


async def _get(cluster: Cluster, target: Target, *, alone: bool) -> Object | None:
    """Return an object; what may not be read is as good as absent where the name may be of another kind."""
    try:
        return await cluster.client.get(target.kind, cluster.namespace, target.name)
    except Forbidden:
        if alone:
            raise
        return None
