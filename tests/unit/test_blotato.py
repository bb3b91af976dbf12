"""The client of Blotato, against a stand-in that takes and refuses posts as Blotato does."""

from __future__ import annotations

import json
import os
import socket
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from actp.clients.blotato.client import Blotato
from actp.clients.blotato.errors import BlotatoError
from actp.clients.blotato.pace import Pace
from actp.errors import SettingsError
from actp.settings import load_settings
from simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "a-secret-nobody-may-read="
VIDEO = "https://media.example/clip.mp4"
PICTURE = "https://media.example/picture.png"


@pytest.fixture(scope="module")
def outside() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(scenario={"blotato": {"key": KEY}}) as simulator:
        yield simulator


@pytest.fixture
def simulator(outside: SimulatorProcess) -> SimulatorProcess:
    outside.reset()
    return outside


class Client(Protocol):
    def __call__(self, url: str = ..., **env: str) -> Blotato: ...


@pytest.fixture
def client(simulator: SimulatorProcess) -> Iterator[Client]:
    with ExitStack() as stack:

        def make(url: str = f"{simulator.url('blotato')}/v2", **env: str) -> Blotato:
            env = {"BLOTATO_API_KEY": KEY, "BLOTATO_POLL_SECONDS": "0.01"} | env
            settings = load_settings({**env, "BLOTATO_API_URL": url}, Path(os.devnull))
            return stack.enter_context(closing(Blotato(settings)))

        yield make


@pytest.fixture
def blotato(client: Client) -> Blotato:
    return client()


def play(simulator: SimulatorProcess, *rules: dict[str, Any], **settings: Any) -> None:
    simulator.play({"blotato": {"key": KEY, "rules": rules, **settings}})


def refusal(call: Callable[[], object]) -> BlotatoError:
    with pytest.raises(BlotatoError) as caught:
        call()
    assert KEY not in f"{caught.value} {caught.value.remedy}"
    return caught.value


# ---- publishing ----


def test_a_post_is_out_once_and_its_address_is_told(
    blotato: Blotato, simulator: SimulatorProcess
) -> None:
    play(simulator, in_progress_answers=2)
    submission = blotato.publish("twitter", "hello")
    publication = blotato.wait(submission, timeout_seconds=5)
    [post] = simulator.effects("blotato")
    assert (post["platform"], post["account"], post["text"]) == ("twitter", "4151", "hello")
    assert (publication.status, publication.url) == ("published", post["url"])


def test_an_account_may_be_set_for_each_platform(
    client: Client, simulator: SimulatorProcess
) -> None:
    play(simulator, accounts={"42": "threads"})
    client(BLOTATO_ACCOUNTS="threads=42").publish("threads", "hi")
    assert [post["account"] for post in simulator.effects()] == ["42"]


@pytest.mark.parametrize(
    ("platform", "media", "extras"),
    [
        ("twitter", [], {}),
        ("threads", [VIDEO], {}),
        ("linkedin", [PICTURE], {}),
        ("instagram", [VIDEO], {"mediaType": "reel"}),
        ("instagram", [PICTURE], {}),
        ("tiktok", [VIDEO], {"privacyLevel": "PUBLIC_TO_EVERYONE", "isAiGenerated": False}),
        ("youtube", [VIDEO], {"title": "A title", "privacyStatus": "public"}),
    ],
)
def test_each_platform_gets_the_fields_that_it_wants(
    blotato: Blotato, simulator: SimulatorProcess, platform: str, media: list[str], extras: object
) -> None:
    blotato.publish(platform, "<A>  title\nand more", media)
    [post] = simulator.effects()
    target = json.loads(post["target"])
    assert target.pop("targetType") == platform
    assert extras.items() <= target.items()  # type: ignore[attr-defined]  # it is a dict
    assert bool(target) == bool(extras)
    assert post["media"] == " ".join(media)


@pytest.mark.parametrize(
    ("platform", "text", "media", "said"),
    [
        ("twitter", "x" * 281, [], "281 characters, twitter takes 280"),
        ("twitter", "😀" * 141, [], "282 characters"),
        ("threads", "x" * 501, [], "takes 500"),
        ("twitter", " \n", [], "empty"),
        ("twitter", "a\0b", [], "NUL"),
        ("twitter", "a\ud800b", [], "broken Unicode"),
        ("tiktok", "hello", [], "without a picture or video"),
        ("twitter", "hello", ["clip.mp4"], "not the URL"),
        ("twitter", "hello", ["http://["], "not the URL"),
        ("facebook", "hello", [], "no account for 'facebook'"),
    ],
)
def test_what_blotato_would_refuse_never_leaves(
    client: Client, platform: str, text: str, media: list[str], said: str
) -> None:
    nowhere = client("http://127.0.0.1:1/v2")
    error = refusal(lambda: nowhere.publish(platform, text, media))
    assert error.verdict == "rejected"
    assert said in str(error)


