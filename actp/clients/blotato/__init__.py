"""Publishes posts through Blotato, and never the same one twice automatically."""

from actp.clients.blotato.client import Blotato, Publication
from actp.clients.blotato.errors import BlotatoError

__all__ = ["Blotato", "BlotatoError", "Publication"]
