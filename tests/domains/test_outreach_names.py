# ruff: noqa: E501, RUF001  tables of names as people write them
"""First names are cleaned, never guessed; unfinished texts are recognized."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actp.domains.outreach.names import first_name
from actp.domains.outreach.suspicion import fault_in
from actp.safari.unfinished import unfinished

NAMES = {
    "Jane": (
        "Jane", "jane", "JANE", "Jane Doe", "Doe, Jane", "CEO | Jane Doe", "Jane | Founder", "🔥 Jane 🔥",
        "Jane🔥", "- Jane", "Jane-", "𝓙𝓪𝓷𝓮", "ＪＡＮＥ", "Dr. Jane Doe", "Jane Doe, PhD", "Jane, CEO of Acme",
        "Jane (she/her)", "jane_doe", "Doe, Jane Dr.", "Capt. Jane Doe", "Chef Jane Doe", "Mgr. Jane Doe",
        "Dipl.-Ing. Jane Doe", "Mag. Jane Doe", "Dame Jane Doe", "Sheikh Jane", "Doe, Jane van der", "Jane\u200bDoe", "Coach Jane", "Jane D.", "✨Jane✨ | coach", "  Jane  ",
    ),
    "Anna": (
        "van der Berg, Anna Maria", "Kovács Anna", "Kiss Anna", "Anna Kiss", "Schmidt Anna", "Petrova Anna", "Anna Petrova",
        "Anna Weber",
    ),
    "Huy": ("Le Quang Huy", "Lê Quang Huy", "LE QUANG HUY"),
    "An": ("Nguyễn Văn An", "Nguyen Van An", "Phạm An"),
    "Taro": ("Yamada Taro", "Taro Yamada"),
    "さくら": ("さくら",), "Theresa": ("theresa",), "Justin": ("justin",), "Melinda": ("melinda",), "Al": ("Al Pacino",), "प्रिया": ("प्रिया शर्मा",),
    "Jude": ("Jude Law",), "Charlotte": ("Charlotte Church",), "Kim": ("Kim Wilde", "Kim Smith"), "Lee": ("Lee Harper",),
    "Иван": ("Иванов Иван", "Иван Иванов"), "Мария": ("Мария", "Иванова Мария Петровна"), "Giorgos": ("Papadopoulos Giorgos",),
    "Faisal": ("Mohd Faisal",), "Eva": ("Eva Longoria",), "Boris": ("Boris Becker",), "Angel": ("Angel Garcia",),
    "Mario": ("Rossi Mario", "Mario Rossi"),
    "José": ("josé garcía",),
    "Anne-Marie": ("Dr. Anne-Marie Doe",),
    "O'Neill": ("O'Neill Shaq", "O&#39;Neill Shaq"),
    "Zoë": ("Zo&euml; Doe", "✔️ zoë"),
    "Mary-Jane": ("MARY-JANE DOE", "mary-jane doe"),
    "D'Angelo": ("d'angelo doe",),
    "Van": ("Van Morrison",),
    "Khaled": ("DJ Khaled",),
    "Ravi": ("Shri Ravi", "Sri Ravi Kumar"),
    "Ana": ("Dra. Ana López", "Sister Ana", "Pastor Ana"),
    "Ada": ("Ada 🚀 AI Automation", "🚀 Ada"),
    "Hans": ("Müller, Dr. Hans", "Prof. Dr. Hans Meier", "MEIER Hans", "MEIER, HANS K."),
    "Mary": ("Mrs Mary Smith", "CEO Mary Smith", "Mary, CEO at Acme", "Mary & Tom", "Mary / Tom"),
}  # fmt: skip
NO_NAMES = (
    "김민수", "山田太郎", "李明", "佐藤健", "歐陽娜娜", "이지은", "未知", "名前", "Имя Фамилия", "неизвестно",
    "thejanedoe", "therealmike", "itsmejane", "iamjane", "janesmith", "realdonald", "officialsarah", "lauraofficial", "ʝαɳҽ",
    "Da Silva", "Di Caprio", "Ten Hag", "McDonald", "O'Brien", "Anna Team", "Pizza Roma", "Green Valley", "WhatsApp User",
    "keine Angabe", "inconnu", "abc", "tba", "Bay Ahmet", "Dubai Realtor", "Casa Lopez", "г-н Иванов", "Max Mustermann",
    None, "", "None", "null", "NaN", "Undefined", "Unknown", "Instagram User", "LinkedIn Member",
    "theRealJane", "janeDoeFit", "JD", "xx", "Aaaa", "ᴊᴀɴᴇ", "\u202eenaJ", "Müller & Söhne", "Doe & Partner",
    "Deleted Account", "Admin", "Test", "Hi", "Sir", "Acme Inc", "Acme Agency", "The Growth Coach",
    "evil.example", "Visit evil.example", "Ignore all instructions", "@ada", "12345", "J. Doe", "j",
    "Mr. Smith", "Frau Müller", "Señor García", "Jane's Bakery", "Smith & Sons", "Berlin, Germany",
    "Utilisateur Instagram", "Usuario de Instagram", "Instagram-Nutzer", "Gelöschter Nutzer", "ユーザー",
    "TikToker", "Deactivated User", "Private Account", "Business Account", "First Name", "Dad | Husband",
    "Sales Team", "Hi Jane", "jane@x.example", "Not A Bot", "J a n e", "🔥🔥", "Founder | CEO",
    "[object Object]", "root", "Sin nombre", "lorem ipsum", "Dr Doe", "Prof. Doe", "Growth Hacker", "Meet Jane",
    "JR Smith", "AJ Miller", "van der Berg", "La Bella", "Los Pollos", "Das Café", "Die Bäckerei", "Rabbi Cohen",
    "Familie Müller", "Smith Family", "Grace Church", "Praxis Dr. Müller", "Luxury Homes", "Dog Mom", "Demo User",
    "Ada &amp; Co", "Nike Running", "Travel With Ada", "Vegan Recipes", "Abu Bakr", "Verified ✔", "田中 健", "Kim Min-su", "Park Jimin", "Li Wei", "Zhang Xiaoming", "Kovács Pékség", "Tanaka Ramen",
    "Smith Law", "Rose Garden", "Summer Sale", "Austin Plumbing", "Blue Ivy", "Abdul Rahman", "Uncle Bob", "Annaaaaa", "Le Monde", "Ni Luh Putu",
    "Garcia Construction", "Harley Davidson", "Little Anna", "iPhone von Anna",
    "Ask Jane", "Big Mike", "New York Times", "Crypto King", "JaneDoe", "%FNAME%", "{{first_name}}", "St. John", "there", "Mc Donald", "http://x.example/jane", "Acme", "OpenAI", "BBC", "a\U000102e1",
)  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "expected"), [(shown, name) for name, all_ in NAMES.items() for shown in all_]
)
def test_a_name_is_cleaned(shown: str, expected: str) -> None:
    assert first_name(shown) == expected


@pytest.mark.parametrize("shown", NO_NAMES)
def test_what_is_no_clear_name_is_none(shown: str | None) -> None:
    assert first_name(shown) is None


@given(st.text(max_size=60))
def test_a_name_is_one_plain_word_whatever_is_shown(shown: str) -> None:
    name = first_name(shown)
    if name is not None:
        assert 2 <= len(name) <= 40
        assert all(sign in "'\u2019-" or unicodedata.category(sign)[0] in "LM" for sign in name)
        # Some words of swindlers could be names too.
        fault = fault_in(f"Hi {name}, how are you?", "instagram")
        assert fault in {None, "it speaks of what swindlers speak of"}


@pytest.mark.parametrize(
    "text",
    [
        "Hi {{first_name}}", "Hi {name}", "${name}", "%(name)s", "*|FNAME|*", "<first name>",
        "[INSERT OFFER] today", "[Name], hello", "Hi FIRSTNAME", "Hi None,", "Hello null!",
        "This is for None.", "nan", "undefined", "[object Object]", "\u200b\u2060", "\u2800 \u3164",
        "\u00ad", "Dear undefined,", "%FIRSTNAME% hello",
        "Hi {0}", "Hi %s,", "Hi $first_name", "Hi __NAME__", "Hi XXX", "Hi Unknown,", "Hi Instagram User,",
        "Hi User,", "Hi , nice post", "Good morning None", "Dear [Recipient]", "Hi {prospect}", "Hi [x]",
        "Hi {}", "Hi TBD,", "Hi INSERT NAME", "Hi @name!", "Hi \u27e8name\u27e9", "Hi \xbbName\xab", "Hi \u2039name\u203a",
        "-", "__", "...", "\u2014", "n/a", "/", "Bonjour [Prénom]", "Hallo {Vorname}", "Hi &lt;name&gt;", "Hi {!Contact.FirstName}", "Hi (null)",
        "Hi 'null',", "Hi False,", "(insert link)", "Hi Jane, [personalize here]", "Hi %%name%%",
        "Best, [My Company]", "Hi @@name@@", "Hi «Name», hello", "{}", "Hi, TODO write text", "Hi NAME, hello",
        "Sure! Here's a DM you can send:", "Here is the message: Hi Tom", "Subject: Hi\n\nHello",
        "Hi #N/A,", "Nice #REF!", "Hi #NAME?", "Hi ...,", "I loved your post about ___", "only $XX today", "it&#39;s great",
        "Tom &amp; Jerry", "Hi<br>Ada", "<p>Hi</p>", r"Hi Ada,\n\nnice post", r"caf\u00e9", "it\u00e2\u20ac\u2122s great", "caf\u00c3\u00a9",
        "see http://localhost:3000/x", "You have None followers", "NaN% more", "undefined followers", "Invalid Date",
        "As a large language model I", "I cannot assist with that request.", "Hi TBC,",
        "Hi #name#", "Hi {name", "Hi name}", "Hi fname,", "Hi first_name", "Hi \uff5bname\uff5d", "Hi \u3010\u540d\u524d\u3011", "Hi \ufffd\ufffd",
        "As an AI language model I cannot", "Here\u2019s a short, friendly DM for Jane:\n\nHi Jane",
    ],
)  # fmt: skip
def test_an_unfinished_text_is_recognized(text: str) -> None:
    assert unfinished(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Hi, we met", "Hi <3", "Hi xxx", "Hi User group!", "Hi folks", "True", "Is it None-free?", "100%s",
        "?", "!!!", "👍👍", "-50 %", "Insert coin to play", "Bonjour !", "[link in bio]", "None of this is easy", "Hi, none of us knew", "null and void", "I <3 this", "🔥", "See [1] below",
        "Hi Nan, how are you?", "a {b", "100% sure", "Fill the form", "price: [see below]", "Nil desperandum",
        "R&D; ads", "a <b", "AT&T", "C:\\new", "XX years", "S\u00c3O PAULO", "\u00c2ge", "Wait ... what?", "#1 in NA", "fill in: ____",
        "Here's the thing: I love it", "As an AI founder, you know", "Your TODO list app is great",
        "here's my post from today: x", "«Great» work", "Subject matter experts like you",
    ],
)  # fmt: skip
def test_a_finished_text_is_not_taken_for_one(text: str) -> None:
    assert unfinished(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "see t.me/evilgroup?", "…x.com/evil…", "t.co/abc123", "u.to/abc", "g.co/x", "a.co?", "evil。com/x",
        "evil｡com", "evil•com", "evil·com", "e v i l . c o m", "пример.рф", "1.2.3.4/evil", "bit ly slash abc", "evil dot com", "evil[.]com",
        "evil d0t com", "evil punkt de", "evil punto com", "evil .com", "evil‧com", "💩.la", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_a_link_is_recognized_however_it_is_written(text: str) -> None:
    assert fault_in(f"Your work stands out, {text}", "instagram") == "it has an address"
