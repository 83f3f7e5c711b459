"""Reading: the home of the knowledge base, its sections and articles, and what readers say of them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from flask import Response, current_app, flash, request, url_for
from flask_babel import gettext
from flask_limiter.util import get_remote_address
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me
from accounts.people import AnonymousUser
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import KlinkeError, NotFound
from core.forms import Form, csrf
from core.i18n import locale
from core.paging import page
from core.ready import same_for_guests
from core.settings import current_settings
from core.web import absolute, limiter
from forum import addresses as forum_addresses
from forum import feeds
from kb import (
    addresses,
    anchors,
    doubts,
    feedback,
    forms,
    index,
    planning,
    policy,
    promotion,
    publishing,
    queries,
    readings,
    retiring,
    sections,
    standing,
)
from kb.models import Article, Revision
from kb.views import keeping, telling
from kb.views.edge import bp, show

F = TypeVar("F", bound=Form)

MOVED = 301
A_PAGE = 25


@bp.get("/kb")
@same_for_guests
def home() -> Response:
    waiting = promotion.counts()["pending"] if policy.may_decide(current_user) else 0
    shelves = queries.shelves(current_user)
    return show(
        "kb/home.html",
        shelves=shelves,
        waiting=waiting,
        # Where none of the newest articles names a product, a list by product would not help anybody.
        by_product=any(article.applies for shelf in shelves for article in shelf.articles),
    )


@bp.get("/kb/s/<slug>")
@same_for_guests
def show_section(slug: str) -> Response:
    try:
        section = queries.visible_section(slug, viewer=current_user)
    except NotFound:
        moved = sections.moved_to(slug)
        if moved is None:
            raise
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        return Response(status=MOVED, headers={"Location": addresses.of_section(moved) + query})
    only = request.args.get("locale")
    only = only if only in {"de", "en"} else None
    statement = queries.readable_articles(current_user, section=section, locale=only)
    statement = statement.options(*queries.marked_for(current_user))
    if only is None:
        statement = statement.where(queries.told_in(locale(), current_user))
    found = page(
        statement,
        by=(Article.id,),
        cursor=request.args.get("page"),
        size=A_PAGE,
    )
    return show(
        "kb/section.html",
        section=section,
        page=found,
        only=only,
        beside=index.around(section, viewer=current_user),
    )


@bp.get("/kb/<int:article_id>", defaults={"slug": None})
@bp.get("/kb/<int:article_id>-<slug>")
@same_for_guests
def show_article(article_id: int, slug: str | None) -> Response | WerkzeugResponse:
    try:
        article = queries.visible_article(article_id, viewer=current_user)
    except NotFound:
        successor = retiring.successor_of(article_id, viewer=current_user)
        if successor is None:
            raise
        return Response(status=MOVED, headers={"Location": addresses.of_article(successor)})
    words = _words(article)
    if slug != words.slug and "version" not in request.args:
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        return Response(status=MOVED, headers={"Location": addresses.of_article(article, words) + query})
    return article_page(article, words)


@bp.get("/kb/articles/<int:article_id>/feedback")
def show_feedback(article_id: int) -> Response | WerkzeugResponse:
    """Show guests what they said: the page of the article knows nothing of its reader, and is the same for all."""
    article = _rated(article_id)
    if current_user.is_authenticated:
        return web.go(addresses.of_article(article) + "#did-help")
    return _feedback_page(article, _untouched(forms.FeedbackForm))


@bp.post("/kb/articles/<int:article_id>/feedback")
@csrf.exempt
@limiter.limit("60 per hour")
def give_feedback(article_id: int) -> Response | WerkzeugResponse:
    """Take what a reader says; a guest needs no token, for nobody is signed in whose word could be forged."""
    article = _rated(article_id)
    is_member = current_user.is_authenticated
    if is_member:
        csrf.protect()
    form = forms.FeedbackForm(meta={"csrf": is_member})
    if not form.validate():
        return _refused(article, form, status=UNPROCESSABLE)
    try:
        feedback.give(
            article,
            reader=_reader(),
            helped=form.helped.data == "yes",
            reason=form.why,
            comment=form.comment.data or "",
            by=me() if is_member else None,
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _refused(article, form, refused=error)
    db.session.commit()
    has_told = bool(form.comment.data or form.why)
    if has_told and is_member:
        flash(gettext("Thank you. Your note is with the editors."), "good")
    if is_member:
        return web.go(addresses.of_article(article) + "#did-help")
    return web.go(url_for(".show_feedback", article_id=article.id, told="1" if has_told else None))


@bp.post("/kb/articles/<int:article_id>/reading")
@csrf.exempt
@limiter.limit("120 per hour")
def note_reading(article_id: int) -> Response:
    """Take what the page's script tells: somebody has read this. It is the same for everybody, so it needs no token."""
    article = queries.visible_article(article_id, viewer=current_user)
    if article.is_published:
        readings.note(article)
        db.session.commit()
    return Response(status=204)


