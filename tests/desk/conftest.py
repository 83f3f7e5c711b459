from collections.abc import Iterator

import pytest
from flask import Flask

from tests.desk.stage import Service


@pytest.fixture
def service(app: Flask) -> Iterator[Service]:
    """The other side of a channel, at an address that the installation trusts for as long as the test lasts."""
    there = Service()
    settings = app.extensions["klinke-settings"]
    app.extensions["klinke-settings"] = settings.model_copy(update={"private_endpoints": f"127.0.0.1:{there.port}"})
    yield there
    app.extensions["klinke-settings"] = settings
    there.close()
