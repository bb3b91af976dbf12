"""Reads in a page of a site which account is logged in there, and compares it with the settings.

A service acts as the account that is logged in to Safari and reports only whether there is one. The
navigation of a page links to the account's profile; a script in the service's tab reads that link.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from actp.safari.addresses import HOSTS
from actp.safari.asking import SCRIPT_ROUTES
from actp.safari.session_outcomes import wrong_account

if TYPE_CHECKING:
    from actp.safari.asking import Asking
    from actp.safari.catalogue import Service
    from actp.safari.outcomes import Outcome

__all__ = ["login_script", "look_at_login", "shown_login"]

# When a page is asked again that has not drawn its navigation.
AGAIN_SECONDS: Final[tuple[float, ...]] = (0.0, 2.0)
LINKEDIN_AGAIN_SECONDS: Final[tuple[float, ...]] = (0.0, 1.0, 2.0, 4.0)
# LinkedIn leads from this address to the profile of the account.
_OWN_PROFILE: Final = "https://www.linkedin.com/in/me/"
_OPEN_INBOX: Final = "/api/linkedin/navigate/messaging"
_OPEN_PROFILE: Final = "/api/linkedin/navigate/profile"
_WHERE: Final = "window.location.href"
_HANDLES: Final = {
    "instagram": re.compile(r"/([A-Za-z0-9._]{1,30})/?"),
    "linkedin": re.compile(r"/in/([^/]{1,200})/?"),
    "threads": re.compile(r"/@([A-Za-z0-9._]{1,30})/?"),
    "tiktok": re.compile(r"/@([A-Za-z0-9._]{1,30})/?"),
    "twitter": re.compile(r"/(\w{1,15})/?", re.ASCII),
}

# The parts of the page that hold the navigation alone: up from one of its links, until the content
# would be within, whose links lead to other people.
_UP: Final = """
var box=document.querySelector('{link}');
for(var i=0;box&&i<12;i++){{
  box=box.parentElement;
  if(!box||box.querySelector('main,[role="main"],article'))break;
  var all=box.querySelectorAll('a[href^="/"]');
  for(var j=0;j<all.length;j++){{
    var a=all[j];
    if({is_own})return a.pathname;
  }}
}}
return '';
"""
_SCRIPTS: Final = {
    "instagram": _UP.format(
        link='a[href="/direct/inbox/"]',
        is_own=r"/^\/[A-Za-z0-9._]+\/$/.test(a.pathname)&&a.querySelector('img')",
    ),
    "threads": _UP.format(
        link='a[href="/search"]',
        is_own=r"/^\/@[A-Za-z0-9._]+\/?$/.test(a.pathname)&&a.querySelector('svg')",
    ),
    "tiktok": """
var a=document.querySelector('a[data-e2e="nav-profile"],[data-e2e="nav-profile"] a');
return a?a.pathname:'';
""",
    "twitter": """
var a=document.querySelector('a[data-testid="AppTabBar_Profile_Link"]');
return a?a.pathname:'';
""",
}


def login_script(service: Service) -> str | None:
    """Return a script that gives the address of the account's profile, or nothing.

    None for a service that evaluates no scripts, and for LinkedIn, which has no such link.
    """
    script = _SCRIPTS.get(service.platform or "")
    if script is None or service.name not in SCRIPT_ROUTES:
        return None
    look = " ".join(script.split())
    return (
        f"(function(){{try{{var path=(function(){{{look}}})();"
        "return path?window.location.origin+path:'';}catch(_){return '';}})()"
    )


def shown_login(service: Service, shown: Any) -> str | None:
    """Return the handle in the address of a profile, None where it is another page's."""
    parts = urlsplit(shown if isinstance(shown, str) else "")
    platform, host = service.platform or "", parts.hostname or ""
    if not any(host == known or host.endswith(f".{known}") for known in HOSTS[platform]):
        return None
    found = _HANDLES[platform].fullmatch(parts.path)
    # LinkedIn's address of everybody's own profile, before it leads on, names nobody.
    if found is None or (platform == "linkedin" and found[1] == "me"):
        return None
    return unquote(found[1]).lower()


def look_at_login(asking: Asking, own_handle: str) -> Outcome | None:
    """Return why the account in the service's tab must not act, or None where it may.

    A page that does not show the account is no reason to wait. On LinkedIn it opens the inbox and
    the account's own profile; elsewhere it leaves the page as it is.
    """
    service = asking.service
    script, pauses_seconds = login_script(service), AGAIN_SECONDS
    if service.name == "linkedin-automation":
        # From the inbox, so that no profile that was open before is taken for the account's.
        for path, body in ((_OPEN_INBOX, {}), (_OPEN_PROFILE, {"profileUrl": _OWN_PROFILE})):
            opened = asking.said("POST", path, body)
            if not opened.is_ok or opened.data.get("success") is not True:
                return opened.refusal
        script, pauses_seconds = _WHERE, LINKEDIN_AGAIN_SECONDS
    for pause_seconds in pauses_seconds if script else ():
        asking.pause(pause_seconds)
        said, shown = asking.evaluated(script or "")
        if said.refusal is not None or said.status == 404:
            return said.refusal
        handle = shown_login(service, shown)
        if handle is not None:
            return None if handle == own_handle else wrong_account(service, handle, own_handle)
    return None
