"""The pages of the knowledge base: reading, writing, and promoting answers."""

from flask import Flask

from forum import sitemaps
from kb.views import (
    arranging,
    asking,
    blocks,
    faces,
    figures,
    gaps,
    keeping,
    looking,
    personal,
    products,
    promoting,
    publishing,
    reading,
    retiring,
    telling,
    translating,
    writing,
)
from kb.views.edge import bp

__all__ = [
    "arranging",
    "asking",
    "blocks",
    "faces",
    "figures",
    "gaps",
    "init_app",
    "keeping",
    "looking",
    "personal",
    "products",
    "promoting",
    "publishing",
    "reading",
    "retiring",
    "telling",
    "translating",
    "writing",
]


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)
    blocks.init_app(app)
    sitemaps.contribute("kb", telling.places)
    sitemaps.contribute_many("articles", telling.Written())
