"""What has been learnt: articles, their faces, where they came from and where they were used."""

from flask import Flask

from kb.api import api as api  # the room's calls; the module of the same name is of no use to others


def init_app(app: Flask) -> None:
    """Bring the room into the application."""
    from kb import cli, listeners, transfer, views  # noqa: F401 -- listeners register themselves
    from kb.source import Articles
    from search import registry

    views.init_app(app)
    registry.register(Articles(), app)
    transfer.init_app()
    app.cli.add_command(cli.kb)
