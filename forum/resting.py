"""A solved question rests after its last word, where its category wants that; here it is woken.

Nothing puts it to rest: `Topic.rests_since` follows from what is there, so a solution taken back wakes it as well.
"""

from flask_babel import gettext

from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from forum import policy
from forum.models import Reopening, Topic


def reopen(topic: Topic, *, by: User) -> None:
    """Have a resting question take words again for as long as its category says; another one stays as it is."""
    if not topic.is_resting and policy.may_accept_answer(by, topic):
        return
    if not policy.may_reopen(by, topic):
        raise NotAllowed(gettext("Who asked can open this question again, and for them the team and trusted members."))
    db.session.add(Reopening(topic_id=topic.id, by_id=by.id, at=now()))
    db.session.flush()
    db.session.expire(topic, ["reopenings"])
