"""What the demonstration's desk has promised: one for today, one that was not kept, and somebody to be called."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select

from accounts.models import User
from core.clock import now
from core.db import db
from desk import call_backs, promises
from desk.models import Conversation

SHORT = timedelta(minutes=1)


def begin(everybody: Mapping[str, User]) -> None:
    """Make promises in the first conversations there are."""
    agent = everybody["ada"]
    first, second = db.session.scalars(select(Conversation).order_by(Conversation.id).limit(2)).unique().all()
    promises.make(
        first,
        what="Wir schauen uns den Router an und sagen heute noch Bescheid."
        if first.locale == "de"
        else "We look at the router and tell you later today.",
        due_at=now() + timedelta(hours=5),
        owner=agent,
        by=agent,
    )
    late = promises.make(
        second,
        what="Der Ersatz geht heute raus." if second.locale == "de" else "The replacement goes out today.",
        due_at=now() + SHORT,
        owner=agent,
        by=agent,
    )
    late.due_at = now() - timedelta(hours=20)
    kept = promises.make(
        second,
        what="Wir fragen im Lager nach." if second.locale == "de" else "We ask the warehouse.",
        due_at=now() + SHORT,
        owner=agent,
        by=agent,
    )
    promises.keep(kept, by=agent)
    call_backs.arrange(
        first,
        phone="+49 30 23125 014",
        since=now() - timedelta(hours=1),
        until=now() + timedelta(hours=3),
        about="Der Router blinkt rot",
        owner=agent,
        by=agent,
    )
