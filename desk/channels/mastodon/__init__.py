"""Mastodon and what speaks its API (docs/channels/mastodon.md)."""

from desk.channels.base import Adapter, register
from desk.models import Channel


def _speaking_to(channel: Channel) -> Adapter:
    # The library and what it brings take a fifth of a second to load: only where there is such a channel.
    from desk.channels.mastodon.adapter import Mastodon

    return Mastodon(channel)


register("mastodon", _speaking_to)
