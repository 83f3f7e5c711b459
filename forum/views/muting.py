"""Muting, with a look through the eyes of others first; objecting to it, and what the team answers."""

from dataclasses import dataclass
from typing import Any

from flask import Response, flash, request
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from accounts.models import User
from accounts.people import AnonymousUser, Viewer
from core import markup, paging, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import KlinkeError, NotAllowed, NotFound
from forum import addresses, forms, moderation, objections, policy, queries
from forum.models import Objection, Post, Topic
from forum.views.edge import bp, show
from forum.views.topic import topic_page, where

PAGE_SIZE = 20
EXCERPT_LENGTH = 300


@bp.route("/topics/<int:topic_id>/mute", methods=["GET", "POST"])
@login_required
def mute_topic(topic_id: int) -> Response | WerkzeugResponse:
    return _mute(queries.visible_topic(topic_id, viewer=current_user))


@bp.post("/topics/<int:topic_id>/unmute")
@login_required
def unmute_topic(topic_id: int) -> WerkzeugResponse:
    return _unmute(queries.visible_topic(topic_id, viewer=current_user))


@bp.route("/posts/<int:post_id>/mute", methods=["GET", "POST"])
@login_required
def mute_post(post_id: int) -> Response | WerkzeugResponse:
    return _mute(queries.visible_post(post_id, viewer=current_user))


@bp.post("/posts/<int:post_id>/unmute")
@login_required
def unmute_post(post_id: int) -> WerkzeugResponse:
    return _unmute(queries.visible_post(post_id, viewer=current_user))


