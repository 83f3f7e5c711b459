"""The demonstration community: read from a file, moved to the present, and woken up by the deeds of its own people."""

import json
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, update

from accounts import passwords, people
from accounts.models import User
from core import pictures, transfer
from core.clock import now
from core.db import db
from core.unique import add_once
from demo import channel as channels
from demo import (
    clocking,
    helping,
    keeping,
    knowing,
    measuring,
    ordering,
    products,
    promising,
    recalling,
    sending,
    together,
    triaging,
    writing,
)
from demo import desk as desk_work
from demo.models import PlazaPost
from desk.models import Conversation, Message
from forum import (
    addresses,
    answers,
    arranging,
    categories,
    closing,
    experiences,
    flags,
    follows,
    guests,
    images,
    me_too,
    moderation,
    notes,
    objections,
    official,
    personal_data,
    points,
    queries,
    questions_by_mail,
    suggested_edits,
    tags,
    trust,
    votes,
)
from forum.models import Acceptance, Category, Closing, Muting, Post, Topic
from kb import following, promotion
from kb.models import Article, ArticleReading

COMMUNITY: Final = Path(__file__).with_name("community.jsonl")
SCREENSHOT: Final = Path(__file__).with_name("screenshot.png")
PASSWORD: Final = "klinke-demo-2026"  # noqa: S105 -- invented people, and only where KLINKE_DEMO says so
FRESHEST: Final = timedelta(minutes=6)
"""How old the newest thing in the community is when it is loaded."""
MOMENTS: Final = frozenset({"created", "edited", "accepted_at"})
PREFIX: Final = "ulmenfunk:"

