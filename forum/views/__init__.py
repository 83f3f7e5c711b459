"""The forum's pages. They find, do, commit and send you on."""

import functools
from typing import Any

from flask import Flask
from flask_login import current_user
from werkzeug.local import LocalProxy

from forum import notifications, reading
from forum.views import (
    aging,
    answering,
    arranging,
    asking,
    bulk,
    by_mail,
    curating,
    deciding,
    flagging,
    following,
    guest_following,
    helpful,
    helping,
    inserting,
    lists,
    mailed_questions,
    moderating,
    muting,
    personal,
    pictures,
    replying,
    reviewing,
    standing,
    suggesting,
    tags,
    telling,
    topic,
    trying,
    warning,
    wording,
)
from forum.views.edge import bp

__all__ = [
    "aging",
    "answering",
    "arranging",
    "asking",
    "bp",
    "bulk",
    "by_mail",
    "curating",
    "deciding",
    "flagging",
    "following",
    "guest_following",
    "helpful",
    "helping",
    "init_app",
    "inserting",
    "lists",
    "mailed_questions",
    "moderating",
    "muting",
    "personal",
    "pictures",
    "replying",
    "reviewing",
    "standing",
    "suggesting",
    "tags",
    "telling",
    "topic",
    "trying",
    "warning",
    "wording",
]


def init_app(app: Flask) -> None:
    """Register the pages, and what the layout shows of the forum on every page."""
    app.register_blueprint(bp)
    app.context_processor(_layout)
    reading.init_app(app)


def _layout() -> dict[str, Any]:
    # Counted when the frame of a page asks for it: fragments do not, and neither does the page about a broken database.
    return {"unread_count": LocalProxy(functools.cache(_unread))}


def _unread() -> int:
    return notifications.unread_count(current_user) if current_user.is_authenticated else 0
