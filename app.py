"""The composition root: it knows every room, and no room knows it."""

from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate

import accounts
import demo
import desk
import forum
import kb
import search
from core import api, db, i18n, ready, settings, shell, web
from core.forms import csrf

HERE = Path(__file__).parent
ROOMS = (accounts, search, forum, kb, desk)


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Build the application from settings (`environ`, by default the process's own)."""
    chosen = settings.read(environ)
    app = Flask("app", root_path=str(HERE), template_folder="templates", static_folder="static")
    app.extensions["klinke-settings"] = chosen
    ready.stand_at_the_door(app, chosen)
    web.init_app(app, chosen)
    db.init_app(app, chosen)
    csrf.init_app(app)
    i18n.init_app(app, chosen)
    Migrate(app, db.db, directory=str(HERE / "migrations"), render_as_batch=True)
    for room in ROOMS:
        room.init_app(app)
    demo.init_app(app)
    ready.init_app(app)
    api.init_app(app, [room.api for room in ROOMS])
    shell.init_app(app, chosen)
    return app