ACCOUNTS: Final[Mapping[str, tuple[str, str]]] = {
    "anna": ("member", "asks and answers"),
    "jonas": ("member", "another one, who answers"),
    "mira": ("trusted", "may choose the solution for others"),
    "ada": ("agent", "works at the desk"),
    "mo": ("moderator", "mutes, and gives the reason"),
    "emil": ("editor", "makes articles of answers"),
    "ruth": ("admin", "may do everything"),
}
"""Who can sign in: handle -> role, and what they are for."""
PICTURED: Final = "t12"
PICTURED_WORDS: Final = "So sieht es dann aus:"
PICTURED_ALT: Final = "Ein Kreis bei 90 %, darunter die Meldung Zeitüberschreitung (E-204)"
ACCEPTED: Final = ("t02-a1", "t05-a1", "t12-a1", "t22-a1", "t30-a1")
"""Answers that their askers accept as the community wakes up, so that they wait for an editor."""
VOTED: Final[Mapping[str, tuple[str, ...]]] = {
    "t01-a1": ("jonas", "emil", "ruth"),
    "t02-a1": ("anna", "mira", "mo"),
    "t04-a1": ("anna", "jonas"),
    "t05-a1": ("anna", "mira"),
    "t12-a1": ("anna", "mira", "ada"),
    "t15-a1": ("jonas", "mira", "mo"),
    "t21-a1": ("anna", "mira", "emil"),
    "t27-a1": ("jonas", "mira"),
    "t30-a1": ("anna", "mo"),
    "t31-a1": ("jonas", "mira", "ada"),
}
TRIED: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "t01-a1": (("klara", "", ""), ("farid", "Birke 3", ""), ("greta", "Birke 2", "Den Punkt gibt es im Menü nicht.")),
    "t06-a1": (
        ("bettina", "Kiesel 2", "Mit neuen Batterien war nach vier Wochen wieder Schluss."),
        ("klara", "Kiesel 2", "Die Einstellung war schon so, geholfen hat es nicht."),
    ),
    "t27-a1": (("nora", "", ""), ("priya", "Kiesel 1", "")),
}
"""What people say of a solution: who, with which version, and what went wrong, if anything."""
EXAMPLES: Final = ("192.0.2", "198.51.100", "203.0.113")
"""Networks that belong to nobody (RFC 5737): where the guests come from."""
OFFICIAL: Final = "t08-a1"
NOMINATED: Final = "t17-a2"
"""An answer that a trusted member nominates."""
PERSONAL: Final = (("UF-######", "find"), ("@ulmenfunk.example", "allow"))
"""What the numbers of the house look like, and whose addresses are nobody's secret."""
NOTED: Final = "t20"
NOTE: Final = "Drei Anrufe dazu heute. Die Technik prüft, ob die Nachtabschaltung nach dem Update von selbst angeht."
RULES: Final[Mapping[str, tuple[bool, int | None]]] = {"app": (True, None), "invoices": (False, 24 * 14)}
"""Whether a question may have several solutions there, and after how many hours a solved one rests."""
OBJECTION: Final = "Es sind meine eigenen Daten, und die Kundennummer nehme ich gern heraus. Reicht das?"
MUTED_UNTIL: Final = "Bitte nehmen Sie Namen, Anschrift und Kundennummer heraus."
FOLLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "t03": ("anna", "mira"),
    "t07": ("anna",),
    "t16": ("jonas", "mira"),
    "t18": ("anna", "mira", "ada"),
    "t34": ("jonas", "emil"),
}
SAME_PROBLEM: Final[Mapping[str, tuple[str, ...]]] = {
    "t03": ("jonas", "mira"),
    "t07": ("anna", "emil", "mira"),
    "t16": ("anna",),
}
WATCHED: Final[Mapping[str, str]] = {"router": "first", "app": "everything"}
"""What Jonas follows, as somebody who likes to help, and at which level."""
MUTED: Final = "t11"
MUTED_BECAUSE: Final = (
    "Der Beitrag enthält Kundennummer, Anschrift und Geburtstag. Zum Schutz von Frau Wiesner verborgen; "
    "Ada klärt den Vertrag mit ihr persönlich."
)
SAME: Final[Mapping[str, str]] = {"t20": "t01"}
"""What was asked before: the moderator closed it and it leads there."""
PINNED: Final = ("t15", "t32")
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "wlan": ("w-lan", "funknetz"),
    "wifi": ("wi-fi", "wireless"),
    "konto": ("kundenkonto",),
}
"""Other words for tags."""
FLAGGED: Final = "t07-a2"
FLAGGED_BY: Final[Mapping[str, tuple[str, str]]] = {
    "klara": ("off_topic", "Die Frage war nach der Erkennung ohne Kontakte. Als eigene Frage wäre das schön."),
    "farid": ("spam", "Klingt ein wenig nach Werbung für das Zubehör, ist aber sicher nicht so gemeint."),
}
BETTERED: Final = "t17-a2"
BETTERED_BY: Final = "klara"
BETTER: Final = ("nicht unter 15 Grad", "nicht unter 15 Grad, in Schlafräumen nicht unter 16")
BETTERED_BECAUSE: Final = "In Schlafräumen ist die Luft feuchter; mit 15 Grad hatten wir Schimmel."
NEWCOMER: Final = "wanda"
WELCOMED: Final = "t16"
FIRST_ANSWER: Final = (
    "Ich bin neu hier und habe es bei uns so gelöst: Der Drucker hängt am Gastnetz, und wer zu Besuch ist, bekommt "
    "nur dessen Namen. Ausdrucken geht, an den Rest kommt niemand heran."
)
MAILED: Final[Mapping[str, str]] = {
    "sender": "oda.brandt@post.example",
    "title": "Die Birke findet nach dem Stromausfall kein Netz mehr",
    "source": (
        "Guten Tag, seit dem Stromausfall am Sonntag leuchtet die Birke gelb und findet kein Netz mehr. Aus- und "
        "Einschalten habe ich versucht, zweimal. Meine Kundennummer ist UF-204117, falls Sie die brauchen."
    ),
}
"""A question that came by mail, from somebody nobody knows; the number in it is taken out."""
ARTICLES_FOLLOWED: Final[Mapping[str, tuple[str, ...]]] = {"a06": ("anna", "jonas"), "a01": ("klara",)}
DRAFTED: Final = "t27-a1"
DECLINED: Final = "t26-a1"
DECLINED_BECAUSE: Final = "Die App führt unter „Hilfe → Adapter“ schon durch diese Schritte, mit Bildern."


