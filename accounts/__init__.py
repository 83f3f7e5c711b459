from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _l

from core.api import Api

api = Api("accounts")


def init_app(app: Flask) -> None:
    """Bring the room into the application."""
    from accounts import (  # noqa: F401 -- views and listeners register themselves
        admin,
        admin_views,
        cli,
        listeners,
        loaders,
        penalty_views,
        people,
        settings_views,
        transfer,
        views,
    )

    loaders.init_app(app)
    app.register_blueprint(views.bp)
    cli.init_app(app)
    transfer.init_app()
    admin.contribute(_l("People"), "accounts.people_list", "admin", text=_l("Who is here, who may do what."))
    admin.contribute(_l("Log"), "accounts.audit_log", "admin", text=_l("What the team did, when and why."))

    app.add_template_global(people.named)

    @app.context_processor
    def _context() -> dict[str, Any]:
        return {"theme": views.theme()}
