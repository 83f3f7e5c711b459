"""What the team does with topics and posts, and what it has done."""

from collections.abc import Collection
from datetime import timedelta

from flask import Response, request
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy.orm import joinedload, lazyload

from accounts import subjects
from accounts.access import login_required
from accounts.models import AuditEntry
from accounts.queries import audit_entries
from core import markup, paging
from core.clock import now
from core.db import db
from core.errors import KlinkeError, NotAllowed
from forum import forms, policy, queries, reviewing, suggestions
from forum.models import Muting, Post, ReviewCase
from forum.views.edge import bp, show

PAGE_SIZE = 20
MOST_DEEDS = 30
EXCERPT_LENGTH = 240
LONGEST_SEARCH = 200
A_MONTH = timedelta(days=30)
DEEDS = {
    "forum.topic.mute": lazy_gettext("muted a question"),
    "forum.topic.unmute": lazy_gettext("unmuted a question"),
    "forum.post.mute": lazy_gettext("muted a text"),
    "forum.post.unmute": lazy_gettext("unmuted a text"),
    "forum.post.edit": lazy_gettext("edited what another person wrote"),
    "forum.topic.close_as_duplicate": lazy_gettext("closed a question as a duplicate"),
    "forum.topic.close": lazy_gettext("closed a question"),
    "forum.topic.close_for_silence": lazy_gettext("closed a question whose asker did not reply"),
    "forum.topic.assign": lazy_gettext("gave a question to somebody"),
    "forum.topic.release": lazy_gettext("set a question free that somebody had"),
    "forum.topic.reopen": lazy_gettext("reopened a question"),
    "forum.topic.rename": lazy_gettext("gave a question another title"),
    "forum.topic.move": lazy_gettext("moved a question"),
    "forum.topic.pin": lazy_gettext("pinned a question"),
    "forum.topic.unpin": lazy_gettext("unpinned a question"),
    "forum.topic.retag": lazy_gettext("changed the tags of a question"),
    "forum.topic.split": lazy_gettext("made posts a question of their own"),
    "forum.topic.merge": lazy_gettext("merged another question into it"),
    "forum.post.give": lazy_gettext("changed whose text it is"),
    "forum.bulk.do": lazy_gettext("changed many questions"),
    "forum.bulk.undo": lazy_gettext("undid a change of many questions"),
    "forum.tag.create": lazy_gettext("made a tag"),
    "forum.tag.merge": lazy_gettext("merged two tags"),
    "forum.tag.reserve": lazy_gettext("changed who may give a tag"),
    "forum.tag.add_synonym": lazy_gettext("added another word for a tag"),
    "forum.tag.remove_synonym": lazy_gettext("took a word for a tag away"),
    "forum.category.create": lazy_gettext("made a category"),
    "forum.category.revise": lazy_gettext("changed a category"),
    "forum.topic.hide": lazy_gettext("hid a question until somebody looks"),
    "forum.post.hide": lazy_gettext("hid a text until somebody looks"),
    "forum.case.agree": lazy_gettext("agreed with a report, or kept back what was held"),
    "forum.case.disagree": lazy_gettext("let a text stay, or released it"),
    "forum.case.ignore": lazy_gettext("set a report aside"),
    "forum.case.edit": lazy_gettext("settled a report by editing"),
    "forum.case.undo": lazy_gettext("took a decision back"),
    "forum.suggestion.take": lazy_gettext("took a suggested change"),
    "forum.suggestion.decline": lazy_gettext("declined a suggested change"),
    "forum.suggestion.undo": lazy_gettext("took the decision about a suggested change back"),
    "forum.reply.keep": lazy_gettext("wrote or changed a reply of the team"),
    "forum.reply.remove": lazy_gettext("removed a reply of the team"),
    "forum.word.watch": lazy_gettext("began to watch a word"),
    "forum.word.forget": lazy_gettext("stopped watching a word"),
    "forum.topic.accept": lazy_gettext("chose the solution"),
    "forum.post.make_official": lazy_gettext("made an answer official"),
    "forum.post.make_obsolete": lazy_gettext("said that a text is obsolete"),
    "forum.post.unmake_obsolete": lazy_gettext("said that a text is not obsolete after all"),
    "forum.post.unmake_official": lazy_gettext("took an answer's being official back"),
    "forum.experience.remove": lazy_gettext("removed what somebody said about a solution"),
    "forum.objection.answer": lazy_gettext("answered an objection"),
    "forum.category.set_rules": lazy_gettext("changed the rules of a category"),
    "forum.topic.undo_acceptance": lazy_gettext("took the solution back"),
}


@bp.get("/moderation", endpoint="moderation")
@login_required
def show_moderation() -> Response:
    return moderation_page()


def moderation_page(
    *, ticked: Collection[int] = (), reason: str = "", complaint: str = "", refused: KlinkeError | None = None
) -> Response:
    """Show the queue and what the team did; what was refused keeps its ticks and its reason."""
    if not policy.may_see_moderation(current_user):
        raise NotAllowed(gettext("This part is for the team."))
    muted = queries.mutings_in_force().where(Muting.cause == "team")
    muted = muted.options(
        joinedload(Muting.topic).lazyload("*"),
        joinedload(Muting.post).options(lazyload("*"), joinedload(Post.topic).lazyload("*")),
    )
    shown = "decided" if request.args.get("show") == "decided" else "waiting"
    cursor = request.args.get("queue")
    if shown == "decided":
        queue = paging.page(reviewing.decided(), by=(ReviewCase.id,), cursor=cursor, size=PAGE_SIZE)
    else:
        by = (ReviewCase.priority, ReviewCase.id)
        queue = paging.page(reviewing.waiting(), by=by, cursor=cursor, size=PAGE_SIZE)
    said = request.args.get("log", "")[:LONGEST_SEARCH].replace("\0", "").strip()
    entries = audit_entries(said, "").where(AuditEntry.deed.startswith("forum.")).order_by(AuditEntry.id.desc())
    may_see = policy.may_see_log(current_user)
    deeds = list(db.session.scalars(entries.limit(MOST_DEEDS)).unique()) if may_see else []
    return show(
        "forum/moderation.html",
        shown=shown,
        ticked=ticked,
        reason=reason,
        complaint=complaint,
        refused=refused,
        queue=queue,
        waiting_count=reviewing.waiting_count(),
        elsewhere=reviewing.elsewhere(current_user),
        reasons=forms.FLAG_REASONS,
        is_claimed=reviewing.is_claimed,
        excerpt=lambda post: markup.excerpt(markup.plain(post.html), EXCERPT_LENGTH),
        muted=paging.page(muted, by=(Muting.id,), cursor=request.args.get("page"), size=PAGE_SIZE),
        deeds=deeds,
        names=subjects.of(deeds),
        said=said,
        deed_words=lambda deed: DEEDS.get(deed, deed),
        saved_questions=suggestions.solved_since(now() - A_MONTH),
    )
