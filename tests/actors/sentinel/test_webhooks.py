"""Results on their way to a receiver that has good and bad days."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from actors.runtime.messages import Crashed, Drained, Stop
from actors.sentinel.webhooks import WEBHOOKS, WebhookActor
from actp.clients.webhook import DELIVERY_SECONDS, Webhook
from tests.actors.house import Grenade, House
from tests.actors.rows import eventually
from tests.store.life import Life

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

SECRET = SecretStr("a-secret-of-more-than-24-characters")
KEYS = (b"24 bytes or more of key.", b"the key that it replaces.")
BASE64 = tuple("whsec_" + base64.b64encode(key).decode() for key in KEYS)
LOOK_SECONDS = 0.1


class Post:
    """A database whose results go to the simulator's receiver."""

    def __init__(
        self, database: Database, simulator: SimulatorProcess, admin: psycopg.Connection
    ) -> None:
        self.database = database
        self.simulator = simulator
        self.admin = admin
        self.houses: list[House] = []
        self.life = Life(database.store)
        database.store.call("safari_webhooks_claim", row_limit=1, seconds=1.0)

    def deliver(
        self, secret: SecretStr = SECRET, *, delivery_seconds: float = DELIVERY_SECONDS
    ) -> House:
        house = House()
        self.houses.append(house)
        url = SecretStr(f"{self.simulator.url('receiver')}/hooks/actp?key=s3cret")
        actor = WebhookActor.start(
            house.context,
            store=self.database.store,
            webhook=Webhook(url, secret, delivery_seconds=delivery_seconds),
            look_seconds=LOOK_SECONDS,
        )
        house.move_in(WEBHOOKS, actor)
        return house

    def play(self, *rules: dict[str, Any]) -> None:
        self.simulator.play({"receiver": {"rules": list(rules)}})

    def received(self) -> list[dict[str, Any]]:
        requests: list[dict[str, Any]] = self.simulator.ask("/receiver")
        return requests

    def row(self) -> dict[str, Any]:
        (row,) = self.database.store.call("safari_webhooks")["rows"]
        assert isinstance(row, dict)
        return row

    def counts(self) -> tuple[int, int, int]:
        counts = self.database.store.call("safari_webhooks")
        return counts["waiting"], counts["delivered"], counts["given_up"]

    def hurry(self) -> None:
        """Let the time until the next attempt pass."""
        self.admin.execute("update safari_webhooks set next_attempt_at = now()")


@pytest.fixture
def post(database: Database, simulator: SimulatorProcess) -> Iterator[Post]:
    with database.connect() as admin:
        post = Post(database, simulator, admin)
        yield post
        for house in post.houses:
            house.close()


@pytest.mark.parametrize(
    ("secret", "keys"),
    [
        (SECRET.get_secret_value(), (SECRET.get_secret_value().encode(),)),
        (BASE64[0], KEYS[:1]),
        (BASE64[1].rstrip("="), KEYS[1:]),
        (" ".join(BASE64), KEYS),
    ],
    ids=["plain", "base64", "unpadded", "rotated"],
)
def test_a_result_comes_signed_and_once(post: Post, secret: str, keys: tuple[bytes, ...]) -> None:
    command = post.life.enqueue(metadata={"order": 17})
    post.life.end(command, "sent")
    post.deliver(SecretStr(secret))
    eventually(lambda: post.counts() == (0, 1, 0), "it was delivered")
    (request,) = post.received()
    assert (request["method"], request["path"]) == ("POST", "/hooks/actp?key=s3cret")
    assert request["content_type"] == "application/json"
    body, headers = request["body"], request["headers"]
    data = json.loads(body)["data"]
    assert (data["id"], data["status"], data["metadata"]) == (command, "completed", {"order": 17})
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    expected = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    assert headers["webhook-signature"] == " ".join(
        f"v1,{base64.b64encode(each).decode()}" for each in expected
    )


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("server_error", "HTTP 500"),
        ("refused", "HTTP 400"),
        ("redirect", "a redirect, which is not followed"),
        ("too_many_requests", "HTTP 429"),
        ("drop", "IncompleteAnswer"),
    ],
)
def test_a_bad_day_is_tried_again_under_the_same_key(post: Post, behaviour: str, said: str) -> None:
    post.play({"behaviour": behaviour, "times": 1})
    post.life.enqueue_and_send()
    post.deliver()
    eventually(lambda: bool(post.row()["error"]), "it failed")
    assert said in post.row()["error"]
    post.hurry()
    eventually(lambda: post.counts() == (0, 1, 0), "it was delivered")
    first, second = post.received()
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    assert first["body"] == second["body"]


@pytest.mark.parametrize("behaviour", ["hang", "trickle", "huge"])
def test_an_answer_without_an_end_is_given_up_in_time(post: Post, behaviour: str) -> None:
    post.play({"behaviour": behaviour, "times": 1})
    post.life.enqueue_and_send()
    post.deliver(delivery_seconds=1.0)
    eventually(lambda: bool(post.row()["error"]), "it failed")
    post.hurry()
    eventually(lambda: post.counts() == (0, 1, 0), "it was delivered")


def test_one_result_that_is_refused_keeps_no_other_waiting(post: Post) -> None:
    poison = post.life.enqueue(metadata={"poison": True})
    post.life.end(poison, "sent")
    for _ in range(4):
        post.life.enqueue_and_send()
    post.play({"behaviour": "server_error", "text": "poison"})
    post.deliver()
    eventually(lambda: post.counts() == (1, 4, 0), "the others were delivered")


def test_a_receiver_that_is_down_is_left_alone_and_gets_all_later(post: Post) -> None:
    post.simulator.down("receiver")
    for _ in range(6):
        post.life.enqueue_and_send()
    house = post.deliver()
    tried = "select count(*) from safari_webhooks where error is not null"
    eventually(lambda: post.admin.execute(tried).fetchone() == (3,), "three were tried")
    house.settle(WEBHOOKS)
    post.simulator.up("receiver")
    post.hurry()
    eventually(lambda: post.counts() == (0, 6, 0), "all were delivered")


def test_a_receiver_that_asks_for_rest_is_sent_nothing_else(post: Post) -> None:
    post.play({"behaviour": "too_many_requests", "retry_after_seconds": 900})
    for _ in range(3):
        post.life.enqueue_and_send()
    house = post.deliver()
    tried = "select count(*) from safari_webhooks where error is not null"
    eventually(lambda: post.admin.execute(tried).fetchone() == (1,), "one was tried")
    house.settle(WEBHOOKS)
    later = "select bool_and(next_attempt_at > now() + interval '50 s') from safari_webhooks"
    assert post.admin.execute(later).fetchone() == (True,)
    assert (post.counts(), len(post.received())) == ((3, 0, 0), 1)


def test_a_gone_receiver_is_given_up_with_an_alert(post: Post) -> None:
    post.play({"behaviour": "gone"})
    post.life.enqueue_and_send()
    post.deliver()
    eventually(lambda: post.counts() == (0, 0, 1), "it was given up")
    kinds = post.admin.execute("select kind from safari_alerts").fetchall()
    assert ("webhook_given_up",) in kinds


def test_a_crashed_deliverer_is_replaced_and_a_stopped_one_ends(post: Post) -> None:
    house = post.deliver()
    house.tell(WEBHOOKS, Grenade())
    house.supervisor.take(Crashed)
    post.life.enqueue_and_send()
    house = post.deliver()
    eventually(lambda: post.counts() == (0, 1, 0), "it was delivered")
    house.tell(WEBHOOKS, Stop())
    house.supervisor.take(Drained)
    assert len(post.received()) == 1
