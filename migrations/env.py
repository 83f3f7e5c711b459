"""Alembic's entry: the application's own engine and tables."""

from alembic import context
from flask import current_app

database = current_app.extensions["migrate"].db


def run() -> None:
    if context.is_offline_mode():
        context.configure(
            url=current_app.config["SQLALCHEMY_DATABASE_URI"], target_metadata=database.metadata, literal_binds=True
        )
        with context.begin_transaction():
            context.run_migrations()
        return
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_as_batch=True,
            compare_type=True,
            user_module_prefix="core.db.",
        )
        with context.begin_transaction():
            context.run_migrations()


run()
