"""The secure counter as customers see it: no account, no script, and opening it changes nothing."""

from http import HTTPStatus

from flask import Response, make_response, render_template, request
from flask_babel import force_locale, gettext, pgettext
from wtforms import SelectChoice

from accounts import attempts
from core import web
from core.db import db
from core.edge import REFUSALS
from core.errors import Invalid, NotFound
from core.settings import current_settings
from core.web import MEGABYTE
from desk import counters
from desk.person_forms import CounterForm
from desk.person_models import Counter
from desk.views.edge import bp

MOST_POSTS = 20
"""So many times a network may send the form in a quarter of an hour."""


@bp.get("/counter/<ticket>")
def show_counter(ticket: str) -> Response:
    try:
        counter = counters.at(ticket)
    except NotFound:
        return _gone()
    return _page(counter, CounterForm(formdata=None))


@bp.post("/counter/<ticket>")
@web.takes_files
def leave_at_counter(ticket: str) -> Response:
    attempts.count_at_door("counter", request.remote_addr, most=MOST_POSTS)
    db.session.commit()
    try:
        counter = counters.at(ticket)
        locale, says_du = counter.conversation.locale, counter.conversation.says_du
        db.session.rollback()  # nothing is held while pictures are drawn anew
        with force_locale(locale):
            return _left(ticket, says_du=says_du)
    except NotFound:
        db.session.rollback()
        return _gone()


def _left(ticket: str, *, says_du: bool) -> Response:
    form = CounterForm()
    is_fine = form.validate()
    counter = counters.at(ticket)
    if not is_fine:
        return _page(counter, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    may_come_in = counters.prove(counter, form.code.data or "")
    db.session.commit()
    if not may_come_in:
        counter = counters.at(ticket)  # the last wrong code has closed it
        sentence = gettext("This is not the code. Please ask us for it in private.")
        form.refuse(Invalid(sentence, fields={"code": sentence}))
        return _page(counter, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        files = counters.documents(_uploads())
        counter = counters.at(ticket)
        said = {name: form[name].data or "" for name in ("name", "customer_number", "phone", "slot", "text")}
        counters.submit(counter, said=said, files=files)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(counters.at(ticket), form, status=error.status)
    db.session.commit()
    say = _words(current_settings().counter_keep_days, says_du=says_du)
    return _answer("desk/counter_done.html", HTTPStatus.OK, say=say)


def _uploads() -> list[counters.Upload]:
    """Return what was sent along; of a file that is too large only so much that it is seen to be."""
    most = current_settings().counter_megabytes * MEGABYTE + 1
    given = [file for file in request.files.getlist("documents") if file and file.filename]
    return [counters.Upload(file.filename or "", file.stream.read(most)) for file in given]


def _page(counter: Counter, form: CounterForm, *, status: int = HTTPStatus.OK) -> Response:
    conversation, settings = counter.conversation, current_settings()
    with force_locale(conversation.locale):
        form.slot.choices = [SelectChoice("", counters.no_slot()), *counters.choices()]
        return _answer(
            "desk/counter_page.html",
            status,
            counter=counter,
            form=form,
            asks=frozenset(counter.asks),
            say=_words(settings.counter_keep_days, says_du=conversation.says_du),
            most=settings.counter_documents,
            megabytes=settings.counter_megabytes,
        )


def _words(keep_days: int, *, says_du: bool) -> dict[str, str]:
    """Return what is said to the customer, with Sie or du."""
    site, days = current_settings().site_name, keep_days
    if says_du:
        lead = pgettext("informal", "Here only the team of %(site)s reads what you write. You need no account.")
        title = pgettext("informal", "What happens with your data")
        data = pgettext(
            "informal",
            "What you leave is encrypted and read only for your request; who reads it is noted. %(days)s days after it "
            "is settled it is deleted. This page works once.",
        )
        done = pgettext("informal", "We answer where you wrote to us. You can close this page.")
    else:
        lead = gettext("Here only the team of %(site)s reads what you write. You need no account.")
        title = gettext("What happens with your data")
        data = gettext(
            "What you leave is encrypted and read only for your request; who reads it is noted. %(days)s days after it "
            "is settled it is deleted. This page works once."
        )
        done = gettext("We answer where you wrote to us. You can close this page.")
    return {
        "lead": str(lead) % {"site": site},
        "data_title": str(title),
        "data": str(data) % {"days": days},
        "done": str(done),
    }


def _gone() -> Response:
    return _answer("desk/counter_gone.html", HTTPStatus.NOT_FOUND)


def _answer(template: str, status: int, **values: object) -> Response:
    answer = make_response(render_template(template, **values), status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
