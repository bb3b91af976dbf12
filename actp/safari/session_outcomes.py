"""Outcomes of a session that cannot be used, each with its remedy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from actp.safari.addresses import HOSTS
from actp.safari.answer_texts import session_remedy
from actp.safari.outcomes import Outcome, Phase
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from actp.safari.catalogue import Service
    from actp.safari.outcomes import Failure

__all__ = [
    "below_another",
    "blocked",
    "elsewhere",
    "gave_up_for_words",
    "instead",
    "logged_out",
    "may_be_there",
    "no_tab",
    "other_account",
    "other_language",
    "refused",
    "suspicious",
    "unanswered",
    "wait",
    "words_of_a_failure",
    "wrong_account",
]

# A session that failed is looked at again this soon; a person who mends it waits no longer.
SESSION_AGAIN_SECONDS: Final = 30.0
# A suspicious second failure is a question to a person.
SUSPECT_WAIT_SECONDS: Final = 900.0
MAX_SAID_LENGTH: Final = 200
MAX_ERROR_LENGTH: Final = 400
MAX_LANGUAGE_LENGTH: Final = 20


def wait(
    service: Service, reason: str, problem: str, remedy: str, *, is_alert: bool = True
) -> Outcome:
    """Return the outcome of a session that cannot be used: the command waits as it is."""
    said = storable_text(f"{service.name}: {problem}", MAX_ERROR_LENGTH)
    return Outcome(
        "wait",
        reason,
        error=f"{said}. {remedy}",
        quota_back=True,
        wait_seconds=SESSION_AGAIN_SECONDS,
        breaker="open",
        alert=f"{said}. {remedy}" if is_alert else None,
        result={"outcome": "wait", "reason": reason, "success": False, "service": service.name},
    )


def unanswered(service: Service, failure: Failure) -> Outcome:
    """Return the outcome of a look without an answer; the sentinel alerts what is down.

    Probes show when it is back, so nothing waits for a fixed time.
    """
    problem = f"it does not answer: {failure.detail}"
    if failure.phase is Phase.NEVER_CONNECTED:
        remedy = "Start it; check with bin/health."
        down = wait(service, "never_connected", problem, remedy, is_alert=False)
        return replace(down, wait_seconds=None, breaker="count")
    hung = wait(service, "no_answer", problem, "See its log.", is_alert=False)
    return replace(hung, wait_seconds=None, breaker="count", is_unclear=True)


def refused(service: Service, status: int, words: str) -> Outcome | None:
    """Return the outcome of a look that was refused, or None where the status says nothing."""
    if status in {401, 403}:
        remedy = f"Set {service.token_setting} to the token that the service was started with."
        return wait(service, "misconfigured", "it rejected the token", remedy)
    if status == 429:
        remedy = "Commands continue when the service's own limit allows."
        return wait(service, "service_quota", words, remedy, is_alert=False)
    if status == 504:
        late = wait(service, "no_answer", "it did not end in time", "See its log.", is_alert=False)
        return replace(late, is_unclear=True)
    return None


def no_tab(service: Service, words: str) -> Outcome:
    """Return the outcome of a service without a tab in Safari."""
    named = session_remedy(words)
    remedy = named or f"start Safari and open a tab of {_site(service)}"
    allow = "" if named else "; if one is open, allow the services to control Safari (Automation)"
    return wait(
        service,
        "not_ready",
        f"it has no tab in Safari ({words or 'it does not say why'})",
        f"{remedy[0].upper()}{remedy[1:]} in the services' window{allow}. Commands then continue.",
    )


def logged_out(service: Service) -> Outcome:
    """Return the outcome of a site without a login."""
    return wait(
        service,
        "logged_out",
        f"Safari is not logged in to {_site(service)}",
        "Log in there in Safari; commands then continue.",
    )


def wrong_account(service: Service, shown: str, own_handle: str) -> Outcome:
    """Return the outcome of a site where another account is logged in than the settings name."""
    return wait(
        service,
        "wrong_account",
        f"{other_account(service, shown, own_handle)}; nothing is sent",
        f"Log in as @{own_handle} in Safari, or correct SAFARI_ACCOUNTS and SAFARI_OWN_HANDLES and"
        " run bin/restart worker.",
    )


def other_account(service: Service, shown: str, own_handle: str) -> str:
    """Return which account is logged in and which one the settings name."""
    seen = storable_text(shown, MAX_SAID_LENGTH)
    return f"@{seen} is logged in to {_site(service)}, and this Mac's account is @{own_handle}"


def other_language(service: Service, language: str) -> Outcome:
    """Return the outcome of a site in which the driver finds no buttons by their English words."""
    shown = storable_text(language, MAX_LANGUAGE_LENGTH)
    return wait(
        service,
        "not_ready",
        f"{_site(service)} is shown in another language ({shown}), and the service looks for"
        " English words",
        "Set the language of the site to English in its settings; commands then continue.",
    )


def suspicious(service: Service, outcome: Outcome) -> Outcome:
    """Return the outcome of a second failure that a missing login would explain."""
    asked = wait(
        service,
        "suspicious",
        f"two recipients in a row failed in the same way ({outcome.error})",
        f"Check that Safari is logged in to {_site(service)}, then run"
        f" bin/resume --service {service.name}.",
    )
    return replace(asked, wait_seconds=SUSPECT_WAIT_SECONDS)


def elsewhere(service: Service, shown: object, wanted: str) -> Outcome:
    """Return the outcome of a comment whose post Safari does not show; it is tried again."""
    seen = storable_text(str(shown), MAX_SAID_LENGTH) if shown else "no readable page"
    return Outcome(
        "retry",
        "wrong_page",
        error=f"{service.name}: Safari shows {seen}, not {wanted}; nothing was sent",
        quota_back=True,
        result={
            "outcome": "retry",
            "reason": "wrong_page",
            "success": False,
            "service": service.name,
        },
    )


def blocked(service: Service) -> Outcome:
    """Return the outcome of a site whose pages say that it limits or fails."""
    shown = wait(
        service,
        "blocked",
        f"{_site(service)} shows a limit or an error",
        "See what it asks for in Safari, then run bin/resume.",
    )
    return replace(shown, wait_seconds=SUSPECT_WAIT_SECONDS)


def below_another(service: Service, wanted: str, first: str) -> Outcome:
    """Return the outcome of a comment whose page shows another person's post first."""
    return _refused(
        service,
        "below_another",
        f"{wanted} is a reply, and its page shows the post of {first} first, under which the"
        " service would comment; nothing was sent. Comment there by hand.",
    )


