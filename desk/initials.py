"""Who of the team wrote a reply, in a few letters behind it: `^AB`, where a channel shows them."""

import re
from typing import Final

from flask_babel import gettext

from accounts.models import User
from core.db import db
from core.errors import Invalid, NotAllowed
from desk import policy
from desk.models import Channel
from desk.sending_models import AgentProfile

LONGEST: Final = 4
_INITIALS: Final = re.compile(r"[^\W\d_]{1,4}")


def suffix_of(channel: Channel, user: User) -> str:
    """Return what stands behind a reply of this person on this channel, with the blank before it; often nothing."""
    if not channel.settings.get("initials"):
        return ""
    profile = db.session.get(AgentProfile, user.id)
    return f" ^{profile.initials}" if profile is not None and profile.initials else ""


def signed(text: str, suffix: str) -> str:
    """Return the text with the initials behind it, once."""
    return text if text.endswith(suffix) else text + suffix


def profile_of(user: User) -> AgentProfile:
    """Return what the desk knows of somebody; for who has none yet, an empty one."""
    profile = db.session.get(AgentProfile, user.id)
    if profile is None:
        profile = AgentProfile(user_id=user.id, initials="", is_trainee=False)
        db.session.add(profile)
        db.session.flush()
    return profile


def choose(initials: str, *, by: User) -> None:
    """Choose one's own initials; empty for none."""
    if not policy.may_work(by):
        raise NotAllowed
    initials = initials.strip().removeprefix("^").upper()
    if initials and not _INITIALS.fullmatch(initials):
        sentence = gettext("One to %(most)s letters, please.", most=LONGEST)
        raise Invalid(sentence, fields={"initials": sentence})
    profile_of(by).initials = initials
    db.session.flush()
