"""The tables of the PostgreSQL engine.

A migration makes them, on PostgreSQL alone. They hold nothing that cannot be made again from the rooms' own tables.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, REAL, TSVECTOR

from core.db import Base, UtcDateTime
from search.models import LONGEST_KIND

metadata: Final = MetaData(naming_convention=Base.metadata.naming_convention)

indexes: Final = Table(
    "search_index",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", String(60), nullable=False),  # of the version and the encoder: others cannot read it
    Column("is_complete", Boolean, nullable=False),  # false while it is built beside the one that serves
    Column("generation", BigInteger, nullable=False),  # rises when `counts` is another one
    Column("changes", BigInteger, nullable=False),  # how many differences `counts` holds already
    Column("counts", LargeBinary, nullable=False),
)
"""An index; normally there is one."""

documents: Final = Table(
    "search_document",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("index_id", Integer, nullable=False),
    Column("ref_id", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),  # in seconds
    Column("facets", BigInteger, nullable=False),  # the same in documents that are counted together
    Column("own_length", Integer, nullable=False),
    Column("asked_length", Integer, nullable=False),
    Column("inside_length", Integer, nullable=False),
    Column("weight", REAL, nullable=False),
    Column("audience", SmallInteger, nullable=False),
    Column("solved", Boolean, nullable=False),
    Column("answers", Boolean, nullable=False),
    Column("locale", String(2), nullable=False),
    Column("kind", String(LONGEST_KIND), nullable=False),
    Column("author", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("sketch", BIT(varying=True), nullable=False),
    Column("terms", TSVECTOR, nullable=False),
    Column("inside", TSVECTOR),  # of private messages alone
    Column("record", LargeBinary, nullable=False),
    Column("words", LargeBinary, nullable=False),
    Column("passages", LargeBinary, nullable=False),
    Index("uq_search_document_ref", "kind", "ref_id", "index_id", unique=True),
    # Without a list of what is not yet sorted in: every look at the index would have to read through that list.
    Index("ix_search_document_terms", "terms", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    Index("ix_search_document_inside", "inside", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    Index("ix_search_document_created", "created"),
)

changes: Final = Table(
    "search_change",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("index_id", Integer, nullable=False, index=True),
    Column("counts", LargeBinary, nullable=False),
)
"""By how much a transaction changed the statistics; the worker sums them up from time to time."""

switches: Final = Table(
    "search_switch",
    metadata,
    Column("engine", String(20), primary_key=True),
    Column("is_built", Boolean, nullable=False),  # whether its index is complete
    Column("serving_since", UtcDateTime),
)
"""At most one row: the engine that shall serve, or serves since a while. While it is there both are kept up."""

late_notes: Final = Table(
    "search_late_note",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("engine", String(20), nullable=False, index=True),
    Column("kind", String(LONGEST_KIND), nullable=False),
    Column("ref_id", BigInteger, nullable=False),
)
"""What changed and must come into another index than the one that serves: of the other engine, or one being built."""
