"""Reads in a line of a spreadsheet whether its person must not be contacted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["declined", "is_about_contact", "remarks"]

# Exports of other tools name these columns in many ways: "Unsubscribed from all email", UNSUB_TIME.
_REFUSAL: Final = re.compile(
    r"^(?:has)?(?:optedout|donot(?:call|contact|e?mail|message))|(?:^|_)do_?not_?allow_"
    r"|(?:^|_)(?:unsub(?:scribe|scribed)?|opt(?:ed)?_?out|do_?not_?(?:contact|e?mail|call|dm|message"
    r"|disturb)|dnc|dnd|blocked|black_?list(?:ed)?|suppress(?:ed|ion)?|abgemeldet|gesperrt"
    r"|(?:werbe|kontakt)sperre|ausgetragen|désinscrit|desinscrit|disiscritto)(?:_|$)"
)
_CONSENT: Final = re.compile(
    r"(?:^|_)(?:subscribed|opt(?:ed)?_?in|consent|permission|einwilligung|consentement"
    r"|accepts(?:_email)?_marketing|(?:contact|kontakt)_(?:ok|okay|allowed|permitted|erlaubt))(?:_|$)"
)
_REMARK: Final = re.compile(
    r"(?:^|_)(?:status|stage|notes?|comments?|remarks?|notiz|notizen|bemerkung|bemerkungen"
    r"|kommentar|notas?|remarques?)$"
)
_TAGS: Final = re.compile(r"(?:^|_)(?:tags?|labels?|etiketten|etiquetas)$")
# FALSCH and FAUX are what a spreadsheet writes in German and French.
_NO: Final = frozenset(
    {
        "no", "n", "false", "f", "0", "0.0", "never", "nein", "non", "off", "unchecked", "falsch",
        "faux", "falso", "onwaar", "fałsz", "ложь", "falskt", "falsk", "nee", "ne", "não", "nao",
        "nej", "nei", "nie", "нет", "hay\u0131r", "hayir", "yanl\u0131ş", "yanliş", "いいえ", "否",
    }
)  # fmt: skip
_WITHHELD: Final = re.compile(
    r"un-?subscribed|opted[ _-]?out|denied|declined|withdrawn|revoked|refused|not[ _]given"
    r"|no consent|widerrufen|abgelehnt|refusé|rechazado"
)
# As Dynamics writes it in "Do not allow Emails".
_ALLOWED: Final = frozenset({"allow", "allowed"})
_NOTHING: Final = frozenset({"none", "null", "nil", "nan", "n/a", "na", "-"})


def is_about_contact(column: str) -> bool:
    """Return whether a column can forbid contact."""
    return any(kind.search(column) for kind in (_REFUSAL, _CONSENT, _REMARK, _TAGS))


def declined(cells: Mapping[str, str]) -> str | None:
    """Return the cell that says so, as ``unsubscribed: yes``, or None."""
    for column, value in cells.items():
        said = value.casefold()
        if column.endswith(("_link", "_url")):  # to unsubscribe by
            continue
        is_refused = _REFUSAL.search(column) is not None and said not in _NO | _NOTHING | _ALLOWED
        is_withheld = said in _NO or _WITHHELD.fullmatch(said) is not None
        if is_refused or (_CONSENT.search(column) is not None and is_withheld):
            return f"{column}: {value[:40]}"
    return None


def remarks(cells: Mapping[str, str]) -> list[str]:
    """Return states, tags and notes that may say so in words, which the database judges."""
    said = [value[:600] for column, value in cells.items() if _REMARK.search(column)]
    return said + [
        tag.strip()
        for column, value in cells.items()
        if _TAGS.search(column)
        for tag in value.replace(";", ",").split(",")
    ]