def start() -> list[str]:
    """Load the community unless it is there; return what to print: what went wrong, if anything, and the accounts."""
    troubles = [] if is_loaded() else [f"line {number}: {reason}" for number, reason in load().skipped]
    return [*troubles, *accounts_table()]


def is_loaded() -> bool:
    """Tell whether the community is awake; a load that was interrupted leaves its people asleep and is repeated."""
    ada = people.by_source_id(PREFIX + "ada")
    return ada is not None and not ada.is_staged


def load(moment: datetime | None = None) -> transfer.Report:
    """Read the community as of `moment` and wake it up; commits."""
    channels.open_once()
    db.session.commit()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / COMMUNITY.name
        path.write_text(shifted(moment or now()), encoding="utf-8")
        report = transfer.read_jsonl(path)
    if not is_loaded():
        _wake_up()
        db.session.commit()
    return report


def shifted(moment: datetime) -> str:
    """Return the lines with all moments moved by the same time, so that the newest is some minutes before `moment`."""
    records = [json.loads(line) for line in COMMUNITY.read_text(encoding="utf-8").splitlines()]
    newest = max(found for record in records for found in _moments(record))
    offset = timedelta(seconds=round((moment - FRESHEST - newest).total_seconds()))
    return "".join(json.dumps(_moved(record, offset), ensure_ascii=False) + "\n" for record in records)


def accounts_table() -> list[str]:
    """Return the accounts that can sign in, as lines for a terminal."""
    handles, roles = max(map(len, ACCOUNTS)), max(len(role) for role, _what in ACCOUNTS.values())
    rows = [f"  {handle:<{handles}}  {role:<{roles}}  {what}" for handle, (role, what) in ACCOUNTS.items()]
    return [f"Demo accounts, all with the password {PASSWORD}:", *rows]


def _moments(value: Any) -> list[datetime]:
    if isinstance(value, list):
        return [found for part in value for found in _moments(part)]
    if not isinstance(value, dict):
        return []
    here = [datetime.fromisoformat(part) for name, part in value.items() if name in MOMENTS]
    return here + [found for part in value.values() for found in _moments(part)]


def _moved(value: Any, offset: timedelta) -> Any:
    if isinstance(value, list):
        return [_moved(part, offset) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        name: transfer.iso(datetime.fromisoformat(part) + offset) if name in MOMENTS else _moved(part, offset)
        for name, part in value.items()
    }


def _wake_up() -> None:
    """Make the imported people real and have them do what an import cannot bring."""
    # One hash for all, since everybody may know what it hides; slow, so made before anything is written.
    password_hash = passwords.hashed(PASSWORD)
    everybody = {
        str(user.source_id).removeprefix(PREFIX): user
        for user in db.session.scalars(select(User).where(User.source_id.startswith(PREFIX)))
    }
    for handle, user in everybody.items():
        user.is_staged = False
        user.licence_accepted_at = user.created_at
        people.confirm_email(user)
        if handle in ACCOUNTS:
            people.change_password(user, password_hash=password_hash)
    db.session.flush()
    _follow(everybody)
    _accept()
    for source_id, handles in VOTED.items():
        for handle in handles:
            votes.vote(_post(source_id), by=everybody[handle])
    _try(everybody)
    official.declare(_post(OFFICIAL), by=everybody["ada"])
    notes.write(_topic(NOTED), text=NOTE, by=everybody["mo"])
    _set_rules(by=everybody["ruth"])
    _show_screenshot()
    _mute(by=everybody["mo"])
    _arrange(by=everybody["mo"], admin=everybody["ruth"])
    helping.begin(everybody, _topic, _post)
    asker = _topic(MUTED).asker
    assert asker is not None  # noqa: S101 -- for the type checker: the file names one
    objections.raise_against(_question(MUTED), text=OBJECTION, by=asker)
    _fill_the_queue(everybody)
    _nominate(by=everybody["emil"])
    for words, deed in PERSONAL:
        personal_data.add(words, deed=deed, by=everybody["ruth"])
    keeping.begin(everybody, _article)
    promising.begin(everybody)
    measuring.begin(everybody)
    products.begin(everybody, _article)
    recalling.begin(everybody, _article)
    clocking.begin(everybody)
    knowing.begin(everybody)
    writing.begin(everybody)
    _open_plaza()
    triaging.begin(everybody)
    ordering.begin(everybody)
    desk_work.begin(agent=everybody["ada"], admin=everybody["ruth"])
    sending.begin(everybody)
    together.begin(everybody)
    _count_what_helped(everybody)


