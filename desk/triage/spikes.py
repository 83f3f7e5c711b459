"""Spikes: within an hour far more unhappy messages than usual, or many about the same. The agents are told once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import func, select

from core.clock import now
from core.db import db
from core.settings import current_settings
from desk import quiet
from desk.models import Channel, Conversation
from desk.triage import incidents
from desk.triage.tables import ConversationMute, MessageJudgement
from forum import alarms, notifications
from forum.alarms import Waiting
from forum.models import Notification

USUAL: Final = timedelta(days=7)
UNHAPPY: Final = -1


def find(_after: datetime, _before: datetime) -> Iterable[Waiting]:
    """Return the spikes of this moment; one of the same channel or words is told once a day."""
    settings = current_settings()
    if not settings.spike_fewest:
        return
    at = now()
    day = at.date().isoformat()
    for channel, many, usual in unhappy(at):
        if many >= settings.spike_fewest and many >= settings.spike_times * usual:
            yield Waiting(
                key=f"spike:{channel.slug}:{day}",
                kind="desk_spike",
                url="/desk/incidents",
                data={"channel": channel.name, "many": many, "usual": round(usual, 1)},
            )
    began = at - timedelta(minutes=settings.spike_minutes)
    for cluster in incidents.waiting_clusters():
        fresh = [message for message in cluster.messages if message.received_at > began]
        quiet_ones = quiet.quiet_among([one.contact_id for one in fresh if one.contact_id is not None])
        fresh = [message for message in fresh if message.contact_id not in quiet_ones]
        if len(fresh) >= settings.spike_fewest:
            words = ", ".join(cluster.words)
            yield Waiting(
                key=f"alike:{cluster.locale}:{min(cluster.conversation_ids)}",
                kind="desk_alike",
                url="/desk/incidents",
                data={"words": words, "many": len(fresh)},
            )


def unhappy(at: datetime) -> list[tuple[Channel, int, float]]:
    """Return by channel how many unhappy messages came lately, and how many usually come in as much time."""
    length = timedelta(minutes=current_settings().spike_minutes)
    is_fresh = MessageJudgement.at > at - length
    is_muted = select(ConversationMute.id).where(ConversationMute.conversation_id == MessageJudgement.conversation_id)
    rows = db.session.execute(
        select(
            Channel,
            func.count(MessageJudgement.id).filter(is_fresh),
            func.count(MessageJudgement.id).filter(~is_fresh),
        )
        .join(Conversation, Conversation.channel_id == Channel.id)
        .join(MessageJudgement, MessageJudgement.conversation_id == Conversation.id)
        .where(
            MessageJudgement.at > at - length - USUAL,
            MessageJudgement.at <= at,
            MessageJudgement.sentiment <= UNHAPPY,
            MessageJudgement.intent != "abuse",
            ~is_muted.exists(),
            quiet.is_heard(Conversation.contact_id),
        )
        .group_by(Channel.id)
    )
    return [(channel, fresh, before / (USUAL / length)) for channel, fresh, before in rows if fresh]


def init_app() -> None:
    """Have the alarms look for spikes."""
    alarms.contribute("desk.spikes", roles={"agent"}, find=find)


@notifications.kind("desk_spike", group="alarms")
def _spike_words(notification: Notification) -> str:
    data = notification.data or {}
    return str(
        gettext(
            "%(many)s unhappy messages on %(channel)s within a short time; usual are %(usual)s.",
            many=data.get("many", 0),
            channel=data.get("channel", ""),
            usual=data.get("usual", 0),
        )
    )


@notifications.kind("desk_alike", group="alarms")
def _alike_words(notification: Notification) -> str:
    data = notification.data or {}
    return str(
        gettext(
            "%(many)s customers write about the same: %(words)s.", many=data.get("many", 0), words=data.get("words", "")
        )
    )
