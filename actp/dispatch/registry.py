"""The agents as services: ``dispatch("prospect.score-all", {})`` returns a result, never raises."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from actp.dispatch.agents import AGENTS, DESCRIPTIONS
from actp.dispatch.arguments import suggestions
from actp.errors import ActpError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.dispatch.running import Run

__all__ = ["Handler", "Registry", "Service", "run_agent"]

# Takes the parameters; returns whether it went well, and its result.
Handler: TypeAlias = "Callable[[Mapping[str, Any]], tuple[bool, Any]]"
MAX_ERROR_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class Service:
    """A named group of topics."""

    name: str
    description: str
    handlers: Mapping[str, Handler] = field(repr=False)


class Registry:
    """Knows services by their names, and calls ``service.topic``."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}

    def register_service(
        self, name: str, description: str, handlers: Mapping[str, Handler]
    ) -> None:
        """Add a service, or replace the one of that name; raises InvalidInput without a text."""
        if not name or "." in name or not description.strip():
            raise InvalidInput(
                f"the service {name!r} needs a name without dots and a description", remedy=""
            )
        self._services[name] = Service(name, description, dict(handlers))

    def init_all_services(self) -> list[str]:
        """Register the ten agents and return their names; again changes nothing."""
        for domain, tasks in AGENTS.items():
            handlers = {task: partial(run_agent, domain, task) for task in tasks}
            self.register_service(domain, DESCRIPTIONS[domain], handlers)
        return list(AGENTS)

    def list_services(self) -> list[dict[str, Any]]:
        """Return name, description and topics of each service."""
        return [
            {
                "name": service.name,
                "description": service.description,
                "topics": self.list_topics(service.name),
            }
            for service in self._services.values()
        ]

    def list_topics(self, service: str | None = None) -> list[str]:
        """Return every ``service.topic``, of one service or of all; of an unknown one none."""
        return [
            f"{each.name}.{topic}"
            for each in self._services.values()
            if service in {None, each.name}
            for topic in each.handlers
        ]

    def dispatch(self, topic: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return ``{ok, topic, result, duration_ms}``; what goes wrong is told in it."""
        name, _, task = topic.partition(".")
        service = self._services.get(name)
        if service is None or task not in service.handlers:
            near = suggestions(topic, self.list_topics())
            result: Any = {"error": f"there is no topic {topic!r}", "suggestions": near}
            return {"ok": False, "topic": topic, "result": result, "duration_ms": 0}
        began = monotonic()
        try:
            ok, result = service.handlers[task](params or {})
        except ActpError as error:
            ok, result = False, {"error": str(error), "remedy": error.remedy}
        except Exception as error:  # noqa: BLE001  # any handler: a caller gets an answer
            told = f"{type(error).__name__}: {error}"
            ok, result = False, {"error": told[:MAX_ERROR_CHARS]}
        duration_ms = round((monotonic() - began) * 1000)
        return {"ok": ok, "topic": topic, "result": result, "duration_ms": duration_ms}


def run_agent(domain: str, task: str, params: Mapping[str, Any]) -> tuple[bool, Any]:
    """Run a task as multi_agent_dispatch.py does; one that is skipped is seen to elsewhere."""
    # Imported late: to list the services costs nothing.
    from actp.dispatch.running import Dispatcher  # noqa: PLC0415
    from actp.settings import load_settings  # noqa: PLC0415
    from actp.store import open_store  # noqa: PLC0415

    settings = load_settings()
    with closing(open_store(settings, application_name="actp agents")) as store:
        run: Run = Dispatcher(settings, store).run(domain, task, params)
    return run.status != "error", run.shown() if run.status == "skipped" else dict(run.result)