def _count_what_helped(everybody: Mapping[str, User]) -> None:
    """Have guests call answers helpful, articles be read, and settle what that and the rest is worth."""
    for place, source_id in enumerate(VOTED):
        for network in EXAMPLES[: 1 + place % 3]:
            guests.vote(_post(source_id), by=guests.guest_at(f"{network}.{place}"))
    shown = select(Article).where(Article.published_id.is_not(None)).order_by(Article.id)
    for place, article in enumerate(db.session.scalars(shown).unique()):
        db.session.add(ArticleReading(article_id=article.id, day=now().date(), count=40 + place * 17))
    db.session.flush()
    while posts := points.wrong_posts():
        points.settle(posts)
    for user in everybody.values():
        trust.weigh(user.id)


def _follow(everybody: Mapping[str, User]) -> None:
    topics = db.session.scalars(select(Topic).where(Topic.source_id.startswith(PREFIX)).order_by(Topic.id)).unique()
    for topic in topics:
        if topic.asker is not None:
            follows.follow(topic, by=topic.asker)
    for source_id, handles in FOLLOWED.items():
        for handle in handles:
            follows.follow(_topic(source_id), by=everybody[handle])
    for source_id, handles in SAME_PROBLEM.items():
        for handle in handles:
            me_too.say(_topic(source_id), by=everybody[handle])
    for source_id, handles in ARTICLES_FOLLOWED.items():
        article = _article(source_id)
        for handle in handles:
            following.follow(article, by=everybody[handle])
    for slug, level in WATCHED.items():
        follows.choose(queries.category(slug), level, by=everybody["jonas"])


def _article(source_id: str) -> Article:
    return db.session.scalars(select(Article).where(Article.source_id == PREFIX + source_id)).unique().one()


def _accept() -> None:
    for source_id in ACCEPTED:
        post = _post(source_id)
        asker = post.topic.asker
        assert asker is not None  # noqa: S101 -- for the type checker: the file names one
        acceptance = answers.accept(post, by=asker)
        # They thanked in a comment, and that is when it was solved.
        thanked = select(Post.created_at).where(Post.parent_id == post.id, Post.author_id == asker.id)
        at = db.session.scalar(thanked.order_by(Post.id).limit(1))
        db.session.execute(update(Acceptance).where(Acceptance.id == acceptance.id).values(at=at))


def _try(everybody: Mapping[str, User]) -> None:
    for source_id, told in TRIED.items():
        for handle, version, words in told:
            by = everybody[handle]
            experiences.tell(_post(source_id), has_worked=not words, version=version, words=words, by=by)


def _set_rules(*, by: User) -> None:
    for slug, (accepts_several, hours) in RULES.items():
        category = db.session.scalars(select(Category).where(Category.slug == slug)).one()
        categories.set_rules(category, accepts_several=accepts_several, closes_after_hours=hours, by=by)


def _show_screenshot() -> None:
    """Let an asker show what the question tells."""
    question = next(post for post in _topic(PICTURED).posts if post.kind == "question")
    asker = question.author
    assert asker is not None  # noqa: S101 -- for the type checker: the file names one
    image = images.keep(pictures.redraw(SCREENSHOT.read_bytes(), megabytes=1, megapixels=1), by=asker)
    answers.comment(
        question,
        source=f"{PICTURED_WORDS}\n\n![{PICTURED_ALT}]({addresses.of_image(image)})",
        by=asker,
        created_at=question.created_at + timedelta(minutes=2),
    )


