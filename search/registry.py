"""Who can be searched, and with what: the sources of the rooms and the engine, kept on the application."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Flask, current_app

from search.documents import AsideSource, InnerSource, Source
from search.encoders import Encoder
from search.engines import Engine

EXTENSION = "klinke-search"


@dataclass(slots=True)
class Registry:
    name: str
    """Of the engine that serves."""
    engines: Mapping[str, Engine]
    encoder: Encoder
    sources: dict[str, Source] = field(default_factory=dict)

    @property
    def engine(self) -> Engine:
        return self.engines[self.name]


def register(source: Source, app: Flask | None = None) -> None:
    """Make a kind of thing findable; outside an application context `app` says in which application."""
    _registry(app).sources[source.kind] = source


def sources() -> list[Source]:
    """Return every source, in the order of registration."""
    return list(_registry().sources.values())


def source(kind: str) -> Source | None:
    """Return the source of a kind; None where nobody registered one."""
    return _registry().sources.get(kind)


def kinds_aside() -> frozenset[str]:
    """Return the kinds that are found only where somebody asks for them."""
    return frozenset(one.kind for one in sources() if isinstance(one, AsideSource) and one.is_aside)


def kinds_everyday() -> frozenset[str]:
    """Return all the other kinds, except those that only a room itself looks for."""
    inner = frozenset(one.kind for one in sources() if isinstance(one, InnerSource) and one.is_inner)
    return frozenset(one.kind for one in sources()) - kinds_aside() - inner


def engine() -> Engine:
    """Return the engine of this application."""
    return _registry().engine


def engine_name() -> str:
    """Return what the settings call the engine of this application."""
    return _registry().name


def engines() -> Mapping[str, Engine]:
    """Return every engine that this installation could have, by name."""
    return _registry().engines


def encoder() -> Encoder:
    """Return what turns texts into vectors in this application."""
    return _registry().encoder


def _registry(app: Flask | None = None) -> Registry:
    found: Registry = (app or current_app).extensions[EXTENSION]
    return found
