"""What no longer holds: the team says so of a question or an answer, why, and what holds instead.

Whoever reads the post reads it above its text; search puts it behind what holds. The text stays for those who still
have what it is about.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import gettext

from accounts import audit
from accounts.models import User
from core import problems
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.problems import renamed
from core.transfer import iso
from forum import addresses, limits, policy, queries, targets
from forum.models import Post, Topic

FIELD: Final = "successor"

_WITHOUT_WORDS = re.compile(r"(/\w+/\d+)(?:-[^/]*)?/?")
"""An address without the title in it, which may be hidden one day."""


@dataclass(frozen=True, slots=True)
class Obsolescence:
    """Since when something does not hold, why, and the path of what holds instead, empty where nothing does."""

    since: datetime
    reason: str
    url: str


def declare(post: Post, *, reason: str, successor: str = "", by: User) -> None:
    """Say that a question or an answer is obsolete; said once more, the words and the way are replaced.

    `successor` is the number of a question, or an address here that everybody can open.
    """
    _refuse(post, by)
    with problems.at("reason"):
        reason = limits.reason(reason)
    url = _path_to(successor, post, by) if successor.strip() else ""
    before = post.obsolete
    post.obsolete = {"since": iso(now() if before is None else of(post).since), "reason": reason, "url": url}
    db.session.flush()
    audit.record("forum.post.make_obsolete", post, by=by, reason=reason, before=before, after=post.obsolete)


def lift(post: Post, *, by: User) -> None:
    """Let it hold again; what holds anyway stays as it is."""
    _refuse(post, by)
    before = post.obsolete
    if before is not None:
        post.obsolete = None
        db.session.flush()
        audit.record("forum.post.unmake_obsolete", post, by=by, before=before)


def of(post: Post) -> Obsolescence:
    """Return what is said of an obsolete post."""
    said = post.obsolete or {}
    return Obsolescence(datetime.fromisoformat(said["since"]), said["reason"], said.get("url", ""))


def _path_to(text: str, post: Post, by: User) -> str:
    with renamed(**{targets.FIELD: FIELD}):
        led = targets.post_named(text, viewer=by) or targets.named(text, viewer=by)
    if isinstance(led, Post):
        path, is_same, is_open = addresses.of_post(led), led.id == post.id, _is_open(led)
    else:
        kind = "topic" if isinstance(led, Topic) else led.kind
        url = addresses.of_topic(led) if isinstance(led, Topic) else led.url
        match = _WITHOUT_WORDS.fullmatch(url)
        path = url if match is None else match[1]
        is_same = kind == "topic" and led.id == post.topic_id and post.kind == "question"
        is_open = targets.at(kind, led.id, viewer=targets.GUEST) is not None
    sentence = ""
    if is_same:
        sentence = gettext("What is obsolete cannot lead to itself.")
    elif not is_open:
        sentence = gettext("Not everybody can read this page, so nobody can be led to it.")
    if sentence:
        raise Invalid(sentence, fields={FIELD: sentence})
    return path


def _is_open(post: Post) -> bool:
    try:
        queries.visible_post(post.id, viewer=targets.GUEST)
    except NotFound:
        return False
    return True


def _refuse(post: Post, by: User) -> None:
    if not policy.may_make_obsolete(by, post):
        raise NotAllowed(gettext("Only the team says what is obsolete."))