@bp.post("/posts/<int:post_id>/objection")
@login_required
def object_to_muting(post_id: int) -> Response | WerkzeugResponse:
    form = forms.ObjectionForm()
    is_fine = form.validate()
    post = queries.visible_post(post_id, viewer=current_user)
    if not policy.may_object(current_user, post):
        raise NotAllowed(gettext("Only its author can object, as long as it is muted."))
    if not is_fine:
        return topic_page(post.topic, objection_form=form, at=post_id, status=UNPROCESSABLE)
    try:
        objections.raise_against(post, text=form.text.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        post = queries.visible_post(post_id, viewer=current_user)
        return topic_page(post.topic, objection_form=form, at=post_id, refused=error)
    db.session.commit()
    flash(gettext("The team has your objection and answers it here."), "good")
    return web.go(where(post))


@bp.get(addresses.OBJECTIONS)
@login_required
def objection_list() -> Response:
    return _objections()


@bp.post("/objections/<int:objection_id>/answer")
@login_required
def answer_objection(objection_id: int) -> Response | WerkzeugResponse:
    _refuse_others()
    form = forms.ObjectionAnswerForm()
    is_fine = form.validate()
    objection = queries.objection(objection_id)
    if not is_fine:
        return _objections(form=form, at=objection_id, status=UNPROCESSABLE)
    lifts = request.form.get("do") == "lift"
    try:
        objections.answer(objection, text=form.text.data or "", lifts=lifts, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _objections(form=form, at=objection_id, refused=error)
    db.session.commit()
    flash(gettext("Answered. Everybody can see it again.") if lifts else gettext("Answered. It stays muted."), "good")
    return web.go(addresses.OBJECTIONS)


@dataclass(frozen=True, slots=True)
class Look:
    """What one kind of reader finds after the muting."""

    topic: Topic | None
    """None: the page is not there for them."""
    posts: tuple[Post, ...]
    """What they find of it; of a stub, their own posts."""
    person: User | None = None


def _mute(subject: Topic | Post) -> Response | WerkzeugResponse:
    if not policy.may_mute(current_user):
        raise NotAllowed(gettext("Only moderators can mute."))
    if isinstance(subject, Post) and subject.kind == "question":
        subject = subject.topic
    if request.method == "GET":
        muting = subject.muting if subject.is_muted else None
        data: dict[str, Any] = {} if muting is None else {"rule": muting.rule, "is_silent": muting.is_silent}
        if muting is not None:
            data |= {"reason": muting.reason, "wanted": muting.wanted, "until": muting.until}
            data |= {"review_at": muting.review_at}
        return _mute_page(subject, forms.MuteForm(data=data, formdata=None))
    form = forms.MuteForm()
    if not form.validate():
        return _mute_page(subject, form, status=UNPROCESSABLE)
    try:
        moderation.mute(
            subject,
            by=me(),
            reason=form.reason.data or "",
            until=form.until_moment,
            rule=form.rule.data,
            wanted=form.wanted.data or "",
            is_silent=bool(form.is_silent.data),
            review_at=form.review_moment,
            release=bool(form.release.data),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _mute_page(subject, form, refused=error)
    if request.form.get("do") == "preview":
        # It is muted, looked at, and taken back: what the page shows is what the three would really find.
        page = _mute_page(subject, form, looks=_looks(subject))
        db.session.rollback()
        return page
    db.session.commit()
    flash(_what_happened(is_silent=bool(form.is_silent.data)), "good")
    return web.go(_address(subject))


def _what_happened(*, is_silent: bool) -> str:
    if is_silent:
        return str(gettext("Muted silently. Its author still sees it and is not told."))
    return str(gettext("Muted. Its author and the team still see it, with your reason."))


def _mute_page(
    subject: Topic | Post,
    form: forms.MuteForm,
    *,
    looks: dict[str, Look] | None = None,
    status: int = 200,
    refused: KlinkeError | None = None,
) -> Response:
    topic = subject if isinstance(subject, Topic) else subject.topic
    return show(
        "forum/mute.html",
        subject=subject,
        topic=topic,
        is_topic=isinstance(subject, Topic),
        text=None if isinstance(subject, Topic) else markup.excerpt(markup.plain(subject.html), EXCERPT_LENGTH),
        form=form,
        looks=looks,
        back=_address(subject),
        rule_names=forms.RULE_NAMES,
        status=status,
        refused=refused,
    )


def _looks(subject: Topic | Post) -> dict[str, Look]:
    topic = subject if isinstance(subject, Topic) else subject.topic
    author = topic.asker if isinstance(subject, Topic) else subject.author
    author_id = None if author is None else author.id
    # By their ids: to Flask-Login any two people without a session are equal.
    participant = next((one for one in queries.participants(topic) if not one.is_team and one.id != author_id), None)
    looks = {"guest": _look(topic, AnonymousUser())}
    if author is not None:
        looks["author"] = _look(topic, author)
    if participant is not None:
        looks["participant"] = _look(topic, participant)
    return looks


def _look(topic: Topic, viewer: Viewer) -> Look:
    person = viewer if isinstance(viewer, User) else None
    try:
        seen = queries.visible_topic(topic.id, viewer=viewer)
    except NotFound:
        return Look(None, tuple(queries.own_posts_in_muted(topic.id, viewer=viewer)), person)
    return Look(seen, tuple(queries.visible_posts(seen, viewer=viewer)), person)


def _unmute(subject: Topic | Post) -> WerkzeugResponse:
    form = forms.UnmuteForm()
    reason = form.reason.data or "" if form.validate() else ""
    moderation.unmute(subject, by=me(), reason=reason)
    db.session.commit()
    flash(gettext("Everybody can see it again."), "good")
    return web.go(web.safe_path(request.form.get("next"), _address(subject)))


def _objections(
    *,
    form: forms.ObjectionAnswerForm | None = None,
    at: int = 0,
    status: int = 200,
    refused: KlinkeError | None = None,
) -> Response:
    _refuse_others()
    return show(
        "forum/objections.html",
        page=paging.page(queries.objections(), by=(Objection.id,), cursor=request.args.get("page"), size=PAGE_SIZE),
        form=form,
        at=at,
        status=status,
        refused=refused,
    )


def _refuse_others() -> None:
    if not policy.may_mute(current_user):
        raise NotAllowed(gettext("This part is for moderators."))


def _address(subject: Topic | Post) -> str:
    return addresses.of_topic(subject) if isinstance(subject, Topic) else where(subject)
