"""How English asks not to be contacted: it has more ways than a list of phrases holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["asks_in_english", "is_a_firm_question", "is_qualified", "without_unsaid"]

_CONTACTING: Final = (
    r"(?:messag|msg|hit(?:ting)? (?:me|us) up|slid(?:e|ing)"
    r"|contact|writ|text|dm|email|e-mail|mail|call|ping|spam|bother|harass|pitch|reach|send"
    r"|solicit|annoy)"
)
_NOT: Final = r"\b(?:do not|donot|dont|dnt|never|no longer)"
_REACHABLE: Final = r"(?:name|e-?mail|number|contact|details|address|data|info\w*)"


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))


_ASKED: Final = _compiled(
    rf"(?<!non[ -])(?<!one[ -])\b(?:stop|quit|cease|no more)\b(?: \w+){{0,2}} {_CONTACTING}\w*",
    rf"{_NOT}(?: ever| please)? {_CONTACTING}\w*(?: \w+){{0,3}} ?\b(?:me|us|again|any ?more)\b",
    rf"{_NOT}(?: ever| please)? {_CONTACTING}\w*(?: out| back)?"
    r"(?: please| pls| thanks| thank you)*$",
    rf"{_NOT} (?:want|wanna|wish|like|need)(?: \w+){{0,3}} {_CONTACTING}\w*",
    rf"{_NOT} (?:want|wanna|wish|care|need)(?: \w+){{0,2}}"
    r" hear(?:ing)? (?:from|of) (?:you|u|this)\b",
    r"(?<!did )(?<!do )(?<!does )(?<!could )\b(?:not|to never)(?: to)? (?:be|get|receive)"
    rf"(?: \w+){{0,2}} {_CONTACTING}\w*",
    r"\b(?:prefer|rather) not (?:to )?(?:receive|hear|get (?:these|this|any|your|more|such))\b",
    rf"\bnot (?:looking|wanting|willing|wishing) to be {_CONTACTING}",
    rf"\b(?:could|can|would|will) (?:you|u)(?: please)? not {_CONTACTING}",
    rf"\bmind not {_CONTACTING}",
    r"^(?:\w+ )?(?:could|can|would) (?:you|u)(?: \w+)? not$",
    rf"{_NOT} {_CONTACTING}\w* (?:this|my|our) (?:address|account|number|e?mail|inbox|page)\b",
    rf"\brefrain from(?: ever)? {_CONTACTING}",
    rf"\b(?:prefer|rather)(?: that)? (?:you|u) (?:did ?nt|did not|do ?nt|do not) {_CONTACTING}",
    r"\bstop (?:trying to )?\w{3,} (?:to )?(?:me|us)\b",
    r"\bstop (?:getting|receiving) (?:these|your|this|any|all|such)\b",
    r"\bstop (?:in (?:the )?future|at once|for good|right (?:now|away|there)|immediately|asap)\b",
    r"\bstop\b.*\bor (?:else|(?:i|ill|we|im|youll)\b)",
    r"\bstop (?:\w+ ){0,2}(?:time|request|warning)(?: (?:of )?asking)?$",
    r"\bleave (?:me|us)(?: \w+){0,3} alone\b",
    r"\bopt(?:ed|ing)?[ -]?(?:me |us )?out\b",
    r"\b(?:remove|delete) (?:me|us from)\b",
    r"\b(?:take|drop|keep) (?:me|us) (?:from|off|out)\b"
    r"(?! (?:of )?(?:the |this )?(?:\w+ )?(?:call|meeting|invite|chat|loop)\b)",
    rf"\b(?:remove|delete|erase|lose|drop) (?:all )?(?:of )?my (?:personal )?{_REACHABLE}\b",
    rf"\btake my {_REACHABLE} (?:off|out|from)\b",
    r"(?<!you )(?<!youre )(?<!you are )(?<!if )\bnot (?!only|just)(?:\w+ ){0,2}interested\b",
    r"\b(?:isnt|is not|im not) (?:something )?(?:for me|my thing)\b",
    r"\b(?:have|ive|going to|gonna|ill|will|im|am|now|i) (?:report|block)(?:ed|ing)?"
    r" (?:you|u|this (?:account|profile|page|bot))\b",
    r"^(?:block|report)(?:ed|ing) (?:you|u|this (?:account|profile|page|bot))\b",
    r"\b(?:youve|you have|you are|youre|ur|u r|u are) (?:been |being |now )?(?:blocked|reported)\b",
    rf"\b{_CONTACTING}\w*(?: \w+){{0,2}} again (?:and|or) (?:i|ill|im|you|youre|ur|we|this)\b",
    rf"\b(?:if|one more)\b.* {_CONTACTING}.*\b(?:lawyer|solicitor|police|sue|suing|legal|court)\b",
    r"^(?:\w+ ){0,4}stop(?: \w+)?(?: it| this| that| now| here| please| ok| thanks)$",
    r"^(?:\w+ ){1,4}stop$",
    rf"\b(?:lawyer|solicitor|police)\b.*\bif\b.* {_CONTACTING}",
    rf"\b(?:{_CONTACTING}\w*|you|yourself) (?:\w+ ){{0,2}}(?:be |yourself )?(?:reported|blocked)$",
)
# One of these stands in whatever one of the patterns matches.
_MAY_ASK: Final = re.compile(
    r"stop|quit|cease|no more|not|dont|never|no longer|opt|remove|delete|erase|take|drop|keep|lose"
    r"|leave|block|report|refrain|rather|prefer|dnt|again|if|one more"
)
# What speaks of stopping without asking us to.
_UNSAID: Final = _compiled(
    r"\b(?:dont|do not|never|cant|cannot|wont|didnt|couldnt|lets not|not want to) (?:ever )?stop\b",
    rf"\b(?:we|lets|let us|shall we|we should|we could)(?: \w+){{0,2}} stop {_CONTACTING}\w*",
    # What they themselves want to, or have to, end.
    r"\b(?:i|we|they|id|wed|ill|well|ive|weve|trying|helps?|want|wanted)"
    r" (?:(?!(?:you|u|this|these|it|that|your)\b)\w+ ){0,3}"
    r"(?:to|must|should|could|can|might) stop\b"
    r"(?: (?!messag|contact|(?:me|us)\b)\w+)*",
    r"\b(?:where|when|why) (?:do|did|would|should|will) (?:we|they|it|i) stop\b|\bwhy stop\b",
    r"\b(?:dont|do not|didnt|did not|never|not|wont|accidentally|accidently"
    r"|by (?:mistake|accident))(?: (?:mean|want|meant|wanted|ever|intend|intended))?(?: to)?"
    r" (?:un ?subscri\w*|remov\w*|delet\w*|erase|opt(?:ed)?(?: me)? out|drop|take)"
    r"(?: (?:me|us))?\b",
    r"\b(?:un ?subscri\w*|removed|deleted|blocked)(?: \w+){0,2}"
    r" (?:by (?:mistake|accident)|accidentally)",
    (
        r"\b(?:how|when|why|where|what happens (?:when|if))"
        r" (?:do |can |could |would |does |if )?(?:people|users|customers|subscribers|clients"
        r"|one|they|readers|your \w+)\b[^.?!]{0,60}"
    ),
    (
        r"\b(?:non|one|pit|bus|full|next|last|first|short|quick|train|tour|to a|wont|cant"
        r"|will not) ?-?stop\b"
    ),
    r"\b(?:please )?stop (?:me|us|him|her|them) (?:if|when|before|anytime)\b",
    r"\b(?:remove|delete|block|correct) me (?:if|when|where)\b",
    r"\bstop(?:ped|s)?"
    r" (?:by(?! \w+ or\b)|over|in(?! (?:the )?(?:future|general))|at(?! (?:once|all)))\b",
    r"\bwrit(?:e|ing) (?:me|us) off\b|\bnot (?:un|dis)interested\b",
    r"\b(?:dont|do not) call (?:me|us)"
    r" (?!again|any|back|ever|please|pls|or\b|and\b|thank|for\b|on\b|at\b)\w+",
    rf"{_NOT} {_CONTACTING}\w* (?:me|us) (?:before|after|until|till|between|during|while|when)\b",
    # The footer of a newsletter or of a machine's answer.
    r"\b(?:reply|respond|text|send|type|say|tap|click|hit|press)(?: \w+){0,2}"
    r" (?:stop|unsubscribe|end|quit)(?: \w+){0,2}"
    r" to (?:\w+ )?(?:stop|unsubscribe|opt out|cancel|end|leave|quit)\b"
    r"(?: (?:receiving|getting)(?: \w+){0,3})?",
    r"\b(?:click|tap|press) (?:here |below |this link )?to unsubscribe\b",
    r"\bto unsubscribe (?:click|tap|reply|visit|follow|use|please click"
    r"|from (?:this|these|our|future))\b(?: \w+){0,6}",
    r"\bunsubscribe (?:here|manage|update|privacy|view in|preferences|(?:at )?any ?time)\b",
    (
        r"\b(?:our|my|their|the|fewer|less|reduce|reducing|high|low) unsubscri\w*"
        r"|\bunsubscri\w* (?:rates?|links?|buttons?|pages?|flows?|lists?|numbers?)\b"
        r"|\bunsubscribes\b"
    ),
)
# Asks for another channel in the same breath, or for something else of us.
_OTHERWISE: Final = re.compile(
    r"\b(?:instead|better|easier|faster)\b"
    r"|\b(?:rather|prefer)\b(?! not| (?:that )?(?:you|u) (?:didnt|did not|dont|do not))"
    r"|\bcall me (?:on|at|tomorrow|now)\b"
    rf"|{_NOT} {_CONTACTING}\w*(?: (?!or\b|and\b|nor\b)\w+){{0,2}}"
    r" (?:call|contact|dm|e?mail|message|ping|text|write) me\b"
    r"|\binterested\b.*\b(?:just|only|simply|please) (?:send|share|tell|give|show|the)\b"
    r"|\binterested\b.*\bbut"
    r" (?:the|please|can|could|do|what|how|send|now|today|i am|im|am|your|maybe)\b"
    r"|\bjust (?:the |send |your )*(?:prices?|pricing|info|link|deck|details|quote)\b"
    r"|\bbut (?:\w+ ){0,2}(?:yes|sure|okay|keep me)\b|\bkeep me (?:posted|in the loop|updated)\b"
    r"|\b(?:maybe|perhaps|later|next|until) (?:in |on |this )?(?:week|month|year|quarter|spring"
    r"|summer|autumn|fall|winter|january|february|march|april|may|june|july|august"
    r"|september|october|november|december|q[1-4]|monday|then|later)\b|\b(?:circle|check) back\b"
    r"|\b(?:here|dms?|chat|text|e?mail|whatsapp) (?:is|are|works?)"
    r" (?:\w+ )?(?:fine|best|ok|okay|good)"
    r"|\b(?:write|message|text|dm|reply)(?: me| us)? here\b"
    r"|\btell me more\b|\bsign me up\b|\bim in\b|\bkeep sending\b|\badd me back\b"
)
# What somebody says who only plays.
_PLAYFUL: Final = re.compile(
    r"\b(?:ha){2,}h?\b|\b(?:lol|lmao|rofl|jk|just kidding|blush\w*|flatter\w*|amazing|incredible"
    r"|awesome|so (?:nice|kind|sweet|good|cute|true)|too kind|too good|love (?:it|this|that)|wow"
    r"|take my money|no way|im sold|thats (?:great|crazy|insane|wild))\b"
)
_LAUGHTER: Final = re.compile(
    "[\U0001f602\U0001f923\U0001f60d\U0001f970\u2764\U0001f525\U0001f60a\U0001f605]"
)
_SERIOUS: Final = re.compile(
    rf"\b(?:{_CONTACTING}\w*|un ?subscri\w*|opt \w*|blocked|report\w*|list"
    r"|pitch|please|pls|unsub"
    r"|no(?! way))\b"
)
# Asked of us, though as a question.
_FIRM: Final = re.compile(
    r"\b(?:can|could|will|would) (?:you|u)(?: (?:please|pls|just|kindly|ever))* (?:stop|quit)"
    r"(?: (?:it|this|that|now|please|pls|already))*$"
    rf"|\b(?:can|could|will|would) (?:you|u) (?:\w+ ){{0,2}}(?:stop|quit|cease|not) {_CONTACTING}"
    r"|\b(?:how|where) (?:do|can|to|should)(?: i)? (?:unsub\w*|un subscri\w*|opt[ -]?out|get off"
    r"|stop (?:these|this|your|getting|receiving))"
    rf"|\b(?:remove|delete|unsubscribe|unsub|take|leave|stop|opt|{_CONTACTING}\w*)(?: \w+)?"
    r" (?:me|us|again)\b|\b(?:you|u) (?:please )?(?:remove|delete|erase|take) my\b"
    r"|\bnot (?:\w+ )?interested\b(?! in)|\bmind not\b|\b(?:you|u)(?: please)? not\b"
    r"|\b(?:which|what) part of\b"
)


def asks_in_english(plain: str) -> bool:
    """Return whether a plain text asks not to be contacted."""
    return _MAY_ASK.search(plain) is not None and _any(_ASKED, plain)


def without_unsaid(plain: str) -> str:
    """Return a plain text without what speaks of stopping and asks nobody to."""
    for unsaid in _UNSAID:
        plain = unsaid.sub(" ", plain)
    return plain


def is_qualified(plain: str, text: str) -> bool:
    """Return whether what else a text says makes it doubtful that it asks us to stop."""
    if _OTHERWISE.search(plain):
        return True
    is_playful = _PLAYFUL.search(plain) or _LAUGHTER.search(text)
    return bool(is_playful) and _SERIOUS.search(plain) is None


def is_a_firm_question(plain: str) -> bool:
    """Return whether a question that speaks of stopping asks us to."""
    return _FIRM.search(plain) is not None


def _any(patterns: Sequence[re.Pattern[str]], plain: str) -> bool:
    return any(pattern.search(plain) for pattern in patterns)
