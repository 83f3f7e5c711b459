"""Writing in a topic: answers, comments, and better words for what is there."""

from datetime import datetime

from flask import Response, flash, request
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import diffs, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import Conflict, KlinkeError, NotAllowed
from forum import answers, canned, drafts, fields, forms, policy, posts, queries, threads
from forum.models import Post
from forum.views import inserting, pictures, warning
from forum.views.edge import bp, show
from forum.views.topic import topic_page, where


@bp.post("/topics/<int:topic_id>/answers")
@login_required
@web.takes_files
def post_answer(topic_id: int) -> Response | WerkzeugResponse:
    form = forms.AnswerForm()
    pictures.take(form)
    is_fine = form.validate()
    topic = queries.visible_topic(topic_id, viewer=current_user)
    if request.form.get("do") == "preview":
        return topic_page(topic, answer_form=form, preview=form.source.html)
    if inserting.is_wanted():
        return inserting.helped(topic, form)
    said = (form.source.data or "", form.version.data or "", *inserting.words_said())
    if not is_fine or warning.stops(form, said):
        return topic_page(topic, answer_form=form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        answer = answers.post(
            topic,
            source=form.source.data or "",
            version=form.version.data or "",
            by=me(),
            typed_in=form.seconds_open,
        )
        canned.note_uses(answer, inserting.used(), by=me())
        inserting.keep_verdicts(answer, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return topic_page(queries.visible_topic(topic_id, viewer=current_user), answer_form=form, refused=error)
    key = f"answer:{topic_id}"
    drafts.discard(me(), key)
    flash(f"{key}-{current_user.id}", "draft_done")
    return done(form, where(answer))


@bp.get("/posts/<int:post_id>/comments/new")
@login_required
def write_comment(post_id: int) -> Response:
    """Show the form for a comment, by itself or in its place on the page of the topic."""
    post = queries.visible_post(post_id, viewer=current_user)
    if not policy.may_comment(current_user, post):
        raise NotAllowed
    form = forms.CommentForm(formdata=None)
    if request.args.get("part") == "form":
        return show("forum/_comment_form.html", post_id=post.id, form=form)
    return topic_page(post.topic, comment_form=form, at=post.id, page=threads.page_of(post, viewer=current_user))


@bp.post("/posts/<int:post_id>/comments")
@login_required
def post_comment(post_id: int) -> Response | WerkzeugResponse:
    form = forms.CommentForm()
    is_fine = form.validate()
    post = queries.visible_post(post_id, viewer=current_user)
    if not is_fine or warning.stops(form, (form.source.data or "",)):
        page = threads.page_of(post, viewer=current_user)
        return topic_page(post.topic, comment_form=form, at=post_id, page=page, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        comment = answers.comment(post, source=form.source.data or "", by=me(), typed_in=form.seconds_open)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        post = queries.visible_post(post_id, viewer=current_user)
        page = threads.page_of(post, viewer=current_user)
        return topic_page(post.topic, comment_form=form, at=post_id, page=page, refused=error)
    return done(form, where(comment))


@bp.get("/posts/<int:post_id>/edit")
@login_required
def edit_post(post_id: int) -> Response:
    post = _editable(post_id)
    written = {fields.PREFIX + detail.key: detail.value for detail in fields.of_post(post)}
    form = _edit_form(post)(data={"title": post.topic.title, "source": post.source, "version": post.version, **written})
    form.fit(post.kind)
    return _edit_page(post, form)


@bp.post("/posts/<int:post_id>/edit")
@login_required
@web.takes_files
def save_edit(post_id: int) -> Response | WerkzeugResponse:
    post = _editable(post_id)
    form = _edit_form(post)()
    pictures.take(form)
    form.fit(post.kind)
    is_fine = form.validate()
    if request.form.get("do") == "preview":
        return _edit_page(post, form, preview=form.source.html)
    texts = (form.title.data or "" if "title" in form else "", form.source.data or "")
    if not is_fine or warning.stops(form, texts, known=f"{post.topic.title}\n{post.source}"):
        return _edit_page(post, form, status=UNPROCESSABLE)
    title = form.title.data if "title" in form else None
    try:
        posts.edit(
            post,
            source=form.source.data or "",
            by=me(),
            version=form.version.data or 0,
            title=title,
            details=form.details,
            reason=form.reason.data or "",
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        post = _editable(post_id)
        if not isinstance(error, Conflict):
            return _edit_page(post, form, refused=error)
        typed = form.source.data or ""
        # Sent once more, the text now wins over what its editor has been shown.
        form.version.data = post.version
        form.version.raw_data = None
        return show(
            "forum/edit.html",
            post=post,
            form=form,
            theirs=post,
            closes_at=_closes_at(post),
            changes=diffs.compare(post.source, typed),
            back=where(post),
            refused=error,
        )
    db.session.commit()
    flash(f"edit:{post_id}-{current_user.id}", "draft_done")
    return web.go(where(queries.visible_post(post_id, viewer=current_user)))


def _editable(post_id: int) -> Post:
    post = queries.visible_post(post_id, viewer=current_user)
    if not policy.may_edit(current_user, post):
        raise posts.refusal(me(), post)
    return post


def _edit_form(post: Post) -> type[forms.EditForm]:
    asked = fields.of(post.topic.category) if post.kind == "question" else []
    return forms.asking(forms.EditForm, asked)


def _edit_page(
    post: Post, form: forms.EditForm, *, preview: str = "", status: int = 200, refused: KlinkeError | None = None
) -> Response:
    return show(
        "forum/edit.html",
        post=post,
        form=form,
        closes_at=_closes_at(post),
        back=where(post),
        preview=preview,
        status=status,
        refused=refused,
    )


def _closes_at(post: Post) -> datetime | None:
    """Return until when this person may edit, where there is an end to it."""
    is_muted = post.topic.is_muted if post.kind == "question" else post.is_muted
    return None if is_muted else policy.edit_window_end(current_user, post)