# ---- the account ----


def test_nothing_is_posted_to_the_wrong_network(
    blotato: Blotato, simulator: SimulatorProcess
) -> None:
    play(simulator, accounts={"4151": "tiktok", "571": "twitter"})
    error = refusal(lambda: blotato.publish("twitter", "hello"))
    assert error.verdict == "misconfigured"
    assert str(error) == "account 4151 is tiktok, not twitter"
    assert error.remedy == "Set twitter in BLOTATO_ACCOUNTS to one of: 571."
    assert simulator.effects() == []


def test_an_account_of_nobody_is_misconfigured(
    blotato: Blotato, simulator: SimulatorProcess
) -> None:
    play(simulator, accounts={})
    error = refusal(lambda: blotato.check_account("twitter"))
    assert (error.verdict, "Connect a twitter account" in error.remedy) == ("misconfigured", True)


def test_every_account_of_another_platform_is_told(
    client: Client, simulator: SimulatorProcess
) -> None:
    play(simulator, accounts={"1": "threads", "2": "tiktok", "3": "twitter", "4": "youtube"})
    accounts = "twitter=2,tiktok=1,threads=1,youtube=4,instagram=3,linkedin=9"
    wrong = client(BLOTATO_ACCOUNTS=accounts).wrong_accounts()
    assert {str(error) for error in wrong} == {
        "account 2 is tiktok, not twitter",
        "account 1 is threads, not tiktok",
        "account 3 is twitter, not instagram",
        "account 9 is none of yours, not linkedin",
    }


def test_blotato_is_asked_for_its_accounts_once(
    blotato: Blotato, simulator: SimulatorProcess
) -> None:
    blotato.publish("twitter", "one")
    play(simulator, {"route": "accounts", "behaviour": "server_error"})
    blotato.publish("threads", "two")
    assert len(simulator.effects()) == 2


# ---- trouble ----


@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [
        ("unauthorized", "misconfigured"),
        ("not_found", "misconfigured"),
        ("invalid", "rejected"),
        ("server_error", "unknown"),
        ("drop", "unknown"),
        ("drop_after_effect", "unknown"),
        ("nameless", "unknown"),
    ],
)
def test_a_refused_post_is_told_from_one_that_may_be_out(
    blotato: Blotato, simulator: SimulatorProcess, behaviour: str, verdict: str
) -> None:
    play(simulator, {"behaviour": behaviour, "platform": "twitter"})
    assert refusal(lambda: blotato.publish("twitter", "hello")).verdict == verdict
    is_out = behaviour in {"drop_after_effect", "nameless"}
    assert len(simulator.effects()) == is_out
    blotato.publish("threads", "hello")


def test_a_limit_is_kept_for_as_long_as_blotato_says(
    blotato: Blotato, simulator: SimulatorProcess
) -> None:
    play(simulator, {"behaviour": "too_many_requests", "retry_after_seconds": 7, "times": 1})
    first = refusal(lambda: blotato.publish("twitter", "hello"))
    assert (first.verdict, first.wait_seconds) == ("later", 7.0)
    again = refusal(lambda: blotato.publish("threads", "hello"))
    assert again.verdict == "later"
    assert again.wait_seconds is not None
    assert 0 < again.wait_seconds <= 7
    assert simulator.effects() == []


def test_thirty_posts_a_minute_pass() -> None:
    now = [0.0]
    pace = Pace(30, 60.0, clock=lambda: now[0])
    for second in range(30):
        now[0] = float(second)
        assert pace.take() == 0
    assert pace.take() == 31
    now[0] = 60.0
    assert pace.take() == 0
    assert pace.take() == 1
    pace.hold(90)
    now[0] = 149.0
    assert pace.take() == 1


