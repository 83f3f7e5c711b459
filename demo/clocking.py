"""What the demonstration promises to those who write on the Marktplatz, who decides when it is late, and a team."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from sqlalchemy import select

from accounts.models import User
from core.clock import now
from core.db import db
from demo import channel as channels
from desk import escalation, goodwill, sla, teams
from desk.models import Conversation

WEEK: Final = ("8-20",) * 5 + ("9-14", "")
MINUTES: Final = {
    "first_minutes": 60,
    "hard_minutes": 360,
    "next_minutes": 120,
    "solution_minutes": 2880,
    "warn_minutes": 15,
}
GIVEN: Final = (
    ("15.00", "Drei Tage ohne Netz, und zweimal vergeblich auf den Termin gewartet."),
    ("40.00", "Der Router kam zweimal defekt an; ein Monat Grundgebühr für die Geduld."),
)


def begin(everybody: Mapping[str, User]) -> None:
    """Have an admin set up calendar, policy, ladder and team, and an agent ask for goodwill."""
    ruth, ada = everybody["ruth"], everybody["ada"]
    channel_id = channels.open_once().id
    calendar = sla.save_calendar(
        None,
        name="Kundendienst",
        time_zone="Europe/Berlin",
        region="DE-BW",
        days=WEEK,
        closed=f"{_next_christmas_eve().isoformat()} Heiligabend",
        by=ruth,
    )
    sla.save_policy(
        None,
        name="Marktplatz, werktags",
        channel_id=channel_id,
        calendar_id=calendar.id,
        from_priority=None,
        intent="",
        minutes=MINUTES,
        rests_inside=True,
        by=ruth,
    )
    team = teams.save(
        None,
        name="Erste Hilfe",
        way="turn",
        channel_ids=[channel_id],
        languages="de, en",
        skills="",
        member_ids=[ada.id, ruth.id],
        by=ruth,
    )
    teams.describe(ada, languages="de, en", skills="router, rechnungen", capacity=15, by=ruth)
    for after, decider, deputy, cents in ((0, ada, ruth, 2000), (120, ruth, None, 10_000)):
        escalation.add_step(
            channel_id=None,
            team_id=team.id,
            after_minutes=after,
            decider=decider,
            deputy=deputy,
            limit_cents=cents,
            currency="EUR",
            by=ruth,
        )
    of_plaza = select(Conversation).where(Conversation.channel_id == channel_id).order_by(Conversation.id)
    conversations = db.session.scalars(of_plaza).all()
    for conversation in conversations:
        teams.give(conversation, team, by=None)
    for (amount, reason), conversation in zip(GIVEN, conversations, strict=False):
        goodwill.ask(conversation, amount=amount, currency="EUR", reason=reason, by=ada)


def _next_christmas_eve() -> date:
    today = now().date()
    eve = date(today.year, 12, 24)
    if eve < today:
        eve = date(today.year + 1, 12, 24)
    return eve
