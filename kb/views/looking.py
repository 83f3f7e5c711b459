"""What people look for and do not find, and the words that mean the same: for those who can do something about it."""

from typing import Any, Final

from flask import Response, flash, request, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError, NotFound
from core.paging import Page, page
from kb import forms, gaps, vocabulary
from kb.views.edge import bp, show
from search import grammar, synonyms
from search.models import GAPS, ClosedKind, PopularSearch

A_PAGE: Final = 25
LISTS: Final = {
    "nothing": lazy_gettext("Nothing found"),
    "unopened": lazy_gettext("Nothing opened"),
    "again": lazy_gettext("Asked again"),
    "popular": lazy_gettext("Suggested to everybody"),
}


@bp.get("/admin/searches")
@role_required("editor", "moderator")
def searches() -> Response:
    kind = _kind(request.args.get("list")) or "nothing"
    return show(
        "kb/searches.html",
        kind=kind,
        lists=LISTS,
        counts=gaps.counts(),
        searches=_listed(kind, request.args.get("page")),
        languages=forms.LANGUAGE_NAMES,
        spoken=grammar.spoken,
    )


@bp.post("/admin/searches/closings")
@role_required("editor", "moderator")
def close_search() -> WerkzeugResponse:
    kind = _kind(request.form.get("list"))
    if kind is None:
        raise NotFound
    gaps.close(kind, words=request.form.get("words", ""), locale=request.form.get("locale", ""), by=me())
    db.session.commit()
    return web.go(web.safe_path(request.form.get("next"), url_for(".searches", list=kind)))


@bp.get("/admin/synonyms")
@role_required("admin")
def synonym_list() -> Response:
    return _synonyms(forms.SynonymForm(formdata=None))


@bp.post("/admin/synonyms")
@role_required("admin")
def post_synonym() -> Response | WerkzeugResponse:
    form = forms.SynonymForm()
    if not form.validate():
        return _synonyms(form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        added = vocabulary.add(
            words=form.word_list, locale=form.locale.data or None, is_one_way=form.is_one_way.data, by=me()
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _synonyms(form, refused=error)
    flash(gettext("“%(word)s” and the other words mean the same now.", word=added.words[0]), "good")
    return done(form, url_for(".synonym_list"))


@bp.get("/admin/synonyms/<int:synonym_id>")
@role_required("admin")
def edit_synonym(synonym_id: int) -> Response:
    synonym = vocabulary.group(synonym_id)
    form = forms.SynonymForm(
        data={"words": "\n".join(synonym.words), "locale": synonym.locale or "", "is_one_way": synonym.is_one_way}
    )
    return show("kb/synonym_edit.html", synonym=synonym, form=form)


@bp.post("/admin/synonyms/<int:synonym_id>")
@role_required("admin")
def save_synonym(synonym_id: int) -> Response | WerkzeugResponse:
    synonym = vocabulary.group(synonym_id)
    form = forms.SynonymForm()
    if not form.validate():
        return show("kb/synonym_edit.html", synonym=synonym, form=form, status=UNPROCESSABLE)
    try:
        vocabulary.revise(
            synonym, words=form.word_list, locale=form.locale.data or None, is_one_way=form.is_one_way.data, by=me()
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return show("kb/synonym_edit.html", synonym=synonym, form=form, refused=error)
    db.session.commit()
    flash(gettext("Saved. The search knows it in a few seconds."), "good")
    return web.go(url_for(".synonym_list"))


@bp.post("/admin/synonyms/<int:synonym_id>/removal")
@role_required("admin")
def remove_synonym(synonym_id: int) -> WerkzeugResponse:
    vocabulary.remove(vocabulary.group(synonym_id), by=me())
    db.session.commit()
    flash(gettext("Removed. The search knows it in a few seconds."), "good")
    return web.go(url_for(".synonym_list"))


def _kind(value: str | None) -> ClosedKind | None:
    return value if value in gaps.KINDS else None


def _listed(kind: ClosedKind, cursor: str | None) -> Page[Any]:
    if kind == "popular":
        by = (PopularSearch.visitors, PopularSearch.id)
        return page(select(PopularSearch), by=by, cursor=cursor, size=A_PAGE)
    view = GAPS[kind]
    return page(select(view), by=(view.times, view.last_id), cursor=cursor, size=A_PAGE)


def _synonyms(form: forms.SynonymForm, *, status: int = 200, refused: KlinkeError | None = None) -> Response:
    return show(
        "kb/synonyms.html",
        form=form,
        groups=synonyms.groups(),
        languages=forms.LANGUAGE_NAMES,
        most=synonyms.MOST_GROUPS,
        status=status,
        refused=refused,
    )
