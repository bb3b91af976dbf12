"""How English asks not to be contacted: it has more ways than a list of phrases holds."""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "asks_in_english",
    "asks_to_go_on",
    "is_a_firm_question",
    "is_qualified",
    "without_unsaid",
]

_CONTACTING: Final = (
    r"(?:messag|msg|hit(?:ting)? (?:me|us) up|slid(?:e|ing)"
    r"|contact|contect|writ|text|txt|dm|email|e-mail|mail|call|ping|spam|bother|harass|pitch|reach|send"
    r"|solicit|annoy|approach)"
)
_NOT: Final = r"\b(?:do not|donot|dont|dnt|never|no longer)"
_REACHABLE: Final = r"(?:name|e-?mail|number|contact|details|address|data|info\w*)"


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))


# By letters one of which stands in whatever a pattern matches: few texts have any.
_ASKED: Final = {
    (
        "stop",
        "quit",
        "cease",
        "desist",
        "discontinue",
        "no more",
        "no further",
        "no follow",
        "enough",
    ): _compiled(
        r"(?<!non[ -])(?<!one[ -])\b(?:stop|quit|cease|no more)\b(?: \w+){0,2}"
        rf" {_CONTACTING}\w*",
        r"\bstop (?:trying to )?\w{3,} (?:to )?(?:me|us)\b",
        r"\b(?:stop|quit) (?:blowing up|flooding|filling|clogging) (?:up )?my\b",
        r"^how (?:do|can) i stop (?:these|this|your)(?: (?:messages|dms|e?mails|texts|spam))?$",
        r"\bstop (?:getting|receiving) (?:these|your|this|any|all|such)\b",
        r"\bstop (?:in (?:the )?future|at once|for good|immediately|asap)\b",
        r"\bstop right (?:now|away|there)\b",
        r"\bstop\b.*\bor (?:else|(?:i|ill|we|im|youll)\b)|\ba favou?r and stop\b",
        r"\bstop (?:\w+ ){0,2}(?:time|request|warning)(?: (?:of )?asking)?$",
        r"^(?:\w+ ){0,4}stop(?: \w+)?(?: it| this| that| now| here| please| ok| thanks)$",
        r"^(?:\w+ ){1,4}stop$|\b(?:and|so) stop$",
        r"\bstop (?:asking|following up|chasing|pestering|stalking|selling|pitching|pushing)"
        r"(?: (?:me|us|please|pls|already|now|it))*$",
        r"^(?:please |pls |kindly )*(?:cease|desist|discontinue)\b",
        r"\b(?:cease|desist|discontinue)(?: (?:from|all|any|further|your|these|this))*"
        rf" (?:communicat|correspond|outreach|{_CONTACTING})",
        rf"\b(?:enough|quit it) (?:with|of) (?:the|these|your|this) {_CONTACTING}",
        r"\bno (?:more|further) (?:of (?:this|these|that)|follow ?ups?)\b|^no follow ?ups?\b",
    ),
    ("not", "nt ", "never", "no longer"): _compiled(
        rf"{_NOT}(?: ever| please)? {_CONTACTING}\w*(?: \w+){{0,3}} ?\b(?:me|us|again|any ?more)\b",
        rf"{_NOT}(?: ever| please)? {_CONTACTING}\w*(?: out| back)?"
        r"(?: please| pls| thanks| thank you)*$",
        # What they do not want to get; "I do not want to write captions" is what we are for.
        rf"{_NOT} (?:want|wanna|wish|like|need(?= (?:your|these|this|any)))"
        r"(?: to)?(?: (?:you|u|ur|any|more|your|these|this|such|further|be|get|receive"
        rf"|being|getting|receiving))+(?: \w+){{0,2}} {_CONTACTING}\w*",
        rf"{_NOT} (?:want|need) (?:messages|dms|e?mails|texts|calls|pitches)\b",
        rf"{_NOT} (?:want|wanna|wish|care|need)(?: \w+){{0,2}}"
        r" hear(?:ing)? (?:from|of) (?:you|u|this)\b",
        rf"{_NOT} {_CONTACTING}\w* (?:this|my|our)"
        r" (?:address|account|number|e?mail|inbox|page)\b",
        rf"{_NOT}(?: please)? (?:follow up|circle back|sell|market|advertise)"
        r"(?: (?:to )?(?:me|us|again)|(?: please| pls| thanks)*$)",
        r"(?<!did )(?<!do )(?<!does )(?<!could )\b(?:not|to never)(?: to)? (?:be|get|receive)"
        rf"(?: \w+){{0,2}} {_CONTACTING}\w*",
        r"\b(?:prefer|rather) not (?:to )?(?:receive|hear|get (?:these|this|any|your|more|such))\b",
        rf"\b(?:prefer|rather)(?: that)? (?:you|u) (?:did ?nt|did not|do ?nt|do not) {_CONTACTING}",
        rf"\bnot (?:looking|wanting|willing|wishing) to be {_CONTACTING}",
        rf"\b(?:could|can|would|will) (?:you|u)(?: (?:please|pls|just|like|maybe|kindly))* not"
        rf" {_CONTACTING}",
        r"\b(?:please|pls|plz) (?:dont|do not)$",
        rf"{_NOT}(?: ever| please)? massag\w* (?:me|us) (?:again|any ?more|please|pls)\b",
        r"\bnot being (?:contacted|messaged|e?mailed|called|texted|written)\b(?! back)",
        rf"\b(?:told|asked|warned) (?:you|u) (?:not|never) to {_CONTACTING}",
        rf"(?:not|nt) want (?:you|u) (?:to )?(?:keep )?{_CONTACTING}\w* (?:me|us|her|him)\b",
        rf"\bmind not {_CONTACTING}",
        rf"\bif (?:you|u) (?:didnt|did not|dont|do not|never) {_CONTACTING}",
        r"\b(?:isnt|is not|not) something (?:that )?(?:i|we|im|were|i am|we are)(?: \w+)?"
        r" interested\b",
        r"^(?:\w+ )?(?:could|can|would) (?:you|u)(?: \w+)? not$",
        r"(?<!you )(?<!youre )(?<!you are )(?<!if )\bnot (?!only|just)(?:\w+ ){0,2}interested\b",
        r"\b(?:isnt|is not|im not) (?:something )?(?:for me|my thing)\b",
    ),
    (
        "opt",
        "number",
        "remove",
        "delete",
        "erase",
        "take",
        "drop",
        "keep",
        "lose",
        "leave",
        "refrain",
    ): _compiled(
        r"\b(?:lose|delete|erase) this (?:number|contact|e?mail|address)\b",
        rf"\brefrain from(?: ever)? {_CONTACTING}",
        r"\bleave (?:me|us)(?: \w+){0,3} alone\b",
        r"\bleave my (?:inbox|dms?|phone|account|page) alone\b",
        r"\bopt(?:ed|ing)?[ -]?(?:me |us )?out\b",
        r"\b(?:remove|delete) (?:me|us from)\b|\b(?:please|pls|kindly) (?:remove|delete) us\b",
        r"\b(?:take|drop|keep) (?:me|us) (?:from|off|out)\b"
        r"(?! (?:of )?(?:the |this )?(?:\w+ )?(?:call|meeting|invite|chat|loop)\b)",
        rf"\b(?:remove|delete|erase|lose|drop) (?:all )?(?:of )?my (?:personal )?{_REACHABLE}\b",
        rf"\btake my {_REACHABLE} (?:off|out|from)\b|\bremove this {_REACHABLE}\b",
        r"\btake your (?:\w+ ){1,3}elsewhere\b",
    ),
    (
        "block",
        "report",
        "lawyer",
        "solicitor",
        "police",
        "sue",
        "suing",
        "legal",
        "court",
    ): _compiled(
        r"\b(?:have|ive|going to|gonna|ill|will|im|am|now|i) (?:report|block)(?:ed|ing)?"
        r" (?:you|u|this (?:account|profile|page|bot))\b",
        r"^(?:block|report)(?:ed|ing) (?:you|u|this (?:account|profile|page|bot))\b",
        r"\b(?:youve|you have|you are|youre|ur|u r|u are) (?:been |being |getting |now )?"
        r"(?:blocked|reported)\b",
        rf"\b(?:{_CONTACTING}\w*|you|yourself) (?:\w+ ){{0,2}}(?:be |yourself )?"
        r"(?:reported|blocked)$",
        rf"\b(?:if|one more)\b.* {_CONTACTING}"
        r".*\b(?:lawyer|solicitor|police|sue|suing|legal|court)\b",
        r"\b(?:ill|i will|im|i am|gonna|going to) call(?:ing)? the (?:police|cops)\b",
        rf"\b(?:lawyer|solicitor|police)\b.*\bif\b.* {_CONTACTING}",
    ),
    # Said before, and still not heard.
    ("said", "told", "answer", "say", "tell", "part of", "again", "why", "go "): _compiled(
        r"\b(?:said|told (?:you|u)|answer is|i say)(?: you)?(?: already)? (?:no|stop)"
        r"(?: thank(?:s| you))?$",
        r"\balready (?:said|told (?:you|u)) (?:no|stop)\b",
        r"\b(?:what|which) part of (?:no|stop|not)\b",
        r"\bhow (?:many times|often) (?:do|must|should) i (?:have to )?(?:say|tell you)\b",
        r"\bwhy (?:do |are |must )?(?:you|u) (?:still |keep |keep on )+"
        rf"{_CONTACTING}\w* (?:me|us)\b",
        rf"\b{_CONTACTING}\w*(?: \w+){{0,2}} again (?:and|or)(?: \w+){{1,4}}"
        r" (?:block|report|sue|police|lawyer)",
        r"\bgo (?:spam|bother|pitch) (?:some|any)\w*\b",
    ),
}
# "dont stp" asks us to go on, whatever "stp" is in French.
_GO_ON: Final = re.compile(
    r"(?:(?:please|pls|plz|and|so|just|omg|lol) )*(?:dont|dnt|dun|do not|never|cant|cnt)"
    r"(?: (?:you|u|ever))* st[aou]*h?p+(?: (?:it|this|now|lol|haha|please|pls|plz))*"
)
# What speaks of stopping without asking us to.
_UNSAID: Final = _compiled(
    r"\b(?:narret(?:e|es|ez)|ne tarrete|ne vous arretez) (?:pas|jamais|surtout)\b"
    r"|\b(?:no|nunca) (?:pares|paren|pare|dejes|dejen|deje)\b|\bnao (?:pare|para|pares|deixe)\b"
    r"|\bnon (?:smettere|smetta|smettete|fermarti)\b|\bno me molestan?\b(?! mas\b)"
    r"|\bplus de (?:messages|clients|contacts)(?: \w+){0,4} comment\b"
    r"|\bhor\w*(?: \w+){0,2} (?:nicht|nie|niemals) auf\b"
    r"|\bniet (?:stoppen|ophouden)\b|\bnie przestawaj\w*",
    r"\b(?:dont|do not|never|cant|cannot|wont|didnt|couldnt|lets not|not want to)"
    r"(?: (?:ever|you|u|dare))* sto?p\b",
    r"(?:not|nt) want (?:you|u|it|this|them|these) to (?:ever )?stop\b",
    r"\b(?:we|lets|let us|shall we|we should|we could)(?: \w+){0,2}"
    rf" (?:stop|quit) {_CONTACTING}\w*",
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
    r"\b(?:dont|do not|never)(?: (?:you|u|ever))* (?:lose|erase|forget) my \w+\b"
    r"|\b(?:dont|do not|never)(?: (?:you|u|ever))* (?:leave|drop|keep) (?:me|us) out\b(?: of)?",
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
    r"\bblock (?:me|us) (?:an?|some|out|off|in|for)\b|\b(?:dont|do not) (?:ever )?block me\b",
    r"(?:not|nt) (?:say|saying|mean)(?: that)? (?:i|we|im|were)(?: am| are)? not interested\b",
    r"\bstop(?:ped|s)?"
    r" (?:by(?! \w+ or\b)|over|in(?! (?:the )?(?:future|general))|at(?! (?:once|all)))\b",
    r"\bhow (?:do|can|to|should)(?: i| you)? (?:unsubscribe|opt out) from"
    r" (?!this|these|your|ur\b|you|u\b|the\b|all\b|any\b|future|here|it\b|list)\w+",
    # "I did not get the message" in Hindi, as plain words have it.
    r"(?:मसज|message|msg) (?:नह|nahi|nhi|nahin) (?:म ल|आय|पह|द ख|mil|aay|aaya|pahunch|dikh)\w*",
    r"\b(?:love|like|want|happy|glad) to (?:unsubscribe|opt out) from"
    r" (?!this|these|your|you\b|the\b|all\b|any\b|future)\w+",
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
    r"(?<!like )(?<!want )(?<!wish )(?<!need )(?<!love )"
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
    r"|\b(?:everyone|everybody|all|anyone) (?:but|except) (?:you|u|yours|urs)\b"
    r"|\btoo many\b.*\bbut (?:you|u|your|ur|yours|urs|this)\b"
    r"|\b(?:rather|prefer)\b(?! not| (?:that )?(?:you|u) (?:didnt|did not|dont|do not))"
    r"|\bcall me (?:on|at|tomorrow|now)\b"
    rf"|{_NOT} {_CONTACTING}\w*(?: (?!or\b|and\b|nor\b)\w+){{0,2}}"
    r" (?:call|contact|dm|e?mail|message|ping|text|write) me\b"
    r"|\binterested\b.*\b(?:just|only|simply|please) (?:send|share|tell|give|show|the)\b"
    r"|\binterested\b.*\bbut"
    r" (?:the|please|can|could|do|what|how|send|now|today|i am|im|am|your|maybe)\b"
    r"|\binterested in\b.*\b(?:i (?:want|need|would like)|id (?:like|love)|works|is great)\b"
    r"|\b(?:put|add|move|switch|upgrade) me (?:on|to|in|into)\b"
    r"|\b(?:ones?|rest) (?:is|are) (?:great|fine|good)\b"
    r"|\bbut (?:still |please )?(?:keep|send|give|put|add|share|tell)\b"
    r"|\bim (?:ready|upgrading|staying)\b|\bi(?:ve)? already (?:bought|paid|joined)\b"
    r"|\bi meant\b|\b(?:was|were|am|im) (?:just |only )?(?:joking|kidding)\b"
    r"|\bjust (?:the |send |your )*(?:prices?|pricing|info|link|deck|details|quote)\b"
    r"|\bbut (?:\w+ ){0,2}(?:yes|sure|okay|keep me)\b|\bkeep me (?:posted|in the loop|updated)\b"
    r"|\b(?:maybe|perhaps|later|next|until) (?:in |on |this )?(?:week|month|year|quarter|spring"
    r"|summer|autumn|fall|winter|january|february|march|april|may|june|july|august"
    r"|september|october|november|december|q[1-4]|monday|then|later)\b|\b(?:circle|check) back\b"
    r"|\b(?:here|dms?|chat|text|e?mail|whatsapp) (?:is|are|works?)"
    r" (?:\w+ )?(?:fine|best|ok|okay|good)"
    r"|\b(?:write|message|text|dm|reply)(?: me| us)? here\b"
    # A machine answers.
    r"|\b(?:not|un ?)(?: being)? ?monitored\b|\b(?:automatic|automated|auto) ?reply\b"
    r"|\bautomatically generated\b|\bout of (?:the )?office\b|\bhas been received\b"
    r"|\btell me more\b|\bsign me up\b|\bim in\b|\bkeep sending\b|\badd me back\b"
)
# What somebody says who only plays.
_PLAYFUL: Final = re.compile(
    r"\b(?:ha){2,}h?\b|\b(?:lol|lmao|rofl|jk|just kidding|blush\w*|flatter\w*|amazing|incredible"
    r"|awesome|so (?:nice|kind|sweet|good|cute|true)|too kind|too good|love (?:it|this|that)|wow"
    r"|(?:ja|trop|ist das|so|faire) (?:genial|drole|rire|lustig|geil|krass)"
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
    r"(?! from (?!(?:this|these|that|you|u|ur|your|the|all|here|any|it)\b))"
    rf"|\b(?:remove|delete|unsubscribe|unsub|take|leave|stop|opt|{_CONTACTING}\w*)(?: \w+)?"
    r" (?:me|us|again)\b|\b(?:you|u) (?:please )?(?:remove|delete|erase|take) my\b"
    r"|\bmind not\b|\b(?:you|u)(?: please)? not\b"
    r"|\b(?:which|what) part of\b"
)


def asks_in_english(plain: str) -> bool:
    """Return whether a plain text asks not to be contacted."""
    return any(
        any(letters in plain for letters in needed)
        and any(pattern.search(plain) for pattern in patterns)
        for needed, patterns in _ASKED.items()
    )


def asks_to_go_on(plain: str) -> bool:
    """Return whether a plain text says nothing but not to stop."""
    return _GO_ON.fullmatch(plain) is not None


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
