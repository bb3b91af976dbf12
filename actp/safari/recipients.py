"""Looks, before a message is sent, at the person to whom a service would write.

The drivers press the first button or open the first row that looks like the person's. A page of
somebody else, a search that lists others, or a conversation with a similar name gets the message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from actp.safari.addresses import HOSTS
from actp.safari.commands import handle_of
from actp.safari.outcomes import Outcome
from actp.safari.session_outcomes import elsewhere, no_tab, wait
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from actp.safari.asking import Answer, Asking
    from actp.safari.commands import SendDm

__all__ = ["Row", "is_of_site", "look_at_recipient", "rows_taken_for"]

MAX_NAME_LENGTH: Final = 60
# When a page is asked again; the sum is longer than a driver waits for a profile.
AGAIN_SECONDS: Final = (0.0, 1.0, 2.0, 4.0, 8.0)
SHORTEST_PART: Final = 3
_WHERE: Final = "window.location.href"
_MEMBER_ID: Final = re.compile(r"ACo[A-Za-z0-9_-]{30,}")


class _Page(NamedTuple):
    """The route to a service's inbox, and what a profile's path is like."""

    inbox_path: str
    profile: re.Pattern[str]


_PAGES: Final = {
    "instagram-dm": _Page(
        "/api/inbox/navigate",
        re.compile(r"/(?!direct/|explore/|reels?/|p/|accounts/|stories/)([A-Za-z0-9._]+)/?"),
    ),
    "twitter-dm": _Page(
        "/api/twitter/inbox/navigate",
        re.compile(
            r"/(?!home\b|messages\b|explore\b|notifications\b|i/|search\b|settings\b)(\w+)/?"
        ),
    ),
    "tiktok-dm": _Page(
        "/api/tiktok/inbox/navigate",
        re.compile(r"/@([A-Za-z0-9._]+)/?"),
    ),
    "linkedin-automation": _Page(
        "/api/linkedin/navigate/messaging",
        re.compile(r"/in/([^/]+)/?.*"),
    ),
}


class _Button(NamedTuple):
    """A person's profile, the route that opens it, and a script that looks at its button.

    The script returns ``ready`` unless the driver would miss the person, and ``words`` where it
    would take what the person has written for a missing account. ``open_box`` returns
    ``open`` while a conversation stands open over the page, and presses what closes it: the
    driver writes in the first box on the page.
    """

    url: str
    open_method: str
    open_path: str
    open_key: str | None
    script: str
    instead: str
    open_box: str


# Each script looks for what its driver presses, with the driver's own selectors.
_BUTTONS: Final = {
    # Of accounts that are gone the drivers themselves say so before they press anything.
    "instagram-dm": _Button(
        "https://www.instagram.com/{}/",
        "GET",
        "/api/prospect/score/{}",
        None,
        """
        if(document.body.innerText.indexOf('Sorry, this page')>=0)return 'ready';
        var all=document.querySelectorAll('div[role="button"],button');
        for(var i=0;i<all.length;i++)if(all[i].textContent.trim()==='Message')return 'ready';
        return '';
        """,
        "it may have to be followed first",
        """
        var box=document.querySelector('div[contenteditable="true"][role="textbox"],'+
          'textarea[placeholder*="Message"]');
        for(var up=box;up;up=up.parentElement){
          var mark=up.querySelector('[aria-label="Close"]');
          if(!mark)continue;
          var press=mark.closest('[role="button"],button');
          if(press)press.click();
          break;
        }
        return box?'open':'';
        """,
    ),
    "twitter-dm": _Button(
        "https://x.com/{}",
        "GET",
        "/api/twitter/prospect/score/{}",
        None,
        """
        var box=document.querySelector('[data-testid="primaryColumn"]'),words=box?box.innerText:'';
        var button=document.querySelector('[data-testid="sendDMFromProfile"]');
        if(/This account doesn|Account suspended|protected/.test(words))
          return button?'words':'ready';
        return button||document.querySelector('[aria-label="Message"]')?'ready':'';
        """,
        "the service would write to the first person that its search lists",
        """
        return document.querySelector('[data-testid="dm-composer-textarea"],[role="textbox"]')?
          'open':'';
        """,
    ),
    "linkedin-automation": _Button(
        "https://www.linkedin.com/in/{}/",
        "POST",
        "/api/linkedin/navigate/profile",
        "profileUrl",
        """
        if(!document.querySelector('main'))return '';
        var all=document.querySelectorAll('a[href*="interop=msgOverlay"],'+
          'button[aria-label*="Message"],a[data-control-name*="message"]');
        for(var i=0;i<all.length;i++){
          var label=(all[i].getAttribute('aria-label')||'').toLowerCase();
          var link=all[i].href||'',place=all[i].getBoundingClientRect();
          if(link.indexOf('interop=msgOverlay')<0&&label.indexOf('message')<0)continue;
          if(!place.width||!place.height)continue;
          var name=document.querySelector('main h1'),who=name?name.innerText.toLowerCase():'';
          var whom=label.replace(/^.*message/,'').trim().replace(/^(to|with) /,'').split(/ +/)[0];
          return !whom||!who||who.indexOf(whom)>=0?'ready':'';
        }
        return 'ready';
        """,
        "the service would press the one of somebody else on the page",
        """
        function isOpen(){
          var all=document.querySelectorAll('.msg-form__contenteditable,'+
            '[role="textbox"][contenteditable="true"]');
          for(var i=0;i<all.length;i++)if(all[i].offsetParent)return true;
          return false;
        }
        if(location.pathname.indexOf('/messaging')===0||!isOpen())return '';
        var marks=document.querySelectorAll('.msg-overlay-conversation-bubble '+
          '[data-test-icon="close-small"],.msg-overlay-conversation-bubble use[href="#close-small"]'
        );
        for(var j=0;j<marks.length;j++){
          var press=marks[j].closest('button');
          if(press)press.click();
        }
        return isOpen()?'open':'';
        """,
    ),
}


def look_at_recipient(
    asking: Asking, command: SendDm, *, is_checking_tab: bool = True
) -> Outcome | None:
    """Return why a message would not reach its person, or None; navigates, and sends nothing.

    With ``is_checking_tab`` it asks first whether the tab is one of the site. An outcome of
    ``wait`` is about the session; any other about the command.
    """
    name, handle = asking.service.name, handle_of(command) or ""
    if name == "tiktok-dm":
        return _similar_conversation(asking, handle)
    if name not in _BUTTONS:
        return _leave_others(asking, handle)
    # LinkedIn replaces an id of a member in the address by a name that nobody knows.
    if _MEMBER_ID.match(handle):
        return _leave_others(asking, handle) or _close_chats(asking)
    if is_checking_tab:
        said, shown = _evaluated(asking, _WHERE)
        if said.status != 404 and not is_of_site(asking, shown):
            return _no_page(asking, said, shown)
    return _open_profile(asking, handle)


class Row(NamedTuple):
    """A row of TikTok's inbox that its driver takes for a handle's.

    ``holds_handle`` is true where the handle stands anywhere in it, ``is_named`` in its name.
    """

    name: str
    holds_handle: bool
    is_named: bool


def rows_taken_for(handle: str, conversations: Any) -> list[Row]:
    """Return the conversations that tiktok-dm takes for one with a handle, in their order.

    Its driver looks for the handle anywhere in a row, or for a part of it in the name.
    """
    parts = [
        part
        for part in re.split(r"[_.]", handle)
        if len(part) >= SHORTEST_PART and not re.search(r"[0-9]", part)
    ]
    found = []
    for each in conversations if isinstance(conversations, list) else ():
        row = each if isinstance(each, dict) else {}
        name, last = (str(row.get(key) or "") for key in ("displayName", "lastMessage"))
        lines = f"{name}\n{last}".lower()
        taken = Row(name, _holds(lines, handle), _holds(name.lower(), handle))
        is_similar = any(part in name.lower() or f"\n{part}" in lines for part in parts)
        if taken.holds_handle or is_similar:
            found.append(taken)
    return found


def _holds(text: str, handle: str) -> bool:
    return handle in text or handle in re.sub(r"[^a-z0-9]", "", text)


def _leave_others(asking: Asking, handle: str, *, for_inbox: bool = False) -> Outcome | None:
    """Leave another person's profile, on which a slow page would make a driver write.

    ``for_inbox`` leaves every page that is not the inbox.
    """
    page, shown = _PAGES[asking.service.name], ""
    for pause_seconds in AGAIN_SECONDS:
        asking.pause(pause_seconds)
        said, shown = _evaluated(asking, _WHERE)
        if said.status == 404:  # a version of the service that cannot be asked
            return None
        if not is_of_site(asking, shown):
            return _no_page(asking, said, shown)
        path = urlsplit(shown).path
        is_others = page.profile.fullmatch(path) and not _is_profile(page, shown, handle)
        if path.startswith("/messages") if for_inbox else not is_others:
            return None
        if pause_seconds == 0.0:
            opened = asking.said("POST", page.inbox_path, {})
            if opened.refusal is not None:
                return opened.refusal
    return elsewhere(asking.service, shown, "an inbox")


def _no_session(asking: Asking) -> Outcome | None:
    said = asking.said("POST", asking.service.session_path, {})
    if said.is_ok and said.data.get("ok") is True:
        return None
    return said.refusal or no_tab(asking.service, said.words)


def _open_profile(asking: Asking, handle: str) -> Outcome | None:
    """Open the person's profile and look for the button that the driver presses there."""
    page, button = _PAGES[asking.service.name], _BUTTONS[asking.service.name]
    url = button.url.format(handle)
    body = {button.open_key: url} if button.open_key else None
    opened = asking.said(button.open_method, button.open_path.format(handle), body)
    if opened.status == 404:  # a version of the service without this route
        return _no_session(asking) or _leave_others(asking, handle)
    if not opened.is_ok:
        return opened.refusal or no_tab(asking.service, opened.words)
    shown, state = "", ""
    script = _with_state(f"{_function(button.open_box)}||{_function(button.script)}")
    for pause_seconds in AGAIN_SECONDS:
        asking.pause(pause_seconds)
        said, text = _evaluated(asking, script)
        shown, _, state = text.partition(" ")
        is_there = state == "ready" and _is_profile(page, shown, handle)
        if is_there or said.status == 404:  # a version of the service that cannot be asked
            return None
        if not is_of_site(asking, shown):
            return _no_page(asking, said, shown)
    if not _is_profile(page, shown, handle):
        return elsewhere(asking.service, shown, url)
    return _not_ready(asking, url, state)


