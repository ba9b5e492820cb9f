"""Which of a run's settings holds: the run's own, else its plan's, else the operator's default.

Maps and lists (labels, annotations, env, identity) are taken whole from one level and never merged by key. An empty one
says nothing, and neither does an empty prefix: the next level counts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from launchplan_operator.api.durations import parse_go_duration
from launchplan_operator.api.settings import EnvVar, Identity, RawOutputDataConfig

T = TypeVar("T")


class Level(StrEnum):
    """Who set a setting, the strongest first."""

    Run = "run"
    Plan = "plan"
    Operator = "operator"


class SettingsSource(Protocol):
    """What every level may say: a plan's spec, a run's, and the operator's defaults. None and empty say nothing."""

    @property
    def labels(self) -> Mapping[str, str] | None:
        """Labels for the Job."""

    @property
    def annotations(self) -> Mapping[str, str] | None:
        """Annotations for the Job."""

    @property
    def env(self) -> tuple[EnvVar, ...] | None:
        """Environment variables."""

    @property
    def identity(self) -> Identity | None:
        """ServiceAccount and secrets."""

    @property
    def interruptible(self) -> bool | None:
        """Whether the pod may land on nodes that may go away."""

    @property
    def max_parallelism(self) -> int | None:
        """How many pods at once; 0 says nothing."""

    @property
    def raw_output_data_config(self) -> RawOutputDataConfig | None:
        """Where large outputs go."""

    @property
    def timeout(self) -> str | None:
        """A Go duration."""


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T]):
    """A value and the level that it comes from."""

    value: T
    level: Level = Level.Operator


@dataclass(frozen=True, slots=True)
class ResolvedSettings:
    """What holds over all levels, before anybody asked whether the workflow allows it.

    Attributes:
        max_parallelism: 1 at least, or None where no level sets a limit.
        output_prefix: without a slash at its end, or None where no level has one.
        timeout: whole seconds, or None where no level sets one.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    env: Chosen[tuple[EnvVar, ...]]
    identity: Chosen[Identity]
    interruptible: bool | None
    max_parallelism: int | None
    output_prefix: str | None
    timeout: int | None


def resolve_settings(
    run: SettingsSource | None, plan: SettingsSource | None, defaults: SettingsSource
) -> ResolvedSettings:
    """Return each setting of the first level that sets it.

    Without a `run` it is what a schedule's runs get; without a `plan`, what a run of a bare workflow gets.
    """
    levels = [(level, source) for level, source in zip(Level, (run, plan, defaults), strict=True) if source is not None]
    sources = [source for _, source in levels]
    prefix = _first(_prefix(source) for source in sources)
    return ResolvedSettings(
        labels=_first(source.labels for source in sources) or {},
        annotations=_first(source.annotations for source in sources) or {},
        env=_chosen(levels, lambda source: source.env, ()),
        identity=_chosen(levels, lambda source: _identity(source.identity), Identity()),
        interruptible=next((s.interruptible for s in sources if s.interruptible is not None), None),
        max_parallelism=_first(source.max_parallelism for source in sources),
        output_prefix=prefix.rstrip("/") if prefix else None,
        timeout=_seconds(_first(source.timeout for source in sources)),
    )


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value), None)


def _chosen(
    levels: Iterable[tuple[Level, SettingsSource]], setting: Callable[[SettingsSource], T | None], nothing: T
) -> Chosen[T]:
    for level, source in levels:
        if value := setting(source):
            return Chosen(value, level)
    return Chosen(nothing)


def _identity(identity: Identity | None) -> Identity | None:
    return None if identity == Identity() else identity


def _prefix(source: SettingsSource) -> str | None:
    config = source.raw_output_data_config
    return config.output_location_prefix if config is not None else None


def _seconds(duration: str | None) -> int | None:
    parsed = parse_go_duration(duration) if duration is not None else None
    return int(parsed.total_seconds()) if parsed is not None else None
