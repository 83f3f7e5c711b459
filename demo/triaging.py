"""What the desk of the demo community sorts by itself, and what three customers write about at once."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from accounts.models import User
from core.clock import now
from core.db import db
from demo import channel as channels
from demo.models import PlazaPost
from desk import inbox
from desk.channels.base import IncomingMessage
from desk.triage import rules

RULES: Final[tuple[tuple[str, dict[str, object], dict[str, object]], ...]] = (
    ("Lob weitersagen", {"intents": ["praise"]}, {"tag": "lob"}),
    ("Umzug", {"words": "umzug, ziehe um, ziehen um, moving house"}, {"tag": "umzug"}),
    ("Viele hören zu", {"intents": ["complaint"], "reach_from": 5000}, {"alert": True}),
)
SAID: Final[tuple[tuple[str, str, int, int], ...]] = (
    ("wiebke", "Seit heute früh leuchtet mein Router rot und das Internet ist weg, hier im Lindenviertel.", 40, 52),
    ("tarek", "Internet weg seit heute früh, der Router leuchtet rot. Lindenviertel.", 12, 45),
    ("lotte_liest", "Im Lindenviertel leuchtet der Router rot, Internet ist seit heute früh weg.", 8400, 31),
    ("opa_heinz", "Danke an die freundliche Dame am Telefon, jetzt klappt das Fernsehen wieder. Sehr geduldig!", 3, 24),
)
"""Who wrote what on the Marktplatz, how many follow them, and how many minutes ago."""


def begin(everybody: Mapping[str, User]) -> None:
    """Have the rules written, and let the customers write."""
    for name, conditions, deeds in RULES:
        rule = rules.write(None, name=name, conditions=conditions, deeds=deeds, stops=False, by=everybody["ruth"])
        rules.switch(rule, on=True, by=everybody["ruth"])
    on = channels.open_once()
    for handle, text, reach, ago in SAID:
        at = now() - timedelta(minutes=ago)
        post = PlazaPost(
            external_id=f"demo:{handle}",
            thread=f"demo-thread-{handle}",
            handle=channels.address(handle),
            name=handle,
            text=text,
            created_at=at,
        )
        db.session.add(post)
        inbox.receive(
            on,
            IncomingMessage(
                conversation=post.thread,
                id=post.external_id,
                text=text,
                created_at=at,
                is_public=True,
                handle=post.handle,
                name=handle,
                reach=reach,
            ),
        )
    db.session.flush()
