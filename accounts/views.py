"""The door: signing in and out, registering, confirming an address, choosing a new password, language and colours."""

import logging
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, flash, has_request_context, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import attempts, emails, mails, one_time, passwords, penalties, people, sessions
from accounts.events import ResetAsked
from accounts.forms import ForgotForm, NewPasswordForm, RegisterForm, SignInForm
from accounts.models import User
from core import edge, i18n, once, web
from core.db import db
from core.errors import Invalid, KlinkeError, NotFound
from core.forms import Form, csrf
from core.outbox import publish

bp = Blueprint("accounts", __name__)

THEME_COOKIE = "klinke_theme"
A_YEAR = timedelta(days=365)
HOME = "/"
DOORS = frozenset({"/sign-in", "/sign-out", "/register", "/forgot"})

Answer = str | WerkzeugResponse | tuple[str, int] | tuple[str, int, dict[str, str]]

log = logging.getLogger(__name__)


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Answer:
    onward = _onward()
    if request.method == "GET" and current_user.is_authenticated:
        return web.go(onward)
    form = SignInForm()
    if form.validate_on_submit():
        try:
            user = _prove(form.handle.data, form.password.data)
        except penalties.Suspended as error:
            return web.go(url_for(".object_to_penalty", penalty_key=error.key))
        except KlinkeError as error:
            return refused(form, error, "accounts/sign_in.html", onward=onward)
        sessions.sign_in(user)
        people.learn_time_zone(user, form.time_zone.data or "")
        db.session.commit()
        log.info("user %s signed in", user.id)
        if user.password_changed_at is None:
            flash(gettext("Welcome. Please replace the password you were given by one of your own."), "message")
            return web.go(url_for(".password", next=onward))
        return web.go(onward)
    return page(form, "accounts/sign_in.html", onward=onward)


def _prove(typed: str, password: str) -> User:
    # The attempt is committed before the slow comparison: it counts whatever comes, and no lock is held meanwhile.
    user = people.by_handle_or_email(typed)
    attempt = attempts.begin(user, typed, request.remote_addr)
    may_come = user is not None and (user.is_active or (user.is_suspended and user.disabled_at is None))
    stored = user.password_hash if user is not None and may_come else None
    db.session.commit()
    if not passwords.fits(stored, password) or user is None or stored is None:
        log.info("refused sign-in from %s", attempts.network(request.remote_addr))
        sentence = gettext("This handle and this password do not fit together.")
        raise Invalid(sentence, fields={"password": sentence})
    fresh = passwords.hashed(password) if passwords.is_outdated(stored) else stored
    attempts.forgive(user, attempt)
    user.password_hash = fresh
    if user.is_suspended:  # said only to those who have proved who they are
        db.session.commit()
        raise penalties.Suspended(user)
    return user


@bp.post("/sign-out")
def sign_out() -> WerkzeugResponse:
    sessions.sign_out()
    db.session.commit()
    flash(gettext("You are signed out."), "good")
    return web.go(HOME)


@bp.route("/register", methods=["GET", "POST"])
def register() -> Answer:
    onward = _onward()
    if current_user.is_authenticated:
        return web.go(onward)
    form = RegisterForm()
    if form.validate_on_submit():
        try:
            user = _take_in(form)
        except KlinkeError as error:
            if _was_taken_in(form):
                flash(gettext("Your account is there already. Please sign in."), "message")
                return web.go(url_for(".sign_in", next=onward))
            return refused(form, error, "accounts/register.html", onward=onward)
        flash(
            gettext(
                "Welcome, %(name)s. A mail is on its way; please open its link within half an hour.", name=user.name
            ),
            "good",
        )
        return web.go(onward)
    return page(form, "accounts/register.html", onward=onward)


def _take_in(form: RegisterForm) -> User:
    # As at sign-in: the attempt is committed before the slow hash, so that it counts whatever comes of it.
    attempts.count_at_door("register", request.remote_addr)
    db.session.commit()
    user = people.register(
        handle=form.handle.data,
        name=form.name.data,
        email=form.email.data,
        password=form.password.data,
        locale=i18n.locale(),
    )
    people.learn_time_zone(user, form.time_zone.data or "")
    once.claim("register", form.once.data)
    mails.send_confirm(user, one_time.issue(user, "confirm"), locale=i18n.locale())
    sessions.sign_in(user)
    db.session.commit()
    return user


def _was_taken_in(form: RegisterForm) -> bool:
    # The second half of a double click finds its own handle taken; its key tells it from a stranger's.
    db.session.rollback()
    before = once.claim("register", form.once.data)
    db.session.rollback()
    return before is not None


