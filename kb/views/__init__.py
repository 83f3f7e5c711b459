"""The pages of the knowledge base: reading, writing, and promoting answers."""

from flask import Flask

from forum import sitemaps
from kb.views import figures, gaps, looking, promoting, reading, telling, writing
from kb.views.edge import bp

__all__ = ["figures", "gaps", "init_app", "looking", "promoting", "reading", "telling", "writing"]


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)
    sitemaps.contribute("kb", telling.places)
    sitemaps.contribute_many("articles", telling.Written())
