"""Pages that are the same for every guest are kept ready until anything in the database changes.

What they stand on is the database's own word that nobody committed since: SQLite counts the commits of other
connections (`PRAGMA data_version`), PostgreSQL says which transactions a new one would see (`pg_current_snapshot()`).
So a page is never older than the last commit, whichever process made it, and nobody has to remember to forget. The word
is asked for before the page is made: what is committed meanwhile can only make the page newer than it is taken for.

The same request, word for word, is answered at the door (`_Door`), before Flask hears of it; one that only means the
same (another browser, with another order of languages) is answered by `_serve`.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

import pysqlite3
from flask import Flask, Response, current_app, g, has_request_context, request, session
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from core import i18n
from core.db import db
from core.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MOST_BYTES: Final = 4 << 20
LARGEST_PAGE: Final = 128 << 10
MOST_VALUES: Final = 500
MOST_REQUESTS: Final = 2000
SECONDS: Final = 20.0
"""A page says how long ago things were, so it is made anew now and then though nothing changed."""
_EXTENSION: Final = "klinke-ready"
_FOUND: Final = "klinke.ready"
"""Where the application tells the door which page it answered with."""
_WORDS: Final = (
    "PATH_INFO",
    "QUERY_STRING",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_HOST",
    "SCRIPT_NAME",
    "wsgi.url_scheme",
    "SERVER_NAME",
    "SERVER_PORT",
)

T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])


class Page(NamedTuple):
    body: bytes
    headers: tuple[tuple[str, str], ...]
    stamp: Hashable
    until: float


class Stamps(Protocol):
    def now(self) -> Hashable:
        """Return what changes with every commit; None where it cannot be told."""


class Shelf:
    """The pages, up to a number of bytes; what was asked for longest ago goes first."""

    def __init__(self, stamps: Stamps) -> None:
        self.stamps = stamps
        self.values: dict[Hashable, tuple[Hashable, Any]] = {}
        """At most `MOST_VALUES`, by the keys of `remembered`."""
        self.requests: dict[Hashable, tuple[Hashable, Page, list[tuple[str, str]]]] = {}
        """Requests word for word, what they asked for, and the answer; at most `MOST_REQUESTS`."""
        self._pages: OrderedDict[Hashable, Page] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def find(self, key: Hashable, stamp: Hashable) -> Page | None:
        with self._lock:
            page = self._pages.get(key)
            if page is None:
                return None
            if page.stamp != stamp or page.until < time.monotonic():
                self._remove(key)
                return None
            self._pages.move_to_end(key)
            return page

    def keep(self, key: Hashable, page: Page) -> None:
        with self._lock:
            self._remove(key)
            self._pages[key] = page
            self._held += len(page.body)
            while self._held > MOST_BYTES:
                self._remove(next(iter(self._pages)))

    def clear(self) -> None:
        """Forget every page."""
        with self._lock:
            self._pages.clear()
            self.values.clear()
            self.requests.clear()
            self._held = 0

    def _remove(self, key: Hashable) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._held -= len(page.body)


def stand_at_the_door(app: Flask, settings: Settings) -> None:
    """Answer known requests before the application; to be called before anything else wraps it."""
    stamps: Stamps = _SqliteStamps(settings.database_url) if settings.is_sqlite else _PostgresStamps(app)
    app.extensions[_EXTENSION] = Shelf(stamps)
    app.wsgi_app = _Door(app)  # type: ignore[method-assign]  # as Flask documents


def init_app(app: Flask) -> None:
    app.before_request(_serve)
    app.after_request(_keep)


def same_for_guests(view: View) -> View:
    """Promise that a page depends for guests on nothing but its address, the language and our own cookies."""
    view.is_same_for_guests = True  # type: ignore[attr-defined]  # a mark on the function, as `core.web.only_reads` has
    return view


def remembers(view: View) -> View:
    """Let a page that is not kept itself use what is `remembered`."""
    view.is_remembering = True  # type: ignore[attr-defined]  # as above
    return view


def remembered(key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` returns, made anew only after a commit; of a page that promised either, else made always.

    It must be the same for whoever has the same `key`, and nobody may change it.
    """
    stamp = g.get("ready_stamp") if has_request_context() else None
    if stamp is None:
        return make()
    found = shelf().values.get(key)
    if found is None or found[0] != stamp:
        if len(shelf().values) >= MOST_VALUES:  # keys may hold what somebody typed into an address
            shelf().values.clear()
        # The stamp is from before this request read anything, so what is made now is at least as new.
        found = shelf().values[key] = (stamp, make())
    value: T = found[1]
    return value