def test_a_refused_connection_is_not_sent(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refusal(lambda: client(f"http://127.0.0.1:{port}/v2").publish("twitter", "hello"))
    assert error.verdict == "not_sent"
    assert "BLOTATO_API_URL" in error.remedy


def test_a_name_that_leads_nowhere_is_told_with_its_setting(client: Client) -> None:
    error = refusal(lambda: client("https://blotato.invalid/v2").check_account("twitter"))
    assert error.verdict == "not_sent"
    assert "BLOTATO_API_URL" in error.remedy


def test_another_api_is_told_with_its_setting(client: Client, simulator: SimulatorProcess) -> None:
    error = refusal(lambda: client(f"{simulator.url('telegram')}/v2").publish("twitter", "hello"))
    assert error.verdict == "misconfigured"
    assert "BLOTATO_API_URL" in error.remedy


def test_without_a_key_nothing_is_asked(client: Client) -> None:
    blotato = client(BLOTATO_API_KEY="")
    assert not blotato.is_configured
    error = refusal(lambda: blotato.publish("twitter", "hello"))
    assert error.verdict == "misconfigured"
    assert "BLOTATO_API_KEY" in error.remedy


def test_a_wrong_key_is_told_with_its_setting_and_not_repeated(client: Client) -> None:
    blotato = client(BLOTATO_API_KEY="another")
    error = refusal(lambda: blotato.check_account("twitter"))
    assert error.verdict == "misconfigured"
    assert str(error) == "HTTP 401: Unauthorized: ******** is no key"
    assert "BLOTATO_API_KEY" in error.remedy


# ---- how far it is ----


def test_a_post_that_the_platform_refused_has_failed(
    blotato: Blotato, simulator: SimulatorProcess
) -> None:
    play(simulator, {"behaviour": "fail"})
    publication = blotato.wait(blotato.publish("twitter", "hello"), timeout_seconds=5)
    assert (publication.status, publication.url) == ("failed", None)
    assert publication.error == "the platform refused the post"


def test_waiting_for_what_never_comes_ends(blotato: Blotato, simulator: SimulatorProcess) -> None:
    play(simulator, {"behaviour": "stuck"})
    submission = blotato.publish("twitter", "hello")
    assert blotato.wait(submission, timeout_seconds=0.05).status == "in-progress"
    assert blotato.wait("unheard-of", timeout_seconds=0).status == "in-progress"


def test_waiting_outlasts_trouble_but_not_a_wrong_key(
    blotato: Blotato, simulator: SimulatorProcess
) -> None:
    submission = blotato.publish("twitter", "hello")
    play(simulator, {"route": "status", "behaviour": "server_error", "times": 2})
    assert blotato.wait(submission, timeout_seconds=5).status == "published"
    play(simulator, {"route": "status", "behaviour": "unauthorized"})
    error = refusal(lambda: blotato.wait(submission, timeout_seconds=5))
    assert error.verdict == "misconfigured"


# ---- uploads ----


def test_a_file_is_uploaded_without_the_key(
    blotato: Blotato, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    video = tmp_path / "my clip.mp4"
    video.write_bytes(b"x" * 100_000)
    url = blotato.upload(video)
    [upload] = simulator.world()
    assert (upload["size_bytes"], upload["media_type"], upload["with_key"]) == (
        100_000,
        "video/mp4",
        0,
    )
    assert url.endswith("/my_clip.mp4")


def test_a_missing_file_is_told(blotato: Blotato, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.mp4", tmp_path):
        error = refusal(lambda path=path: blotato.upload(path))  # type: ignore[misc]  # a default binds it
        assert error.verdict == "rejected"
        assert f"{path} cannot be read" in str(error)


@pytest.mark.parametrize("behaviour", ["server_error", "drop", "unauthorized"])
def test_an_upload_that_broke_off_may_be_tried_again(
    blotato: Blotato, simulator: SimulatorProcess, tmp_path: Path, behaviour: str
) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"x")
    play(simulator, {"route": "storage", "behaviour": behaviour, "times": 1})
    error = refusal(lambda: blotato.upload(video))
    assert error.verdict == "not_sent"
    assert "signature" not in str(error)
    assert blotato.upload(video)


# ---- settings ----


@pytest.mark.parametrize("value", ["tiktok=1, twitter = 2", '{"tiktok": 1, "twitter": "2"}'])
def test_accounts_lie_over_the_defaults(value: str) -> None:
    settings = load_settings({"BLOTATO_ACCOUNTS": value}, Path(os.devnull))
    assert settings.blotato_accounts["tiktok"] == "1"
    assert settings.blotato_accounts["twitter"] == "2"
    assert settings.blotato_accounts["instagram"] == "807"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BLOTATO_ACCOUNTS", "twiter=1", "did you mean 'twitter'?"),
        ("BLOTATO_ACCOUNTS", "fax=1", "known are twitter"),
        ("BLOTATO_ACCOUNTS", "twitter", "not an account id"),
        ("BLOTATO_ACCOUNTS", "{twitter: 1}", "not JSON"),
        ("BLOTATO_API_URL", "https://backend.blotato.com", "does not end in /v2"),
        ("BLOTATO_API_URL", "http://backend.blotato.com/v2", "unencrypted"),
        ("BLOTATO_POLL_SECONDS", "0", "more than 0"),
        ("REMOTION_API_STYLE", "v2", "'default' or 'v1'"),
        ("REMOTION_URL", "http://127.0.0.1:3100/api", "has a path"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_expected(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value}, Path(os.devnull))
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"{name}: ")
    assert " — " in line
    assert said in line


def test_the_host_that_was_named_first_is_accepted() -> None:
    settings = load_settings({"BLOTATO_API_URL": "https://api.blotato.com/v2/"}, Path(os.devnull))
    assert settings.blotato_api_url == "https://api.blotato.com/v2"
