"""The pages of the knowledge base: reading, writing, and promoting answers."""

from flask import Flask

from forum import sitemaps
from kb.views import keeping, looking, promoting, reading, retiring, writing
from kb.views.edge import bp

__all__ = ["init_app", "keeping", "looking", "promoting", "reading", "retiring", "writing"]


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)
    sitemaps.contribute("kb", reading.places)
