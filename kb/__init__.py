from flask import Flask

from core.api import Api

api = Api("kb")


def init_app(app: Flask) -> None:
    """Bring the room into the application."""
