"""Suggesting a change to what somebody else wrote, and deciding it."""

from collections.abc import Callable

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import diffs, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import Conflict, KlinkeError, NotAllowed
from forum import forms, policy, queries, suggested_edits
from forum.models import Post, SuggestedEdit
from forum.views import warning
from forum.views.edge import bp, show
from forum.views.topic import where


@bp.get("/posts/<int:post_id>/suggestion")
@login_required
def suggest_edit(post_id: int) -> Response | WerkzeugResponse:
    post = queries.visible_post(post_id, viewer=current_user)
    if policy.may_edit(current_user, post):
        return redirect(url_for(".edit_post", post_id=post_id), code=302)
    _refuse_others(post)
    form = forms.SuggestionForm(
        data={"title": post.topic.title, "source": post.source, "version": post.version}, formdata=None
    )
    form.fit(post.kind)
    return _page(post, form)


@bp.post("/posts/<int:post_id>/suggestion")
@login_required
def send_suggestion(post_id: int) -> Response | WerkzeugResponse:
    post = queries.visible_post(post_id, viewer=current_user)
    if policy.may_edit(current_user, post):
        return redirect(url_for(".edit_post", post_id=post_id), code=303)
    _refuse_others(post)
    form = forms.SuggestionForm()
    form.fit(post.kind)
    is_fine = form.validate()
    if request.form.get("do") == "preview":
        return _page(post, form, preview=form.source.html)
    if not is_fine or warning.stops(form, (*_texts(form), form.reason.data or ""), known=_known(post)):
        return _page(post, form, status=UNPROCESSABLE)
    try:
        suggested_edits.suggest(
            post,
            source=form.source.data or "",
            title=form.title.data if "title" in form else None,
            reason=form.reason.data or "",
            version=form.version.data or 0,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        post = queries.visible_post(post_id, viewer=current_user)
        theirs = None
        if isinstance(error, Conflict) and form.version.data != post.version:
            # Sent once more, it is a suggestion for what its author has been shown.
            theirs, form.version.data, form.version.raw_data = post, post.version, None
        return _page(post, form, theirs=theirs, refused=error)
    db.session.commit()
    flash(gettext("Thank you. Your change waits; you hear what becomes of it."), "good")
    return web.go(where(queries.visible_post(post_id, viewer=current_user)))


@bp.get("/suggestions/<int:suggestion_id>")
@login_required
def show_suggestion(suggestion_id: int) -> Response:
    return _decision(suggested_edits.found(suggestion_id, viewer=current_user))


@bp.post("/suggestions/<int:suggestion_id>/taking")
@login_required
def take_suggestion(suggestion_id: int) -> Response | WerkzeugResponse:
    suggestion = _decidable(suggestion_id)
    form = forms.TakingForm()
    form.fit(suggestion.post.kind)
    if not form.validate() or warning.stops(form, _texts(form), known=_known(suggestion.post)):
        return _decision(suggestion, taking=form, status=UNPROCESSABLE)
    try:
        suggested_edits.take(
            suggestion,
            source=form.source.data or "",
            title=form.title.data if "title" in form else None,
            version=form.version.data or 0,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        suggestion = suggested_edits.found(suggestion_id, viewer=current_user)
        # Pressed once more, the text wins over what whoever decides has been shown.
        form.version.data, form.version.raw_data = suggestion.post.version, None
        return _decision(suggestion, taking=form, refused=error)
    db.session.commit()
    flash(gettext("Taken. The history names whoever suggested it."), "good")
    return web.go(url_for(".show_suggestion", suggestion_id=suggestion_id))


@bp.post("/suggestions/<int:suggestion_id>/declining")
@login_required
def decline_suggestion(suggestion_id: int) -> Response | WerkzeugResponse:
    suggestion = _decidable(suggestion_id)
    form = forms.DecliningForm()
    if not form.validate():
        return _decision(suggestion, declining=form, status=UNPROCESSABLE)
    try:
        suggested_edits.decline(suggestion, words=form.words.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _decision(suggested_edits.found(suggestion_id, viewer=current_user), declining=form, refused=error)
    db.session.commit()
    flash(gettext("Declined. Whoever suggested it reads why."), "good")
    return web.go(url_for(".show_suggestion", suggestion_id=suggestion_id))


@bp.post("/suggestions/<int:suggestion_id>/withdrawal")
@login_required
def withdraw_suggestion(suggestion_id: int) -> WerkzeugResponse:
    return _done(suggestion_id, suggested_edits.withdraw, gettext("Taken back."))


@bp.post("/suggestions/<int:suggestion_id>/undo")
@login_required
def undo_suggestion(suggestion_id: int) -> WerkzeugResponse:
    return _done(suggestion_id, suggested_edits.undo, gettext("It waits again."))


def _done(suggestion_id: int, deed: Callable[..., None], words: str) -> WerkzeugResponse:
    deed(suggested_edits.found(suggestion_id, viewer=current_user), by=me())
    db.session.commit()
    flash(words, "good")
    return web.go(url_for(".show_suggestion", suggestion_id=suggestion_id))


def _texts(form: forms.SuggestionForm | forms.TakingForm) -> tuple[str, str]:
    return (form.title.data or "" if "title" in form else "", form.source.data or "")


def _known(post: Post) -> str:
    return f"{post.topic.title}\n{post.source}"


def _refuse_others(post: Post) -> None:
    if not policy.may_suggest(current_user, post):
        raise NotAllowed(gettext("No change can be suggested here."))


def _decidable(suggestion_id: int) -> SuggestedEdit:
    suggestion = suggested_edits.found(suggestion_id, viewer=current_user)
    if not policy.may_decide_suggestion(current_user, suggestion):
        raise NotAllowed(gettext("Whose text it is and moderators decide this, as long as the text is not hidden."))
    return suggestion


def _page(
    post: Post,
    form: forms.SuggestionForm,
    *,
    theirs: Post | None = None,
    preview: str = "",
    status: int = 200,
    refused: KlinkeError | None = None,
) -> Response:
    return show(
        "forum/suggest.html",
        post=post,
        form=form,
        mine=suggested_edits.waiting_of(post, by=me()),
        theirs=theirs,
        changes=[] if theirs is None else diffs.compare(theirs.source, form.source.data or ""),
        preview=preview,
        back=where(post),
        status=status,
        refused=refused,
    )


def _decision(
    suggestion: SuggestedEdit,
    *,
    taking: forms.TakingForm | None = None,
    declining: forms.DecliningForm | None = None,
    status: int = 200,
    refused: KlinkeError | None = None,
) -> Response:
    post = suggestion.post
    if taking is None:
        taking = forms.TakingForm(
            data={"title": suggestion.title, "source": suggestion.source, "version": post.version}, formdata=None
        )
        taking.fit(post.kind)
    return show(
        "forum/suggestion.html",
        suggestion=suggestion,
        post=post,
        taking=taking,
        declining=declining or forms.DecliningForm(formdata=None),
        may_decide=suggestion.decided_at is None and policy.may_decide_suggestion(current_user, suggestion),
        may_undo=suggested_edits.may_undo(suggestion, current_user),
        is_behind=suggestion.decided_at is None and suggestion.version != post.version,
        changes=diffs.compare(post.source, taking.source.data or ""),
        title_changes=diffs.compare(post.topic.title, suggestion.title) if suggestion.title is not None else [],
        back=where(post),
        status=status,
        refused=refused,
    )