def _not_ready(asking: Asking, url: str, state: str) -> Outcome:
    """Return what it means that a profile stays in a state in which the driver would fail."""
    if state == "open":
        return _chat_open(asking)
    if state == "words":
        problem = (
            f"the service would take {url} for missing or protected, for words that stand there"
        )
        return _rejected(asking, "words_of_a_block", problem)
    button = _BUTTONS[asking.service.name]
    problem = f"{url} has no Message button; {button.instead}"
    return _rejected(asking, "no_message_button", problem, is_suspicious=True)


def _close_chats(asking: Asking) -> Outcome | None:
    """Close the conversations that stand open over the page, whatever page it is."""
    script = _with_state(_function(_BUTTONS[asking.service.name].open_box))
    for pause_seconds in AGAIN_SECONDS:
        asking.pause(pause_seconds)
        said, text = _evaluated(asking, script)
        if said.refusal is not None or said.status == 404:
            return said.refusal
        if text.partition(" ")[2] != "open":
            return None
    return _chat_open(asking)


def _chat_open(asking: Asking) -> Outcome:
    return wait(
        asking.service,
        "not_ready",
        "a conversation is open over its page, and the service would write there",
        "Close it in the service's tab; commands then continue.",
    )


def _similar_conversation(asking: Asking, handle: str) -> Outcome | None:
    """Look in the inbox for a conversation that the driver would take for the person's."""
    problem = _leave_others(asking, handle, for_inbox=True)
    if problem is not None:
        return problem
    said = asking.said("GET", "/api/tiktok/conversations")
    if said.refusal is not None:
        return said.refusal
    rows = rows_taken_for(handle, said.data.get("conversations"))
    # Where a row holds the handle itself, the service says that it exists, and sends nothing.
    if not rows or any(row.holds_handle for row in rows):
        return None
    name = storable_text(rows[0].name, MAX_NAME_LENGTH)
    problem_said = f"the service would take the conversation with {name} for that with @{handle}"
    return _rejected(asking, "similar_name", problem_said)


