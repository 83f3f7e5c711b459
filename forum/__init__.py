"""Asking, answering, accepting, moderating, notifying."""

from flask import Flask
from flask_babel import lazy_gettext as _l

from forum.api import api as api  # the room's calls; the module of the same name is of no use to others


def init_app(app: Flask) -> None:
    """Bring the room into the application."""
    from accounts import admin, people, staged
    from core.commands import STARTERS
    from core.health import DOCTOR_CHECKS
    from core.transfer import import_group
    from forum import (  # noqa: F401 -- listeners and chores register themselves
        alarms,
        appeals,
        asking_back,
        assigning,
        authorship,
        canned,
        categories,
        cli,
        counters,
        credit,
        crediting,
        guest_follows,
        listeners,
        naming,
        notices,
        queries,
        questions_by_mail,
        reminding,
        reviewing,
        suggested_edits,
        transfer,
        transfer_beside,
        views,
        words,
    )
    from forum.source import Topics
    from search import labels, registry

    views.init_app(app)
    registry.register(Topics(), app)
    labels.register("category", "forum", queries.category_names)
    transfer.init_app()
    transfer_beside.init_app()
    naming.init_app()
    import_group.add_command(cli.import_stackexchange)
    app.cli.add_command(cli.forum)
    app.cli.add_command(cli.mail)
    STARTERS["forum"] = categories.make_first
    admin.contribute(
        _l("Categories"), "forum.category_list", "admin", text=_l("What people choose from when they ask.")
    )
    admin.contribute(
        _l("Tags"), "forum.tag_list", "admin", text=_l("Other words for them, and which only the team gives.")
    )
    admin.contribute(
        _l("Watched words"), "forum.word_list", "admin", text=_l("Words that are refused, held, replaced or linked.")
    )
    admin.contribute(
        _l("Personal data"),
        "forum.personal_rules",
        "admin",
        text=_l("What your own numbers look like, and what is nobody’s secret."),
    )
    if words.check_name not in people.NAME_CHECKS:
        people.NAME_CHECKS.append(words.check_name)
        people.ABOUT_CHECKS.append(words.check_about)
    if authorship.move not in staged.MERGERS:
        staged.MERGERS.append(authorship.move)
    reviewing.contribute("appeals", appeals.waiting)
    reviewing.contribute("suggested edits", suggested_edits.waiting)
    DOCTOR_CHECKS["forum counters"] = counters.complaints
