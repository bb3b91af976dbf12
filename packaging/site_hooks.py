"""What mkdocs needs to build docs/ as it stands: the README as the start, links that leave it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

__all__ = ["on_files", "on_page_markdown"]

ROOT: Final = Path(__file__).resolve().parents[1]
_INTO_DOCS: Final = re.compile(r"\]\(docs/")
# A file of the repository has no page: its name stands in the place of the link.
_OUT_OF_DOCS: Final = re.compile(r"\[([^\]]+)\]\((?:\.\./)+[^)]*\)")
_OUT_OF_README: Final = re.compile(r"\[([^\]]+)\]\((?!https?:|#)(?:[\w./-]+/)?[.A-Z][\w.-]*\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README as the first page."""
    text = _INTO_DOCS.sub("](", (ROOT / "README.md").read_text(encoding="utf-8"))
    files.append(File.generated(config, "index.md", content=_OUT_OF_README.sub(r"\1", text)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return a page without links to files outside docs."""
    return _OUT_OF_DOCS.sub(r"\1", markdown)
