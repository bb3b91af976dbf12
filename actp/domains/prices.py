"""Detects questions about the price, in 25 languages."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import normalize

from actp.domains.outreach.spoken import plain_words

__all__ = ["asks_the_price", "speaks_of_money"]

# As plain_words gives them: without accents, apostrophes and signs.
_ASKED: Final = re.compile(
    r"\bhow much(?! (?:time|longer|effort|work|experience|of)\b)"
    r"|^(?:\w+ )?(?:price|pricing|cost)(?: please| pls)?$"
    r"|\b(?:what|whats|whatre)\b(?: \w+){0,4} (?:costs?|prices?|pricing|fees?|rates?)\b"
    r"|\b(?:does|do|would|will|gonna|going to)(?: \w+){0,3} cost\b"
    r"(?! (?:me|us|you) (?:my|our|your)\b)"
    r"|\b(?:can|could) (?:you|u) send (?:me )?(?:more |the |some |your |a )*"
    r"(?:price|prices|pricing|quote)\b"
    r"|\bis (?:it|this|that) free\b|\bfree or paid\b"
    r"|\b(?:what|how)\b.{0,12} (?:you|u|they) charge\b"
    # German
    r"|\b(?:was|wie ?viel) (?:kostet|kosten|wurde (?:es|das) kosten)\b|\bwie teuer\b"
    r"|\bwas ist der preis\b"
    r"|\bwie ?viel (?:macht|nehm\w+|verlang\w+)"
    # Spanish, Portuguese, Italian
    r"|\bcuanto (?:cuesta|cuestan|vale|cobr\w+|sale|seria|es|me)\b|\b(?:que|cual es el) precio\b"
    r"|\bquanto (?:custa|custam|cobra\w*|fica|sai|costa|costano|vale|viene|e|seria)\b"
    r"|\bqual (?:e )?o (?:preco|valor)\b"
    # French
    r"|\bcombien(?! d(?:e|es|[ahiou]\w*)\b)|\bquels? (?:est le|sont les) (?:prix|tarifs?)\b"
    # Dutch, Polish, Russian, Ukrainian, Turkish, Vietnamese
    r"|\b(?:wat|hoeveel) kost\w*|\bile (?:to )?kosztuj\w+|\bjaka.{0,8} cena\b"
    r"|сколько (?:это )?(?:стоит|будет)|какая цена|скільки кошту\w+|\bne kadar\b|\bbao nhieu\b"
    # Swedish, Danish, Norwegian, Finnish, Czech, Hungarian, Romanian, Greek
    r"|\b(?:vad|hvad|hva) kost[ae]r\b|\b(?:paljonko|mita) (?:se )?maksaa\b|\bkolik (?:to )?stoji\b"
    r"|\bmennyi(?:be kerul|ert)\b|\bcat costa\b"
    r"|\bποσο (?:κοστιζει|κανει)\b"  # noqa: RUF001  Greek
)
_WORDS: Final = frozenset(
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
# Without one of these nothing is asked: most texts are passed over by them.
_TELLING: Final = _WORDS | {
    "cena", "charge", "charges", "combien", "costa", "cuanto", "free", "hoeveel", "investment",
    "kadar", "kerul", "kost", "kostar", "koster", "kosztuja", "kosztuje", "macht", "maksaa",
    "mennyiert", "much", "nhieu", "payment", "quanto", "que", "quote", "quotes", "rate", "rates",
    "stoji", "teuer", "valor", "viel", "wieviel", "скільки", "сколько", "ποσο",
}  # fmt: skip
_STEMS: Final = ("preis", "fiyat", "harga", "biaya", "прайс", "стоимост")
# Words that are as often no question of money, with those that make them one: "your rates".
_PHRASES: Final = re.compile(
    r"\b(?:the investment|(?:a|get|send|me|need|for) quotes?|(?:your|ur|the|day|hourly) rates?"
    r"|rate card|payment (?:plans?|options?|terms)|(?:you|u|they) charge|what.{0,12} charges?"
    r"|kosztuj\w+)\b"
)
# Words of money in what is said of something else: "it cost me my job".
_IDIOMS: Final = re.compile(
    r"\b(?:(?:costs?|costing|kostete?)"
    r" (?:me|us|you|him|her|it|them|people|everyone|mich|uns|dich|euch)"
    r"(?! (?:much|anything|extra|if|to|per|for|in total|altogether|das|es|insgesamt)\b)(?= \w)"
    r"|costs? of (?:living|inaction|waiting|delay|doing nothing|not \w+)"
    r"|(?:sunk|opportunity) costs?|(?:at|um) (?:all|any|every|jeden) (?:costs?|price|preis)"
    r"|no cost|cost cutting"
    r"|(?:pay|pays|paid|paying)(?: \w+){1,2} price"
    r"|price (?:to pay|of (?:fame|success|admission|entry))"
    r"|afford to (?:be|fail|ignore|lose|miss|not|skip|wait)"
    r"|packages? (?:\w+ )?(?:arrived|came|delivered|shipped|got lost)"
    r"|(?:npm|python|pip|software) packages?"
    r"|budget (?:airline|cuts?|deficit|flights?|hotels?)"
    r"|a tout prix|prix nobel|pagar (?:el|o) (?:precio|preco)"
    r")\b"
)
_MONEY: Final = re.compile("[$€£₹]")
# Scripts without blanks between words.
_SIGNS: Final = re.compile(
    "いくら|料金|値段|価格|費用|多少[钱錢]|[价價]格|报价|報價|收[费費]|费用|얼마|가격|비용|ราคา|เท่าไ"
    "|कीमत|कितने का|سعر|بكم|تكلفة|قیمت|هزینه|מחיר|כמה (?:זה )?עולה"
)


def asks_the_price(words: str) -> bool:
    """Return whether a text, as ``plain_words`` gives it, asks what something costs."""
    return _ASKED.search(words) is not None


# A score and the readiness for an offer both ask.
@lru_cache(maxsize=64)
def speaks_of_money(text: str) -> bool:
    """Return whether lines of a text ask for the price, or name money in what is no idiom."""
    if _MONEY.search(text) or (not text.isascii() and _SIGNS.search(normalize("NFKC", text))):
        return True
    if not _names_money(plain_words(text), _TELLING):
        return False
    return any(map(_speaks, map(plain_words, text.splitlines())))


def _speaks(words: str) -> bool:
    if asks_the_price(words):
        return True
    spoken = _IDIOMS.sub(" ", words)
    return _names_money(spoken, _WORDS) or _PHRASES.search(spoken) is not None


def _names_money(words: str, names: frozenset[str]) -> bool:
    met = words.split()
    return not names.isdisjoint(met) or any(word.startswith(_STEMS) for word in met)
