"""Notices when two services drive the one Safari at once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.world import World

__all__ = ["Collisions", "Driver"]


@dataclass(slots=True, eq=False)
class Driver:
    """A request that has hold of the page.

    ``left_behind`` is true once its client was told that it timed out.
    """

    service: str
    request_id: int
    recipient: str = ""
    text: str = ""
    left_behind: bool = False


class Collisions:
    """Keeps who drives the page, and logs collisions.

    A request that drives the page while another, already answered, still types there always
    collides; two live requests of different services collide only under ``one_at_a_time``.
    """

    def __init__(self, world: World, *, one_at_a_time: bool = False) -> None:
        self._world = world
        self._one_at_a_time = one_at_a_time
        self._drivers: list[Driver] = []

    def take(self, driver: Driver) -> Driver:
        """Let a request drive the page from now on."""
        for other in self._drivers:
            if other.left_behind or (self._one_at_a_time and other.service != driver.service):
                self._world.record(
                    driver.service,
                    "collision",
                    driver.recipient,
                    driver.text,
                    driver.request_id,
                    with_service=other.service,
                    with_recipient=other.recipient,
                    with_request_id=other.request_id,
                )
        self._drivers.append(driver)
        return driver

    def leave(self, driver: Driver) -> None:
        """Let go of the page; once is enough."""
        if driver in self._drivers:
            self._drivers.remove(driver)

    @contextmanager
    def driven_by(self, driver: Driver) -> Iterator[Driver]:
        """Drive the page for the length of a block."""
        self.take(driver)
        try:
            yield driver
        finally:
            self.leave(driver)

    def forget(self, service: str | None = None) -> None:
        """Let go of the page for a service that died, or for all."""
        self._drivers = [d for d in self._drivers if service is not None and d.service != service]
