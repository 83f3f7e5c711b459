"""Writing: articles, their versions and faces, and the sections they stand in."""

from typing import Any, cast

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required, team_required
from core import problems, texts, web
from core.db import db
from core.diffs import compare
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import Conflict, Invalid, KlinkeError, NotFound
from core.i18n import LOCALES, locale
from core.paging import page
from core.web import absolute
from forum import closing
from kb import (
    addresses,
    articles,
    beginning,
    confirming,
    differences,
    faces,
    forms,
    policy,
    products,
    queries,
    radar,
    redaction,
    sections,
)
from kb.face_variables import VARIABLES
from kb.models import FACE_KINDS, Article, Audience, Revision, Section, Significance
from kb.publishing_forms import SIGNIFICANCES, PublicationForm
from kb.views.edge import bp, show, to_edit, to_publish

A_PAGE = 25


@bp.get("/kb/articles/new")
@role_required("editor", "agent")
def write_article() -> Response:
    """Show an empty form, or one that begins with what an address brings along: title, locale, section, or a gap."""
    spoken = request.args.get("locale")
    begun = _begun(request.args.get("begin", ""))
    form = article_form(
        data={
            "title": web.given_line("title", longest=articles.LONGEST_TITLE),
            "locale": spoken if spoken in LOCALES else locale(),
            "section": request.args.get("section"),
            **_of_gap(),
            **(begun.fields if begun else {}),
        }
    )
    return _write_page(form)


def _begun(ref: str) -> beginning.Beginning | None:
    """Return what an article begins with that is made of something that a room above has; None where it is not."""
    return beginning.begin(ref, viewer=me()) if ref else None


def _write_page(form: forms.ArticleForm, **more: Any) -> Response:
    ref = request.values.get("begin", "")
    begun = _begun(ref)
    return show(
        "kb/write.html",
        form=form,
        begin=ref,
        begun=begun,
        similar=beginning.similar(begun, current_user) if begun else [],
        **more,
    )


def _of_gap() -> dict[str, Any]:
    """Return what an article begins with that somebody writes because something is missing."""
    if "gap" not in request.args or not policy.may_see_searches(me()):
        return {}
    return radar.gap(request.args["gap"], viewer=me()).beginning()


