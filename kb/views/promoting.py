"""Promoting: the queue of accepted answers, each beside the draft of its article."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import login_required, me, role_required, team_required
from core import texts, web
from core.db import db
from core.diffs import compare
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import Invalid, KlinkeError
from core.i18n import LOCALES
from core.paging import page
from forum import addresses as forum_addresses
from forum import queries as forum_queries
from forum.models import Post
from kb import (
    addresses,
    articles,
    confirming,
    differences,
    doubts,
    evidence,
    forms,
    policy,
    products,
    promotion,
    queries,
    redaction,
)
from kb.models import Article, Audience, Nomination, Revision
from kb.redaction import Decisions
from kb.views.edge import bp, show
from kb.views.writing import article_form, chosen_section, name_products
from search.query import Hit

A_PAGE = 20
MOST_COMPARED = 3


@bp.get("/kb/nominations")
@role_required("editor")
def promotion_queue() -> Response:
    state = request.args.get("state", "")
    state = state if state in promotion.STATES else "pending"
    ranked = promotion.queue(state)
    number = max(1, min(request.args.get("page", 1, type=int), -(-len(ranked) // A_PAGE)))
    shown = ranked[(number - 1) * A_PAGE : number * A_PAGE]
    nominations = promotion.by_id([one.nomination_id for one in shown])
    return show(
        "kb/queue.html",
        state=state,
        counts=promotion.counts(),
        entries=[(nominations[one.nomination_id], one) for one in shown],
        newer=url_for(".promotion_queue", state=state, page=number - 1) if number > 1 else None,
        older=url_for(".promotion_queue", state=state, page=number + 1) if number * A_PAGE < len(ranked) else None,
    )


@bp.get("/kb/doubts")
@team_required
def doubted_articles() -> Response:
    found = page(doubts.doubted_articles(), by=(Article.id,), cursor=request.args.get("page"), size=A_PAGE)
    ids = [article.id for article in found.items]
    return show(
        "kb/doubts.html",
        page=found,
        newest=queries.newest_revisions(found.items) if ids else {},
        doubts=doubts.in_words_by_article(ids),
    )


@bp.post("/kb/articles/<int:article_id>/confirmation")
@role_required("editor")
def confirm_article(article_id: int) -> WerkzeugResponse:
    article = queries.visible_article(article_id, viewer=current_user)
    doubts.confirm(article, by=me(), reason=request.form.get("reason", ""))
    db.session.commit()
    flash(gettext("Thank you. The mark is gone until something new speaks against it."), "good")
    return web.go(addresses.of_article(article, queries.newest_revision(article)))


@bp.post("/posts/<int:post_id>/nomination")
@login_required
def nominate_post(post_id: int) -> WerkzeugResponse:
    """Nominate an answer; editors go on to its draft at once, which is filled in already."""
    post = forum_queries.visible_post(post_id, viewer=current_user)
    nomination = promotion.nominate_by_hand(post, by=me())
    db.session.commit()
    if policy.may_decide(current_user):
        return web.go(url_for(".show_nomination", nomination_id=nomination.id))
    flash(gettext("Thank you. The editors look at it, and you see here what became of it."), "good")
    return web.go(forum_addresses.of_post_id(post_id))


@bp.get("/kb/nominations/<int:nomination_id>")
@role_required("editor")
def show_nomination(nomination_id: int) -> Response:
    """Show the draft beside its thread; the address may name an article that it goes into."""
    nomination = promotion.visible_nomination(nomination_id)
    into = request.args.get("into", type=int)
    way = request.args.get("way", "new")
    if into is not None and way in {"add", "replace"}:
        article = queries.visible_article(into, viewer=current_user)
        return _nomination_page(nomination, form=_merged(nomination, article, cast("Literal['add', 'replace']", way)))
    return _nomination_page(nomination, form=_proposed(nomination))


@bp.post("/kb/nominations/<int:nomination_id>/article")
@role_required("editor")
def draft_article(nomination_id: int) -> Response | WerkzeugResponse:
    nomination = promotion.visible_nomination(nomination_id)
    form: forms.PromotionForm = article_form(forms.PromotionForm)
    chosen = _chosen(nomination)
    if again := _looked_over(nomination, form, chosen):
        return again
    try:
        if sent := sent_before(form):
            return sent
        article, left = _made(nomination, form, chosen)
        if request.form.get("do") == "publish" and policy.may_publish(current_user, article):
            articles.publish(article, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        nomination = promotion.visible_nomination(nomination_id)
        return _nomination_page(nomination, form=form, chosen=_chosen(nomination), refused=error)
    return done(form, _onward(article, left))


@bp.post("/kb/nominations/<int:nomination_id>/contradiction")
@role_required("editor")
def contradict_article(nomination_id: int) -> WerkzeugResponse:
    """Say that an article says something else than this answer."""
    nomination = promotion.visible_nomination(nomination_id)
    article = queries.visible_article(request.form.get("article", 0, type=int), viewer=current_user)
    promotion.contradict(nomination, article, by=me())
    db.session.commit()
    flash(gettext("The article is in doubt now. Whoever looks at it finds this answer beside it."), "good")
    return web.go(url_for(".show_nomination", nomination_id=nomination.id))


@bp.post("/kb/nominations/<int:nomination_id>/decline")
@role_required("editor")
def decline_nomination(nomination_id: int) -> Response | WerkzeugResponse:
    nomination = promotion.visible_nomination(nomination_id)
    refusal = forms.ReasonForm()
    if not refusal.validate():
        return _nomination_page(nomination, form=_proposed(nomination), refusal=refusal, status=UNPROCESSABLE)
    try:
        promotion.decline(nomination, by=me(), reason=refusal.reason.data or "")
        promotion.note_checks(nomination, request.form.getlist("check"), by=me())
    except REFUSALS as error:
        db.session.rollback()
        refusal.refuse(error)
        return _nomination_page(nomination, form=_proposed(nomination), refusal=refusal, refused=error)
    db.session.commit()
    flash(gettext("Declined. The answer stays where it is, and the reason is kept."), "good")
    return web.go(url_for(".promotion_queue"))


def _looked_over(nomination: Nomination, form: forms.PromotionForm, chosen: Sequence[Post]) -> Response | None:
    """Return the page again, when posts are to be taken over, or something is missing."""
    is_fine = form.validate()
    if request.form.get("do") == "take":
        _take_over(form, [post for post in chosen if post.id not in _numbers("taken")])
        return _nomination_page(nomination, form=form, chosen=chosen, taken=chosen)
    return None if is_fine else _nomination_page(nomination, form=form, chosen=chosen, status=UNPROCESSABLE)


def _onward(article: Article, left: Sequence[redaction.Found]) -> str:
    """Return where the editor goes now, and say what has become of the answer."""
    if request.form.get("do") == "publish":
        flash(gettext("The article is published. Whoever answered and asked is told."), "good")
        return addresses.of_article(article)
    if left:
        flash(gettext("The draft is saved. Something in it still looks personal."), "message")
        return url_for(".personal_data_of", article_id=article.id)
    flash(gettext("The draft is saved. Read it once more, then publish it."), "good")
    return addresses.of_article(article, queries.newest_revision(article))


def _made(
    nomination: Nomination, form: forms.PromotionForm, chosen: Sequence[Post]
) -> tuple[Article, Sequence[redaction.Found]]:
    """Make what the form says of the nomination; return the article, and what nobody decided of what looks personal."""
    names = redaction.participants([nomination.post])
    decided = redaction.decisions(request.form)
    words, found = confirming.apply(form.words, decided, people=names, locale=form.locale.data)
    if form.way.data in {"add", "replace"}:
        article = _into(form)
        promotion.put_into(
            nomination,
            article,
            by=me(),
            words=words,
            way=form.way.data,
            based_on=_based_on(form),
            sources=chosen,
        )
    else:
        article = promotion.draft_from(
            nomination,
            by=me(),
            section=chosen_section(form),
            locale=form.locale.data,
            tags=form.tag_names,
            audience=cast("Audience", form.audience.data),
            words=words,
            sources=chosen,
        )
        name_products(article, form)
    promotion.note_checks(nomination, form.checks, by=me())
    redaction.keep(article, found, decided.kept or {}, by=me())
    return article, redaction.unconfirmed(article, redaction.texts_of(article, queries.newest_revision(article)))


def _into(form: forms.PromotionForm) -> Article:
    return queries.visible_article(texts.number(form.into.data or "") or 0, viewer=current_user)


def _based_on(form: forms.PromotionForm) -> int:
    based_on = texts.number(form.based_on.data or "")
    if based_on is None:
        raise Invalid(gettext("This page is damaged. Please open the article again and copy your text over."))
    return based_on


def _chosen(nomination: Nomination) -> list[Post]:
    """Return the posts of the thread that were ticked, as far as everybody may read them."""
    ids = {texts.number(one) for one in request.form.getlist("post")}
    posts = forum_queries.visible_posts(nomination.post.topic, viewer=people.AnonymousUser())
    return [post for post in posts if post.id in ids]


def _take_over(form: forms.PromotionForm, posts: Sequence[Post]) -> None:
    """Append what these posts say to what helps."""
    form.resolution.data = promotion.joined([form.resolution.data or "", *(post.source for post in posts)])


def _proposed(nomination: Nomination) -> forms.PromotionForm:
    proposal = promotion.propose(nomination.post)
    form: forms.PromotionForm = article_form(
        forms.PromotionForm,
        data={
            "title": proposal.title,
            "summary": proposal.summary,
            "symptoms": proposal.symptoms,
            "environment": proposal.environment,
            "products": products.recognised(proposal.environment),
            "resolution": proposal.resolution,
            "keywords": ", ".join(proposal.keywords),
            "tags": ", ".join(proposal.tags),
            "locale": proposal.locale,
            "section": proposal.section.slug if proposal.section else forms.NEW_SECTION,
            "section_name": "" if proposal.section else proposal.section_name,
        },
    )
    return form


def _merged(nomination: Nomination, article: Article, way: Literal["add", "replace"]) -> forms.PromotionForm:
    newest = queries.newest_revision(article)
    said = promotion.merged(articles.words_of(newest), promotion.propose(nomination.post), way)
    form: forms.PromotionForm = article_form(
        forms.PromotionForm,
        data={
            **said,
            "keywords": ", ".join(said.get("keywords", ())),
            "tags": ", ".join(tag.name for tag in article.tags),
            "products": products.in_words(article.applies),
            "locale": article.locale,
            "section": article.section.slug,
            "audience": article.audience,
            "into": str(article.id),
            "way": way,
            "based_on": str(newest.number),
        },
    )
    return form


def _nomination_page(
    nomination: Nomination,
    *,
    form: forms.PromotionForm,
    chosen: Sequence[Post] = (),
    taken: Sequence[Post] | None = None,
    refusal: forms.ReasonForm | None = None,
    refused: KlinkeError | None = None,
    status: int = 200,
) -> Response:
    post = nomination.post
    is_open = nomination.state in {"pending", "declined"}
    similar = promotion.similar_articles(nomination, current_user) if is_open else []
    into, newest = _target(form)
    was_taken = {one.id for one in taken} if taken is not None else _numbers("taken")
    context: dict[str, Any] = {
        "nomination": nomination,
        "post": post,
        "topic": post.topic,
        "posts": forum_queries.visible_posts(post.topic, viewer=people.AnonymousUser()),
        "chosen": {one.id for one in chosen} | {post.id},
        "taken": was_taken | {post.id},
        "similar": similar,
        "compared": _compared(similar, post),
        "into": into,
        "into_words": newest,
        "changes": _changes(newest, form),
        "found": redaction.find(dict(form.words), people=redaction.participants([post]), locale=_language(form))
        if is_open
        else [],
        "decided": redaction.decisions(request.form) if request.method == "POST" else Decisions(kept={}),
        "wrong": refused.fields if refused else {},
        "evidence": evidence.weigh(Nomination.id == nomination.id)[0],
        "decided_by": people.by_id(nomination.decided_by_id) if nomination.decided_by_id else None,
        "article_url": addresses.of_article(nomination.article, queries.newest_revision(nomination.article))
        if nomination.article
        else None,
    }
    return show(
        "kb/nomination.html",
        form=form,
        refusal=refusal or forms.ReasonForm(formdata=None),
        refused=refused,
        status=status,
        **context,
    )


def _language(form: forms.PromotionForm) -> str | None:
    return form.locale.data if form.locale.data in LOCALES else None


def _numbers(field: str) -> set[int]:
    return {number for one in request.form.getlist(field) if (number := texts.number(one)) is not None}


def _target(form: forms.PromotionForm) -> tuple[Article | None, Revision | None]:
    """Return the article that this goes into and its newest words, where it goes into one."""
    if form.way.data not in {"add", "replace"}:
        return None, None
    article = _into(form)
    return article, queries.newest_revision(article)


def _changes(newest: Revision | None, form: forms.PromotionForm) -> list[tuple[str, Any]]:
    if newest is None:
        return []
    theirs, mine = articles.words_of(newest), form.words
    return [
        (field, compare(theirs[field], mine[field]))  # type: ignore[literal-required]  # the fields are those of Words
        for field in differences.FIELDS
        if theirs[field] != mine[field]  # type: ignore[literal-required]  # the same
    ]


def _compared(similar: Sequence[Hit], post: Post) -> Mapping[int, Any]:
    """Return how the answer differs from what the closest articles say, by the id of the article."""
    ids = [hit.found.ref.id for hit in similar[:MOST_COMPARED]]
    return {article_id: compare(said, post.source) for article_id, said in promotion.resolutions(ids).items()}
