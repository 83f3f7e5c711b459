"""What every page shares: headers, limits, error pages, safe redirects."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, jsonify, redirect, render_template, request
from flask_babel import gettext
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, TooManyRequests
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as WerkzeugResponse

from core import db as database
from core import texts
from core.db import db
from core.errors import Invalid, KlinkeError, NotAllowed, NotFound, TooSoon, Unavailable
from core.settings import Settings, current_settings

View = TypeVar("View", bound=Callable[..., Any])

MEGABYTE = 1024 * 1024
LARGEST_FORM = 200 * 1024
LARGEST_BODY = 256 * 1024
SERVER_ERROR = 500
FILES_AT_ONCE = 4
"""A form brings so many files of the largest size; more come when they are small."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PROBES = frozenset({"/healthz", "/readyz"})
"""What a balancer asks by whatever name it knows; there are no links in the answers."""
FOREIGN = frozenset({"cross-site", "same-site"})
POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "font-src 'self'; "
    "connect-src 'self'; "
    "manifest-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'; "
    "object-src 'none'; "
    "require-trusted-types-for 'script'; "
    "trusted-types klinke"
)


class UnknownName(KlinkeError):
    """The request names a host that is not this installation."""

    status = 421


log = logging.getLogger(__name__)
limiter = Limiter(get_remote_address, headers_enabled=False)


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        MAX_FORM_PARTS=100,
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-klinke" if settings.is_https else "klinke",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
    )
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]  # as Flask documents
    limiter.init_app(app)
    app.before_request(_begin)
    app.after_request(_set_headers)
    app.register_error_handler(KlinkeError, _show_error)
    app.register_error_handler(CSRFError, _show_csrf_error)
    app.register_error_handler(HTTPException, _show_http_error)
    app.register_error_handler(OperationalError, _show_database_error)
    app.register_error_handler(DataError, _show_data_error)
    app.register_error_handler(UnicodeError, _show_data_error)
    app.register_error_handler(OverflowError, _show_data_error)


def safe_path(target: str | None, otherwise: str = "/") -> str:
    """Return `target` when it is a path on this site, else `otherwise`: no host, no backslash, no controls."""
    if not target or not target.startswith("/") or target[1:2] in {"/", "\\"}:
        return otherwise
    if "\\" in target or not target.isprintable() or urlsplit(target).netloc:
        return otherwise
    return target


def given_line(name: str, *, longest: int) -> str:
    """Return a clean line that the address brings along, cut to `longest` characters; empty where there is none.

    An address is written by anybody: what cannot be a line is left out, and the form is the place to complain.
    """
    try:
        return texts.line(request.args.get(name, "")[:longest], longest=longest)
    except Invalid:
        return ""


def only_reads(view: Any) -> None:
    """Promise that a view changes nothing although it is posted to: on SQLite its request waits for no writer."""
    view.only_reads = True


def takes_files(view: View) -> View:
    """Promise that a view reads files: its request may be as large as a few of them."""
    view.takes_files = True  # type: ignore[attr-defined]  # a mark that functools.wraps carries along
    return view


def go(url: str) -> WerkzeugResponse:
    """Send a person on after a deed (303 See Other)."""
    return redirect(url, code=HTTPStatus.SEE_OTHER)


def absolute(path: str) -> str:
    """Return the whole address of a path on this site, by the address that people reach it by."""
    return current_settings().base_url + path


def is_api() -> bool:
    """Tell whether this request is answered with JSON."""
    return request.path.startswith("/api/")