def shelf(app: Flask | None = None) -> Shelf:
    """Return the pages that this process keeps."""
    found: Shelf = (app or current_app).extensions[_EXTENSION]
    return found


def _serve() -> Response | None:
    g.ready_key = g.ready_stamp = None  # the test client's context lives on
    view = current_app.view_functions.get(request.endpoint or "")
    is_kept = getattr(view, "is_same_for_guests", False)
    if request.method != "GET" or not (is_kept or getattr(view, "is_remembering", False)):
        return None
    stamp = g.ready_stamp = shelf().stamps.now()
    if stamp is None or not is_kept or not _is_guest():
        return None
    key = (i18n.locale(), request.full_path, _own_cookies())
    page = shelf().find(key, stamp)
    if page is None:
        g.ready_key = key
        return None
    request.environ[_FOUND] = (key, page)
    return _conditional(Response(page.body, headers=list(page.headers)))


def _keep(response: Response) -> Response:
    key = g.pop("ready_key", None)
    if key is None or response.status_code != HTTPStatus.OK or response.is_streamed or session:
        return response
    body = response.get_data()
    if "Set-Cookie" in response.headers or len(body) > LARGEST_PAGE:
        return response
    response.set_etag(hashlib.blake2b(body, digest_size=16).hexdigest())
    page = Page(body, tuple(response.headers.items()), g.ready_stamp, time.monotonic() + SECONDS)
    shelf().keep(key, page)
    request.environ[_FOUND] = (key, page)
    return _conditional(response)


def _conditional(response: Response) -> Response:
    response.make_conditional(request)  # the same object, as 304 where the reader has the page already
    return response


def _is_guest() -> bool:
    return current_app.config["SESSION_COOKIE_NAME"] not in request.cookies and "Authorization" not in request.headers


def _own_cookies() -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in request.cookies.items() if name.startswith("klinke_")))


class _Door:
    """WSGI in front of the application: remembers which request, word for word, asked for which page."""

    def __init__(self, app: Flask) -> None:
        self._inside = app.wsgi_app
        self._shelf: Shelf = app.extensions[_EXTENSION]
        self._config = app.config

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        words = self._words(environ)
        if words is None:
            return self._inside(environ, start_response)
        known = self._shelf.requests.get(words)
        if known is not None:
            key, page, headers = known
            if self._shelf.find(key, self._shelf.stamps.now()) is page:
                return Response(page.body, headers=headers).make_conditional(environ)(environ, start_response)

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            found = environ.get(_FOUND)
            if found is not None and status.startswith("200"):
                if len(self._shelf.requests) >= MOST_REQUESTS:
                    self._shelf.requests.clear()
                self._shelf.requests[words] = (*found, headers)
            return start_response(status, headers, *more)

        return self._inside(environ, begin)

    def _words(self, environ: "WSGIEnvironment") -> Hashable | None:
        """Return everything of a guest's request that an answer can depend on; None for whoever is no guest."""
        cookies, session_name = environ.get("HTTP_COOKIE", ""), self._config["SESSION_COOKIE_NAME"]
        if environ["REQUEST_METHOD"] != "GET" or "HTTP_AUTHORIZATION" in environ or f"{session_name}=" in cookies:
            return None
        return (cookies, *(environ.get(name) for name in _WORDS))


class _SqliteStamps:
    """A connection of its own, which never writes: so every commit is one of another connection."""

    def __init__(self, url: str) -> None:
        self._path = Path(url.removeprefix("sqlite:///"))
        self._lock = threading.Lock()
        self._connection: Any = None
        self._file = (0, 0)
        self._opened = 0

    def now(self) -> Hashable:
        try:
            with self._lock:
                stat = self._path.stat()
                if self._connection is None or self._file != (stat.st_dev, stat.st_ino):  # another file is there now
                    self._open((stat.st_dev, stat.st_ino))
                return (self._opened, self._connection.execute("PRAGMA data_version").fetchone()[0])
        except (OSError, pysqlite3.Error):  # the page itself will find out what is wrong, and say it
            return None

    def _open(self, file: tuple[int, int]) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = pysqlite3.connect(str(self._path), isolation_level=None, check_same_thread=False)
        self._file = file
        self._opened += 1


class _PostgresStamps:
    def __init__(self, app: Flask) -> None:
        self._app = app
        self._engine: Engine | None = None

    def now(self) -> Hashable:
        if self._engine is None:
            with self._app.app_context():
                self._engine = db.engine
        try:
            with self._engine.connect() as connection:
                return str(connection.execute(_SNAPSHOT).scalar_one())
        except OperationalError:  # as above
            return None


_SNAPSHOT: Final = text("SELECT pg_current_snapshot()::text")
