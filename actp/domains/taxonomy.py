"""The agents' shared taxonomy: niches, content types, offers, and their keywords."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "CONTENT_TYPES",
    "NICHES",
    "NO_OFFER",
    "OFFERS",
    "OTHER",
    "Offer",
    "content_type_of",
    "matching_offers",
    "niche_of",
    "words_of",
]

OTHER: Final = "other"
NO_OFFER: Final = "none"
NICHES: Final = (
    "ai_automation",
    "saas_growth",
    "content_creation",
    "digital_marketing",
    "creator_economy",
    "personal_brand",
)
CONTENT_TYPES: Final = (
    "educational",
    "inspirational",
    "entertainment",
    "thought_leadership",
    "case_study",
    "product_demo",
)


@dataclass(frozen=True, slots=True)
class Offer:
    """Something sold: whom it is for, and what they talk about."""

    name: str
    niches: tuple[str, ...]
    roles: tuple[str, ...]
    keywords: tuple[str, ...]


OFFERS: Final = (
    Offer(
        "safari_automation",
        ("ai_automation", "content_creation"),
        ("developer", "agency owner", "solopreneur"),
        ("automation", "workflow", "claude", "n8n", "zapier"),
    ),
    Offer(
        "creator_growth",
        ("content_creation", "creator_economy"),
        ("content creator", "youtuber", "coach"),
        ("views", "subscribers", "monetize", "audience"),
    ),
    Offer(
        "saas_consulting",
        ("saas_growth", "digital_marketing"),
        ("founder", "cto", "product manager"),
        ("churn", "mrr", "retention", "growth"),
    ),
    Offer(
        "digital_agency",
        ("digital_marketing",),
        ("marketer", "agency", "brand manager"),
        ("ads", "seo", "funnel", "leads", "campaign"),
    ),
)

_OFFER_WORDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        offer.name: frozenset(
            phrase for phrase in (*offer.keywords, *offer.roles) if " " not in phrase
        )
        for offer in OFFERS
    }
)
_OFFER_PHRASES: Final = tuple(
    (phrase.rpartition(" ")[2], phrase, offer.name)
    for offer in OFFERS
    for phrase in (*offer.keywords, *offer.roles)
    if " " in phrase
)
_NICHE_WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "ai_automation": (
            "ai", "automation", "automate", "agent", "agents", "claude", "gpt", "llm", "n8n",
            "zapier", "workflow", "workflows", "bot", "ia", "ki", "automatizacion", "automatizar",
            "automacao", "automatisierung", "automatisieren", "automatisation", "automazione",
            "inteligencia", "intelligence", "автоматизация", "自动化", "自動化",
        ),
        "saas_growth": (
            "saas", "mrr", "arr", "churn", "startup", "startups", "b2b", "founder", "retention",
        ),
        "content_creation": (
            "content", "video", "videos", "editing", "script", "hook", "hooks", "shorts", "reels",
            "contenido", "contenidos", "conteudo", "contenu", "contenus", "inhalte", "contenuti",
            "контент",
        ),
        "digital_marketing": (
            "marketing", "seo", "ads", "funnel", "email", "leads", "copywriting", "werbung",
            "anuncios", "publicite", "publicidad", "маркетинг",
        ),
        "creator_economy": (
            "creator", "creators", "monetize", "monetise", "subscribers", "sponsorship", "youtuber",
            "audience", "patreon", "creador", "creadores", "criador", "criadores", "createur",
            "createurs", "suscriptores", "audiencia", "monetizar", "monetiser",
        ),
        "personal_brand": (
            "brand", "branding", "linkedin", "followers", "story", "reputation", "marca",
            "marke", "marque", "marchio", "seguidores", "personlichkeit",
        ),
    }
)  # fmt: skip
_TYPE_WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "educational": (
            "how",
            "guide",
            "tutorial",
            "learn",
            "tips",
            "explained",
            "steps",
            "why",
            "como",
            "guia",
            "anleitung",
            "tipps",
            "warum",
            "wie",
            "comment",
            "consejos",
            "aprende",
            "astuces",
            "pourquoi",
            "come",
            "как",
            "почему",
        ),
        "case_study": ("case", "results", "grew", "made", "built", "earned", "client", "study"),
        "product_demo": ("demo", "review", "tool", "walkthrough", "feature", "launch", "setup"),
        "inspirational": ("dream", "motivation", "never", "mindset", "journey", "believe"),
        "entertainment": ("funny", "challenge", "vs", "reacts", "meme", "prank", "story"),
        "thought_leadership": ("future", "opinion", "trend", "prediction", "truth", "unpopular"),
    }
)
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str | None) -> list[str]:
    """Return the words of a text of any script in lower case, in their order."""
    given = text or ""
    plain = given if given.isascii() else unicodedata.normalize("NFC", given)
    return _WORD.findall(plain.lower())


def niche_of(text: str | None) -> str:
    """Return the niche that most words of a text point to, or ``other``."""
    return _most(words_of(text), _NICHE_WORDS, OTHER)


def content_type_of(text: str | None) -> str:
    """Return the kind of content that a title promises; educational where it does not say."""
    return _most(words_of(text), _TYPE_WORDS, "educational")


def matching_offers(text: str | None) -> list[str]:
    """Return the offers that words of a text point to, the best match first."""
    return list(_matching_offers(text))


# A contact's words are asked about by each figure of the score.
@lru_cache(maxsize=64)
def _matching_offers(text: str | None) -> tuple[str, ...]:
    words = words_of(text)
    spoken = set(words)
    scores = {name: len(spoken & known) for name, known in _OFFER_WORDS.items()}
    # A role of several words is looked for only where its last one is said.
    for last, phrase, name in _OFFER_PHRASES:
        if last in spoken and f" {phrase} " in f" {' '.join(words)} ":
            scores[name] += 1
    named = [(name, score) for name, score in scores.items() if score]
    return tuple(name for name, _ in sorted(named, key=lambda each: -each[1]))


def _most(words: Iterable[str], table: Mapping[str, tuple[str, ...]], default: str) -> str:
    spoken = [_bare(word) for word in words]
    counts = {name: sum(word in known for word in spoken) for name, known in table.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else default


def _bare(word: str) -> str:
    """Return a word without its accents, as the tables have it."""
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))
