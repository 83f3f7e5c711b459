"""Sections and the index: what stands in what, in which order, and what the index leaves out."""

from typing import Any, Final

from flask import Response, flash, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required, team_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import Invalid, KlinkeError
from core.paging import page
from kb import addresses, articles, forms, index, policy, publishing, queries, sections
from kb.models import Article, Section
from kb.views.edge import bp, show

A_PAGE: Final = 25
LISTS: Final = {
    "unlisted": lazy_gettext("Not in the index"),
    "dead": lazy_gettext("In the index, but not published"),
    "empty": lazy_gettext("Empty sections"),
}


@bp.get("/kb/sections")
@role_required("editor")
def section_list() -> Response:
    return _sections_page(forms.SectionForm(formdata=None))


@bp.post("/kb/sections")
@role_required("editor")
def post_section() -> Response | WerkzeugResponse:
    form = forms.SectionForm()
    if not form.validate():
        return _sections_page(form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        section = sections.create(names=form.names, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _sections_page(form, refused=error)
    flash(gettext("The section “%(name)s” is there.", name=section.name), "good")
    return done(form, url_for(".section_list"))


@bp.get("/kb/s/<slug>/edit")
@role_required("editor")
def edit_section(slug: str) -> Response:
    section = queries.visible_section(slug, viewer=current_user)
    return _section_page(section, _filled(section))


@bp.post("/kb/s/<slug>/edit")
@role_required("editor")
def save_section(slug: str) -> Response | WerkzeugResponse:
    section = queries.visible_section(slug, viewer=current_user)
    form = _offering(forms.SectionEditForm(), section)
    if not form.validate():
        return _section_page(section, form, status=UNPROCESSABLE)
    try:
        sections.rename(section, names=form.names, position=form.position.data or 0, by=me())
        sections.move(section, parent=sections.find(form.parent.data) if form.parent.data else None, by=me())
        sections.readdress(section, slug=form.slug.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _section_page(section, form, refused=error)
    db.session.commit()
    return web.go(url_for(".section_list"))


@bp.post("/kb/s/<slug>/publishers")
@role_required("admin")
def choose_publishers(slug: str) -> Response | WerkzeugResponse:
    section = queries.visible_section(slug, viewer=current_user)
    form = forms.PublishersForm()
    if not form.validate():
        return _section_page(section, _filled(section), publishers=form, status=UNPROCESSABLE)
    try:
        publishing.choose(section, form.who.data or "", handles=form.handle_list, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _section_page(section, _filled(section), publishers=form, refused=error)
    words = publishing.in_words(section)
    db.session.commit()
    flash(words, "good")
    return web.go(url_for(".section_list"))


@bp.post("/kb/s/<slug>/dissolution")
@role_required("editor")
def dissolve_section(slug: str) -> Response | WerkzeugResponse:
    section = queries.visible_section(slug, viewer=current_user)
    form = _targets(forms.DissolutionForm(), section)
    if not form.validate():
        return _section_page(section, _filled(section), dissolution=form, status=UNPROCESSABLE)
    try:
        into = sections.find(form.into.data)
        if into is None:
            sentence = gettext("Choose a section that does not stand in this one.")
            raise Invalid(sentence, fields={"into": sentence})
        sections.dissolve(section, into=into, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _section_page(section, _filled(section), dissolution=form, refused=error)
    db.session.commit()
    flash(gettext("Its articles are in “%(name)s” now, and its address leads there.", name=into.name), "good")
    return web.go(url_for(".section_list"))


@bp.get("/kb/index")
@team_required
def index_report() -> Response:
    which = request.args.get("list")
    which = which if which in LISTS else "unlisted"
    statement = index.dead_entries() if which == "dead" else index.unlisted()
    found = None
    if which != "empty":
        found = page(statement, by=(Article.id,), cursor=request.args.get("page"), size=A_PAGE)
    return show(
        "kb/index.html",
        which=which,
        lists=LISTS,
        counts=index.counts(),
        page=found,
        newest=queries.newest_revisions(found.items) if found else {},
        empty_sections=index.empty_sections() if which == "empty" else (),
    )


@bp.post("/kb/articles/<int:article_id>/place")
@role_required("editor")
def place_article(article_id: int) -> WerkzeugResponse:
    """Put an article into the index, move it there, or (without a number) take it out."""
    article = queries.visible_article(article_id, viewer=current_user)
    form = forms.PlaceForm()
    back = web.safe_path(request.form.get("next"), addresses.of_article(article, queries.newest_revision(article)))
    if not form.validate():
        flash(gettext("A number from 0 to 10,000, please."), "bad")
        return web.go(back)
    articles.place(article, form.place.data, by=me())
    db.session.commit()
    return web.go(back)


def _filled(section: Section) -> forms.SectionEditForm:
    data: dict[str, Any] = {
        "name_de": section.names.get("de"),
        "name_en": section.names.get("en"),
        "position": section.position,
        "slug": section.slug,
    }
    form = _offering(forms.SectionEditForm(formdata=None, data=data), section)
    above = {one.id: one.slug for one in queries.all_sections()}
    form.parent.data = "" if section.parent_id is None else above[section.parent_id]
    return form


def _publishers(section: Section) -> forms.PublishersForm:
    handles = ", ".join(user.handle for user in publishing.people_in(section))
    return forms.PublishersForm(formdata=None, data={"who": publishing.who_in(section), "handles": handles})


def _offering(form: forms.SectionEditForm, section: Section) -> forms.SectionEditForm:
    form.parent.choices = forms.choices({"": gettext("Nothing: it stands at the top"), **_others(section)})
    return form


def _targets(form: forms.DissolutionForm, section: Section) -> forms.DissolutionForm:
    form.into.choices = forms.choices(_others(section))
    return form


def _others(section: Section) -> dict[str, str]:
    everything = queries.all_sections()
    names = sections.full_names(everything)
    return {one.slug: names[one.id] for _depth, one in sections.in_order(everything) if one.id != section.id}


def _sections_page(form: forms.SectionForm, *, refused: KlinkeError | None = None, status: int = 200) -> Response:
    ordered = list(sections.in_order(queries.all_sections()))
    return show("kb/sections.html", sections=ordered, form=form, refused=refused, status=status)


def _section_page(
    section: Section,
    form: forms.SectionEditForm,
    *,
    dissolution: forms.DissolutionForm | None = None,
    publishers: forms.PublishersForm | None = None,
    refused: KlinkeError | None = None,
    status: int = 200,
) -> Response:
    return show(
        "kb/section_edit.html",
        section=section,
        form=form,
        publishers=(publishers or _publishers(section)) if policy.may_set_publishers(current_user) else None,
        published_by=publishing.in_words(section),
        dissolution=dissolution or _targets(forms.DissolutionForm(formdata=None), section),
        refused=refused,
        status=status,
    )
