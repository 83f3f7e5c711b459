"""Installations of their own for the faults that need real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from core.db import db
from tests.faults.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House.built(tmp_path)
    yield house
    house.stop()


@pytest.fixture
def database(house: House) -> Iterator[Flask]:
    """The same installation, to look into its database from here."""
    app = house.migrated()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
