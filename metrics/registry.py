"""The metrics of every process, on Linux and macOS alike."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Final

import psutil
from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from actp import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

__all__ = ["BuildCollector", "ProcessCollector", "new_registry"]

PREFIX: Final = "actp"

disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus-client leaves it untyped


class ProcessCollector(Collector):
    """Memory, CPU and files of this process, under the names that dashboards know.

    prometheus-client has its own collector, which reads ``/proc`` and is silent on macOS.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()

    def collect(self) -> Iterator[Metric]:
        """Yield what the system says now."""
        with self._process.oneshot():
            memory, cpu = self._process.memory_info(), self._process.cpu_times()
            yield GaugeMetricFamily(
                "process_resident_memory_bytes", "Memory that is in RAM.", memory.rss
            )
            yield CounterMetricFamily(
                "process_cpu_seconds_total", "User and system time.", cpu.user + cpu.system
            )
            yield GaugeMetricFamily("process_open_fds", "Open files.", self._process.num_fds())
            yield GaugeMetricFamily("process_threads", "Threads.", self._process.num_threads())
            yield GaugeMetricFamily(
                "process_start_time_seconds",
                "When the process started, since the epoch.",
                self._process.create_time(),
            )


class BuildCollector(Collector):
    """Which version runs, on which Python."""

    def __init__(self) -> None:
        self._labels = {"version": __version__, "python": platform.python_version()}

    def collect(self) -> Iterator[Metric]:
        """Yield one series, always 1."""
        yield InfoMetricFamily(f"{PREFIX}_build", "What is running.", self._labels)


def new_registry() -> CollectorRegistry:
    """Return a registry that holds what every process shows."""
    registry = CollectorRegistry(auto_describe=True)
    registry.register(ProcessCollector())
    registry.register(BuildCollector())
    return registry
