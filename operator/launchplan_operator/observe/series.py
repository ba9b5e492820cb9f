"""Counters, gauges and histograms of one registry, made from the catalogue."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from launchplan_operator.observe.catalogue import OTHER_NAMESPACES, Definition

#: Values of one metric by the values of its labels.
Values = Mapping[tuple[str, ...], float]

# Otherwise each counter and histogram has a second series with the time of its birth, which nobody asks for.
_disable_created_metrics: Any = prometheus_client.disable_created_metrics
_disable_created_metrics()


class Namespaces:
    """Which namespaces have series of their own: the first so many that something was told of.

    Args:
        limit: How many.
        on_new: Told each label once, before it is given out: a counter that begins with its first increase shows none.
    """

    def __init__(self, limit: int, on_new: Callable[[str], None]) -> None:
        self._limit = limit
        self._on_new = on_new
        self._labels: dict[str, str] = {}
        self._given: set[str] = set()

    def label(self, namespace: str) -> str:
        """Return what stands in the label for a namespace; the same for as long as the process lives."""
        known = self._labels.get(namespace)
        if known is not None:
            return known
        if len(self._labels) >= self._limit:
            return self._give(OTHER_NAMESPACES)
        self._labels[namespace] = namespace
        return self._give(namespace)

    def _give(self, label: str) -> str:
        if label not in self._given:
            self._given.add(label)
            self._on_new(label)
        return label


def make_counter(definition: Definition, registry: CollectorRegistry) -> Counter:
    """Make a counter; one without labels is 0 at once."""
    return Counter(definition.name, definition.help, definition.labels, registry=registry)


def make_histogram(definition: Definition, registry: CollectorRegistry) -> Histogram:
    """Make a histogram with the definition's bounds."""
    return Histogram(definition.name, definition.help, definition.labels, registry=registry, buckets=definition.buckets)


class Scraped(Collector):
    """Metrics that are computed when somebody asks.

    Args:
        definitions: What they are.
        read: Returns the values of each, in the same order.
    """

    def __init__(self, definitions: tuple[Definition, ...], read: Callable[[], Iterable[Values]]) -> None:
        self._definitions = definitions
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Return what Prometheus is shown."""
        return [_family(each, values) for each, values in zip(self._definitions, self._read(), strict=True)]

    def describe(self) -> Iterable[Metric]:
        """Return the names alone: nothing is computed when the registry asks for them."""
        return [_family(each, {}) for each in self._definitions]


def _family(definition: Definition, values: Values) -> Metric:
    make: Any = CounterMetricFamily if definition.type == "counter" else GaugeMetricFamily
    family = make(definition.name, definition.help, labels=definition.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    shown: Metric = family
    return shown
