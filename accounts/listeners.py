"""What accounts do when they hear of something, and their chores."""

import logging

from sqlalchemy import delete

from accounts import attempts, mails, one_time, people, sessions
from accounts.events import ResetAsked
from accounts.models import OneTimeToken
from core.clock import now
from core.db import db
from core.outbox import listens_to
from core.worker import chore

log = logging.getLogger(__name__)


@listens_to(ResetAsked)
def send_reset_mail(event: ResetAsked) -> None:
    """Send the link for a new password, if there is somebody who can use it."""
    user = people.by_email(event.email)
    if user is None or not user.is_active:
        return
    if not attempts.may_mail(user):
        log.info("no further reset mail to user %s for now", user.id)
        return
    mails.send_reset(user, one_time.issue(user, "reset"), locale=user.locale or event.locale)


@chore("accounts.forget", every=3600)
def forget() -> None:
    """Forget old attempts, sessions past their limits and tokens nobody can use any more."""
    attempts.forget_old()
    sessions.forget_ended()
    db.session.execute(delete(OneTimeToken).where(OneTimeToken.expires_at < now()))
    db.session.commit()