def _mute(*, by: User) -> None:
    topic = _topic(MUTED)
    muting = moderation.mute(topic, by=by, reason=MUTED_BECAUSE, rule="personal_data", wanted=MUTED_UNTIL)
    db.session.execute(update(Muting).where(Muting.id == muting.id).values(at=topic.last_activity_at))


def _arrange(*, by: User, admin: User) -> None:
    for source_id, target in SAME.items():
        topic = _topic(source_id)
        closed = closing.close_as_duplicate(topic, target=_topic(target), by=by)
        db.session.execute(update(Closing).where(Closing.id == closed.id).values(at=topic.last_activity_at))
    for source_id in PINNED:
        arranging.pin(_topic(source_id), by=by)
    for name, words in WORDS.items():
        tag = tags.make(name, by=admin)
        for word in words:
            tags.add_synonym(tag, word=word, by=admin)


def _fill_the_queue(everybody: Mapping[str, User]) -> None:
    """Have something wait for the moderator: two reports, a suggested change, and the first answer of somebody new."""
    for handle, (reason, words) in FLAGGED_BY.items():
        flags.flag(_post(FLAGGED), reason=reason, words=words, by=everybody[handle])
    answer = _post(BETTERED)
    suggested_edits.suggest(
        answer,
        source=answer.source.replace(*BETTER),
        reason=BETTERED_BECAUSE,
        version=answer.version,
        by=everybody[BETTERED_BY],
    )
    wanda = people.create(NEWCOMER, name="Wanda Kröger", email=f"{NEWCOMER}@ulmenfunk.test", locale="de")
    wanda.licence_accepted_at = wanda.created_at
    answer = answers.post(_topic(WELCOMED), source=FIRST_ANSWER, by=wanda)
    answer.created_at = now() - 2 * FRESHEST
    mailed = questions_by_mail.ask_for_stranger(
        MAILED["sender"],
        title=MAILED["title"],
        source=MAILED["source"],
        locale="de",
        category=queries.category("router"),
    )
    mailed.created_at = mailed.last_activity_at = mailed.posts[0].created_at = now() - 3 * FRESHEST


def _nominate(*, by: User) -> None:
    promotion.nominate_by_hand(_post(NOMINATED), by=people.by_handle("mira") or by)
    for _post_id in promotion.nominate_all():
        pass
    promotion.draft_from_post(_post(DRAFTED), by=by)
    declined = promotion.of_post(_post(DECLINED))
    assert declined is not None  # noqa: S101 -- for the type checker: nominated three lines above
    promotion.decline(declined, by=by, reason=DECLINED_BECAUSE)


def _open_plaza() -> None:
    """Put up on the Marktplatz what was said there according to the desk."""
    said = (
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.channel_id == channels.open_once().id, Message.is_public)
        .order_by(Message.created_at, Message.id)
    )
    for message in db.session.scalars(said):
        is_official = message.direction == "out"
        contact = message.conversation.contact
        add_once(
            PlazaPost,
            external_id=f"import:{message.source_id or message.external_id}",
            thread=message.conversation.external_id,
            handle=channels.address(channels.HOUSE) if is_official else contact.handle,
            name=channels.HOUSE_NAME if is_official else contact.name,
            text=message.text,
            is_official=is_official,
            created_at=message.created_at,
        )


def _topic(source_id: str) -> Topic:
    return db.session.scalars(select(Topic).where(Topic.source_id == PREFIX + source_id)).unique().one()


def _question(source_id: str) -> Post:
    of_topic = select(Post).where(Post.topic_id == _topic(source_id).id, Post.kind == "question")
    return db.session.scalars(of_topic).unique().one()


def _post(source_id: str) -> Post:
    return db.session.scalars(select(Post).where(Post.source_id == PREFIX + source_id)).unique().one()
