"""``python -m console.drafting CONTACT``: one draft by Claude, in a separate process.

The client of Claude takes 50 MB that the console would keep; this process ends with the draft.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

from actp.domains.outreach.drafting import draft_reply
from actp.domains.tools import Tools
from actp.errors import ActpError, InvalidInput
from actp.operators import operator_here
from actp.settings import load_settings

__all__ = ["draft"]

DRAFT_SECONDS: Final = 120.0


def draft(contact_id: str) -> dict[str, Any]:
    """Have an answer to a contact drafted and held; return {review_id, text, address, platform}.

    Raises InvalidInput with the reason where there is none.
    """
    command = [sys.executable, "-m", "console.drafting", contact_id]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DRAFT_SECONDS, check=False
        )
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise InvalidInput(
            "Claude took too long", remedy="Write the answer yourself, or try again."
        ) from None
    except (ValueError, IndexError):
        raise InvalidInput(
            "Claude wrote no draft", remedy="Run bin/inbox draft to see why."
        ) from None
    if "cause" in answer:
        raise InvalidInput(str(answer["cause"]), remedy=str(answer["remedy"]))
    return answer


def main(contact_id: str) -> None:
    """Write one line of JSON: the draft, or cause and remedy."""
    try:
        with Tools(load_settings()) as tools:
            answer = draft_reply(tools, contact_id, operator_here("console"))
    except ActpError as error:
        answer = {"cause": str(error).partition("\n")[0], "remedy": error.remedy or ""}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
