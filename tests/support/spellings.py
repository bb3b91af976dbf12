"""Spellings of addresses and posts as people and tables hold them, each with its one meaning."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ADDRESSES", "NO_ADDRESSES", "NO_POSTS", "POSTS", "Given"]

# A platform, None where only the address names it, and what was written.
Given: TypeAlias = tuple[str | None, str]

_MEMBER = "ACoAAB3xYz_0123456789-abcdefghijKLMN"

# (place, name) of each address, and what it is written as.
ADDRESSES: Final[Mapping[tuple[str, str], tuple[Given, ...]]] = MappingProxyType(
    {
        ("instagram", "ada"): (
            ("instagram", "ada"),
            ("instagram", "Ada"),
            ("instagram", "@ada"),
            ("instagram", "  @ADA "),
            ("instagram", "@@ada"),
            ("Instagram", "ada"),
            ("instagram", "\u200eada"),
            ("instagram", "\u2068@ada\u2069"),
            ("instagram", "ada\ufeff"),
            ("instagram", "\u00a0ada\u00a0"),
            ("instagram", "\uff41\uff44\uff41"),  # full-width letters
            ("instagram", "\uff20ada"),
            ("instagram", "https://www.instagram.com/ada"),
            ("instagram", "https://www.instagram.com/ada/"),
            (None, "https://www.instagram.com/ada/?igshid=x&hl=de"),
            (None, "https://instagram.com/Ada#top"),
            (None, "http://instagram.com/ada"),
            (None, "instagram.com/ada"),
            (None, "www.instagram.com/ada/"),
            (None, "https://m.instagram.com/ada"),
            (None, "HTTPS://WWW.INSTAGRAM.COM/ADA"),
            (None, "https://www.instagram.com:443/ada"),
            (None, "https://www.instagram.com/@ada"),
            (None, "https://www.instagram.com/%61da/"),
            (None, "https://www.instagram.com//ada/"),
            (None, "https://www.instagram.com/ada/reels/"),
            (None, "https://www.instagram.com/ada/tagged"),
            (None, "https://\uff49nstagram\u3002com/ada/"),
        ),
        ("instagram", "maker.tw"): (
            ("instagram", "maker.tw"),
            ("instagram", "@Maker.TW"),
            (None, "https://instagram.com/maker.tw/"),
        ),
        ("instagram", "x.com"): (("instagram", "x.com"),),
        ("twitter", "ada_b"): (
            ("twitter", "Ada_B"),
            ("x", "@ada_b"),
            ("X", "ada_b"),
            (" Twitter ", "ada_b"),
            ("twitter", "https://x.com/ada_b"),
            (None, "https://twitter.com/Ada_B"),
            (None, "https://mobile.twitter.com/ada_b?s=20"),
            (None, "https://www.x.com/ada_b/"),
            (None, "x.com/ada_b"),
            (None, "https://x.com/%40ada_b"),
            (None, "https://x.com/ada_b/with_replies"),
            (None, "https://x.com/ada_b/media"),
            ("x", "https://x.com/ada_b"),
        ),
        ("tiktok", "lena"): (
            ("tiktok", "@Lena"),
            ("tiktok", "lena"),
            (None, "https://www.tiktok.com/@lena"),
            (None, "https://www.tiktok.com/@Lena?lang=en"),
            (None, "tiktok.com/@lena/"),
            (None, "https://m.tiktok.com/@lena"),
            (None, "https://www.tiktok.com/%40lena"),
        ),
        # Behind an @ there are no pages.
        ("tiktok", "explore"): (("tiktok", "explore"), (None, "https://www.tiktok.com/@explore")),
        ("threads", "tom"): (
            ("threads", "Tom"),
            (None, "https://www.threads.net/@tom"),
            (None, "https://threads.com/@Tom"),
            (None, "https://www.threads.com/@tom/replies"),
        ),
        ("linkedin", "ada-l"): (
            ("linkedin", "ada-l"),
            ("linkedin", "@Ada-L"),
            ("linkedin", "/in/Ada-L/"),
            ("linkedin", "in/ada-l?trk=x"),
            ("linkedin", "https://www.linkedin.com/in/ada-l/"),
            (None, "https://www.linkedin.com/in/Ada-L"),
            (None, "https://de.linkedin.com/in/ada-l?trk=x"),
            (None, "http://linkedin.com/in/ada-l/en"),
            (None, "https://www.linkedin.com/in/ada-l/details/experience/"),
            (None, "https://www.linkedin.com/mwlite/in/ada-l"),
            (None, "linkedin.com/in/ada-l"),
        ),
        ("linkedin", "j\u00fcrgen-m\u00fcller-123"): (
            (None, "https://de.linkedin.com/in/j%C3%BCrgen-m%C3%BCller-123/"),
            (None, "https://de.linkedin.com/in/j%c3%bcrgen-m%c3%bcller-123"),
            (None, "https://www.linkedin.com/in/J\u00fcrgen-M\u00dcller-123/"),
            (None, "https://www.linkedin.com/in/ju\u0308rgen-mu\u0308ller-123/"),
            (None, "https://www.linkedin.com/in/ju%CC%88rgen-mu%CC%88ller-123/"),
            ("linkedin", "j%C3%BCrgen-m%C3%BCller-123"),
        ),
        # Combining marks belong to the letters of these scripts.
        ("linkedin", "\u092a\u094d\u0930\u093f\u092f\u093e-\u0936\u0930\u094d\u092e\u093e"): (
            (
                None,
                "https://in.linkedin.com/in/\u092a\u094d\u0930\u093f\u092f\u093e-\u0936\u0930\u094d\u092e\u093e",
            ),
            (
                None,
                (
                    "https://www.linkedin.com/in/%E0%A4%AA%E0%A5%8D%E0%A4%B0%E0%A4%BF%E0%A4%AF%E0%A4%BE-"
                    "%E0%A4%B6%E0%A4%B0%E0%A5%8D%E0%A4%AE%E0%A4%BE/"
                ),
            ),
        ),
        ("linkedin", "\u0e2a\u0e21\u0e0a\u0e32\u0e22\u0e4c"): (
            (None, "https://th.linkedin.com/in/\u0e2a\u0e21\u0e0a\u0e32\u0e22\u0e4c"),
        ),
        ("linkedin", "sean-o\u2019hara"): (
            (None, "https://ie.linkedin.com/in/sean-o\u2019hara"),
            (None, "https://www.linkedin.com/in/Sean-O%E2%80%99Hara/"),
        ),
        # The number of a member is case-sensitive.
        ("linkedin", _MEMBER): (
            ("linkedin", _MEMBER),
            (None, f"https://www.linkedin.com/in/{_MEMBER}"),
        ),
        ("gmail", "ada@x.io"): (
            ("gmail", "ada@x.io"),
            ("email", "Ada@X.io"),
            ("gmail", " ada@x.io "),
            (None, "ada@x.io"),
            (None, "mailto:ada@x.io"),
            ("gmail", "Ada Lovelace <Ada@x.io>"),
            ("gmail", "<ada@x.io>"),
            ("mail", "ada\uff20x.io"),
        ),
        ("gmail", "adab@gmail.com"): (
            ("gmail", "ada.b@gmail.com"),
            ("gmail", "AdaB+news@GoogleMail.com"),
        ),
        ("gmail", "ada+news@x.io"): (("gmail", "ada+news@x.io"), ("gmail", "ada+news@x.io.")),
        ("gmail", "ada@outlook.com"): (
            ("gmail", "Ada+news@Outlook.com"),
            ("gmail", "ada@outlook.com."),
        ),
    }
)

NO_ADDRESSES: Final[tuple[Given, ...]] = (
    ("instagram", ""),
    ("instagram", "   "),
    ("instagram", "@"),
    ("instagram", "."),
    ("instagram", ".."),
    ("instagram", "a" * 31),
    ("instagram", "ada lovelace"),
    ("instagram", "name: Jane"),
    ("instagram", "ada'"),
    ("instagram", "\u0430da"),  # the first letter is Cyrillic
    ("instagram", "ada@x.io"),
    ("instagram", "explore"),
    ("instagram", "https://x.com/ada"),
    ("instagram", "https://www.instagram.com/"),
    ("instagram", "https://www.instagram.com/explore/"),
    ("instagram", "https://www.instagram.com/direct/"),
    ("instagram", "https://www.instagram.com/p/C1abc/"),
    ("instagram", "https://www.instagram.com/ada/p/C1abc/"),
    ("instagram", "https://www.instagram.com/stories/ada/1/"),
    ("instagram", "https://help.instagram.com/519522125107875"),
    ("instagram", "https://business.instagram.com/blog"),
    ("instagram", "https://instagram.com.evil.io/ada"),
    ("instagram", "https://evilinstagram.com/ada"),
    ("instagram", "https://\u0456nstagram.com/ada"),  # Cyrillic again
    ("instagram", "https://instagram.com@evil.io/ada"),
    ("instagram", "https://ada:b@instagram.com/ada"),
    ("instagram", "https://instagram.com:8080/ada"),
    ("instagram", "https://instagram.com\\@evil.io/ada"),
    ("instagram", "https://www.instagram.com/ada/../bob"),
    ("instagram", "https://www.instagram.com/%2e%2e/bob"),
    ("instagram", "https://www.instagram.com/ada%2Fbob"),
    ("instagram", "https://www.instagram.com/%2561da"),
    ("instagram", "https://www.instagram.com/ada%00"),
    ("instagram", "https://www.instagram.com/%ff"),
    ("instagram", "https://-.instagram.com/ada"),
    ("instagram", "ftp://instagram.com/ada"),
    ("instagram", "instagram://user?username=ada"),
    ("twitter", "home"),
    ("twitter", "https://x.com/home"),
    ("twitter", "https://x.com/i/flow/login"),
    ("twitter", "https://x.com/intent/user?screen_name=ada"),
    ("twitter", "https://x.com/ada/status/1"),
    ("twitter", "https://pic.twitter.com/AbC123xyz"),
    ("twitter", "https://netflix.com/ada"),
    ("twitter", "https://..x.com/ada"),
    ("tiktok", "https://vm.tiktok.com/ZM8abcDEF/"),
    ("tiktok", "https://ads.tiktok.com/business"),
    ("tiktok", "https://www.tiktok.com/foryou"),
    ("tiktok", "https://www.tiktok.com/ada"),
    ("tiktok", "https://www.tiktok.com/@ada/live"),
    ("tiktok", "https://www.tiktok.com/music/x/@ada"),
    ("threads", "https://www.threads.net/tom"),
    ("threads", "https://www.threads.net/@tom/post/C9"),
    ("linkedin", "https://www.linkedin.com/company/acme"),
    ("linkedin", "https://www.linkedin.com/pub/ada/1/2/3"),
    ("linkedin", "https://www.linkedin.com/in/"),
    ("linkedin", "https://www.linkedin.com/in/a b"),
    ("linkedin", "https://www.linkedin.com/in/a%20b"),
    ("linkedin", "https://www.linkedin.com/in/a%22b"),
    ("linkedin", "https://www.linkedin.com/in/../company/x"),
    ("linkedin", "https://ads.linkedin.com/in/ada"),
    ("gmail", "ada"),
    ("gmail", "@x.io"),
    ("gmail", "ada@x"),
    ("gmail", "ada@x.io, bob@x.io"),
    ("gmail", "Ada <ada@x.io>, Bob <bob@x.io>"),
    ("gmail", "ada(at)x.io"),
    (None, "ada"),
    (None, "https://example.org/ada"),
    ("nowhere", "ada"),
)

# (place, id, author) of each post, and what it is written as.
POSTS: Final[Mapping[tuple[str, str, str | None], tuple[str, ...]]] = MappingProxyType(
    {
        ("twitter", "777", "tom"): (
            "https://x.com/Tom/status/777",
            "https://x.com/tom/status/777?s=20",
            "https://twitter.com/tom/status/777",
            "https://mobile.twitter.com/tom/statuses/777",
            "https://x.com/tom/status/777/",
            "https://x.com/tom/status/777/photo/1",
            "https://x.com/TOM/status/777/video/2#m",
            "https://x.com/tom/status/777/analytics",
            "x.com/tom/status/777",
            "http://www.x.com/tom/status/777",
        ),
        ("twitter", "777", None): (
            "https://x.com/i/web/status/777",
            "https://x.com/i/status/777",
        ),
        ("instagram", "Cxyz1", None): (
            "https://www.instagram.com/p/Cxyz1/",
            "https://www.instagram.com/p/Cxyz1",
            "https://instagram.com/reel/Cxyz1/?igsh=1",
            "https://www.instagram.com/reels/Cxyz1/",
            "https://www.instagram.com/tv/Cxyz1/",
            "https://www.instagram.com/p/Cxyz1/embed/",
            "https://www.instagram.com/p/Cxyz1/c/17900000000/",
        ),
        ("instagram", "Cxyz1", "nina"): (
            "https://www.instagram.com/nina/p/Cxyz1/",
            "https://www.instagram.com/Nina/reel/Cxyz1/",
            "https://m.instagram.com/nina/tv/Cxyz1",
        ),
        # Ids are case-sensitive where they are no numbers.
        ("instagram", "cXYZ1", None): ("https://www.instagram.com/p/cXYZ1/",),
        ("threads", "C9", "tom"): (
            "https://threads.net/@Tom/post/C9",
            "https://www.threads.com/@tom/post/C9?xmt=a",
            "https://www.threads.com/@tom/post/C9/media",
        ),
        ("threads", "C9", None): ("https://threads.com/t/C9", "https://www.threads.net/t/C9/"),
        ("tiktok", "7123", "lena"): (
            "https://www.tiktok.com/@lena/video/7123",
            "https://www.tiktok.com/@Lena/video/7123?is_from_webapp=1",
            "https://m.tiktok.com/@lena/video/7123/",
            "https://www.tiktok.com/@lena/photo/7123",
            "https://www.tiktok.com/%40lena/video/7123",
        ),
        ("tiktok", "7123", None): ("https://www.tiktok.com/@/video/7123",),
    }
)

NO_POSTS: Final[tuple[str, ...]] = (
    "",
    "777",
    "https://x.com/tom",
    "https://x.com/tom/status/",
    "https://x.com/tom/status/abc",
    "https://x.com/tom/status/777abc",
    "https://x.com/home/status/777",
    "https://x.com/ada/status/1/../../../bob/status/2",
    "https://x.com/ada/status/%2e%2e/2",
    "https://x.com/tom/status/777%2F8",
    "https://t.co/abc",
    "https://..x.com/tom/status/777",
    "https://-.x.com/tom/status/777",
    "https://x.com.evil.io/tom/status/777",
    "https://tom@x.com/tom/status/777",
    "https://www.instagram.com/nina/",
    "https://www.instagram.com/p/",
    "https://www.instagram.com/p/..",
    "https://www.instagram.com/p/%2e%2e/",
    "https://www.instagram.com/p/C1/../../nina/",
    "https://x.com/tom/status/0777",
    "https://x.com/tom/status/0",
    "https://www.tiktok.com/@lena/video/0712",
    "https://www.instagram.com/share/p/C1/",
    "https://www.instagram.com/share/reel/C1/",
    "https://www.instagram.com/stories/nina/1/",
    "https://www.instagram.com/explore/p/C1/",
    "https://www.instagram.com/p/C1'x/",
    "https://help.instagram.com/p/C1/",
    "https://www.threads.net/@tom",
    "https://www.threads.net/@x/post/..",
    "https://www.threads.net/tom/post/C9",
    "https://vm.tiktok.com/ZM8abcDEF/",
    "https://vt.tiktok.com/ZM8abcDEF/",
    "https://www.tiktok.com/@lena",
    "https://www.tiktok.com/@lena/live",
    "https://www.tiktok.com/video/",
    "https://www.tiktok.com/video/../../logout",
    "https://www.tiktok.com/@a/../../settings/video/",
    "https://www.tiktok.com/music/x/@y",
    "https://www.tiktok.com/music/song-7123",
    "https://www.linkedin.com/in/ada-l/",
    "https://www.linkedin.com/feed/update/urn:li:activity:1/",
)
