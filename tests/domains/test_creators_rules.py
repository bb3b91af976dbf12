"""Who fits, where is looked, and what becomes a row."""

from __future__ import annotations

import pytest

from actp.clients.research import Creator, Post
from actp.domains.creators.fit import icp_fit
from actp.domains.creators.matrix import MATRIX, wanted
from actp.domains.creators.rows import creator_rows, hooks_of, post_rows
from actp.errors import InvalidInput


@pytest.mark.parametrize(
    ("niche", "text", "engagement", "fit"),
    [
        ("ai_automation", "", 0, 25),
        ("personal_brand", "", 0, 25),
        ("personal_brand", "Founder and coach", 0, 65),
        ("ai_automation", "zapier n8n claude workflow automation", 0, 55),
        ("saas_growth", "Founder. We cut churn and doubled MRR", 99_999, 90),
        ("saas_growth", "founder cto coach churn mrr growth audience", 10**9, 100),
        ("other", "the founders of growthhacking", -5, 0),
    ],
)
def test_the_fit_is_a_sum_of_what_is_known(
    niche: str, text: str, engagement: float, fit: int
) -> None:
    assert icp_fit(niche, text, engagement) == fit


@pytest.mark.parametrize(
    ("platform", "niche", "plan"),
    [
        (None, None, dict(MATRIX)),
        ("twitter", None, {"twitter": MATRIX["twitter"]}),
        ("twitter", "personal_brand", {"twitter": ("personal_brand",)}),
        (None, "saas_growth", {"twitter": ("saas_growth",)}),
    ],
)
def test_what_is_named_is_looked_up_and_else_the_whole_matrix(
    platform: str | None, niche: str | None, plan: dict[str, tuple[str, ...]]
) -> None:
    assert wanted(platform, niche) == plan


def test_an_unknown_niche_is_told_with_the_nearest() -> None:
    with pytest.raises(InvalidInput) as told:
        wanted("twitter", "saas_grwth")
    assert "saas_growth" in told.value.remedy


def test_a_creator_whose_handle_cannot_be_written_to_is_left_out() -> None:
    creators = [Creator("Maria.Makes", "Maria, founder"), Creator('a"; rm', "x")]
    (row,) = creator_rows("twitter", "saas_growth", creators)
    assert (row["handle"], row["offer_match"], row["qualified"]) == (
        "maria.makes",
        ["saas_consulting"],
        False,
    )


def test_more_than_sixty_qualifies_and_sixty_does_not() -> None:
    said = "coach founder"  # 25 for the niche, 40 for the roles
    at_65 = creator_rows("tiktok", "saas_growth", [Creator("a", said)])
    at_60 = creator_rows("tiktok", "saas_growth", [Creator("a", "founder", 0, 1000.0)])
    assert (at_65[0]["icp_fit_score"], at_65[0]["qualified"]) == (65, True)
    assert (at_60[0]["icp_fit_score"], at_60[0]["qualified"]) == (60, False)


def test_a_creator_without_a_total_is_judged_by_the_posts_that_were_measured() -> None:
    posts = [Post("t", "u1", "ann", views=100_000), Post("t", "u2", "ann"), Post("t", "u3", "bob")]
    ann, bob = creator_rows(
        "tiktok", "saas_growth", [Creator("ann", ""), Creator("bob", "")], posts
    )
    assert (ann["engagement_score"], ann["icp_fit_score"]) == (10_000, 45)
    assert (bob["engagement_score"], bob["icp_fit_score"]) == (None, 25)


def test_a_tweet_is_known_by_the_number_in_its_address() -> None:
    url = "https://x.com/maria/status/1790"
    posts = [Post("t", url, "maria"), Post("t", "https://x.com/maria", "maria", id="7")]
    assert [row["id"] for row in post_rows("twitter", "saas_growth", posts)] == ["1790", ""]


def test_the_hooks_are_the_first_lines_of_the_best_posts_each_once() -> None:
    posts = [
        Post("Second\nmore", "u1", "a", likes=5),
        Post("First", "u2", "a", likes=9),
        Post("First", "u3", "a", likes=8),
        Post("  ", "u4", "a", likes=99),
    ]
    assert hooks_of(posts) == ["First", "Second"]
