"""The demonstration: an invented community and a market square to walk the loop on. It stands above every room."""

from flask import Flask

from core.settings import Settings
from demo import models as models  # the table belongs to the schema of every installation


def init_app(app: Flask) -> None:
    """Bring the demonstration into the application, where the settings ask for it."""
    settings: Settings = app.extensions["klinke-settings"]
    if not settings.demo:
        return
    from core.commands import STARTERS
    from demo import load, views

    app.register_blueprint(views.bp)
    STARTERS["demo"] = lambda: [*load.start(), f"Write to the desk as a passer-by: {settings.base_url}/demo/plaza"]
