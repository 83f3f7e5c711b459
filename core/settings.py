"""Settings: typed, read once from the environment, wrong values stop the start with a sentence."""

import itertools
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from flask import current_app
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from core import timezones

PREFIX = "KLINKE_"
SHORTEST_SECRET = 32
SECRET_BYTES = 48
LONGEST_PENALTY = 3650
TITLES = 3
LONGEST_STEP = 9
"""More digits than these are a slip of the finger."""


class WrongSetting(SystemExit):
    """A setting has a value that Klinke cannot start with; the message names the setting."""


def _known_database(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        message = "must begin with sqlite:/// or postgresql+psycopg://"
        raise ValueError(message)
    return url


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        message = "must be an address like https://help.example.org"
        raise ValueError(message)
    return url.rstrip("/")


def _mail_url(url: str) -> str:
    if "://" in url and urlsplit(url).scheme not in {"smtp", "smtps", "smtp+starttls"}:
        message = "must be smtp://user:password@host:port, smtps://…, smtp+starttls://… or a folder"
        raise ValueError(message)
    return url


def _mail_address(address: str) -> str:
    if address and not re.fullmatch(r"[^@\s+<>,;:\"()]{1,20}@[^@\s<>,;:\"()]{1,190}", address):
        message = "must be an address like reply@help.example.org, with at most 20 characters and no + before the @"
        raise ValueError(message)
    return address.lower()


def _redis_url(url: str) -> str:
    if url and urlsplit(url).scheme not in {"redis", "rediss"}:
        message = "must be empty or begin with redis:// or rediss://"
        raise ValueError(message)
    return url


def _known_time_zone(name: str) -> str:
    if not timezones.is_known(name):
        message = "must be the name of a time zone like Europe/Berlin"
        raise ValueError(message)
    return name


def _hours(typed: str) -> str:
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", typed)
    if found is None or typed[:5] >= typed[6:]:
        message = "must be two times like 08:00-18:00, the earlier first"
        raise ValueError(message)
    return typed


def _week_days(listed: str) -> str:
    days = {part.strip() for part in listed.split(",")}
    if not days <= set("1234567"):
        message = "must be numbers from 1 (Monday) to 7 (Sunday), separated by commas"
        raise ValueError(message)
    return ",".join(sorted(days))


def _days(listed: str) -> str:
    days = [part.strip() for part in listed.split(",")]
    if not all(part.isascii() and part.isdecimal() and 0 < int(part) <= LONGEST_PENALTY for part in days):
        message = f"must be numbers from 1 to {LONGEST_PENALTY}, separated by commas"
        raise ValueError(message)
    return ",".join(days)


def _steps(listed: str) -> str:
    steps = [part.strip() for part in listed.split(",")]
    if len(steps) != TITLES or not all(
        part.isascii() and part.isdecimal() and len(part) <= LONGEST_STEP for part in steps
    ):
        message = f"must be {TITLES} numbers, separated by commas"
        raise ValueError(message)
    numbers = [int(part) for part in steps]
    if numbers[0] < 1 or any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        message = "must begin with 1 or more, and each number must be larger than the one before"
        raise ValueError(message)
    return ",".join(steps)


class Settings(BaseModel):
    """What an installation may decide; each field is the variable KLINKE_<NAME>, described in docs/settings.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    data_dir: Path = Field(Path("var"), description="Folder for the database, the search index, uploads and mails.")
    database_url: Annotated[str, AfterValidator(_known_database)] = Field(
        "", validate_default=False, description="Where the data lives: sqlite:///… or postgresql+psycopg://…"
    )
    search_engine: Literal["whoosh", "postgres"] = Field(
        "whoosh", description="Which engine finds: whoosh, embedded, or postgres, in the database."
    )
    encoder: Literal["auto", "static", "minilm"] = Field(
        "auto",
        description="What turns texts into vectors: static, built in, or minilm, slower and better in English; "
        "auto takes minilm where requirements-neural.txt is installed.",
    )
    redis_url: Annotated[str, AfterValidator(_redis_url)] = Field(
        "", description="Shared counters for rate limits; empty counts in each process."
    )
    secret_key: str = Field("", description="Signs sessions and encrypts channel secrets; 32 characters or more.")
    base_url: Annotated[str, AfterValidator(_http_url)] = Field(
        "", validate_default=False, description="The address people reach this installation by."
    )
    port: int = Field(8000, ge=1, le=65535, description="The port the embedded server listens on, loopback only.")
    threads: int = Field(8, ge=1, le=64, description="Threads of the embedded server.")
    trusted_proxies: int = Field(
        0, ge=0, le=5, description="How many proxies in front set X-Forwarded-*; 0 believes none."
    )
    mail_url: Annotated[str, AfterValidator(_mail_url)] = Field(
        "", description="How mail leaves: smtp://user:password@host:port, or a folder; empty is <data dir>/mail."
    )
    mail_from: str = Field("klinke@localhost", min_length=3, description="The sender of mails.")
    mail_reply_to: Annotated[str, AfterValidator(_mail_address)] = Field(
        "",
        description="The address whose mail reaches `flask mail receive`, also with +something before the @; "
        "empty: nobody answers by mail.",
    )
    mail_question_category: str = Field(
        "",
        max_length=80,
        description="The short name of the category into which mail that answers nothing goes as a question; "
        "empty: such mail is returned.",
    )
    mail_questions_held: Literal["always", "caught"] = Field(
        "always",
        description="Which questions of unknown senders wait for the team: always all, or those in which personal "
        "data or too many links are caught.",
    )
    claim_days: int = Field(
        14, ge=1, le=90, description="For how many days the link works by which somebody claims a staged account."
    )
    mail_delay_minutes: int = Field(
        5, ge=0, le=1440, description="How long news waits before it is mailed, so that edits settle."
    )
    mail_window_minutes: int = Field(
        30, ge=0, le=10080, description="A reader gets one mail about a question in this time; more is gathered."
    )
    digest_days: int = Field(7, ge=1, le=90, description="Days between two summaries by mail.")
    digest_stop_days: int = Field(180, ge=1, le=3650, description="Who was away so long gets no summaries.")
    mail_bounces: int = Field(
        3, ge=1, le=100, description="Mails that come back before nothing more is sent to an address."
    )
    guest_follow_days: int = Field(
        90, ge=1, le=3650, description="For how many days a guest's address waits for a solution before it is deleted."
    )
    guest_follow_after_days: int = Field(
        14, ge=1, le=365, description="For how many days after it a guest may hear once more, before the address goes."
    )
    guest_follows: int = Field(
        5, ge=1, description="Addresses that guests of one network may give for a solution in a quarter of an hour."
    )
    alarm_unanswered_hours: int = Field(
        24, ge=0, le=8760, description="A question without an answer for so long alarms the team; 0 never."
    )
    alarm_queue_hours: int = Field(
        48, ge=0, le=8760, description="What waits in a queue of the team for so long alarms it; 0 never."
    )
    site_name: str = Field("Klinke", min_length=1, max_length=60, description="The name people see.")
    default_locale: Literal["de", "en"] = Field("en", description="The language when a browser asks for neither.")
    demo: bool = Field(False, description="Load the demo community once and show its accounts.")
    private_endpoints: str = Field(
        "",
        description="host:port pairs, separated by commas, that channels may deliver to although they are private.",
    )
    guest_api_per_minute: int = Field(600, ge=1, description="API calls a guest's address may make in a minute.")
    token_api_per_minute: int = Field(60_000, ge=1, description="API calls a token may make in a minute.")
    post_pause_seconds: int = Field(10, ge=0, description="Pause between two posts of one member.")
    edit_grace_minutes: int = Field(
        5, ge=0, description="So long authors mend what they wrote without a version in its history."
    )
    edit_window_hours: int = Field(
        24, ge=0, description="So long members may edit what they wrote; experienced ones always. 0 is no limit."
    )
    time_zone: Annotated[str, AfterValidator(_known_time_zone)] = Field(
        "Europe/Berlin", description="The time zone of people who chose none and whose browser said none."
    )
    remind_after_hours: int = Field(
        24, ge=0, description="So long after the last answer the asker is asked once which one helped; 0 asks nobody."
    )
    remind_from_hour: int = Field(8, ge=0, le=23, description="Nobody is reminded before this hour of their day.")
    remind_until_hour: int = Field(21, ge=1, le=24, description="Nobody is reminded from this hour of their day on.")
    info_reminder_days: int = Field(
        3, ge=0, description="So long after a question back its asker is reminded once to reply; 0 reminds nobody."
    )
    info_close_days: int = Field(
        10, ge=0, description="So long after a question back without a reply the question is closed; 0 closes none."
    )
    taken_hours: int = Field(
        4, ge=1, le=720, description="So long a question belongs to who took it, unless they answer before."
    )
    assigned_hours: int = Field(
        24, ge=1, le=720, description="The same for a question that a moderator gave to somebody; then it alarms."
    )
    summary_from_posts: int = Field(
        20, ge=0, description="From so many answers and comments on a thread has a short list on top; 0 never."
    )
    thin_question_characters: int = Field(
        100, ge=0, description="A question without an answer and with fewer characters is kept from search engines."
    )
    unsolved_found_days: int = Field(
        365,
        ge=0,
        description="So long after its last word search engines may show an unsolved question in which no answer was "
        "called helpful; 0 is no limit.",
    )
    contradictions_needed: int = Field(
        2, ge=1, description="So many people, at least, for whom it did not work take a solution from the first place."
    )
    contradictions_among: int = Field(
        5, ge=1, description="Of so many of the latest who tried a solution, more must have failed than succeeded."
    )
    muting_review_days: int = Field(
        30, ge=1, description="After so many days a moderator is asked to look at a muting without an end again."
    )
    new_account_pause_seconds: int = Field(60, ge=0, description="Pause between two posts of a new account.")
    new_account_hours: int = Field(24, ge=0, description="So long an account is new that somebody made themselves.")
    new_account_links: int = Field(2, ge=0, description="Links in one post of a new account.")
    new_account_images: int = Field(1, ge=0, description="Pictures in one post of a new account.")
    new_account_mentions: int = Field(2, ge=0, description="People mentioned in one post of a new account.")
    held_first_posts: int = Field(
        2, ge=0, description="So many posts of a new account wait until the team has looked at them; 0 holds none."
    )
    fastest_post_seconds: float = Field(
        3, ge=0, description="A new account's post that is sent faster than this after its form was opened is held."
    )
    questions_a_day: int = Field(5, ge=0, description="Questions one member may ask in 24 hours; 0 sets no limit.")
    review_hours: int = Field(24, ge=1, description="Within so many hours the team promises to look at what waits.")
    suggestions_waiting: int = Field(
        5, ge=0, description="Changes to others' texts that one member may have waiting at once; 0 takes none."
    )
    claim_minutes: int = Field(15, ge=1, description="So long a case belongs to the one who took it.")
    hide_at_flags: int = Field(
        5, ge=0, description="A post is hidden at this weight of flags until somebody looked; 0 hides none."
    )
    guest_reports: int = Field(
        5, ge=1, description="Reports of illegal content from one network of guests in a quarter of an hour."
    )
    guest_votes: int = Field(
        20, ge=0, description="Answers that guests of one network may call helpful in a day; 0: only members can."
    )
    guest_vote_days: int = Field(
        7, ge=1, le=90, description="For so many days it is known which guests called what helpful, as a keyed hash."
    )
    points_solution: int = Field(15, ge=0, description="Points for an answer that solved the question of another.")
    points_helpful: int = Field(5, ge=0, description="Points for a member calling an answer helpful.")
    points_article: int = Field(20, ge=0, description="Points for an answer that became a public article.")
    points_a_day: int = Field(
        100, ge=0, description="The most that votes of one day bring; solutions and articles come on top. 0: no limit."
    )
    experienced_days: int = Field(14, ge=0, description="How old an account of an experienced member is, in days.")
    experienced_posts: int = Field(10, ge=0, description="How many questions and answers they wrote that are shown.")
    experienced_points: int = Field(50, ge=0, description="How many points they have.")
    trusted_days: int = Field(60, ge=0, description="How old an account of a trusted member is, in days.")
    trusted_solutions: int = Field(10, ge=0, description="How many questions of others they solved.")
    trusted_points: int = Field(300, ge=0, description="How many points they have.")
    trust_clean_days: int = Field(
        90, ge=1, description="So long a penalty, or what was muted, counts against an earned level."
    )
    trust_mutings: int = Field(
        2, ge=0, description="So many muted posts in that time do not count against it; one more does."
    )
    titles_solutions: Annotated[str, AfterValidator(_steps)] = Field(
        "1,10,50", description="For how many solutions there are titles: three numbers, each larger than the last."
    )
    titles_articles: Annotated[str, AfterValidator(_steps)] = Field(
        "1,5,20", description="For how many articles made from one's answers there are titles."
    )
    penalty_days: Annotated[str, AfterValidator(_days)] = Field(
        "1,3,7,30", description="For how many days people can be silenced or suspended, besides for good."
    )
    image_megabytes: int = Field(5, ge=1, le=20, description="How large a picture may be that comes in.")
    image_megapixels: int = Field(25, ge=1, le=40, description="How many pixels it may have, in millions.")
    images_per_post: int = Field(10, ge=1, le=100, description="How many pictures a post may show.")
    images_per_day: int = Field(50, ge=0, description="How many pictures a member may bring in a day.")
    images_per_day_new: int = Field(10, ge=0, description="The same for a new account.")
    unused_image_days: int = Field(
        7, ge=1, description="For how many days a picture is kept that no post and no draft shows."
    )
    undo_seconds: int = Field(
        10, ge=0, le=120, description="So long a reply waits before it leaves and can be taken back; 0 sends at once."
    )
    cool_down_seconds: int = Field(
        10, ge=0, le=300, description="So long the button rests before a heated reply can be sent; 0 asks nobody."
    )
    send_hours: Annotated[str, AfterValidator(_hours)] = Field(
        "08:00-18:00", description="When replies leave that are to be sent within open hours, in the time zone."
    )
    send_days: Annotated[str, AfterValidator(_week_days)] = Field(
        "1,2,3,4,5", description="On which days they leave: 1 is Monday, 7 Sunday."
    )
    answer_within_minutes: int = Field(
        60, ge=1, le=100_000, description="In so many minutes a customer who writes on a channel is to have an answer."
    )
    answer_latest_minutes: int = Field(
        360,
        ge=0,
        le=100_000,
        description="In so many minutes they are to have one at the very latest, whatever the clock stands still for; "
        "0: no such limit. This and the other times hold where no policy of /admin/clocks says else.",
    )
    answer_next_minutes: int = Field(
        60, ge=0, le=100_000, description="In so many minutes what they write after an answer is to have the next one."
    )
    solve_within_minutes: int = Field(
        0, ge=0, le=1_000_000, description="In so many minutes all of it is to be solved; 0: nothing is promised."
    )
    answer_warn_minutes: int = Field(
        15,
        ge=0,
        le=100_000,
        description="So many minutes before an answer is due its agent or team hears of it; 0: never.",
    )
    present_minutes: int = Field(
        30, ge=1, le=1440, description="Who was not here for so long gets no conversation by itself."
    )
    heated_cases: int = Field(
        3, ge=0, le=100, description="After so many heated conversations in a day the next goes to others; 0: no limit."
    )
    side_talk_hours: int = Field(
        4,
        ge=0,
        le=720,
        description="After so many hours without an answer a colleague asked by mail is reminded, once.",
    )
    priority_minutes: int = Field(
        5, ge=1, le=1440, description="The place of a waiting conversation in the queue is computed anew so often."
    )
    reach_half_life_hours: int = Field(
        24,
        ge=1,
        le=10_000,
        description="After so many hours the reach of an author counts half for the place in the queue.",
    )
    learn_from_corrections: bool = Field(
        True, description="Whether corrections at the desk move the weights by which messages are judged here."
    )
    spike_minutes: int = Field(
        60,
        ge=5,
        le=1440,
        description="So many minutes are looked at for an unusual number of angry or similar messages.",
    )
    spike_fewest: int = Field(
        5, ge=0, le=10_000, description="Fewer messages than these are no spike; 0 looks for none."
    )
    spike_times: int = Field(
        3, ge=2, le=100, description="So many times as many as usual are a spike; usual is the mean of the week before."
    )
    promise_nudge_minutes: int = Field(
        60, ge=0, le=10_080, description="So long before a promise is due its owner is reminded."
    )
    call_attempts: int = Field(3, ge=1, le=20, description="After so many calls in vain a call-back is given up.")
    watch_days: int = Field(
        14,
        ge=0,
        le=365,
        description="So many days after a serious complaint is closed its author's public words are watched; 0: never.",
    )
    watch_from_heat: int = Field(
        2, ge=0, le=3, description="From this heat on (1 annoyed, 2 angry, 3 hostile) a complaint is serious; 0: never."
    )
    watch_from_band: int = Field(
        4, ge=0, le=5, description="From this band of priority on (5 is the highest) a complaint is serious; 0: never."
    )
    pass_minutes: int = Field(
        60, ge=1, le=10_080, description="For so long what an agent passed over is not offered to them again."
    )
    worth_hours: int = Field(
        24,
        ge=1,
        le=8760,
        description="After so many hours the systems of the house are asked again what a waiting customer is worth.",
    )
    lost_after_hours: int = Field(
        6,
        ge=1,
        le=8760,
        description="A conversation that nobody opened or answered for so long alarms the desk.",
    )
    deaf_after_minutes: int = Field(
        30, ge=1, le=10_080, description="A channel that has not answered for so long alarms the admins."
    )
    delivery_log_days: int = Field(
        14,
        ge=1,
        le=365,
        description="So many days what was delivered to a webhook channel, and handed over by it, stands in its log.",
    )
    verify_days: int = Field(
        365,
        ge=0,
        le=3650,
        description="After so many days an article is to be checked again, where no rule says else; 0: never.",
    )
    verify_yes: int = Field(
        3, ge=1, le=100, description="So many people who insert an article and call it right check it together."
    )
    verify_yes_days: int = Field(90, ge=1, le=3650, description="In so many days they must have said so.")
    decay_votes: int = Field(
        5,
        ge=1,
        description="So many readers must have said whether an article helped before their share means anything.",
    )
    decay_points: int = Field(
        20, ge=1, le=100, description="An article whose share of helped readers fell by so many points needs a look."
    )
    ask_outcome_hours: int = Field(
        24,
        ge=0,
        le=720,
        description="So many hours after a reply with an article its customer is asked once what came of it; 0: never.",
    )
    link_proof: bool = Field(
        True, description="Links to articles in replies carry a token, so that it is known whether they were opened."
    )
    link_proof_days: int = Field(
        90, ge=8, le=365, description="So many days the token of a link in a reply is kept; then it only leads on."
    )
    mark_days: int = Field(
        180, ge=1, le=3650, description="So many days a mark on a customer lasts where nobody says else."
    )
    code_minutes: int = Field(
        30, ge=1, le=1440, description="So long a code is good that shows that two contacts are one person."
    )
    card_minutes: int = Field(
        10, ge=0, le=1440, description="So long what another system told of a customer is kept; 0: for the look alone."
    )
    card_seconds: int = Field(5, ge=1, le=10, description="So long another system may take to tell of a customer.")
    counter_hours: int = Field(48, ge=1, le=720, description="So long the link to the secure counter is good.")
    counter_keep_days: int = Field(
        14, ge=0, le=365, description="So many days after its conversation is closed what was left there is deleted."
    )
    counter_longest_days: int = Field(
        90, ge=1, le=730, description="After so many days it is deleted although its conversation is still open."
    )
    counter_documents: int = Field(3, ge=0, le=4, description="So many documents may be left at the secure counter.")
    counter_megabytes: int = Field(5, ge=1, le=20, description="How large each of them may be.")
    link_check_days: int = Field(
        30, ge=0, le=365, description="Every so many days the links of articles are opened; 0: never."
    )
    metrics_token: str = Field("", description="Bearer token that opens /metrics; empty closes it.")

    @model_validator(mode="before")
    @classmethod
    def _fill_what_follows(cls, values: dict[str, Any]) -> dict[str, Any]:
        data_dir = Path(values.get("data_dir") or "var").resolve()
        values["data_dir"] = data_dir
        values["database_url"] = values.get("database_url") or f"sqlite:///{data_dir / 'klinke.db'}"
        values["mail_url"] = values.get("mail_url") or str(data_dir / "mail")
        values["base_url"] = values.get("base_url") or f"http://127.0.0.1:{values.get('port') or 8000}"
        return values

    @model_validator(mode="after")
    def _secret_is_long_enough(self) -> Self:
        if self.secret_key and len(self.secret_key) < SHORTEST_SECRET:
            message = f"{PREFIX}SECRET_KEY: must have at least {SHORTEST_SECRET} characters"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _day_has_hours(self) -> Self:
        if self.remind_from_hour >= self.remind_until_hour:
            message = f"{PREFIX}REMIND_UNTIL_HOUR: must be later than {PREFIX}REMIND_FROM_HOUR"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _engine_has_its_database(self) -> Self:
        if self.search_engine == "postgres" and self.is_sqlite:
            message = f"{PREFIX}SEARCH_ENGINE: postgres needs a PostgreSQL database in {PREFIX}DATABASE_URL"
            raise ValueError(message)
        return self

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def penalty_presets(self) -> tuple[int, ...]:
        """How many days a penalty may last."""
        return tuple(int(days) for days in self.penalty_days.split(","))

    @property
    def solution_steps(self) -> tuple[int, ...]:
        """From how many solutions on there is the next title."""
        return tuple(int(number) for number in self.titles_solutions.split(","))

    @property
    def article_steps(self) -> tuple[int, ...]:
        """From how many articles on there is the next title."""
        return tuple(int(number) for number in self.titles_articles.split(","))

    @property
    def trusted_endpoints(self) -> frozenset[str]:
        """host:port pairs that outgoing requests may reach although their address is private."""
        return frozenset(pair.strip() for pair in self.private_endpoints.split(",") if pair.strip())


def current_settings() -> Settings:
    """Return the settings of the application that is running."""
    settings: Settings = current_app.extensions["klinke-settings"]
    return settings


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environ` (and the file KLINKE_ENV_FILE names); raise `WrongSetting` with a sentence."""
    environ = dict(os.environ if environ is None else environ)
    if env_file := environ.pop(PREFIX + "ENV_FILE", ""):
        environ = {**_read_env_file(Path(env_file)), **environ}
    known = set(Settings.model_fields)
    values: dict[str, Any] = {}
    for name, value in environ.items():
        field = name.removeprefix(PREFIX).lower()
        if not name.startswith(PREFIX) or field.startswith("test_") or value == "":
            continue
        if field not in known:
            raise WrongSetting(f"{name}: Klinke knows no such setting. docs/settings.md lists them all.")
        values[field] = value
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise WrongSetting(_sentence(error)) from None
    return settings if settings.secret_key else settings.model_copy(update={"secret_key": _kept_secret(settings)})


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise WrongSetting(f"{PREFIX}ENV_FILE: {path} cannot be read: {error.strerror}.") from None
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:  # what was checked as a whole names its setting itself, and shows no secret
        return f"{reason}."
    return f"{PREFIX}{str(first['loc'][0]).upper()}: {reason} (given: {first['input']!r})."


def _kept_secret(settings: Settings) -> str:
    """Return the secret that this data folder keeps, and make one at the first start."""
    path = settings.data_dir / "secret_key"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES))
    except FileExistsError:
        pass  # another start was first, or this is not the first start: its secret is the one to use
    return path.read_text(encoding="utf-8").strip()
