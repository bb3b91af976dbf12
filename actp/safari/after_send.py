"""Looks, after a message that a service says it sent, whether it has left the box, and left once.

The drivers press a key and read the whole page, the box included: a locked screen, or a list that
takes the key, leaves the text where it was typed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from actp.safari.outcomes import Outcome

if TYPE_CHECKING:
    from actp.safari.asking import Asking
    from actp.safari.commands import SendDm

__all__ = ["look_at_box"]

# In which a driver types that cannot tell whether its text has left.
_BOXES: Final = {
    "instagram-dm": 'div[contenteditable="true"][role="textbox"],textarea[placeholder*="Message"]',
    "twitter-dm": '[data-testid="dm-composer-textarea"],[role="textbox"]',
}
_SCRIPT: Final = """
var once=%s;
function plain(text){return (text||'').replace(/\\s+/g,'');}
var box=document.querySelector(%s);
var all=document.querySelectorAll('div[dir="auto"],span[dir="auto"]');
once=plain(once);
if(box&&plain(box.value||box.innerText).indexOf(once)>=0)return 'left';
for(var i=0;i<all.length;i++)if(plain(all[i].textContent)===once+once)return 'twice';
return '';
"""


def look_at_box(asking: Asking, command: SendDm, outcome: Outcome) -> Outcome:
    """Return the outcome of a message that was sent, in view of its page; reads, sends nothing."""
    name = asking.service.name
    if outcome.verdict != "sent" or name not in _BOXES:
        return outcome
    # As JSON the text is one literal of the script, whatever stands in it.
    script = " ".join((_SCRIPT % (json.dumps(command.text), json.dumps(_BOXES[name]))).split("\n"))
    _, state = asking.evaluated(f"(function(){{try{{{script}}}catch(_){{return '';}}}})()")
    if state == "left":
        return _not_left(name, outcome)
    if state == "twice":
        again = f"{name}: the text stands twice in one message; look at the conversation"
        return replace(outcome, alert=again, result={**outcome.result, "rewritten": True})
    return outcome


def _not_left(name: str, of: Outcome) -> Outcome:
    reason = "still_in_box"
    problem = "the text still stands in the box after the service sent it"
    remedy = "See whether the Mac's screen is locked or a list of names is open there."
    return Outcome(
        "unknown",
        reason,
        error=f"{name}: {problem}. {remedy}",
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
