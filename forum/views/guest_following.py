"""A guest hears of one question's solution by mail: the form, and the two pages that its mails lead to."""

from flask import Response, request
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import attempts
from core import i18n, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import KlinkeError, NotFound
from core.forms import csrf
from core.settings import current_settings
from core.web import limiter
from forum import addresses, forms, guest_follows, queries
from forum.models import GuestFollow, Topic
from forum.views.edge import bp, show


@bp.get("/topics/<int:topic_id>/solution-mail")
def ask_for_solution(topic_id: int) -> Response | WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    if current_user.is_authenticated:
        return web.go(addresses.of_topic(topic))  # there is the choice that goes with an account
    return _form_page(topic, forms.SolutionMailForm(formdata=None))


@bp.post("/topics/<int:topic_id>/solution-mail")
@limiter.limit("60 per hour")
def send_solution_mail(topic_id: int) -> Response | WerkzeugResponse:
    """Ask the address; the answer is the same whatever is known of it."""
    topic = queries.visible_topic(topic_id, viewer=current_user)
    form = forms.SolutionMailForm()
    if not form.validate():
        return _form_page(topic, form, status=UNPROCESSABLE)
    try:
        attempts.count_at_door("solution", request.remote_addr, most=current_settings().guest_follows)
        guest_follows.ask(topic, email=form.email.data or "", locale=i18n.locale())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _form_page(queries.visible_topic(topic_id, viewer=current_user), form, refused=error)
    db.session.commit()
    return show("forum/guest_follow_asked.html", topic=topic)


@bp.get("/mail/solution/<token>")
def ask_to_confirm_guest(token: str) -> Response:
    wish = guest_follows.by_ticket(token)
    return _wish_page(token, wish, stops=False)


@bp.post("/mail/solution/<token>")
@limiter.limit("60 per minute")
def confirm_guest(token: str) -> WerkzeugResponse:
    guest_follows.confirm(guest_follows.by_ticket(token))
    db.session.commit()
    return web.go(request.path)


@bp.get("/mail/solution/<token>/stop")
def ask_to_stop_guest(token: str) -> Response:
    return _wish_page(token, _wish(token), stops=True)


@bp.post("/mail/solution/<token>/stop")
@csrf.exempt
@limiter.limit("600 per minute")
def stop_guest(token: str) -> Response:
    """Forget the address: also for mail programs, which post without a page before (RFC 8058), and twice."""
    wish = _wish(token)
    if wish is not None:
        guest_follows.stop(wish)
        db.session.commit()
    return _wish_page(token, None, stops=True)


def _wish(token: str) -> GuestFollow | None:
    try:
        return guest_follows.by_ticket(token)
    except NotFound:
        guest_follows.check_ticket(token)
        return None  # a true address of which nothing is left to stop


def _form_page(
    topic: Topic, form: forms.SolutionMailForm, *, status: int = 200, refused: KlinkeError | None = None
) -> Response:
    settings = current_settings()
    return show("forum/guest_follow.html", topic=topic, form=form, settings=settings, status=status, refused=refused)


def _wish_page(token: str, wish: GuestFollow | None, *, stops: bool) -> Response:
    topic = None
    if wish is not None:
        try:
            topic = guest_follows.visible_topic(wish)
        except NotFound:
            topic = None  # muted, or not looked at yet: the page then names no question
    return show(
        "forum/guest_follow_mail.html",
        token=token,
        wish=wish,
        topic=topic,
        stops=stops,
        days=current_settings().guest_follow_days,
    )
