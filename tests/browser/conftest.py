"""A real installation with the demo community, and a real browser to walk through it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

ROOT = Path(__file__).parents[2]
PASSWORD = "klinke-demo-2026"
START_SECONDS = 90
HEAVY = {"serious", "critical"}
EXPECTED_COMPLAINTS = ("status of 4", "ERR_INTERNET_DISCONNECTED")
"""What a browser says of pages that are meant to be refused, and of the connection that the walk cuts."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.fail("There is no Chromium. On Debian and Ubuntu: sudo apt-get install chromium")
    return found


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[str]:
    """Start Klinke as `make run` does, with the demo community, and return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    environ = {
        **os.environ,
        "KLINKE_DATA_DIR": str(tmp_path / "var"),
        "KLINKE_PORT": str(port),
        "KLINKE_BASE_URL": base,
        "KLINKE_DEMO": "1",
        "KLINKE_POST_PAUSE_SECONDS": "0",
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "start"], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
        try:
            wait_until(lambda: answers(f"{base}/readyz"), START_SECONDS, f"see {tmp_path / 'log'}")
            yield base
        finally:
            process.terminate()
            process.wait(timeout=30)
    assert "Traceback" not in (tmp_path / "log").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def engine(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
    yield browser
    browser.close()


@dataclass(slots=True)
class Walker:
    """One person in a browser of their own."""

    base: str
    page: Page
    has_script: bool
    complaints: list[str]
    checked: set[str]

    def open(self, path: str) -> None:
        answer = self.page.goto(self.base + path if path.startswith("/") else path)
        assert answer is not None
        assert answer.status < 400, f"{path}: {answer.status}"
        self.look()

    def status(self, path: str) -> int:
        answer = self.page.goto(self.base + path)
        assert answer is not None
        return answer.status

    def press(self, selector: str) -> None:
        """Press a button or follow a link, wait for the page it leads to, and look at it."""
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()
        self.look()

    def look(self) -> None:
        """Check the page as everybody meets it: no sideways scrolling, no serious finding of axe-core."""
        overflow = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{self.page.url} scrolls sideways by {overflow} px"
        if not self.has_script:
            return
        found = Axe().run(self.page).response["violations"]
        heavy = [
            f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes']][:3]}"
            for one in found
            if one["impact"] in HEAVY
        ]
        assert heavy == [], f"{self.page.url}: {heavy}"
        self.checked.add(self.page.url)

    def sign_in(self, handle: str) -> None:
        self.open("/sign-in")
        self.page.fill("input[name=login], input[name=handle], input[name=name]", handle)
        self.page.fill("input[name=password]", PASSWORD)
        self.press("main button[type=submit].button--primary")
        assert self.page.locator("form[action='/sign-out']").count() == 1, "nobody is signed in"


@pytest.fixture
def walker(engine: Browser, installation: str) -> Iterator[Callable[..., Walker]]:
    """Return a function that sends a person on their way; what their browsers complained about fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    checked: set[str] = set()

    def send(*, locale: str = "en", script: bool = True, width: int = 1440, dark: bool = False) -> Walker:
        context = engine.new_context(
            locale="de-DE" if locale == "de" else "en-GB",
            java_script_enabled=script,
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            bypass_csp=False,
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{page.url}: {message.text}")
                if message.type == "error" and not any(known in message.text for known in EXPECTED_COMPLAINTS)
                else None
            ),
        )
        return Walker(installation, page, script, complaints, checked)

    yield send
    for context in contexts:
        context.close()
    assert complaints == []


def wait_until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Wait until something is so, and fail when it is not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.2)
    pytest.fail(f"not so within {seconds} s: {otherwise}")


def answers(url: str) -> bool:
    """Tell whether an address answers with success."""
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False
