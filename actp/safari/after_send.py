"""Looks, after a text that a service says it sent, whether it left the box, once and unaltered.

The drivers press a key or a button and read the whole page, the box included: a locked screen, a
button that does nothing, or a list that takes the key, leaves the text where it was typed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from actp.safari.commands import Comment, SendDm, Tweet
from actp.safari.outcomes import Outcome
from actp.safari.texts import visible_text

if TYPE_CHECKING:
    from actp.safari.asking import Asking
    from actp.safari.commands import Command

__all__ = ["SHOWN_CHARS", "comments_shown", "look_after_send"]

# In which the drivers type.
_BOXES: Final = {
    "instagram-dm": 'div[contenteditable="true"][role="textbox"],textarea[placeholder*="Message"]',
    "twitter-dm": '[data-testid="dm-composer-textarea"],[role="textbox"]',
    "linkedin-automation": '.msg-form__contenteditable,[role="textbox"][contenteditable="true"]',
    "instagram-comments": 'textarea[placeholder*="comment" i],form textarea',
    "threads-comments": '[contenteditable="true"]',
    "twitter-comments": '[data-testid="tweetTextarea_0"],[role="textbox"][contenteditable="true"]',
}
# A page that is slow to take a text is looked at again after these.
AGAIN_SECONDS: Final = (0.0, 3.0)
COMMENTS: Final = 50
SHOWN_CHARS: Final = 100
_SCRIPT: Final = """
var once=%s,garbled=%s;
function plain(text){return (text||'').replace(/\\s+/g,'');}
function letters(text){return (text||'').replace(/[^\\p{L}\\p{N}]/gu,'');}
var boxes=document.querySelectorAll(%s);
var all=document.querySelectorAll('div[dir="auto"],span[dir="auto"]');
once=plain(once);
garbled=plain(garbled);
for(var j=0;j<boxes.length;j++){
  var box=plain(boxes[j].value||boxes[j].innerText);
  if(box.indexOf(once)>=0||box.indexOf(garbled)>=0)return 'left';
}
for(var i=0;i<all.length;i++)if(plain(all[i].textContent)===once+once)return 'twice';
for(var k=0;k<all.length;k++)
  if(garbled!==once&&plain(all[k].textContent)===garbled)return 'garbled';
var begins=letters(once).slice(0,40);
return letters(document.body.innerText).indexOf(begins)<0?'absent':'';
"""
# As what macOS reads UTF-8: pbcopy without a locale, and AppleScript a file whose encoding the
# script does not name.
_OLD_ENCODING: Final = "mac_roman"
_GARBLED_REMEDIES: Final = {
    "threads-comments": (
        "Its driver reads scripts in the Mac's old encoding: have it read them as «class utf8», or"
        " write without accents and emoji."
    ),
}
_LOCALE_REMEDY: Final = "It runs without a locale: start it with LANG=en_US.UTF-8."
# The next text would arrive like that, too; only a person can mend it.
GARBLED_HOLD_SECONDS: Final = 6 * 3600.0


def look_after_send(asking: Asking, command: Command, outcome: Outcome) -> Outcome:
    """Return the outcome of a text that was sent, in view of its page; reads, sends nothing."""
    is_seen = outcome.result.get("verification") == "seen"
    if outcome.verdict != "sent" or is_seen or not isinstance(command, SendDm | Comment | Tweet):
        return outcome
    said = outcome.result.get("answer")
    is_doubted = isinstance(said, dict) and said.get("verified") is False
    if asking.service.name in _BOXES:
        return _look_at_box(asking, command, outcome, is_doubted=is_doubted)
    # It evaluates no scripts, or has looked for the text and into the box itself.
    if not is_doubted:
        return outcome
    if isinstance(command, SendDm):
        return _absent(asking.service.name, outcome)
    begins = visible_text(command.text)[:SHOWN_CHARS]
    if any(begins in visible_text(text) for text in comments_shown(asking)):
        return outcome
    remedy = "See whether the comment stands below the post."
    problem = "neither the service nor the list of comments shows the comment"
    return _not_sent(asking.service.name, "unverified", f"{problem}. {remedy}", outcome)


def comments_shown(asking: Asking) -> list[str]:
    """Return the texts below the post that a comment service shows."""
    said = asking.said("GET", f"/api/{asking.service.platform}/comments?limit={COMMENTS}")
    found = said.data.get("comments")
    return [
        str(each.get("text"))
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, dict)
    ]


def _look_at_box(
    asking: Asking, command: SendDm | Comment | Tweet, outcome: Outcome, *, is_doubted: bool
) -> Outcome:
    name, text, state = asking.service.name, command.text, ""
    # Below a post a page may sort a comment away; a conversation ends with the message.
    wanting = {"left", "absent"} if is_doubted and isinstance(command, SendDm) else {"left"}
    # As JSON the text is one literal of the script, whatever stands in it.
    garbled = text.encode().decode(_OLD_ENCODING)
    literals = tuple(json.dumps(each) for each in (text, garbled, _BOXES[name]))
    script = " ".join((_SCRIPT % literals).split("\n"))
    for pause_seconds in AGAIN_SECONDS:
        asking.pause(pause_seconds)
        _, state = asking.evaluated(f"(function(){{try{{{script}}}catch(_){{return '';}}}})()")
        if state not in wanting:
            break
    if state == "left":
        problem = "the text still stands in the box after the service sent it"
        remedy = "See whether the Mac's screen is locked or something is open there."
        return _not_sent(name, "still_in_box", f"{problem}. {remedy}", outcome)
    if state == "absent" and state in wanting:
        return _absent(name, outcome)
    if state == "twice":
        again = f"{name}: the text stands twice in one message; look at the conversation"
        return replace(outcome, alert=again, result={**outcome.result, "rewritten": True})
    return _garbled(name, outcome) if state == "garbled" else outcome


def _garbled(name: str, of: Outcome) -> Outcome:
    """Return the outcome of a text that arrived with other characters, as the next ones would."""
    problem = f"{name}: its text arrived with wrong characters, as the next ones would; they wait"
    remedy = _GARBLED_REMEDIES.get(name, _LOCALE_REMEDY)
    return replace(
        of,
        breaker="open",
        wait_seconds=GARBLED_HOLD_SECONDS,
        alert=f"{problem}. {remedy} Then run bin/resume --service {name}.",
        result={**of.result, "rewritten": True},
    )


def _absent(name: str, of: Outcome) -> Outcome:
    remedy = "See whether the message stands in the conversation."
    problem = "neither the service nor its page shows the message"
    return _not_sent(name, "unverified", f"{problem}. {remedy}", of)


def _not_sent(name: str, reason: str, problem: str, of: Outcome) -> Outcome:
    return Outcome(
        "unknown",
        reason,
        error=f"{name}: {problem}",
        breaker="count",
        http_status=of.http_status,
        result={
            **of.result,
            "outcome": "unknown",
            "reason": reason,
            "success": False,
            "verification": "none",
            "verified": False,
        },
    )
