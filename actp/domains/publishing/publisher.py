"""Processes publishing tasks: stores the intent, posts through Blotato, stores the outcome."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from actp.clients.blotato.errors import BlotatoError
from actp.clock import steady_seconds
from actp.domains.publishing.captions import fitted
from actp.domains.publishing.steps import Ask, Finish, Publish, Rest, next_step, retry_seconds
from actp.domains.publishing.task import Task
from actp.errors import ActpError, StoreUnavailable
from actp.safari.unfinished import unfinished
from actp.sanitize import storable_text
from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.clients.blotato.client import Blotato
    from actp.domains.publishing.results import Results
    from actp.domains.publishing.task import Attempt
    from actp.store import Store

__all__ = ["Me", "Publisher"]

# Longer than Blotato may take to answer; a process of the same host takes over at once.
LEASE_SECONDS: Final = 180.0
# A permission to post that came later than this may be out of date.
BEGIN_FRESH_SECONDS: Final = 5.0
# Young posts are asked about often, old ones less so: Blotato answers 60 questions a minute.
ASK_SHARE_OF_AGE: Final = 0.1
MAX_ERROR_LENGTH: Final = 300
_MENTION: Final = re.compile("[@\uff20]|/status")
# A post that is planned for sooner is not worth to be kept by Blotato.
SHORTEST_LEAD: Final = timedelta(minutes=2)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Me:
    """Who holds the tasks; ``host_key`` names a host on which nobody else publishes."""

    boot_id: str
    host_key: str
    worker: str


class Publisher:
    """Brings one task at a time as far as it goes now, in one thread."""

    def __init__(  # noqa: PLR0913  its parts
        self,
        store: Store,
        blotato: Blotato,
        results: Results,
        *,
        me: Me,
        accounts: Mapping[str, str],
        retry_base_seconds: float,
        ask_seconds: float,
    ) -> None:
        self._store = store
        self._blotato = blotato
        self._results = results
        self._me = me
        self._accounts = accounts
        self._retry_base_seconds = retry_base_seconds
        self._ask_seconds = ask_seconds

    def work(self, is_stopping: Callable[[], bool]) -> float | None:
        """Work on the task that is due first, and return when to look again.

        That is 0 after a task, else the seconds until one is due, or None where none waits.
        Raises StoreError; what came of a post is on disk by then.
        """
        self._results.flush()
        try:
            answer = self._store.call(
                "agent_publish_claim",
                boot_id=self._me.boot_id,
                host_key=self._me.host_key,
                worker=self._me.worker,
                lease_seconds=LEASE_SECONDS,
            )
        except StoreUnavailable:
            raise
        except ActpError as error:
            # Nothing is published until the cause is removed, and retrying does not remove it.
            self._store.call(
                "safari_note",
                kind="claims_refused",
                subject="posts",
                detail={"error": storable_text(f"posts: {error}", MAX_ERROR_LENGTH)},
            )
            raise
        row = answer["task"]
        if row is None:
            wait_seconds: float | None = answer["next_due_seconds"]
            return wait_seconds
        task_id = row["id"]
        try:
            while row is not None:
                row = self._advance(Task.read(row), is_stopping=is_stopping())
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  what one task is made of keeps no other waiting
            _log.exception("a task is set aside", extra={"action": "publish_set_aside"})
            why = storable_text(f"it cannot be worked on: {error}", MAX_ERROR_LENGTH)
            self._store.call("agent_publish_set_aside", task_id=task_id, error=why)
        return 0.0

    def _advance(self, task: Task, *, is_stopping: bool) -> Mapping[str, Any] | None:
        """Take one step and return the task anew, None when it is let go of."""
        step = Rest(0.0) if is_stopping else next_step(task)
        match step:
            case Publish(platform=platform):
                return self._publish(task, platform)
            case Ask(attempt=attempt, is_last=is_last):
                return self._ask(task, attempt, is_last=is_last)
            case Rest(seconds=seconds):
                self._held("agent_publish_rest", task, seconds=seconds)
            case Finish(error=error):
                self._held("agent_publish_finish", task, error=error)
        return None

    def _publish(self, task: Task, platform: str) -> Mapping[str, Any] | None:
        asked_at = steady_seconds()
        result: dict[str, Any] = {"task_id": task.id, "platform": platform, "attempt": None}
        mention = self._refused_mention(platform, task.texts.get(platform, ""))
        try:
            begun = self._held(
                "agent_publish_begin", task, platform=platform, lease_seconds=LEASE_SECONDS
            )
        except StoreUnavailable:
            # It may be stored that this is under way; it is not.
            self._results.keep(**result, outcome="not_sent", retry_seconds=0.0)
            raise
        if begun["verdict"] != "granted":
            row: Mapping[str, Any] | None = begun.get("task")
            return row
        result["attempt"] = begun["attempt"]
        if steady_seconds() - asked_at > BEGIN_FRESH_SECONDS:
            found: dict[str, Any] = {"outcome": "not_sent", "error": "begun too long ago"}
            found["retry_seconds"] = 0.0
        elif mention is not None:
            found = {"outcome": "not_sent", "error": mention}
        else:
            found = self._submitted(task, platform, begun["attempt"])
        instruments.PUBLISHED_POSTS.labels(platform, found["outcome"]).inc()
        return self._results.settle(**result, **found)

    def _refused_mention(self, platform: str, text: str) -> str | None:
        """Return why a post may not name somebody, None for most, which name nobody."""
        if not _MENTION.search(text):
            return None
        fault: str | None = self._store.call(
            "safari_mention_refused", platform=platform, written=text
        )
        return fault

    def _submitted(self, task: Task, platform: str, number: int) -> dict[str, Any]:
        """Post it, and return what came of that."""
        try:
            self._check_account(task, platform)
            text = _finished(platform, task.texts.get(platform, ""))
            at = task.planned.get(platform)
            is_ahead = at is not None and at - task.now > SHORTEST_LEAD
            submission_id = self._blotato.publish(
                platform, text, task.media_urls, at if is_ahead else None
            )
        except BlotatoError as error:
            found = {"error": _sentence(error), "outcome": "not_sent"}
            if error.verdict == "unknown":
                return {**found, "outcome": "unknown"}
            if error.verdict in {"not_sent", "later"}:
                wait_seconds = retry_seconds(number, self._retry_base_seconds)
                if wait_seconds is not None:
                    wait_seconds = max(wait_seconds, error.wait_seconds or 0.0)
                return {**found, "retry_seconds": wait_seconds}
            return found
        except Exception as error:  # noqa: BLE001  any bug, before or after the post has left
            _log.exception("a post failed", extra={"action": "publish_failed"})
            return {"outcome": "unknown", "error": f"{type(error).__name__} while it was posted"}
        return {
            "outcome": "sent",
            "submission_id": storable_text(submission_id, MAX_ERROR_LENGTH),
            "ask_seconds": self._ask_seconds,
        }

    def _check_account(self, task: Task, platform: str) -> None:
        wanted, ours = task.accounts.get(platform), self._accounts.get(platform)
        if wanted is not None and wanted != ours:
            raise BlotatoError(
                f"the task is for account {wanted}, ours is {ours or 'none'}",
                "misconfigured",
                remedy=f"Set {platform} in BLOTATO_ACCOUNTS, or correct the task.",
            )

    def _ask(self, task: Task, attempt: Attempt, *, is_last: bool) -> Mapping[str, Any] | None:
        age_seconds = (task.now - task.appears_at(attempt)).total_seconds()
        again = max(self._ask_seconds, age_seconds * ASK_SHARE_OF_AGE)
        url, error, status = None, None, "in-progress"
        try:
            publication = self._blotato.publication(attempt.submission_id or "")
            url, error, status = publication.url, publication.error, publication.status
        except BlotatoError as failure:
            error, again = _sentence(failure), max(again, failure.wait_seconds or 0.0)
        if status == "scheduled":
            again = max(again, self._ask_seconds - age_seconds)
        if status not in {"published", "failed"}:
            status = "unknown" if is_last else "in-progress"
        if status == "unknown":
            error = f"Blotato has not said whether {attempt.submission_id} is out" + (
                f": {error}" if error else ""
            )
        row: Mapping[str, Any] | None = self._held(
            "agent_publish_asked",
            task,
            platform=attempt.platform,
            attempt=attempt.number,
            publication=status,
            url=url and storable_text(url),
            error=error and storable_text(error, MAX_ERROR_LENGTH),
            ask_seconds=again,
            lease_seconds=LEASE_SECONDS,
        )
        return row

    def _held(self, function: str, task: Task, **arguments: Any) -> Any:
        """Call a function that does nothing unless the task is still ours."""
        return self._store.call(
            function,
            task_id=task.id,
            boot_id=self._me.boot_id,
            lease_number=task.lease,
            **arguments,
        )


def _sentence(error: BlotatoError) -> str:
    text = f"{error} {error.remedy}".strip() if error.verdict == "misconfigured" else str(error)
    return storable_text(text, MAX_ERROR_LENGTH)


def _finished(platform: str, given: str) -> str:
    text = fitted(platform, given)
    if text and (fault := unfinished(text)):
        raise BlotatoError(fault, "rejected", remedy="Correct the task's text.")
    return text
