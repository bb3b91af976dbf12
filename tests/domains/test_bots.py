"""Who is left out as no person, and who is not."""

from __future__ import annotations

import pytest

from actp.domains.bots import is_bot


@pytest.mark.parametrize(
    ("username", "email", "name"),
    [
        ("Meta", None, "Мария Meta"),
        ("li", None, "李明 X"),
        ("jane", "jane.doe@stripe.com", "Jane Doe"),
        ("max", "max@google.com", None),
        ("dev", "ada.lovelace@microsoft.com", None),
        ("domino_reply", None, "Domino"),
        ("casino.reply", None, None),
        ("larry", None, "Linkedin Larry"),
        ("billing", "billing.smith@gmail.com", "B. Smith"),
        ("maria_makes", "maria@support.example", "Maria"),
    ],
)
def test_a_person_is_no_bot(username: str, email: str | None, name: str | None) -> None:
    assert not is_bot(username, email, name)


@pytest.mark.parametrize(
    ("username", "email", "name"),
    [
        ("noreply", None, None),
        ("no-reply@shop.example", None, None),
        ("linkedin.noreply", None, None),
        ("x", "do_not_reply@bank.example", None),
        ("x", "billing+7@stripe.com", None),
        ("x", "receipts@apple.com", None),
        ("x", "jobs@linkedin.com", None),
        ("x", "mailer-daemon@sample.example", None),
        ("official", None, "TikTok Shop"),
        ("official", None, "Instagram Support"),
        ("official", None, "Meta Help Center"),
        ("official", None, "LinkedIn"),
        ("official", None, "X"),
        ("official", None, "\U0001d408nstagram"),
        ("official", None, "TikTok Creators"),
        ("x", "keine-antwort@firma.example", None),
        ("x", "ne.pas.repondre@banque.example", None),
    ],
)
def test_a_mailbox_or_a_platform_is_one(username: str, email: str | None, name: str | None) -> None:
    assert is_bot(username, email, name)
