"""The Remotion client: renders videos through either style of its API."""

from actp.clients.remotion.client import Remotion
from actp.clients.remotion.errors import RemotionError
from actp.clients.remotion.styles import RenderJob

__all__ = ["Remotion", "RemotionError", "RenderJob"]
