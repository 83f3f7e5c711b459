"""The agents' desk: what customers write elsewhere, what may help, and what is answered."""

from flask import Flask
from flask_babel import lazy_gettext as _l

from desk.api import api as api  # the room's calls; the module of the same name is of no use to others


def init_app(app: Flask) -> None:
    """Bring the room into the application."""
    from accounts import admin
    from core.health import READY_CHECKS
    from desk import (  # noqa: F401 -- listeners register themselves
        asking,
        block_reading,
        block_transfer,
        bystanders,
        call_backs,
        calls,
        card_words,
        carrying,
        cli,
        connections,
        credit,
        deafness,
        drafting,
        elsewhere,
        escalation,
        figures,
        finding,
        forgetting,
        forgotten,
        gaps,
        heat,
        inside,
        leading,
        limits,
        linting,
        listeners,
        moving_house,
        naming,
        nightly,
        person_models,
        polling,
        presence,
        private_to_public,
        promise_models,
        promises,
        retention,
        returning,
        shared_drafts,
        side_talks,
        solving,
        team_views,
        telling,
        transfer,
        views,
        watch_lists,
        watching,
        worth,
    )
    from desk.channels import archive, bluesky, feeds, mail, mastodon, phone, webhook  # noqa: F401 -- a kind registers itself
    from desk.lint import cli as lint_cli
    from desk.triage import cli as triage_cli
    from desk.triage import in_inbox, incidents, receiving, spikes  # noqa: F401 -- listeners register themselves
    from search import registry

    app.register_blueprint(views.bp)
    registry.register(finding.Blocks(), app)
    app.cli.add_command(cli.channels)
    app.cli.add_command(cli.contacts)
    app.cli.add_command(cli.retention_group)
    app.cli.add_command(triage_cli.triage)
    app.cli.add_command(lint_cli.lint)
    transfer.init_app()
    block_transfer.init_app()
    moving_house.init_app()
    spikes.init_app()
    READY_CHECKS["channels"] = connections.complaint
    admin.contribute(
        _l("Teams"), "desk.team_list", "lead", text=_l("Who works together, and how new conversations find somebody.")
    )
    admin.contribute(
        _l("Clocks"),
        "desk.clock_rules",
        "admin",
        text=_l("Until when customers are to have an answer, and who decides."),
    )
    admin.contribute(
        _l("The order of the queue"),
        "desk.priority_page",
        "admin",
        text=_l("How much each part counts for who is first."),
    )
    admin.contribute(
        _l("Rules of the desk"), "desk.rule_list", "admin", text=_l("What happens by itself to what customers write.")
    )
    admin.contribute(
        _l("Channels"), "desk.channels", "admin", text=_l("Where customers write, and how it has been going.")
    )
    admin.contribute(
        _l("Deliveries of webhooks"),
        "desk.delivery_list",
        "lead",
        text=_l("What other programs delivered and were handed, what came of it, and doing it once more."),
    )
    admin.contribute(_l("Roles of the desk"), "desk.roles_page", "lead", text=_l("Who may do what at the desk."))
    admin.contribute(
        _l("Webhooks"), "desk.webhook_list", "admin", text=_l("Which other programs are told of what happens here.")
    )
    admin.contribute(
        _l("How long words are kept"),
        "desk.retention_page",
        "admin",
        text=_l("When the words of closed conversations go, public and private ones."),
    )
    admin.contribute(
        _l("Questions to closed cases"),
        "desk.criteria",
        "admin",
        text=_l("By what colleagues look at each other’s closed cases."),
    )
    admin.contribute(
        _l("Customer cards"),
        "desk.card_sources",
        "admin",
        text=_l("What other systems of the house know about customers, and for what agents may ask."),
    )
