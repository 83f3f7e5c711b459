"""Bluesky and other servers of AT protocol, in plain HTTP (docs/channels/bluesky.md says what it can)."""

from desk.channels.base import register
from desk.channels.bluesky.adapter import Bluesky

__all__ = ["Bluesky"]

register("bluesky", Bluesky)
