"""The cast: people with known relations, and the verbs they use on stage."""

from datetime import timedelta
from functools import cached_property
from typing import Any

from accounts import people
from accounts.models import User
from core.clock import now
from core.db import db
from forum import answers, topics
from forum.models import Category, Post, Topic


class World:
    """Alice asks, Bob answers, Charlie is a stranger, Tina is trusted.

    Ada moderates, Emil edits, Dora works the desk, Root is admin.
    """

    def person(self, handle: str, *roles: str) -> User:
        """Return the person with this handle, who is created when called for the first time."""
        found = people.by_handle(handle)
        if found is None:
            found = people.create(
                handle, name=handle.title(), email=f"{handle}@example.org", roles=("member", *roles), locale="en"
            )
        return found

    def newcomer(self, handle: str = "nora") -> User:
        """Return somebody who made the account themselves a moment ago, and wrote nothing yet."""
        person = self.person(handle)
        if person.licence_accepted_at is None:
            person.licence_accepted_at = now()
            db.session.flush()
        return person

    @cached_property
    def alice(self) -> User:
        return self.person("alice")

    @cached_property
    def bob(self) -> User:
        return self.person("bob")

    @cached_property
    def charlie(self) -> User:
        return self.person("charlie")

    @cached_property
    def tina(self) -> User:
        return self.person("tina", "trusted")

    @cached_property
    def ada(self) -> User:
        return self.person("ada", "moderator")

    @cached_property
    def emil(self) -> User:
        return self.person("emil", "editor")

    @cached_property
    def dora(self) -> User:
        return self.person("dora", "agent")

    @cached_property
    def lena(self) -> User:
        return self.person("lena", "agent", "lead")

    @cached_property
    def root(self) -> User:
        return self.person("root", "admin")

    def everybody(self) -> list[User]:
        return [self.alice, self.bob, self.charlie, self.tina, self.ada, self.emil, self.dora, self.root]

    @cached_property
    def router(self) -> Category:
        """The category most questions are asked in."""
        found = db.session.query(Category).filter_by(slug="router").one_or_none()
        if found is None:
            found = Category(slug="router", names={"de": "Router", "en": "Routers"}, descriptions={}, position=1)
            db.session.add(found)
            db.session.flush()
        return found

    def ask(
        self,
        title: str = "Wireless gone after the update",
        source: str = "Since this morning. What now?",
        **kwargs: Any,
    ) -> Topic:
        """Have a question asked, by Alice unless `by` says otherwise."""
        about = {"category": self.router, "locale": "en", "tags": ("wifi",), "by": self.alice, **kwargs}
        return topics.ask(title=title, source=source, **about)

    def answer(
        self, topic: Topic, source: str = "Restart it, then choose channel 6.", *, by: User | None = None
    ) -> Post:
        """Have a question answered, by Bob unless `by` says otherwise."""
        return answers.post(topic, source=source, by=by or self.bob)

    def settled(self, post: Post) -> Post:
        """Let the minutes pass in which an edit leaves no history."""
        post.created_at -= timedelta(minutes=10)
        db.session.flush()
        return post

    def solved(self, **kwargs: Any) -> Topic:
        """Have a question asked, answered and the answer accepted."""
        topic = self.ask(**kwargs)
        answers.accept(self.answer(topic), by=topic.asker)
        return topic
