"""One spelling for each address and each post."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.errors import InvalidInput
from actp.safari.addresses import (
    HOSTS,
    clean_handle,
    clean_post_url,
    handle_in_post,
    linkedin_profile_url,
    post_key,
)
from tests.support.spellings import ADDRESSES, NO_ADDRESSES, NO_POSTS, POSTS

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store
    from tests.support.databases import Database

ADDRESS_ROWS = [
    *((given, meant) for meant, spellings in ADDRESSES.items() for given in spellings),
    *((given, (None, None)) for given in NO_ADDRESSES),
]
POST_ROWS = [
    *((given, meant) for meant, spellings in POSTS.items() for given in spellings),
    *((given, (None, None, None)) for given in NO_POSTS),
]


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(ADDRESS_ROWS) + len(POST_ROWS) >= 150


def test_every_spelling_of_an_address_has_its_one_meaning(store: Store) -> None:
    items = [{"platform": platform, "given": given} for (platform, given), _ in ADDRESS_ROWS]
    answers = store.call("safari_addresses", items=items)
    for (given, meant), answer in zip(ADDRESS_ROWS, answers, strict=True):
        assert (answer["place"], answer["name"]) == meant, given


def test_every_spelling_of_a_post_has_its_one_meaning(store: Store) -> None:
    items = [{"given": given} for given, _ in POST_ROWS]
    answers = store.call("safari_posts", items=items)
    for (given, meant), answer in zip(POST_ROWS, answers, strict=True):
        assert (answer["place"], answer["id"], answer["author"]) == meant, given


def test_what_a_service_is_given_means_the_same_address_and_post(store: Store) -> None:
    asked = store.call(
        "safari_addresses",
        items=[{"platform": place, "given": name} for place, name in ADDRESSES],
    )
    again = store.call(
        "safari_addresses",
        items=[{"platform": each["place"], "given": each["recipient"]} for each in asked],
    )
    assert again == asked
    shown = store.call("safari_posts", items=[{"given": given} for given, _ in POST_ROWS])
    shown = [post for post in shown if post["id"]]
    assert store.call("safari_posts", items=[{"given": post["url"]} for post in shown]) == shown
    keys = store.call("safari_posts", items=[{"given": post["key"]} for post in shown])
    assert [(key["place"], key["id"]) for key in keys] == [
        (post["place"], post["id"]) for post in shown
    ]


def _guarded(platform: str | None, given: str) -> str | None:
    """Return what Python would let leave for a person; None where it lets nothing."""
    if platform is None or platform not in HOSTS:
        return None
    try:
        if platform == "linkedin":
            return linkedin_profile_url(given)
        return clean_handle(platform, given)
    except InvalidInput:
        return None


def test_what_leaves_for_a_person_is_what_the_database_reads(store: Store) -> None:
    items = [
        {"platform": place or platform, "given": given}
        for (platform, given), (place, _) in ADDRESS_ROWS
    ]
    for item, answer in zip(items, store.call("safari_addresses", items=items), strict=True):
        guarded = _guarded(item["platform"], str(item["given"]))
        # Pages of a platform have the shape of handles: only the database knows them.
        if answer["name"] is None:
            assert guarded is None or "/" not in guarded, item
        else:
            assert guarded in {None, answer["recipient"]}, item
            if item["platform"] in HOSTS:
                assert _guarded(item["platform"], answer["recipient"]) == answer["recipient"]


def test_posts_on_a_page_are_read_as_the_database_reads_them(store: Store) -> None:
    for given, (place, _, author) in POST_ROWS:
        (answer,) = store.call("safari_posts", items=[{"given": given}])
        for platform in HOSTS.keys() - {"linkedin"}:
            try:
                read = (clean_post_url(platform, given), post_key(platform, given))
            except InvalidInput:
                continue
            if place is None and handle_in_post(platform, given) == "home":
                continue  # a page, as only the database knows
            assert place == platform, given
            assert read == (answer["url"], answer["key"])
            assert handle_in_post(platform, given) == author
        if place:
            assert clean_post_url(place, answer["url"]) == answer["url"]
            assert post_key(place, answer["key"]) == answer["key"]


@pytest.mark.parametrize("size", [2048, 2049, 100_000])
def test_long_texts_are_no_address(store: Store, size: int) -> None:
    given = "https://x.com/ada?" + "a" * (size - 18)
    (answer,) = store.call("safari_addresses", items=[{"platform": "twitter", "given": given}])
    assert answer["name"] == ("ada" if size <= 2048 else None)


def test_nothing_is_read_off_nothing(admin: psycopg.Connection) -> None:
    assert admin.execute("select (safari_address(null, null)).place").fetchone() == (None,)
    assert admin.execute("select (safari_post(null, null)).place").fetchone() == (None,)


PLATFORM_NAMES = {
    "twitter": (
        "X", " Twitter ", "x.com", "X (Twitter)", "twitter/x", "X (formerly Twitter)", "x_dm",
        "https://x.com/ada", "mobile.twitter.com",
    ),
    "instagram": (
        "IG", "insta", "Instagram.com", "Instagram Reels", "instagram_dm", "Instagram\n",
        "ig_story", "IGTV", "#instagram", "instagr.am",
    ),
    "tiktok": (
        "TikTok", "Tik Tok", "https://www.tiktok.com", "\u00a0TikTok", "Tik-Tok", "TIK_TOK", "TT",
        "TikTok \U0001f3b5", "\uff34ikTok", "Tik\u200bTok",
    ),
    "youtube": (
        "YT", "You Tube", "Youtube Shorts", "YouTube-Shorts", "Shorts", "yt-shorts", "youtu.be",
        "https://m.youtube.com/watch",
    ),
    "linkedin": (
        "LinkedIn", "Linked In", "LinkedIn Page", "linkedin (company)", "LinkedIn.com", "Linked-In",
        "https://de.linkedin.com/in/ada",
    ),
    "threads": ("Threads", "threads.net", "Threads by Instagram", "Instagram Threads"),
    "facebook": ("FB", "Facebook", "Facebook Messenger"),
    "gmail": ("E-Mail", "email", "mail", "Google Mail"),
    # Separate names, however they begin.
    "instagramers": ("instagramers",),
    "mailchimp": ("Mailchimp",),
    "x-ray": ("X-ray",),
    "xing": ("XING",),
    "вконтакте": ("ВКонтакте",),
}  # fmt: skip
NICHE_NAMES = {
    "ai_automation": (
        "AI Automation", "ai-automation", "#aiautomation", "AI & Automation", "AI and automation",
    ),
    "creator_economy": ("Creator Economy", "creators_economy"),
    "personal_brand": ("Personal Branding", "personal-brand"),
    "email_marketing": ("Email marketing",),
    "content_creator": ("content_creator", "Content Creators", "ContentCreators"),
    "saas": ("saas", "SaaS"),
    "ai": ("ai", "AI", "\U0001f525 AI"),
    "ai_tool": ("AI tools", "ai-tool"),
    "career_coach": ("Career Coaches",),
    # No plurals of something.
    "news": ("News",),
    "business": ("Business", "businesses"),
    "автоматизация": ("Автоматизация",),
    "自動化": ("自動化",),
    None: ("", " ", "--"),
}  # fmt: skip


def test_a_platform_and_a_niche_have_one_name_each(database: Database) -> None:
    with database.connect() as admin:
        for function, names in (("safari_platform", PLATFORM_NAMES), ("agent_niche", NICHE_NAMES)):
            query = f"select {function}(g) from unnest(%s::text[]) g"  # noqa: S608  our own names
            for name, given in names.items():
                rows = admin.execute(query.encode(), (list(given),)).fetchall()
                assert rows == [(name,)] * len(given)
