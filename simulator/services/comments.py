"""What the four services that comment have in common: how they tell of their tab and limits."""

from __future__ import annotations

from typing import ClassVar

from simulator.exchange import Call, Json, Reply
from simulator.service import Service

__all__ = ["CommentService"]


class CommentService(Service):
    """Comments below posts of one site; ``site`` is as it spells it in ``isOn…``."""

    site: ClassVar[str]
    site_url: ClassVar[str]

    async def status(self, call: Call) -> Reply:  # noqa: ARG002
        """Tell what the tab shows."""
        return Reply(200, self.tab_shown())

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        """Tell the limits and what is used of them."""
        limits = {"commentsPerHour": self.limits.per_hour, "commentsPerDay": self.limits.per_day}
        return Reply(200, {**self.counted(), "limits": limits})

    def tab_shown(self) -> Json:
        """Give the body of its status."""
        return {
            f"isOn{self.site}": self.settings.tab,
            "isLoggedIn": self.settings.logged_in,
            "currentUrl": self.site_url,
        }

    def counted(self) -> Json:
        """Give how many comments count against the limits now."""
        return {"commentsThisHour": self.limits.this_hour, "commentsToday": self.limits.today}
