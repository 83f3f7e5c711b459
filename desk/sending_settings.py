"""How a channel sends, as an admin chooses: how long replies can be taken back, initials, the price."""

from flask_babel import gettext

from accounts import audit
from accounts.models import User
from core import texts
from core.db import db
from core.errors import Invalid, NotAllowed
from desk import initials, policy
from desk.holding import LONGEST_UNDO_SECONDS
from desk.models import Channel

LONGEST_PRICE = 80


def choose(channel: Channel, *, undo_seconds: int | None, has_initials: bool, price: str, by: User) -> None:
    """Choose for one channel; without a number of seconds it is as the installation says."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    if undo_seconds is not None and not 0 <= undo_seconds <= LONGEST_UNDO_SECONDS:
        sentence = gettext("A number from 0 to %(most)s, please.", most=LONGEST_UNDO_SECONDS)
        raise Invalid(sentence, fields={"undo_seconds": sentence})
    after = {
        "undo_seconds": undo_seconds,
        "initials": has_initials,
        "price": texts.line(price, longest=LONGEST_PRICE, shortest=0),
    }
    before = {name: channel.settings.get(name) for name in after}
    if before != after:
        channel.settings = {**channel.settings, **after}
        db.session.flush()
        audit.record("desk.channel.sending", channel, by=by, before=before, after=after)


def let_learn(user: User, *, is_trainee: bool, by: User) -> None:
    """Say that somebody is still learning, or has learnt: rules may ask for a second person for one who is."""
    if not policy.may_manage_approvals(by):
        raise NotAllowed
    profile = initials.profile_of(user)
    if profile.is_trainee != is_trainee:
        profile.is_trainee = is_trainee
        db.session.flush()
        audit.record("desk.agent.trainee", user, by=by, after={"is_trainee": is_trainee})
