"""Which addresses of the web Safari may open."""

from __future__ import annotations

import pytest

from actp.errors import InvalidInput
from actp.safari.web_url import web_url

PUBLIC = (
    "https://x.com/ada/status/1",
    "http://example.org:8080/a?b=c#d",
    "https://xn--bcher-kva.example.com/",
    "https://bücher.example.com/",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
    "  https://example.org/it's  ",
)
OF_THIS_HOST = (
    "http://localhost:3003/",
    "http://LOCALHOST./",
    "http://app.localhost/",
    "http://127.0.0.1:3003/",
    "http://127.1/",
    "http://0/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://017700000001/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://127\u30020\u30020\u30021/",
    "http://127%2e0%2e0%2e1/",
    "http://loc%61lhost/",
)
OF_ITS_NETWORK = (
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://172.16.0.1/",
    "http://100.64.0.1/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://router/",
    "http://nas.local/",
    "http://metadata.google.internal/",
    "http://printer.lan/",
)
NONE = (
    "",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://ada:secret@example.org/",
    "https://ada@example.org/",
    "https://@example.org/",
    "https://example.org/\u202egpj.exe",
    "https://example.org/\u200b",
    "https://example.org/\u2066x",
    "https://example.org:port/",
    "https://[::1/",
    "http://999.1.1.1.1/",
    f"https://example.org/{'a' * 3000}",
)


@pytest.mark.parametrize("given", PUBLIC)
def test_an_address_of_the_public_internet_is_opened_as_it_is(given: str) -> None:
    assert web_url(given) == given.strip()


@pytest.mark.parametrize("given", [*OF_THIS_HOST, *OF_ITS_NETWORK, *NONE])
def test_every_other_address_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput):
        web_url(given)


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidInput) as refused:
        web_url("https://ada:secret@example.org/")
    assert "secret" not in f"{refused.value} {refused.value.remedy}"
