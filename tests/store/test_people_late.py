"""What is learned of a person after a command to them was claimed holds when it begins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from actp.errors import WrongState
from tests.store.life import Life
from tests.store.test_people import contact

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from actp.store.protocol import Store


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def claimed(life: Life, username: str, **more: Any) -> str:
    command = life.enqueue(username=username, **more)
    assert command in {row["id"] for row in life.claim()}
    return command


def join_with_one_who_opted_out(store: Store, admin: psycopg.Connection) -> None:
    contact(admin, "instagram", "ada_ig", email_opted_out=True)
    store.call("safari_people_join", one="twitter:ada_tw", other="instagram:ada_ig")


def opt_out(store: Store, admin: psycopg.Connection) -> None:
    ((id_,),) = admin.execute("select id::text from crm_contacts").fetchall()
    store.call("agent_outreach_opt_out", contact_ids=[id_])


def write_a_note(store: Store, admin: psycopg.Connection) -> None:
    del store
    admin.execute("update crm_contacts set tags = '{asked us to stop}'")


def block_a_twin(store: Store, admin: psycopg.Connection) -> None:
    contact(admin, "instagram", "ada_ig", twitter_handle="https://x.com/Ada_TW?s=20")
    store.call("safari_block_contact", platform="instagram", recipient="ada_ig", blocked=True)


def tag_their_only_mailbox(store: Store, admin: psycopg.Connection) -> None:
    del store
    contact(admin, "instagram", "ada_ig", email="Ada+x@GMail.com.", tags=["DNC"])
    admin.execute("update crm_contacts set email = 'ada@gmail.com' where platform = 'twitter'")


@pytest.mark.parametrize(
    "learn",
    [
        join_with_one_who_opted_out,
        opt_out,
        write_a_note,
        block_a_twin,
        tag_their_only_mailbox,
    ],
)
def test_nothing_begins_to_somebody_who_is_to_be_left_alone(
    life: Life,
    store: Store,
    admin: psycopg.Connection,
    learn: Callable[[Store, psycopg.Connection], None],
) -> None:
    contact(admin, "twitter", "ada_tw")
    command = claimed(life, "ada_tw")
    learn(store, admin)
    begun = life.begin(command)
    # An opt-out cancels what is under way as well.
    assert begun["verdict"] in {"refused", "lost"}
    row = store.call("safari_show", id=command)["command"]
    assert row["status"] in {"failed", "cancelled"}


def test_two_claimed_messages_to_one_who_is_joined_meanwhile_are_one(
    life: Life, store: Store, admin: psycopg.Connection
) -> None:
    contact(admin, "twitter", "ada_one")
    contact(admin, "twitter", "ada_two")
    first, second = claimed(life, "ada_one"), life.enqueue(username="ada_two")
    life.claim()
    store.call("safari_people_join", one="twitter:ada_one", other="twitter:ada_two")
    assert life.begin(first, text_hash="same")["verdict"] == "granted"
    assert life.begin(second, text_hash="same")["reason"] == "duplicate"


def test_two_workers_that_begin_to_twins_at_one_moment_send_once(
    store: Store, admin: psycopg.Connection
) -> None:
    lives = [Life(store), Life(store)]
    for number in range(8):
        mailbox = f"ada{number}@x.io"
        names = [f"twin{number}_one", f"twin{number}_two"]
        commands = []
        for name, life in zip(names, lives, strict=True):
            contact(admin, "twitter", name, email=mailbox)
            commands.append(claimed(life, name))
        with ThreadPoolExecutor(2) as pool:
            verdicts = list(
                pool.map(
                    lambda pair, text=f"text {number}": pair[0].begin(pair[1], text_hash=text),
                    zip(lives, commands, strict=True),
                )
            )
        assert sorted(each["verdict"] for each in verdicts) == ["granted", "refused"]
        refused = next(each for each in verdicts if each["verdict"] == "refused")
        assert refused["reason"] == "duplicate"


def test_a_claimed_command_is_not_given_to_another_account(life: Life, store: Store) -> None:
    command = claimed(life, "ada")
    with pytest.raises(WrongState, match="only one that waits"):
        store.call("safari_reassign", id=command, account="default")
    assert life.begin(command)["verdict"] == "granted"