@bp.route("/confirm/<token>", methods=["GET", "POST"])
def confirm_email(token: str) -> Answer:
    try:
        if request.method == "GET":
            user = one_time.holder(token, "confirm")
            return render_template("accounts/confirm.html", user=user, form=Form())
        people.confirm_email(one_time.use(token, "confirm"))
    except NotFound:
        return gone_link(gettext("Send another mail"), url_for(".settings"))
    db.session.commit()
    flash(gettext("Thank you, your address is confirmed."), "good")
    return web.go(HOME)


@bp.route("/forgot", methods=["GET", "POST"])
def forgot_password() -> Answer:
    form = ForgotForm()
    if form.validate_on_submit():
        try:
            emails.checked(form.email.data)
            attempts.count_at_door("forgot", request.remote_addr)
        except KlinkeError as error:
            return refused(form, error, "accounts/forgot.html")
        publish(ResetAsked(emails.key(form.email.data), i18n.locale()))
        db.session.commit()
        flash(
            gettext(
                "If an account has this address, a mail with a link is on its way. The link works for half an hour."
            ),
            "good",
        )
        return web.go(url_for(".sign_in"))
    return page(form, "accounts/forgot.html")


@bp.route("/reset/<token>", methods=["GET", "POST"])
def reset_password(token: str) -> Answer:
    form = NewPasswordForm()
    try:
        user = one_time.holder(token, "reset")
        if not form.validate_on_submit():
            return page(form, "accounts/reset.html", user=user)
        passwords.check(form.password.data, handle=user.handle, email=user.email)
        db.session.rollback()  # no lock is held while the hash is made
        hashed = passwords.hashed(form.password.data)
        user = one_time.use(token, "reset")
    except NotFound:
        return gone_link(gettext("Ask for a new link"), url_for(".forgot_password"))
    except KlinkeError as error:
        return refused(form, error, "accounts/reset.html", user=one_time.holder(token, "reset"))
    people.revoke_everything(user)
    people.change_password(user, password_hash=hashed)
    people.confirm_email(user)
    db.session.commit()
    flash(
        gettext("Your new password is set. All sessions and tokens of this account have ended; please sign in."), "good"
    )
    return web.go(url_for(".sign_in"))


@bp.post("/locale")
@csrf.exempt
def set_locale() -> WerkzeugResponse:
    _protect_the_signed_in()
    locale = request.form.get("locale", "")
    if locale not in i18n.LOCALES:
        raise Invalid(gettext("Klinke speaks German and English."))
    if current_user.is_authenticated:
        current_user.locale = locale
        db.session.commit()
    return _remember(web.go(_back()), i18n.COOKIE, locale)


@bp.post("/theme")
@csrf.exempt
def set_theme() -> WerkzeugResponse:
    _protect_the_signed_in()
    theme = request.form.get("theme", "")
    if theme not in people.THEMES:
        raise Invalid(gettext("There are light, dark, and what the device prefers."))
    if current_user.is_authenticated:
        current_user.theme = theme
        db.session.commit()
    return _remember(web.go(_back()), THEME_COOKIE, theme)


def theme() -> str:
    """Return the colours of the page being made: what the person chose, else what this browser chose."""
    if not has_request_context():
        return "auto"
    chosen = current_user.theme if current_user.is_authenticated else request.cookies.get(THEME_COOKIE)
    return chosen if chosen in people.THEMES else "auto"


def page(form: Form, template: str, **values: Any) -> Answer:
    """Show a page with a form: 200 when it is new, 422 when something in it needs another look."""
    return render_template(template, form=form, **values), 422 if form.errors else 200


def refused(form: Form, error: KlinkeError, template: str, **values: Any) -> Answer:
    """Show a page with a form again, as it was typed, with what a deed had against it."""
    db.session.rollback()
    form.refuse(error)
    return edge.show(template, refused=error, form=form, **values)


def gone_link(action: str, url: str) -> tuple[str, int]:
    """Show that a link from a mail is used or too old, and the way onward."""
    return render_template("accounts/link_gone.html", action=action, url=url), 404


def _protect_the_signed_in() -> None:
    """Ask for the token where an account would change; a guest's choice is worth none, which would cost a cookie.

    Without a cookie a page is the same for all guests, and other sites are refused by what browsers say of them.
    """
    if current_user.is_authenticated:
        csrf.protect()


def _onward() -> str:
    path = _back()
    return HOME if urlsplit(path).path.rstrip("/") in DOORS else path


def _back() -> str:
    return web.safe_path(request.values.get("next"), HOME)


def _remember(response: WerkzeugResponse, cookie: str, value: str) -> WerkzeugResponse:
    response.set_cookie(
        cookie,
        value,
        max_age=A_YEAR,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
    )
    return response
