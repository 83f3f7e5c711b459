"""Finding, without knowing what is found."""

from flask import Flask

from core.settings import Settings
from search.api import api as api  # the room's calls; the module of the same name is of no use to others


def init_app(app: Flask) -> None:
    """Open the engine that the settings name and register the pages, the commands, the tracking and the chore."""
    from core.health import DOCTOR_CHECKS, READY_CHECKS
    from search import cli, encoders, indexer, registry, synonyms, tracking, views
    from search import log as log  # its chores register themselves
    from search.engines import Engine
    from search.engines.whoosh import WhooshEngine

    settings: Settings = app.extensions["klinke-settings"]
    encoder = encoders.chosen(settings.encoder)
    engines: dict[str, Engine] = {"whoosh": WhooshEngine(settings.data_dir / "index", encoder)}
    if not settings.is_sqlite:
        from search.engines.postgres import PostgresEngine  # and with it the driver, which SQLite has no use for

        engines["postgres"] = PostgresEngine(encoder)
    app.extensions[registry.EXTENSION] = registry.Registry(settings.search_engine, engines, encoder)
    tracking.init_app(app)
    synonyms.init_app(app)
    app.register_blueprint(views.bp)
    app.cli.add_command(cli.search)
    READY_CHECKS["index"] = indexer.why_not_ready
    DOCTOR_CHECKS["search"] = indexer.complaints
