"""Offer readiness of a contact, and its fit to the ideal customer profile."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from unicodedata import combining, normalize

from actp.domains.taxonomy import OFFERS, matching_offers, words_of

if TYPE_CHECKING:
    from actp.domains.prospect.facts import Facts

__all__ = ["asks_about_price", "icp_fit", "offer_readiness"]

MANY_DMS: Final = 3

_HAS_ROLE: Final = 40
_EACH_KEYWORD: Final = 15
_MOST: Final = 100
# Without accents, as texts are compared here.
_PRICE_WORDS: Final = frozenset(
    {
        "price", "prices", "priced", "pricing", "pricings", "pricelist", "cost", "costs", "costing",
        "budget", "package", "packages", "howmuch", "fee", "fees", "quotation", "quotations",
        "expensive", "pricey", "ballpark", "afford", "affordable", "retainer", "precio", "precios",
        "tarifa", "tarifas", "presupuesto", "preco", "precos", "orcamento",
        "prezzo", "prezzi", "preventivo", "prix", "tarif", "tarifs", "devis",
        "kosten", "kostet", "stundensatz", "honorar", "prijs", "prijzen", "cennik",
        "цена", "цену", "цены", "цене", "ценой", "почем", "ціна", "ціни", "ціну",
    }
)  # fmt: skip
_PRICE_STEMS: Final = ("preis", "fiyat", "harga", "biaya", "прайс", "стоимост")
# Words that are as often no question of money, with those that make them one: "your rates".
_PRICE_PHRASES: Final = re.compile(
    r"\b(?:how much(?! (?:time|longer|effort|work|experience|of)\b)|free or paid|the investment"
    r"|is (?:it|this|that) free|wie ?viel (?:macht|nehm\w+|verlang\w+)"
    r"|(?:a|get|send|me|need|for) quotes?|(?:your|ur|the|day|hourly) rates?|rate card"
    r"|(?:you|u|they) charge|what.{0,12} charges?|hoeveel kost\w*|jaka.{0,8} cena|kosztuj\w+"
    r"|cuanto (?:cuesta|cuestan|vale|cobr\w+|sale|seria|es|me)|ne kadar|bao nhieu"
    r"|quanto (?:custa|custam|cobra\w*|fica|sai|costa|costano|vale|viene|e|seria)"
    r"|combien(?! de\b| d\b| des\b)|сколько (?:это )?(?:стоит|будет)|скільки кошту\w+)\b"
)
_TELLING: Final = frozenset(
    {
        "much", "free", "investment", "viel", "wieviel", "quote", "quotes", "rate", "rates",
        "charge", "charges", "kost", "cena", "cuanto", "kosztuje", "kosztuja",
        "kadar", "nhieu", "quanto", "combien", "сколько", "скільки",
    }
)  # fmt: skip
_MONEY: Final = re.compile("[$€£₹]")
# Scripts without blanks between words.
_PRICE_SIGNS: Final = re.compile(
    "いくら|料金|値段|価格|費用|多少[钱錢]|[价價]格|报价|報價|收[费費]|费用|얼마|가격|비용|ราคา|เท่าไ"
    "|कीमत|कितने का|سعر|بكم|تكلفة"
)


def asks_about_price(facts: Facts) -> bool:
    """Say whether what the person wrote speaks of money, in any of a dozen languages."""
    return _speaks_of_money(facts.words)


# A score and the readiness for an offer both ask.
@lru_cache(maxsize=64)
def _speaks_of_money(words: str) -> bool:
    text = _bare(words).lower()
    spoken = words_of(text)
    met = frozenset(spoken)
    return bool(
        met & _PRICE_WORDS
        or (met & _TELLING and _PRICE_PHRASES.search(" ".join(spoken)))
        or _MONEY.search(text)
        or any(word.startswith(_PRICE_STEMS) for word in met)
        or (not text.isascii() and _PRICE_SIGNS.search(text))
    )


def _bare(text: str) -> str:
    """Return a text without accents; one of plain letters as it is."""
    if text.isascii():
        return text
    signs = (sign for sign in normalize("NFKD", text) if not combining(sign))
    return normalize("NFC", "".join(signs))


def offer_readiness(facts: Facts) -> int:
    """Return 0 to 100: from talking about what we sell to asking what it costs."""
    return (
        30 * bool(matching_offers(facts.words))
        + 30 * asks_about_price(facts)
        + 20 * (facts.recent_dms >= MANY_DMS)
        + 20 * facts.has_fresh_email_reply
    )


def icp_fit(facts: Facts) -> int:
    """Return 0 to 100: the CRM's own figure, or what the profile says, whichever is more."""
    spoken = f" {' '.join(words_of(facts.about))} "
    has_role = any(f" {role} " in spoken for offer in OFFERS for role in offer.roles)
    keywords = {word for offer in OFFERS for word in offer.keywords if f" {word} " in spoken}
    profile = min(_MOST, _HAS_ROLE * has_role + _EACH_KEYWORD * len(keywords))
    return max(profile, round(facts.icp_score or 0))