def _function(script: str) -> str:
    return f"(function(){{{' '.join(script.split())}}})()"


def _with_state(expression: str) -> str:
    """Return a script that gives the address and behind it the state of the page."""
    # What a page without such elements gives is no reason to keep a message back.
    return (
        f"(function(){{var state='ready';try{{state={expression};}}catch(_){{}}"
        "return window.location.href+' '+state;})()"
    )


def _evaluated(asking: Asking, script: str) -> tuple[Answer, str]:
    """Return the answer to a script in the service's tab, asked again where its claim was wrong."""
    said, text = asking.evaluated(script)
    if said.status == 404 or said.refusal is not None:
        return said, text
    if is_of_site(asking, text.partition(" ")[0]):
        return said, text
    # The claim is on a tab of another site, or on none; the next request claims anew.
    asking.release_claim()
    return asking.evaluated(script)


def _no_page(asking: Asking, said: Answer, shown: str) -> Outcome:
    if said.refusal is not None:
        return said.refusal
    return no_tab(
        asking.service, f"its tab shows {shown[:MAX_NAME_LENGTH]}" if shown else said.words
    )


def _rejected(asking: Asking, reason: str, problem: str, *, is_suspicious: bool = False) -> Outcome:
    name = asking.service.name
    return Outcome(
        "rejected",
        reason,
        error=f"{name}: {problem}; nothing was sent. Write to this person by hand.",
        quota_back=True,
        result={"outcome": "rejected", "reason": reason, "success": False, "service": name},
        is_suspicious=is_suspicious,
    )


def _is_profile(page: _Page, shown: str, handle: str) -> bool:
    profile = page.profile.fullmatch(urlsplit(shown).path)
    return profile is not None and unquote(profile[1]).lower() == unquote(handle).lower()


def is_of_site(asking: Asking, shown: str) -> bool:
    """Return whether an address is one of the service's site."""
    host, known = urlsplit(shown).hostname, HOSTS[asking.service.platform or ""]
    return host is not None and any(host == name or host.endswith(f".{name}") for name in known)
