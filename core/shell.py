"""The building's shell: what every template knows, and the pages that belong to no room."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template, request, url_for
from flask_babel import gettext

from core import commands, health, i18n, kept, markup, stylesheet, transfer, web
from core.clock import now
from core.errors import NotFound
from core.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    commands.init_app(app)
    health.init_app(app, settings)
    transfer.init_app(app)
    kept.init_app(app)
    app.add_template_filter(markup.safe, "html")
    app.add_template_filter(i18n.isolated, "bdi")
    app.add_template_filter(shade)
    app.add_template_global(web.absolute, "absolute")
    app.add_template_global(address, "url_for")
    _add_static_files(app)
    _add_pages(app, settings)

    @app.context_processor
    def _context() -> dict[str, Any]:
        return {
            "site_name": settings.site_name,
            "locale": i18n.locale(),
            "is_demo": settings.demo,
            "footer_links": [
                (gettext("About"), url_for("about")),
                (gettext("News as a feed"), url_for("forum.latest_feed")),
            ],
        }


@lru_cache(maxsize=4096)
def shade(handle: str) -> int:
    """Return which of eight shades a handle has: always the same one, without storing it."""
    value = 0
    for letter in handle[:12].lower():
        value = (value * 3 + "abcdefghijklmnopqrstuvwxyz0123456789".find(letter) + 1) % 8
    return value


def address(endpoint: str, **values: Any) -> str:
    """Return the path of an endpoint as `url_for` does; pages have dozens, and most of them again and again."""
    if endpoint.startswith(".") or any(name.startswith("_") for name in values):
        return url_for(endpoint, **values)
    try:
        return _path(endpoint, request.script_root, tuple(values.items()))
    except TypeError:  # a list, say, cannot be remembered
        return url_for(endpoint, **values)


@lru_cache(maxsize=8192)
def _path(endpoint: str, _script_root: str, values: tuple[tuple[str, Any], ...]) -> str:
    return url_for(endpoint, **dict(values))


def _add_static_files(app: Flask) -> None:
    static = Path(app.static_folder or "static")
    version = web.static_version(static)
    sheet = stylesheet.joined(static / "css/klinke.css")

    @app.url_defaults
    def _mark_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("v", version)

    @app.get("/static/css/klinke.css")
    def klinke_css() -> Response:
        return Response(sheet, content_type="text/css; charset=utf-8")


def _add_pages(app: Flask, settings: Settings) -> None:
    @app.get("/about")
    def about() -> str:
        return render_template("about.html")

    @app.get("/robots.txt")
    def robots() -> Response:
        lines = ["User-agent: *", "Disallow: /ask", "Disallow: /search", "Disallow: /api/"]
        lines.append(f"Sitemap: {settings.base_url}/sitemap.xml")
        return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")

    @app.get("/styleguide")
    def styleguide() -> str:
        if not (app.debug or settings.demo):
            raise NotFound
        return render_template("styleguide.html", now=now())
