"""What a title says a video is about."""

from __future__ import annotations

import pytest

from actp.domains.taxonomy import matching_offers
from actp.domains.youtube.classify import by_words


@pytest.mark.parametrize(
    ("title", "niche", "content_type"),
    [
        ("How to automate your workflow with Claude agents", "ai_automation", "educational"),
        ("I grew my SaaS to 10k MRR: a case study", "saas_growth", "case_study"),
        ("Tool review: the n8n setup", "ai_automation", "product_demo"),
        ("La automatización con IA cambia tu negocio", "ai_automation", "educational"),
        ("Automação de tarefas: guia", "ai_automation", "educational"),
        ("Créateurs : comment monétiser votre audience", "creator_economy", "educational"),
        ("Автоматизация бизнеса", "ai_automation", "educational"),
        ("A walk in the rain", "other", "educational"),
        (None, "other", "educational"),
        ("", "other", "educational"),
    ],
)
def test_the_words_of_a_title_decide(title: str | None, niche: str, content_type: str) -> None:
    about = by_words(title)
    assert (about.niche, about.content_type) == (niche, content_type)


def test_a_topic_keeps_the_letters_of_its_language() -> None:
    assert by_words("La automatización del café").topic_tags == ("automatización",)
    assert by_words("Автоматизация бизнеса").topic_tags == ("автоматизация", "бизнеса")


def test_offers_are_those_whose_words_are_spoken_the_best_first() -> None:
    assert by_words("Zapier or n8n automation for your audience").offer_tags == (
        "safari_automation",
        "creator_growth",
    )
    assert matching_offers("viewership and growthhacking") == []