def problem(
    status: int,
    title: str,
    detail: str = "",
    fields: dict[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> Response:
    """Return an RFC 9457 problem, with `more` members of its own."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail or title}
    if fields:
        body["errors"] = fields
    body |= more or {}
    response = jsonify(body)
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def static_version(root: Path) -> str:
    """Return a mark that changes when any static file does."""
    return f"{max((int(path.stat().st_mtime) for path in root.rglob('*') if path.is_file()), default=0):x}"


def _begin() -> None:
    # Flask's test client reuses its context; production threads reuse theirs. So the promise is made anew either way.
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method in READING or getattr(view, "only_reads", False):
        database.begin_reading()
    else:
        database.begin_writing()
    if getattr(view, "takes_files", False) and request.mimetype == "multipart/form-data":
        # Before anything reads the form. Its texts are held to MAX_FORM_MEMORY_SIZE; in another body nothing is.
        request.max_content_length = LARGEST_BODY + FILES_AT_ONCE * _largest_file() * MEGABYTE
    _refuse_foreign_host()
    _refuse_foreign_page()


def _largest_file() -> int:
    settings = current_settings()
    return max(settings.image_megabytes, settings.counter_megabytes)


def _refuse_foreign_host() -> None:
    # Links and redirects never lead where a request's Host header says, and a name that somebody pointed at this
    # machine (DNS rebinding) reaches nothing.
    known = {*LOOPBACK, urlsplit(current_settings().base_url).hostname}
    if request.path not in PROBES and urlsplit(f"//{request.host}").hostname not in known:
        raise UnknownName(gettext("This installation answers at %(address)s.", address=current_settings().base_url))


def _refuse_foreign_page() -> None:
    # Besides the token: browsers say where a request comes from (Fetch Metadata). Programs say nothing.
    if request.method not in READING and not is_api() and request.headers.get("Sec-Fetch-Site") in FOREIGN:
        raise NotAllowed(gettext("This was sent from a page on another site. Please send it from here."))


def _set_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault(
        "Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    )
    if current_app.config["SESSION_COOKIE_SECURE"]:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if request.path.startswith("/static/"):
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if request.args.get("v") else "no-cache"
    elif "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store" if _is_signed_in() else "private, no-cache"
        headers.add("Vary", "Cookie")
        headers.add("Vary", "Accept-Language")
    return response


def _is_signed_in() -> bool:
    return "_login_user" in g and bool(current_user.is_authenticated)


def _show_error(error: KlinkeError) -> WerkzeugResponse | tuple[str, int] | Response:
    db.session.rollback()
    if is_api():
        answer = problem(error.status, str(error.title), error.sentence, error.fields, error.more)
    else:
        answer = Response(_page(error.status, str(error.title), error.sentence), status=error.status)
    if isinstance(error, TooSoon | Unavailable):
        answer.headers["Retry-After"] = str(error.seconds)
    if error.status == HTTPStatus.UNAUTHORIZED and is_api():
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _show_csrf_error(_error: CSRFError) -> Response:
    return Response(
        _page(
            400,
            gettext("This page was open for too long"),
            gettext("Please go back, reload the page and send it again. Your browser keeps what you typed."),
        ),
        status=400,
    )


def _show_http_error(error: HTTPException) -> Response | HTTPException | WerkzeugResponse:
    if error.response is not None or (error.code is not None and error.code < HTTPStatus.BAD_REQUEST):
        return error.get_response()
    code = error.code or SERVER_ERROR
    title, sentence = _words(error)
    if code >= SERVER_ERROR:
        db.session.rollback()
    answer = problem(code, title, sentence) if is_api() else Response(_page(code, title, sentence), status=code)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            answer.headers[name] = value
    if isinstance(error, TooManyRequests):
        answer.headers.setdefault("Retry-After", "60")
    return answer


def _words(error: HTTPException) -> tuple[str, str]:
    if error.code == HTTPStatus.NOT_FOUND:
        return str(NotFound.title), gettext("The address may be old or mistyped. Searching usually finds it.")
    if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
        return gettext("This address takes something else"), gettext("Please start again from the home page.")
    if isinstance(error, RequestEntityTooLarge):
        return gettext("This is more than fits"), _way_to_fit()
    if isinstance(error, TooManyRequests):
        return gettext("One moment, please"), gettext("That was a lot at once. In a minute it goes on.")
    if error.code and error.code >= SERVER_ERROR:
        return gettext("Something broke on our side"), gettext("It has been noted. Please try again in a moment.")
    return gettext("This did not work"), gettext("The request could not be understood.")


def _way_to_fit() -> str:
    if (request.max_content_length or 0) > LARGEST_BODY:
        most = FILES_AT_ONCE * _largest_file()
        return str(
            gettext(
                "Up to %(most)s MB of pictures fit at once. Please go back: your browser keeps your text.", most=most
            )
        )
    return str(gettext("Please shorten the text and send it again."))


def _show_database_error(error: OperationalError) -> WerkzeugResponse | tuple[str, int] | Response:
    log.error("database: %s", error.orig)
    return _show_error(Unavailable())


def _show_data_error(error: Exception) -> WerkzeugResponse | tuple[str, int] | Response:
    # A number beyond 64 bits, or half a surrogate pair: whoever sent it gets a sentence, not a stack.
    log.info("unstorable value: %s", type(error).__name__)
    return _show_error(KlinkeError(gettext("A value in this request cannot be stored.")))


def _page(status: int, title: str, sentence: str) -> str:
    return render_template("error.html", status=status, title=title, sentence=sentence)
