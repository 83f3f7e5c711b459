"""Asking, answering, accepting, moderating, notifying."""

from flask import Flask

from core.api import Api

api = Api("forum")


def init_app(app: Flask) -> None:
    """Bring the room into the application."""
    from forum import listeners  # noqa: F401 -- importing it registers its functions
