"""Asking, and finding out that one need not ask."""

from typing import Any

from flask import Response, flash, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import markup, texts, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError
from core.i18n import LOCALES, locale
from core.web import limiter
from forum import addresses, drafts, fields, forms, quality, queries, self_answering, suggestions, topics
from forum.models import LONGEST_TITLE
from forum.views import pictures, warning
from forum.views.edge import bp, show
from search import query
from search.query import Hit

DRAFT_KEY = "ask"
MOST_MATCHES = 5


@bp.get("/ask")
def ask() -> Response:
    title = web.given_line("title", longest=LONGEST_TITLE)
    if not current_user.is_authenticated:
        return show("forum/ask_guest.html", title=title, matches=_matches(title))
    draft = drafts.find(current_user, DRAFT_KEY)
    if draft is not None and title and draft.fields.get("title", "") != title:
        return _page(_form(data={"title": title}), waiting=draft)
    if draft is not None:
        return _page(_form(data=draft.fields), restored=draft)
    return _page(_form(data={"title": title, "category": request.args.get("category")}))


@bp.get("/ask/fields")
@login_required
def ask_fields() -> Response:
    """Return what the category that was just chosen asks, as a piece of the page."""
    return show("forum/_fields.html", form=_form(data={"category": request.args.get("category", "")}))


@bp.post("/topics")
@login_required
@web.takes_files
def post_topic() -> Response | WerkzeugResponse:
    form = _form()
    pictures.take(form)
    return _looked_over(form) or _asked(form)


@bp.post("/solved-by-suggestion")
@limiter.limit("30 per hour")
def count_solved_by_suggestion() -> WerkzeugResponse:
    form = forms.SolvedForm(request.values)
    ref_id = form.id.data if isinstance(form.id.data, int) else 0
    found = suggestions.suggested(form.kind.data or "", ref_id, viewer=current_user)
    suggestions.count_solved(found, title=form.title.data or "", by=current_user)
    db.session.commit()
    return web.go(url_for(".thank_for_looking", kind=found.ref.kind, id=found.ref.id))


@bp.get("/solved-by-suggestion")
def thank_for_looking() -> Response:
    found = suggestions.suggested(
        request.args.get("kind", ""), request.args.get("id", 0, type=int), viewer=current_user
    )
    return show("forum/solved_by_suggestion.html", found=found)


@bp.post("/preview")
@login_required
@limiter.limit("120 per minute")
def preview() -> str:
    source = request.form.get("source", "")
    return markup.render(texts.block(source, longest=markup.LIMIT))


def device_key() -> str:
    """Return the name of the draft in the browser; two people at one device have two."""
    return f"{DRAFT_KEY}-{current_user.id}"


def _looked_over(form: forms.AskForm) -> Response | None:
    """Return the page again, when it was asked for something else than to ask, or something is missing."""
    if request.form.get("do"):
        return _helped(form, request.form["do"])
    is_fine = form.validate()
    if form.asked and request.form.get("asked") != form.category.data:
        return _page(form, just_asked=True, status=UNPROCESSABLE)
    if not is_fine:
        return _page(form, status=UNPROCESSABLE)
    typed = (form.title.data or "", form.source.data or "")
    if not _is_wanted_anyway():
        missing = quality.missing(title=typed[0], source=typed[1], has_details=any(form.details.values()))
        if missing:
            return _page(form, missing=missing, status=UNPROCESSABLE)
    if warning.stops(form, (*typed, form.answer.data or "", *(detail for detail in form.details.values() if detail))):
        return _page(form, status=UNPROCESSABLE)
    return None


def _helped(form: forms.AskForm, what: str) -> Response:
    """Return the page with what a button without script was pressed for; script shows it by itself."""
    if what == "preview":
        form.validate()
        return _page(form, preview=form.source.html, answer_preview=form.answer.html)
    return _page(form, looked=what == "similar")


def _asked(form: forms.AskForm) -> Response | WerkzeugResponse:
    try:
        if sent := sent_before(form):
            return sent
        topic = topics.ask(
            title=form.title.data or "",
            source=form.source.data or "",
            category=queries.category(form.category.data),
            locale=form.locale.data,
            tags=form.tag_names,
            details=form.details,
            by=me(),
            typed_in=form.seconds_open,
        )
        if form.answer.data:
            self_answering.answer(
                topic,
                source=form.answer.data,
                solves=bool(form.solves.data),
                by=me(),
                typed_in=form.seconds_open,
            )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(form, refused=error)
    drafts.discard(me(), DRAFT_KEY)
    flash(device_key(), "draft_done")
    return done(form, addresses.of_topic(topic))


def _is_wanted_anyway() -> bool:
    """Tell whether the hints were seen and the question is to be asked as it is."""
    return bool(request.form.get("anyway"))


def _form(data: dict[str, Any] | None = None) -> forms.AskForm:
    data = {"locale": locale(), **{name: value for name, value in (data or {}).items() if value}}
    chosen = request.form.get("category", "") if request.method == "POST" else data.get("category", "")
    every = queries.categories()
    category = every[0] if len(every) == 1 else next((one for one in every if one.slug == chosen), None)
    form = forms.asking(forms.AskForm, fields.of(category))(data=data)
    known = [(category.slug, category.name) for category in every]
    # Nobody's question lands in the first category only because it is the first.
    undecided = [] if form.category.data or len(known) == 1 else [("", "")]
    form.category.offer([*undecided, *known])
    if form.locale.data not in LOCALES and request.method == "GET":
        form.locale.data = locale()
    form.category.render_kw = {"data-fields-url": url_for(".ask_fields"), "data-fields-target": "fields"}
    form.title.render_kw |= {"data-similar-url": url_for("search.similar"), "data-similar-target": "similar"}
    return form


def _page(form: forms.AskForm, *, status: int = 200, refused: KlinkeError | None = None, **about: Any) -> Response:
    """Show the form.

    `about` says what else there is: a draft that is `restored` or `waiting`, that somebody `looked` for similar
    questions, the `preview`, that the category has `just_asked` for more, and what is `missing`.
    """
    title = form.title.data or ""
    return show(
        "forum/ask.html",
        form=form,
        matches=_matches(title, form.source.data or "", form.locale.data) if title else [],
        anyway=_is_wanted_anyway(),
        draft_key=DRAFT_KEY,
        device_key=device_key(),
        refused=refused,
        status=status,
        **about,
    )


def _matches(title: str, body: str = "", spoken: str | None = None) -> list[Hit]:
    hint = spoken if spoken in LOCALES else locale()
    return query.similar(title, body, viewer=current_user, kinds=("topic", "article"), locale=hint, limit=MOST_MATCHES)
