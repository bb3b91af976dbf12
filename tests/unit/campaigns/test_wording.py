"""What people are told: variants, of which each gets others, and the texts that we ship."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actp.campaigns.plan import COMMENT_STEPS, CampaignType, plan_for
from actp.campaigns.sources import choose_wording
from actp.campaigns.wording import Wording
from actp.errors import InvalidInput
from actp.safari.catalogue import route
from actp.safari.texts import clean_text
from actp.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from actp.settings import Settings

PLATFORMS: dict[CampaignType, tuple[str, ...]] = {
    "comment_warmup": ("instagram", "threads", "tiktok", "twitter"),
    "dm_sequence": ("instagram", "tiktok", "twitter"),
}
SETTINGS: Settings = load_settings({"ACTP_ENV_FILE": ""})
VARIANTS = st.lists(
    st.text(min_size=1).filter(lambda text: "{" not in text), min_size=1, max_size=4
)


def comments(texts: dict[str, str]) -> tuple[str, ...]:
    return tuple(texts[step] for step in COMMENT_STEPS)


@pytest.mark.parametrize(
    ("type_", "platform"), [(type_, name) for type_, names in PLATFORMS.items() for name in names]
)
def test_every_text_that_we_ship_may_be_sent_as_it_is(type_: CampaignType, platform: str) -> None:
    plan = plan_for(type_, platform)
    wording = choose_wording(plan, SETTINGS)
    for stage in plan:
        service = route(stage.action, platform).name
        for step in stage.steps:
            assert len(wording.steps[step]) >= 5
            for text in wording.steps[step]:
                assert clean_text(service, text) == text
                assert "{" not in text


def test_the_texts_that_we_ship_differ_for_two_hundred_people() -> None:
    wording = choose_wording(plan_for("dm_sequence", "twitter"), SETTINGS)
    handles = [f"person{number}" for number in range(200)]
    texts = wording.texts_for(handles, "warmup-1")
    assert len({comments(said) for said in texts.values()}) == 200
    assert texts == wording.texts_for(handles, "warmup-1")
    assert texts != wording.texts_for(handles, "warmup-2")


@given(st.lists(VARIANTS, min_size=3, max_size=3), st.integers(1, 80), st.text())
def test_no_two_people_get_the_same_while_there_are_variants_enough(
    variants: list[list[str]], people: int, seed: str
) -> None:
    unique = [tuple(dict.fromkeys(texts)) for texts in variants]
    wording = Wording(dict(zip(COMMENT_STEPS, unique, strict=True)))
    handles = [f"person{number}" for number in range(people)]
    drawn = {comments(texts) for texts in wording.texts_for(handles, seed).values()}
    possible = len(unique[0]) * len(unique[1]) * len(unique[2])
    assert len(drawn) == min(people, possible)
    assert all(said in texts for one in drawn for said, texts in zip(one, unique, strict=True))


@pytest.mark.parametrize(
    "comments",
    ["'one'", "[1, 'b', 'c']", "[[], 'b', 'c']", "[['a', 1], 'b', 'c']", "[[['a']], 'b', 'c']"],
)
def test_a_file_of_another_shape_is_refused(comments: str, tmp_path: Path) -> None:
    path = tmp_path / "texts.toml"
    path.write_text(f"comments = {comments}")
    with pytest.raises(InvalidInput, match="comments must be a list of texts"):
        choose_wording(plan_for("comment_warmup", "twitter"), SETTINGS, path=path)


def test_texts_and_a_file_at_once_are_refused(tmp_path: Path) -> None:
    plan = plan_for("comment_warmup", "twitter")
    with pytest.raises(InvalidInput, match="cannot be combined with"):
        choose_wording(plan, SETTINGS, texts=["a"], path=tmp_path / "texts.toml")
