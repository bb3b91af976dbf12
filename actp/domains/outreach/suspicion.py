"""Checks texts by Claude before they are sent, and outside text before Claude receives it.

The author of a bio may have written it for a machine. So whatever looks like orders is not shown to
Claude at all, and what comes back may hold nothing by which a stranger could speak through us.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from actp.errors import InvalidInput
from actp.safari.texts import clean_text, rewritten_word

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LENGTHS", "fault_in", "speaks_to_machines"]

# Characters; shorter than what the services take, for people read them on a phone.
LENGTHS: Final = {"twitter": 280, "instagram": 500, "tiktok": 500, "linkedin": 300, "gmail": 1000}
SERVICES: Final = {
    "twitter": "twitter-dm",
    "instagram": "instagram-dm",
    "tiktok": "tiktok-dm",
    "linkedin": "linkedin-automation",
}
MOST_SENTENCES: Final = 4

_ENDINGS: Final = (
    r"(?:com|net|org|io|ai|co|me|ly|gg|xyz|info|biz|app|dev|link|shop|site|online|top|ru|cn|de|to|tv"
    r"|us|uk|eu|be|cc|so|sh)\b"
)
# What browsers take for a dot.
_DOTS = dict.fromkeys(
    (0xB7, 0x2022, 0x2024, 0x2219, 0x22C5, 0x3002, 0xFF0E, 0xFF61, 0x0701, 0x0702, 0xFE52, 0x2027),
    ".",
)
_ADDRESS = re.compile(
    r"https?|hxxp|://|\bwww\b|\b(?:javascript|data|tel|sms):\S|(?<![\w.])[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}\b"
    r"|(?:\b\w\s){2,}\.\s\w"
    r"|\w\s?[\[(]\s?(?:\.|dot|slash)\s?[\])]\s?\w"
    rf"|\w\s+(?:d[o0]t|punkt|punto|ponto|point|punt|точка)\s+{_ENDINGS}"
    r"|\w\s?\.\s(?:com|net|org|io|ly|gg|xyz|me)\b|[^\s.]\s?\.(?:com|net|org|io|la|ly|gg|xyz|ws|to)\b"
    rf"|\b\w{{1,12}}\s+{_ENDINGS}\s+slash\b|\bslash\s+\w"
    r"|\w\s?/\s?\w|\b\d{1,3}(?:\.\d{1,3}){3}\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?:\d[\s().-]?){6,}")
_PLACEHOLDER = re.compile(r"[{}<>\[\]`|\\]|\bINSERT\b|\bNAME\b")
_MACHINE = re.compile(
    r"\b(?:language model|as an ai|ai assistant|system prompt|instructions?|anthropic|openai"
    r"|jailbreak|i cannot|i can't help)\b",
    re.IGNORECASE,
)
_BAIT = re.compile(
    r"\b(?:bitcoin|btc|crypto|wallet|ethereum|usdt|airdrop|giveaway|gift ?card|prize|lottery"
    r"|password|passcode|verification|verify|log ?in|bank|iban|paypal|venmo|cash ?app|invest"
    r"|invoice|click|telegram|whats ?app|discord|promo ?code|coupon|discount code)\b",
    re.IGNORECASE,
)
_READERS: Final = r"(?:ai|llm|bot|gpt|chatgpt|claude|assistant|language model)"
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|do not follow|stop following)\b.{0,60}"
    r"\b(?:instruction|prompt|rule|previous|prior|above|everything|guideline|said|told)"
    r"|\bsystem ?(?:prompt|message)|\b(?:system|assistant|user|human) ?:"
    rf"|\b(?:you are|act as|pretend|roleplay)\b(?: \w+){{0,3}} {_READERS}\b"
    r"|\b(?:respond|reply|answer|write|say|output|print|repeat|include|mention|add|insert|append)\b"
    r".{0,60}\b(?:verbatim|word for word|this (?:link|url|text|sentence|exact)|the following"
    r"|in (?:your|every|the) (?:message|reply|response|answer|dm|output))\b"
    r"|\b(?:respond|reply|answer|output|say)\b.{0,30}\b(?:only|instead)\b"
    rf"|\b{_READERS}s?(?: agents?| models?)?"
    r" (?:must|please|reading|processing|parsing|that reads?)\b"
    rf"|\b(?:attention|note to|hey|dear|if you are an?|to any) (?:all |the )?{_READERS}s?\b"
    r"|\bsend\b.{0,40}(?:https?:|www\.|\bto (?:everyone|all|them)\b)"
    r"|</?[a-z_]+>|\[/?(?:inst|system)\]|<\|",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)")
# Templates make the same text for people with the same first name.
REMEMBERED: Final = 4096


@lru_cache(maxsize=REMEMBERED)
def fault_in(text: str, platform: str) -> str | None:
    """Return what is wrong with a text that would be sent as it is, or None."""
    plain = unicodedata.normalize("NFKC", text.translate(_DOTS)).translate(_DOTS)
    hidden = next((sign for sign in text if unicodedata.category(sign) in {"Cf", "Co", "Cn"}), None)
    checks = (
        (not plain.strip(), "it is empty"),
        (_length(text) > LENGTHS[platform], f"it is longer than {LENGTHS[platform]} characters"),
        (hidden is not None, "it has invisible signs"),
        (_ADDRESS.search(plain), "it has an address"),
        ("@" in plain, "it mentions somebody"),
        ("#" in plain, "it has a hashtag"),
        (_NUMBER.search(plain), "it has a long number"),
        (_PLACEHOLDER.search(text), "it has a placeholder or markup"),
        (_MACHINE.search(plain), "it speaks of a machine"),
        (_BAIT.search(plain), "it speaks of what swindlers speak of"),
        (len(_SENTENCE_END.findall(plain)) > MOST_SENTENCES, "it has too many sentences"),
        (platform == "twitter" and rewritten_word(text), "Twitter's service would alter a word"),
    )
    for is_wrong, what in checks:
        if is_wrong:
            return what
    if platform in SERVICES:
        try:
            clean_text(SERVICES[platform], text)
        except InvalidInput as error:
            return str(error)
    return None


def speaks_to_machines(value: Any) -> bool:
    """Return whether a text, or one inside JSON, reads like orders to its reader."""
    return any(
        _ORDERS.search(" ".join(unicodedata.normalize("NFKC", text).split()))
        or any(unicodedata.category(sign) in {"Cf", "Co"} and sign != "\u200d" for sign in text)
        for text in _texts(value)
    )


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, inner in value.items():
                yield str(key)
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
