"""What stands at an answer in the forum of its way into the knowledge base.

Trusted members and the team see it at every answer, everybody at their own, and who asked at the answers to them: with
kind words, and without the reason why an answer that somebody gave them became no article.
"""

from collections.abc import Mapping, Sequence

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import lazyload

from accounts.people import Viewer
from core.db import db
from forum.marks import Mark
from forum.models import Post
from kb import policy
from kb.models import Nomination


def of_answers(posts: Sequence[Post], viewer: Viewer) -> Mapping[int, Mark]:
    """Return how the nomination of each answer stands, and the button that nominates it or opens its draft."""
    may_nominate = policy.may_nominate(viewer)
    shown = [post for post in posts if may_nominate or viewer.id in {post.author_id, post.topic.asker_id}]
    if not shown:
        return {}
    rows = db.session.scalars(
        select(Nomination).where(Nomination.post_id.in_([post.id for post in shown])).options(lazyload("*"))
    )
    nominations = {nomination.post_id: nomination for nomination in rows}
    return {
        post.id: _mark(post, nominations.get(post.id), viewer)
        if may_nominate or post.author_id == viewer.id
        else _mark_for_asker(nominations[post.id])
        for post in shown
        if may_nominate or post.id in nominations
    }


def _mark_for_asker(nomination: Nomination) -> Mark:
    words = {
        "pending": gettext("Somebody proposed this answer for the knowledge base"),
        "declined": gettext("The team looked at it and leaves it an answer"),
        "drafted": gettext("An article for everybody is being made of it"),
        "published": gettext("It became an article that helps others, too"),
    }
    return Mark(words[nomination.state])


def _mark(post: Post, nomination: Nomination | None, viewer: Viewer) -> Mark:
    decides = policy.may_decide(viewer)
    is_open = not post.is_muted and not post.topic.is_muted
    deed_url = f"/posts/{post.id}/nomination" if is_open and policy.may_nominate(viewer) else None
    if nomination is None:
        return Mark(
            deed_url=deed_url, deed=gettext("Make an article") if decides else gettext("Nominate for an article")
        )
    words = {
        "pending": gettext("Nominated for an article"),
        "declined": gettext("No article: %(reason)s", reason=nomination.reason),
        "drafted": gettext("An article is being made of it"),
        "published": gettext("It became an article"),
    }[nomination.state]
    if decides and nomination.state == "pending":
        return Mark(words, deed_url=deed_url, deed=gettext("Make an article"))
    return Mark(words, f"/kb/nominations/{nomination.id}" if decides else None)