def words_of_a_failure(service: Service, wanted: str) -> Outcome:
    """Return the outcome of a comment on a page whose text the driver takes for a failure."""
    return _refused(
        service,
        "words_of_a_block",
        f"{wanted} or a comment below it holds words that the service takes for a failure of the"
        " site; nothing was sent. Comment there by hand.",
    )


def gave_up_for_words(service: Service, wanted: str, of: Outcome) -> Outcome:
    """Return the outcome of tries that ended at words of a comment, with the text not there."""
    reason = "words_of_a_block"
    return replace(
        of,
        verdict="rejected",
        reason=reason,
        error=(
            f"{service.name}: a comment below {wanted} holds words that the service takes for a"
            " limit of the site, and ours is not there. Comment there by hand."
        ),
        wait_seconds=None,
        breaker="ok",
        alert=None,
        result={**of.result, "outcome": "rejected", "reason": reason},
    )


def may_be_there(service: Service, of: Outcome) -> Outcome:
    """Return the outcome of tries that gave up below a post that shows their text."""
    reason = "last_words"
    return replace(
        of,
        verdict="unknown",
        reason=reason,
        error=f"{service.name}: it gave up ({of.error}), and the same text stands below the post",
        is_suspicious=False,
        result={**of.result, "outcome": "unknown", "reason": reason},
    )


def _refused(service: Service, reason: str, problem: str) -> Outcome:
    return Outcome(
        "rejected",
        reason,
        error=f"{service.name}: {problem}",
        quota_back=True,
        result={
            "outcome": "rejected",
            "reason": reason,
            "success": False,
            "service": service.name,
        },
    )


def instead(problem: Outcome, of: Outcome) -> Outcome:
    """Return the session's outcome with the answer that led to the question."""
    kept: dict[str, Any] = {
        key: of.result[key] for key in ("http_status", "answer") if key in of.result
    }
    return replace(
        problem, http_status=of.http_status, result={**kept, **problem.result}, is_unclear=False
    )


def _site(service: Service) -> str:
    return HOSTS[service.platform][0] if service.platform else "google.com"
