"""The Blotato client: check accounts, upload, publish, poll."""

from __future__ import annotations

import mimetypes
import time
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeGuard, get_args
from urllib.parse import quote

from actp.clients.blotato.api import Api, unknown
from actp.clients.blotato.errors import BlotatoError
from actp.clients.blotato.pace import Pace
from actp.clients.blotato.posts import post_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from actp.settings import Settings

__all__ = ["Blotato", "Publication"]

POSTS_PER_MINUTE: Final = 30
MINUTE_SECONDS: Final = 60.0
DEFAULT_MEDIA_TYPE: Final = "application/octet-stream"

Status: TypeAlias = Literal["in-progress", "scheduled", "published", "failed"]


@dataclass(frozen=True, slots=True)
class Publication:
    """How far a submitted post has come; ``url`` is public once it is published."""

    submission_id: str
    status: Status
    url: str | None = None
    error: str | None = None


class Blotato:
    """One Blotato user; every failure is a BlotatoError that does not hold the key."""

    def __init__(self, settings: Settings) -> None:
        self.is_configured: Final = settings.blotato_api_key is not None
        self._api = Api(settings.blotato_api_url, settings.blotato_api_key)
        self._accounts = settings.blotato_accounts
        self._poll_seconds = settings.blotato_poll_seconds
        self._pace = Pace(POSTS_PER_MINUTE, MINUTE_SECONDS)
        self._checked: frozenset[str] = frozenset()

    def check_account(self, platform: str) -> None:
        """Make sure that the account configured for a platform is on it.

        Blotato is asked once; an account of another platform is ``misconfigured``, for nothing
        that was posted to the wrong network can be taken back.
        """
        account_id = self._account_id(platform)
        if platform in self._checked:
            return
        listed = self._listed()
        if listed.get(account_id) != platform:
            raise _wrong_account(platform, account_id, listed)
        self._checked = frozenset(
            name for name, account in self._accounts.items() if listed.get(account) == name
        )

    def wrong_accounts(self) -> list[BlotatoError]:
        """Return what ``check_account`` would raise of any platform; Blotato is asked once."""
        listed = self._listed()
        return [
            _wrong_account(platform, account_id, listed)
            for platform, account_id in self._accounts.items()
            if listed.get(account_id) != platform
        ]

    def upload(self, path: Path) -> str:
        """Upload a local picture or video and return its public URL.

        May be tried again: what was uploaded is seen by nobody until it is published.
        """
        try:
            with path.open("rb") as file:
                place = self._api.ask("POST", "/media/uploads", {"filename": path.name})
                target, public_url = place.get("presignedUrl"), place.get("publicUrl")
                if not _is_text(target) or not _is_text(public_url):
                    raise BlotatoError("Blotato named no place for the upload", "not_sent")
                self._api.put(
                    target, file, mimetypes.guess_type(path.name)[0] or DEFAULT_MEDIA_TYPE
                )
        except OSError as error:
            raise BlotatoError(
                f"{path} cannot be read: {error.strerror or error}",
                "rejected",
                remedy="Give the path of a picture or video on this machine.",
            ) from None
        return public_url

    def publish(
        self,
        platform: str,
        text: str,
        media_urls: Sequence[str] = (),
        scheduled_at: datetime | None = None,
    ) -> str:
        """Submit a post to the configured account, once checked, and return its submission id.

        Blotato keeps it until ``scheduled_at``. At most 30 a minute are submitted by this process;
        one more is ``later``.
        """
        body = post_body(platform, self._account_id(platform), text, media_urls)
        if scheduled_at is not None:
            body["scheduledTime"] = f"{scheduled_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self.check_account(platform)
        if wait_seconds := self._pace.take():
            raise BlotatoError(
                "Blotato accepts no more posts for now", "later", wait_seconds=wait_seconds
            )
        try:
            said = self._api.ask("POST", "/posts", body, publishes=True)
        except BlotatoError as error:
            if error.wait_seconds is not None:
                self._pace.hold(error.wait_seconds)
            raise
        if not _is_text(submission_id := said.get("postSubmissionId")):
            raise unknown("the answer names no submission")
        return submission_id

    def publication(self, submission_id: str) -> Publication:
        """Ask how far a post has come; one that Blotato does not know is in progress, too."""
        said = self._api.ask("GET", f"/posts/{quote(submission_id, safe='')}")
        status, url, error = said.get("status"), said.get("publicUrl"), said.get("errorMessage")
        return Publication(
            submission_id,
            status if _is_status(status) else "in-progress",
            url if _is_text(url) else None,
            error if _is_text(error) else None,
        )

    def wait(self, submission_id: str, *, timeout_seconds: float) -> Publication:
        """Ask until a post is out or failed; it is in progress still when the time is over."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            pause = self._poll_seconds
            try:
                publication = self.publication(submission_id)
            except BlotatoError as error:
                if error.verdict not in {"not_sent", "later"}:
                    raise
                publication = Publication(submission_id, "in-progress")
                pause = error.wait_seconds or pause
            left = deadline - time.monotonic()
            if publication.status != "in-progress" or left <= 0:
                return publication
            time.sleep(min(pause, left))

    def close(self) -> None:
        """Give connections back."""
        self._api.close()

    def _account_id(self, platform: str) -> str:
        try:
            return self._accounts[platform]
        except KeyError:
            known = ", ".join(self._accounts)
            raise BlotatoError(
                f"Blotato has no account for {platform!r}; known are {known}", "rejected"
            ) from None

    def _listed(self) -> dict[str, str]:
        items = self._api.ask("GET", "/users/me/accounts").get("items")
        return {
            str(item.get("id")): str(item.get("platform"))
            for item in (items if isinstance(items, list) else [])
            if isinstance(item, dict)
        }


def _wrong_account(platform: str, account_id: str, listed: Mapping[str, str]) -> BlotatoError:
    usable = ", ".join(account for account, its in listed.items() if its == platform)
    return BlotatoError(
        f"account {account_id} is {listed.get(account_id, 'none of yours')}, not {platform}",
        "misconfigured",
        remedy=f"Set {platform} in BLOTATO_ACCOUNTS to one of: {usable}."
        if usable
        else f"Connect a {platform} account to Blotato, then set it in BLOTATO_ACCOUNTS.",
    )


def _is_status(value: object) -> TypeGuard[Status]:
    return value in get_args(Status)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)