@bp.get("/feeds/kb.xml")
def feed() -> Response:
    everybody = AnonymousUser()
    found = db.session.scalars(
        queries.readable_articles(everybody)
        .order_by(Article.published_at.desc(), Article.id.desc())
        .limit(feeds.MOST_ENTRIES)
    ).unique()
    settings = current_settings()
    return feeds.atom(
        title=gettext("%(site)s: knowledge base", site=settings.site_name),
        path=url_for(".feed"),
        page=url_for(".home"),
        entries=[
            feeds.Entry(
                path=f"/kb/{article.id}",
                title=words.title,
                author=article.owner.name if article.owner else settings.site_name,
                published_at=article.published_at or article.created_at,
                updated_at=words.at,
                html=words.symptoms_html + words.resolution_html,
                locale=article.locale,
            )
            for article in found
            if (words := article.published) is not None
        ],
    )


def article_page(
    article: Article,
    words: Revision,
    *,
    form: forms.FeedbackForm | None = None,
    refused: KlinkeError | None = None,
    status: int = 200,
    asked: Mapping[str, Any] | None = None,
    via: str | None = None,
) -> Response:
    """Show an article; `asked` is what a customer is asked on top of it, see `kb.views.asking`.

    `via` is the token of the link in a reply that led here.
    """
    named, unnamed = queries.credits_of(article)
    threads = {
        post.topic: forum_addresses.of_post(post) for post in queries.visible_sources(article, viewer=current_user)
    }
    stands = standing.of(article, viewer=current_user, reader=_reader())
    newest = words if stands.newest_id in {None, words.id} else queries.newest_revision(article)
    beside = index.beside(article, viewer=current_user)
    return show(
        "kb/article.html",
        article=article,
        words=words,
        newest=newest,
        plan=planning.planned(article) if stands.is_planned else None,
        anchored=anchors.anchored(words),
        credits=named,
        unnamed=unnamed,
        threads=threads,
        said=stands.said,
        form=form or _untouched(forms.FeedbackForm),
        withdrawal=_untouched(forms.ReasonForm),
        beside=beside,
        publishers=_publishers(article, newest),
        doubts=doubts.of(article, viewer=current_user) if stands.is_doubted else [],
        **keeping.about(article, words, stands),
        is_followed=stands.is_followed,
        canonical=absolute(addresses.of_article(article, words)),
        **telling.head(article, words, credited=named, threads=threads, siblings=beside.siblings),
        asked=asked,
        via=via,
        refused=refused,
        status=status,
    )


def _untouched(form: type[F]) -> F:
    """Return a form nobody has filled in; making a token would leave a guest with a cookie, and the page unkept."""
    return form(formdata=None, meta={"csrf": current_user.is_authenticated})


def _rated(article_id: int) -> Article:
    article = queries.visible_article(article_id, viewer=current_user)
    if not article.is_published:
        raise NotFound(gettext("This article is not published, so nothing can be said of it yet."))
    return article


def _refused(
    article: Article, form: forms.FeedbackForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    if current_user.is_authenticated:
        return article_page(article, _words(article), form=form, refused=refused, status=status)
    return _feedback_page(article, form, refused=refused, status=status)


def _feedback_page(
    article: Article, form: forms.FeedbackForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    return show(
        "kb/feedback.html",
        article=article,
        words=article.published,
        said=feedback.given(article, reader=_reader()),
        has_told="told" in request.args,
        form=form,
        refused=refused,
        status=status,
    )


def _words(article: Article) -> Revision:
    """Return the version to show: the published one, for the team another one on demand, or the newest of a draft."""
    number = request.args.get("version", type=int)
    if number is not None and policy.may_see_drafts(current_user):
        return queries.revision_of(article, number)
    if article.published is not None:
        return article.published
    return queries.newest_revision(article)


def _publishers(article: Article, newest: Revision) -> str:
    """Say to the team who publishes what is not published yet, where that is not this person as every editor."""
    is_waiting = newest.id != article.published_id
    if not is_waiting or not policy.may_see_drafts(current_user):
        return ""
    is_usual = article.section.publishers is None and policy.may_publish(current_user, article)
    return "" if is_usual else publishing.in_words(article.section)


def _reader() -> str:
    return feedback.reader(
        current_user.id if current_user.is_authenticated else None,
        address=get_remote_address(),
        device=request.headers.get("User-Agent", ""),
        secret=str(current_app.secret_key),
    )
