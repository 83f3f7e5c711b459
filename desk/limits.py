"""How long a text may be, asked of the servers that publish it."""

import logging

from sqlalchemy import select

from core.db import db
from core.worker import chore
from desk.channels.base import ChannelFailed, apart
from desk.models import Channel

EVERY_SECONDS = 24 * 60 * 60

log = logging.getLogger(__name__)


@chore("desk.read_published_limits", every=EVERY_SECONDS)
def read_published() -> None:
    """Ask every server that publishes its limits; where one does not answer, what it said last holds."""
    ids = db.session.scalars(select(Channel.id).where(Channel.disabled_at.is_(None)).order_by(Channel.id)).all()
    for channel_id in ids:
        slug = db.session.get_one(Channel, channel_id).slug
        adapter = apart(channel_id)
        if not adapter.capabilities.publishes_limits:
            continue
        try:
            told = adapter.published()
        except ChannelFailed as failure:
            log.warning("%s does not say how long a text may be: %s", slug, failure.reason)
            continue
        channel = db.session.get(Channel, channel_id)
        if told is not None and channel is not None:
            published = {"limit": told.limit, "url_length": told.url_length}
            if channel.settings.get("published") != published:
                channel.settings = {**channel.settings, "published": published}
        db.session.commit()
