"""The cache holds the newest version of every object, in whatever order the news arrive."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.kube.cache import Cache, version_of
from launchplan_operator.kube.transport import Object


def pod(version: int, *, name: str = "a", uid: str = "u1", **labels: str) -> Object:
    """Return an object as a server sends it."""
    meta = {"name": name, "namespace": "ns", "uid": uid, "resourceVersion": str(version), "labels": labels}
    return {"metadata": meta | {"managedFields": [{}]}, "spec": {"size": version}}


def version_or_0(obj: Object | None) -> int:
    """Return the version of what is there."""
    return 0 if obj is None else version_of(obj)


def by_label(obj: Object) -> list[str]:
    """Index by the values of all labels."""
    return list(obj["metadata"]["labels"].values())


def test_newer_is_taken_older_and_equal_are_ignored() -> None:
    """Only a newer version replaces what is held."""
    cache = Cache()
    assert cache.put(pod(5))
    assert not cache.put(pod(5))
    assert not cache.put(pod(4))
    assert cache.put(pod(10))
    found = cache.get("ns", "a")
    assert found is not None
    assert version_of(found) == 10


def test_versions_are_compared_as_numbers() -> None:
    """Version 10 is newer than 9."""
    cache = Cache()
    cache.put(pod(9))
    assert cache.put(pod(10))


def test_managed_fields_are_dropped() -> None:
    """Who owns which field is not kept."""
    cache = Cache()
    cache.put(pod(1))
    found = cache.get("ns", "a")
    assert found is not None
    assert "managedFields" not in found["metadata"]


def test_an_object_is_projected_on_arrival() -> None:
    """Only the projection is held."""
    cache = Cache(project=lambda obj: {"metadata": obj["metadata"], "size": obj["spec"]["size"]})
    cache.put(pod(7))
    found = cache.get("ns", "a")
    assert found is not None
    assert found["size"] == 7
    assert "spec" not in found


def test_a_ghost_does_not_come_back() -> None:
    """After a deletion, older news of the object are ignored."""
    cache = Cache()
    cache.put(pod(5))
    assert cache.remove(pod(8))
    assert not cache.put(pod(7))
    assert len(cache) == 0


def test_a_deletion_of_something_unknown_is_remembered() -> None:
    """A deletion that arrives before the object keeps it out."""
    cache = Cache()
    assert not cache.remove(pod(8))
    assert not cache.put(pod(7))


def test_a_new_object_of_a_deleted_name_is_taken() -> None:
    """Another uid with a newer version is another object."""
    cache = Cache()
    cache.put(pod(5))
    cache.remove(pod(8))
    assert cache.put(pod(9, uid="u2"))


def test_a_late_deletion_does_not_take_the_successor() -> None:
    """The deletion of the predecessor leaves the object that took its name."""
    cache = Cache()
    cache.put(pod(9, uid="u2"))
    assert not cache.remove(pod(8, uid="u1"))
    assert cache.get("ns", "a") is not None


def test_a_deletion_takes_an_older_predecessor_along() -> None:
    """If the second object of a name is gone, the first is gone too."""
    cache = Cache()
    cache.put(pod(5, uid="u1"))
    assert cache.remove(pod(9, uid="u2"))
    assert cache.get("ns", "a") is None


def test_an_object_found_missing_in_a_list_stays_away() -> None:
    """What was missing at version 20 does not come back with version 15."""
    cache = Cache()
    cache.put(pod(5))
    assert cache.remove(pod(5), version=20)
    assert not cache.put(pod(15))
    assert cache.put(pod(21, uid="u2"))


def test_remembered_deletions_are_bounded() -> None:
    """The oldest deletion is forgotten first."""
    cache = Cache(remembered=2)
    for name in ("a", "b", "c"):
        cache.remove(pod(8, name=name))
    assert cache.put(pod(7, name="a"))
    assert not cache.put(pod(7, name="b"))
    assert not cache.put(pod(7, name="c"))


def test_an_index_follows_its_object() -> None:
    """An object is found under its present keys only."""
    cache = Cache(indexes={"label": by_label})
    cache.put(pod(1, x="red", y="round"))
    cache.put(pod(1, name="b", x="red"))
    assert len(cache.by("label", "red")) == 2
    cache.put(pod(2, x="blue", y="round"))
    assert [obj["metadata"]["name"] for obj in cache.by("label", "red")] == ["b"]
    assert version_of(cache.by("label", "round")[0]) == 2
    cache.remove(pod(3))
    assert cache.by("label", "blue") == []
    assert cache.by("label", "round") == []


def test_an_indexer_that_fails_leaves_everything_as_it_was() -> None:
    """An odd object is refused whole."""
    cache = Cache(indexes={"label": by_label, "size": lambda obj: [str(1 // obj["spec"]["size"])]})
    with pytest.raises(ZeroDivisionError):
        cache.put(pod(1, x="red") | {"spec": {"size": 0}})
    assert cache.by("label", "red") == []
    assert len(cache) == 0


def test_listeners_hear_of_each_change_once() -> None:
    """A write of ours and its own watch event are one change."""
    heard: list[tuple[int, int]] = []
    cache = Cache()
    cache.listen(lambda old, new: heard.append((version_or_0(old), version_or_0(new))))
    cache.put(pod(1))
    cache.put(pod(1))
    cache.put(pod(2))
    cache.remove(pod(3))
    cache.remove(pod(3))
    assert heard == [(0, 1), (1, 2), (2, 0)]


def test_a_listener_that_comes_later_hears_of_what_is_held_first() -> None:
    """As if it came now; one that fails does so for each object alone."""
    heard: list[tuple[int, int]] = []
    cache = Cache()
    cache.put(pod(1))
    cache.put(pod(2, name="b"))

    def hear(old: Object | None, new: Object | None) -> None:
        heard.append((version_or_0(old), version_or_0(new)))
        if len(heard) == 1:
            raise ValueError("odd")

    cache.listen(hear)
    assert heard == [(0, 1), (0, 2)]
    cache.put(pod(3))
    assert heard[2:] == [(1, 3)]


def test_a_listener_that_fails_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The change stands, the other listeners hear of it, and the failure is logged."""
    heard: list[Object | None] = []

    def fail(_old: Object | None, _new: Object | None) -> None:
        raise ValueError("odd")

    cache = Cache()
    cache.listen(fail)
    cache.listen(lambda _old, new: heard.append(new))
    assert cache.put(pod(1))
    assert len(heard) == 1
    assert "a listener of the cache failed" in caplog.text


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[str, Object]], Object | None]:
    """Return the events of one name's true history, and its last state."""
    events: list[tuple[str, Object]] = []
    version, alive, uid = 0, None, 0
    for step in draw(st.lists(st.sampled_from(["write", "delete"]), min_size=1, max_size=12)):
        version += draw(st.integers(1, 5))
        if step == "write":
            uid += alive is None
            alive = pod(version, uid=f"u{uid}")
            events.append(("put", alive))
        elif alive is not None:
            events.append(("remove", pod(version, uid=f"u{uid}")))
            alive = None
    return events, alive


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_repetition_ends_in_the_last_state(
    history: tuple[list[tuple[str, Object]], Object | None], random: Random
) -> None:
    """Events may be shuffled and repeated: the newest state wins."""
    events, last = history
    shuffled = events * 2
    random.shuffle(shuffled)
    cache = Cache()
    for kind, obj in shuffled:
        fresh = {**obj, "metadata": dict(obj["metadata"])}
        (cache.put if kind == "put" else cache.remove)(fresh)
    found = cache.get("ns", "a")
    assert version_or_0(found) == version_or_0(last)


@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from("ab"), st.sampled_from("xyz"), st.booleans())))
def test_indexes_agree_with_the_objects(steps: list[tuple[int, str, str, bool]]) -> None:
    """What an index finds is what a search through all objects finds."""
    cache = Cache(indexes={"label": by_label})
    for version, name, label, removed in steps:
        obj = pod(version, name=name, uid=f"u{version % 3}", label=label)
        (cache.remove if removed else cache.put)(obj)
        for key in "xyz":
            expected = [each for each in cache.values() if each["metadata"]["labels"]["label"] == key]
            found = cache.by("label", key)
            assert sorted(map(id, found)) == sorted(map(id, expected))
