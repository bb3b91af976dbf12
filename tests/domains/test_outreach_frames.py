# ruff: noqa: E501  texts as people write them
"""Misspelled stops are heard, and what only looks like one opts nobody out."""

from __future__ import annotations

import pytest

from actp.domains.outreach.frames import asks_in_a_frame
from actp.domains.outreach.optout import wish_in

HEARD = {
    "en": (
        "lve me aln", "dont b msgin me", "rmve my numbr", "stp txtin me pls", "unsubscrib", "lev me alone plz",
        "dun message me anymore", "qit msgin me", "go awya", "plese remove my nuber", "dont evr contac me agen",
        "stoop messagng me", "tak my nme off ur lisst", "let me b", "who gav u my numbr", "im gona report u",
        "stap emaling me dude", "leve us in peace", "im blokin u", "y u kep txting me", "dnt rply to me", "cancle me", "ceese contact", "opt mee out", "leaf me alone already", "kwit texting me", "i dont wanna here from u",
    ),
    "de": ("hörn sie auf mir zu schreibn", "lass mcih in rhue", "schreibt mich bitte niht mehr an"),
    "fr": ("laisez moi tranquile", "arétez de mécrire", "pas interesé"),
    "es": ("no mandn mas mensjes", "dejn de molstar"), "pt": ("nao me mandi mais mesagem",),
    "it": ("nn mi scriveti piu", "smetila di scrivermi"), "nl": ("laat mij met rst",),
    "pl": ("nie piszcie do mne wiecej", "przestncie pisac"), "ru": ("хватит песать", "удолите мой номер"),
    "tr": ("mesaj atmayn", "bana yazmyn"), "id": ("hentikan pesn ini", "jgn spam dong"),
    "others": (
        "今後の連絡は不要です", "请不要联系", "안 보내주셔도 돼요",
        "送信停止して", "唔好再send", "আর লিখবেন না", "acheni kunitumia", "መልእክት አትላኩ",
        "别再给我发消息了", "請把我從名單移除", "もうメッセージ要りません", "متبعتليش تاني", "די עם ההודעות",
        "தொந்தரவு செய்யாதீர்கள்", "మళ్ళీ మెసేజ్ చేయొద్దు", "არ მომწეროთ აღარ", "ինձ մի գրեք այլևս",
        "jättäkää minut rauhaan", "nemojte mi više pisati", "wag nyo na ko i text",
    ),
}  # fmt: skip
# None of these may opt a person out; those of the second table are not even doubtful.
DOUBTFUL = (
    "please stop the crypto stuff, your AI content is so good", "too many dms lol but ur stands out",
    "i unsubscribed from everyone but u", "no me molesta, al contrario",
)  # fmt: skip
UNLIKE = (
    "dont stp", "pls dont stop lol", "dont lose my number", "dont leave me out of the group!", "मैसेज नहीं मिला",
    "lets quit emailing n hop on a call", "how do i unsubscribe from netflix", "let me be honest, i love it",
    "mesaj göndermek istiyorum", "u still doing the discount?", "jangan lupa kirim pesan ya", "kep it coming", "pls msg me", "cant stop wtching ur vids", "dont forget 2 msg me", "ill leave my numbr here", "stop motion is so cool",
    "dont be shy text me", "my clients keep texting me at night, can u help", "not bad at all, interested",
    "kein problem, interesse besteht", "no dejes de escribir", "non smettere mai di scrivere",
    "не переставай писать", "hör nicht auf damit, mega content", "lol go away thats so good",
)  # fmt: skip


@pytest.mark.parametrize("language", HEARD)
def test_misspelled_stops_are_heard(language: str) -> None:
    assert [text for text in HEARD[language] if wish_in(text) is None] == []


def test_what_only_looks_like_a_stop_opts_nobody_out() -> None:
    assert [text for text in DOUBTFUL if wish_in(text) != "doubt"] == []
    assert [(text, wish_in(text)) for text in UNLIKE if wish_in(text) is not None] == []


def test_a_long_text_is_not_searched_for_frames() -> None:
    assert asks_in_a_frame("lve me aln")
    assert not asks_in_a_frame("lve me aln " + "and so on " * 4)
