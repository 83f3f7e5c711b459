"""What has been learnt: articles, their faces, where they came from and where they were used."""

from flask import Flask
from flask_babel import lazy_gettext as _l

from kb.api import api as api  # the room's calls; the module of the same name is of no use to others


def init_app(app: Flask) -> None:
    """Bring the room into the application."""
    from accounts import admin
    from core.ending import ENDERS
    from forum import follows, images, inserting, marks, reviewing, targets
    from kb import (  # noqa: F401 -- listeners register themselves
        cli,
        decay,
        doubts,
        face_debts,
        following,
        judging,
        keeping_up,
        likeness,
        links,
        listeners,
        planning,
        products,
        promotion,
        queries,
        readings,
        sent_links,
        tasks,
        transfer,
        transfer_beside,
        translators,
        views,
    )
    from kb import marks as kb_marks
    from kb.archive import Archive
    from kb.inserting import Articles as Insertable
    from kb.pictures import Articles as Pictured
    from kb.source import Articles
    from search import labels, registry

    views.init_app(app)
    registry.register(Articles(), app)
    registry.register(Archive(), app)
    targets.register("article", r"/kb/(\d{1,18})(?:-[^/]*)?/?")
    labels.register("category", "kb", queries.section_names)
    labels.register("product", "kb", products.names)
    labels.understand("product", products.meant)
    images.HOLDERS[:] = [Pictured()]
    inserting.contribute("article", Insertable())
    transfer.init_app()
    ENDERS["readings"] = readings.write_down
    transfer_beside.init_app()
    app.cli.add_command(cli.kb)
    marks.contribute("nominations", kb_marks.of_answers)
    follows.contribute(following.KIND, following.Articles())
    reviewing.contribute("nominations", promotion.waiting)
    reviewing.contribute("doubts", doubts.waiting)
    admin.contribute(
        _l("What people look for"), "kb.searches", "admin", text=_l("Searches that found nothing or did not help.")
    )
    reviewing.contribute("needs", tasks.waiting)
    inserting.ask_after("article", judging.Question())
    admin.contribute(
        _l("Checks of articles"), "kb.check_rules", "admin", text=_l("How often articles are looked at again.")
    )
    admin.contribute(_l("Synonyms"), "kb.synonym_list", "admin", text=_l("Words that mean the same to the search."))
