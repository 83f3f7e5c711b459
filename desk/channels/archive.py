"""Imported history: it can be read and learnt from, and nobody can be answered on it."""

from desk.channels.base import Silent, register


class Archive(Silent):
    """Keeps what was said elsewhere before; its name says where, and so how the service counted."""


register("archive", Archive)
