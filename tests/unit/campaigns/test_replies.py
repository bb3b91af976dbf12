from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actp.campaigns.events import Doubted, Replied
from actp.campaigns.replies import judge, read_heard

SINCE = datetime(2026, 11, 2, tzinfo=UTC)
LATER, EARLIER = "2026-11-03T00:00:00+00:00", "2026-11-01 00:00:00"
OURS = ["Hi Ada, your thread on parsing helped me a lot.\nThank you!"]


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ({"at": LATER, "text": "Who are you?"}, Replied),
        ({"at": LATER, "text": "Who are you?", "outbound": False}, Replied),
        ({"at": LATER, "outbound": False}, Replied),
        ({"at": LATER, "text": "By hand", "outbound": True}, None),
        ({"at": EARLIER, "text": "An old one"}, None),
        ({"at": LATER, "text": OURS[0]}, None),
        ({"at": LATER, "text": "Hi Ada, your thread on par…"}, None),
        ({"at": LATER, "text": "\U0001f44b Hi Ada,  your thread on parsing"}, None),
        ({"at": LATER, "text": "\U0001f44b"}, Replied),
        ({"at": LATER, "text": "Hi"}, Replied),
        ({"at": LATER}, Doubted),
        ({"text": "Who are you?"}, Doubted),
        ({"at": "2h ago", "text": "Who are you?"}, Doubted),
        ({"at": 7, "text": ["no text"]}, None),
        ({"seen_at": LATER, "text": "Who are you?"}, Doubted),
        ({"seen_at": EARLIER, "text": "Who are you?"}, None),
    ],
)
def test_a_message_is_a_reply_unless_it_is_old_or_ours(
    message: dict[str, Any], verdict: type | None
) -> None:
    judged = judge([read_heard(message)], since=SINCE, our_texts=OURS)
    assert (judged is None) if verdict is None else isinstance(judged, verdict)


def test_a_clear_reply_wins_over_doubt() -> None:
    messages = [read_heard({"text": "?"}), read_heard({"at": LATER, "text": "Hello"})]
    assert judge(messages, since=SINCE, our_texts=OURS) == Replied()


def test_what_the_crm_knows_as_sent_by_us_is_ours_wherever_it_stands() -> None:
    by_hand = "Hi Ada, this one I wrote by hand"
    messages = [
        read_heard({"at": EARLIER, "text": by_hand, "outbound": True}),
        read_heard({"text": by_hand[:20]}),
    ]
    assert judge(messages, since=SINCE, our_texts=OURS) is None


def test_what_was_first_seen_after_somebody_looked_is_doubted() -> None:
    message = read_heard({"text": "?", "seen_at": LATER})
    assert judge([message], since=SINCE, our_texts=OURS, calmed_at=SINCE) is not None
    much_later = SINCE + timedelta(days=2)
    assert judge([message], since=SINCE, our_texts=OURS, calmed_at=much_later) is None


def test_what_somebody_has_looked_at_is_not_doubted_again() -> None:
    messages = [read_heard({"text": "?"}), read_heard({"at": LATER, "text": "Hello"})]
    calmed_at = SINCE + timedelta(days=2)
    assert judge(messages, since=SINCE, our_texts=OURS, calmed_at=calmed_at) is None
