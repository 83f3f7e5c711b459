"""Languages: the translations of an article, and the board that shows what is missing or has fallen behind."""

from typing import Any, cast

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required, team_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import Invalid, KlinkeError, NotFound
from kb import addresses, articles, families, forms, parity, products, queries
from kb.models import Article, Audience
from kb.translating_forms import JoinForm
from kb.views.edge import bp, show
from kb.views.writing import article_form, chosen_section, name_products


@bp.get("/kb/articles/<int:article_id>/languages")
@team_required
def article_languages(article_id: int) -> Response:
    article = queries.visible_article(article_id, viewer=current_user)
    return _page(article, JoinForm(formdata=None))


@bp.post("/kb/articles/<int:article_id>/languages")
@role_required("editor")
def join_article(article_id: int) -> Response | WerkzeugResponse:
    article = queries.visible_article(article_id, viewer=current_user)
    form = JoinForm()
    if not form.validate():
        return _page(article, form, status=UNPROCESSABLE)
    try:
        families.join(_meant(form), article, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(article, form, refused=error)
    db.session.commit()
    flash(gettext("Both are one article in two languages now."), "good")
    return web.go(url_for(".article_languages", article_id=article.id))


@bp.post("/kb/articles/<int:article_id>/languages/removal")
@role_required("editor")
def leave_family(article_id: int) -> WerkzeugResponse:
    article = queries.visible_article(article_id, viewer=current_user)
    families.leave(article, by=me())
    db.session.commit()
    flash(gettext("The article stands by itself again."), "good")
    return web.go(url_for(".article_languages", article_id=article.id))


@bp.post("/kb/articles/<int:article_id>/languages/confirmation")
@role_required("editor")
def confirm_languages(article_id: int) -> WerkzeugResponse:
    article = queries.visible_article(article_id, viewer=current_user)
    families.confirm(article, by=me())
    db.session.commit()
    flash(gettext("Noted: it says what the other language says."), "good")
    return web.go(url_for(".article_languages", article_id=article.id))


@bp.get("/kb/articles/<int:article_id>/translation/<locale>")
@role_required("editor")
def translate_article(article_id: int, locale: str) -> Response:
    article = _to_translate(article_id, locale)
    words = article.published or queries.newest_revision(article)
    data = {
        **articles.words_of(words),
        "keywords": ", ".join(words.keywords),
        "tags": ", ".join(tag.name for tag in article.tags),
        "products": products.in_words(article.applies),
        "locale": locale,
        "section": article.section.slug,
        "audience": article.audience,
    }
    return _translation_page(article, locale, article_form(data=data))


@bp.post("/kb/articles/<int:article_id>/translation/<locale>")
@role_required("editor")
def post_translation(article_id: int, locale: str) -> Response | WerkzeugResponse:
    article = _to_translate(article_id, locale)
    form = article_form()
    if not form.validate():
        return _translation_page(article, locale, form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        translation = articles.create(
            section=chosen_section(form),
            locale=locale,
            tags=form.tag_names,
            audience=cast("Audience", form.audience.data),
            by=me(),
            **form.words,
        )
        families.join(translation, article, by=me(), is_current=True)
        name_products(translation, form)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _translation_page(article, locale, form, refused=error)
    flash(gettext("The draft is saved. Only the team sees it until it is published."), "good")
    return done(form, addresses.of_article(translation, queries.newest_revision(translation)))


@bp.get("/kb/languages")
@team_required
def parity_board() -> Response:
    which = next((one for one in parity.LISTS if one == request.args.get("list")), parity.LISTS[0])
    number = max(request.args.get("page", 1, type=int), 1)
    rows, has_more = parity.rows(which, page=number)
    return show(
        "kb/parity.html",
        which=which,
        counts=parity.counts(),
        rows=rows,
        number=number,
        has_more=has_more,
        languages=forms.LANGUAGE_NAMES,
    )


def _meant(form: JoinForm) -> Article:
    sentence = gettext("There is no article with this address.")
    if form.article_id is None:
        raise Invalid(sentence, fields={"other": sentence})
    try:
        return queries.visible_article(form.article_id, viewer=current_user)
    except NotFound:
        raise Invalid(sentence, fields={"other": sentence}) from None


def _to_translate(article_id: int, locale: str) -> Article:
    article = queries.visible_article(article_id, viewer=current_user)
    if locale not in families.missing(article):
        raise NotFound(gettext("There is one in this language already."))
    return article


def _page(article: Article, form: JoinForm, *, refused: KlinkeError | None = None, status: int = 200) -> Response:
    family = families.members(article)
    return show(
        "kb/languages.html",
        article=article,
        form=form,
        family=family,
        newest=queries.newest_revisions(family),
        states={one.id: families.state_of(one, family) for one in family},
        missing=families.missing(article),
        languages=forms.LANGUAGE_NAMES,
        refused=refused,
        status=status,
    )


def _translation_page(
    article: Article, locale: str, form: Any, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    return show(
        "kb/translate.html",
        article=article,
        words=article.published or queries.newest_revision(article),
        to=locale,
        form=form,
        languages=forms.LANGUAGE_NAMES,
        refused=refused,
        status=status,
    )