@bp.post("/kb/articles")
@role_required("editor", "agent")
def post_article() -> Response | WerkzeugResponse:
    form = article_form()
    if not form.validate():
        return _write_page(form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        article = articles.create(
            section=chosen_section(form),
            locale=form.locale.data,
            tags=form.tag_names,
            audience=cast("Audience", form.audience.data),
            by=me(),
            **form.words,
        )
        name_products(article, form)
        if request.form.get("begin"):
            beginning.made(request.form["begin"], article, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _write_page(form, refused=error)
    if policy.may_publish(current_user, article) and (waits := _personal(article)):
        return done(form, waits)
    flash(gettext("The draft is saved. Only the team sees it until it is published."), "good")
    return done(form, addresses.of_article(article, queries.newest_revision(article)))


@bp.get("/kb/articles/<int:article_id>/edit")
@role_required("editor", "agent")
def edit_article(article_id: int) -> Response:
    article = to_edit(article_id)
    return _edit_page(article, _filled(article))


@bp.post("/kb/articles/<int:article_id>/edit")
@role_required("editor", "agent")
def save_article(article_id: int) -> Response | WerkzeugResponse:
    article = to_edit(article_id)
    form = article_form(forms.EditForm)
    if not form.validate():
        return _edit_page(article, form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        revision = _save(article, form)
    except Conflict as error:
        db.session.rollback()
        form.refuse(error)
        return _conflict_page(article, form, error)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _edit_page(article, form, refused=error)
    return done(form, _onward(article, revision))


@bp.post("/kb/articles/<int:article_id>/publication")
@role_required("editor", "agent")
def publish_article(article_id: int) -> WerkzeugResponse:
    article = to_publish(article_id)
    is_first = article.published_at is None
    form = PublicationForm()
    chosen = form.significance.data if form.significance.data in SIGNIFICANCES else "content"
    try:
        articles.publish(
            article,
            by=me(),
            significance=cast("Significance", chosen),
            is_matching=bool(form.is_matching.data),
            number=texts.number(form.number.data or ""),
        )
    except redaction.Unconfirmed as error:
        db.session.rollback()
        flash(error.sentence, "message")
        return web.go(url_for(".personal_data_of", article_id=article_id))
    db.session.commit()
    if is_first and article.sources:
        flash(gettext("The article is published. Whoever answered and asked is told."), "good")
    else:
        flash(gettext("The article is published."), "good")
    return web.go(addresses.of_article(article))


@bp.post("/kb/articles/<int:article_id>/withdrawal")
@role_required("editor", "agent")
def withdraw_article(article_id: int) -> Response | WerkzeugResponse:
    article = to_publish(article_id)
    form = forms.ReasonForm()
    if not form.validate():
        return _withdrawal_page(article, form, status=UNPROCESSABLE)
    try:
        articles.withdraw(article, by=me(), reason=form.reason.data or "")
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _withdrawal_page(article, form, refused=error)
    db.session.commit()
    flash(gettext("The article is withdrawn. The team sees it as a draft."), "good")
    return web.go(addresses.of_article(article, queries.newest_revision(article)))


@bp.get("/kb/articles/<int:article_id>/withdrawal")
@role_required("editor", "agent")
def ask_withdrawal(article_id: int) -> Response:
    article = to_publish(article_id)
    return _withdrawal_page(article, forms.ReasonForm(formdata=None))


@bp.get("/kb/articles/<int:article_id>/history")
@team_required
def article_history(article_id: int) -> Response:
    article = queries.visible_article(article_id, viewer=current_user)
    versions = queries.revisions_of(article)
    number = request.args.get("version", type=int) or versions[0].number
    after = queries.revision_of(article, number)
    before = next((version for version in versions if version.number == number - 1), None)
    return show(
        "kb/history.html",
        article=article,
        versions=versions,
        before=before,
        after=after,
        changes=list(differences.between(before, after)),
        newest=versions[0],
    )


@bp.post("/kb/articles/<int:article_id>/revisions/<int:number>/restoration")
@role_required("editor", "agent")
def restore_revision(article_id: int, number: int) -> WerkzeugResponse:
    article = to_edit(article_id)
    revision = articles.restore(article, number, by=me())
    db.session.commit()
    flash(gettext("Version %(number)s says what version %(old)s said.", number=revision.number, old=number), "good")
    return web.go(url_for(".show_article", article_id=article.id, slug=revision.slug, version=revision.number))


@bp.get("/kb/drafts")
@team_required
def drafts() -> Response:
    found = page(queries.drafted_articles(), by=(Article.id,), cursor=request.args.get("page"), size=A_PAGE)
    return show("kb/drafts.html", page=found, newest=queries.newest_revisions(found.items))


def article_form(kind: type[forms.ArticleForm] = forms.ArticleForm, *, data: dict[str, Any] | None = None) -> Any:
    """Return the form of an article with the sections there are, and the choice to make a new one."""
    form = kind(data={name: value for name, value in (data or {}).items() if value is not None})
    everything = queries.all_sections()
    names = sections.full_names(everything)
    known = {section.slug: names[section.id] for _depth, section in sections.in_order(everything)}
    if policy.may_write(current_user):
        known[forms.NEW_SECTION] = gettext("A new section …")
    form.section.choices = forms.choices(known)
    if not products.has_some():
        del form.products
    return form


def name_products(article: Article, form: forms.ArticleForm) -> None:
    """Say which products an article applies to, where somebody was asked."""
    if form.product_line is not None:
        products.assign(article, form.product_line, by=me())


def chosen_section(form: forms.ArticleForm) -> Section:
    """Return the section that was chosen, or make the new one, unless somebody just made it."""
    if form.section.data != forms.NEW_SECTION:
        chosen = sections.find(form.section.data)
        if chosen is None:
            raise NotFound(gettext("There is no such section. The knowledge base lists them all."))
        return chosen
    name = form.section_name.data or ""
    with problems.at("section_name"):
        return (sections.find(texts.slug(name, "")) if name else None) or sections.create(
            names={locale(): name}, by=me()
        )


def _onward(article: Article, revision: Revision) -> str:
    """Return where the editor goes after saving a version, and say what has become of it."""
    if revision.id == article.published_id:
        flash(gettext("Saved."), "good")
        return addresses.of_article(article)
    if waits := _personal(article):
        return waits
    flash(gettext("Version %(number)s is saved. Readers see it when you publish it.", number=revision.number), "good")
    return url_for(".show_article", article_id=article.id, slug=revision.slug, version=revision.number)


def _personal(article: Article) -> str | None:
    """Return where it is decided what becomes of what looks personal, where something waits for that, and say so."""
    left = redaction.unconfirmed(article, redaction.texts_of(article, queries.newest_revision(article)))
    if not left:
        return None
    flash(gettext("Saved. Something in it looks personal."), "message")
    return url_for(".personal_data_of", article_id=article.id)


def _filled(article: Article) -> forms.EditForm:
    newest = queries.newest_revision(article)
    words = articles.words_of(newest)
    form: forms.EditForm = article_form(
        forms.EditForm,
        data={
            **words,
            "keywords": ", ".join(newest.keywords),
            "tags": ", ".join(tag.name for tag in article.tags),
            "products": products.in_words(article.applies),
            "locale": article.locale,
            "section": article.section.slug,
            "audience": article.audience,
            "based_on": str(newest.number),
            **{faces.field_of(kind): text for kind, text in faces.shown(article).items()},
            **{
                faces.field_of(kind, is_informal=True): text
                for kind, text in (faces.shown_informal(article) if article.locale == "de" else {}).items()
            },
        },
    )
    return form


def _save(article: Article, form: forms.EditForm) -> Revision:
    based_on = texts.number(form.based_on.data or "")
    if based_on is None:
        raise Invalid(gettext("This page is damaged. Please open the article again and copy your text over."))
    shown = faces.shown(article)
    shown_informal = faces.shown_informal(article) if article.locale == "de" else {}
    revision = articles.revise(article, by=me(), comment=form.comment.data or "", based_on=based_on, **form.words)
    articles.classify(
        article,
        section=chosen_section(form),
        locale=form.locale.data,
        audience=cast("Audience", form.audience.data),
        tags=form.tag_names,
        by=me(),
    )
    name_products(article, form)
    changed = [(kind, False) for kind in FACE_KINDS if (form.face(kind).data or "") != shown[kind]]
    for kind, before in shown_informal.items():
        field = form.informal_face(kind)
        if field.raw_data and (field.data or "") != before:
            changed.append((kind, True))
    typed = {
        (kind, is_informal): (form.informal_face(kind) if is_informal else form.face(kind)).data or ""
        for kind, is_informal in changed
    }
    confirming.write_faces(article, typed, redaction.decisions(request.form), by=me())
    return revision


def _edit_page(
    article: Article, form: forms.EditForm, *, refused: KlinkeError | None = None, status: int = 200, **context: Any
) -> Response:
    newest = queries.newest_revision(article)
    url = absolute(addresses.of_article(article, newest))
    kept = {face.kind: face for face in article.faces}
    kept_informal = {face.kind: face for face in article.informal_faces}
    return show(
        "kb/edit.html",
        article=article,
        form=form,
        newest=newest,
        kinds=FACE_KINDS,
        rooms={kind: faces.LIMITS[kind] - 1 - faces.MEASURES[kind].count(url) for kind in FACE_KINDS},
        notes={kind: _note(kept.get(kind), article) for kind in FACE_KINDS},
        informal_notes={kind: _note(kept_informal.get(kind), article, is_informal=True) for kind in FACE_KINDS}
        if article.locale == "de"
        else {},
        variables=VARIABLES,
        personal=confirming.found_in_faces(article, _typed_faces(form)) if refused else [],
        decided=redaction.decisions(request.form),
        wrong=refused.fields if refused else {},
        refused=refused,
        status=status,
        **context,
    )


def _typed_faces(form: forms.EditForm) -> dict[str, str]:
    fields = [*(form.face(kind) for kind in FACE_KINDS), *(form.informal_face(kind) for kind in FACE_KINDS)]
    return {field.name: field.data or "" for field in fields}


def _note(face: Any, article: Article, *, is_informal: bool = False) -> str:
    if is_informal and face is None:
        return str(gettext("Missing: the rules cannot tell how this is said with du. Please write it."))
    if face is None or face.is_drafted:
        return str(gettext("Drafted by rules, and drafted again at every publication until you change it."))
    if faces.is_outdated(face, article):
        return str(gettext("Written for an earlier version. Please check whether it is still right."))
    return str(gettext("Written by a person; it stays as it is. Empty the field to have it drafted again."))


def _conflict_page(article: Article, form: forms.EditForm, error: Conflict) -> Response:
    """Show what was saved meanwhile beside what was typed; sending the form again then replaces it knowingly."""
    newest = queries.newest_revision(article)
    theirs, mine = articles.words_of(newest), form.words
    changes = [
        (field, compare(theirs[field], mine[field]))  # type: ignore[literal-required]  # the fields are those of Words
        for field in differences.FIELDS
        if theirs[field] != mine[field]  # type: ignore[literal-required]  # the same
    ]
    form.based_on.process_data(str(newest.number))
    form.based_on.raw_data = None
    return _edit_page(article, form, refused=error, theirs=newest, changes=changes)


def _withdrawal_page(
    article: Article, form: forms.ReasonForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    words = article.published or queries.newest_revision(article)
    return show(
        "kb/withdrawal.html",
        article=article,
        words=words,
        form=form,
        leading=closing.count_leading_to_place("article", article.id),
        refused=refused,
        status=status,
    )
