"""Writes a file as a whole or not at all, readable by its owner alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from actp.errors import InvalidInput

__all__ = ["write_private"]


def write_private(path: Path, content: str | bytes) -> None:
    """Put a file in place of what is there; raises InvalidInput for a device, pipe or folder.

    A rename puts the file there, and would replace ``/dev/null`` itself when root names it. A link
    stays one: the file that it leads to is replaced.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise InvalidInput(f"{path} is not a regular file", remedy="Name another file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp opens it for its owner alone.
    number, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
