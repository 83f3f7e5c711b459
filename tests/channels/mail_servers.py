"""Dovecot and OpenSMTPD for the tests: real servers on loopback, with a folder of their own, ended by who started them.

`help7@desk.example` is a mailbox for the desk, `max7@customer.example` that of a customer, with the next number for
each test, so that what is still on its way meets nobody; what is sent to anybody at `bounce.example` is taken and comes
back. OpenSMTPD knows one place on a machine for its queue and its control socket, so it gets a mount namespace of its
own, or, where that is not allowed, waits for its turn. Its encryption fails with the OpenSSL of Debian 12, so the wire
before it is what encrypts and lets people in (`tests.channels.mail_wire`).
"""

import fcntl
import ipaddress
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DOVECOT: Final = "/usr/sbin/dovecot"
SMTPD: Final = "/usr/sbin/smtpd"
SUBMISSION: Final = "/usr/lib/dovecot/submission"
PASSWORD: Final = "the mailbox of the tests"
MAILBOXES: Final = 400
PEOPLE: Final = (*(f"help{number}" for number in range(MAILBOXES)), *(f"max{number}" for number in range(MAILBOXES)))
IN_CI: Final = os.environ.get("CI") == "true"
SECONDS: Final = 20.0


def why_not() -> str:
    """Say why the servers cannot be started here; empty when they can."""
    if not all(Path(each).exists() for each in (DOVECOT, SUBMISSION, SMTPD)):
        return "Dovecot and OpenSMTPD are not installed (sh tests/install_mail.sh)"
    return "" if os.geteuid() == 0 else "Dovecot and OpenSMTPD are started as root only"


def require() -> None:
    """Skip where the servers cannot be started; in continuous integration that is an error."""
    if reason := why_not():
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def give_away(path: Path) -> None:
    """Let a file or folder belong to whom the servers keep mails as."""
    nobody = pwd.getpwnam("nobody")
    os.chown(path, nobody.pw_uid, nobody.pw_gid)


class Post:
    """A mail server and its mailboxes."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="klinke-mail-"))
        self.folder.chmod(0o755)
        self.mails = self.folder / "mails"
        self.mails.mkdir()
        nobody = pwd.getpwnam("nobody")
        give_away(self.mails)
        self.nobody = nobody
        self.certificates = Certificates(self.folder / "certificates")
        self.provider = Provider()
        self.imap_port, self.imaps_port = free_port(), free_port()
        self.smtp_port, self.submission_port = free_port(), free_port()
        self._dovecot: subprocess.Popen[bytes] | None = None
        self._smtpd: subprocess.Popen[bytes] | None = None
        self._turn: int | None = None
        self._used = 0
        self._write_dovecot()
        self._write_smtpd()
        self.start_dovecot()
        self._start_smtpd()

    def maildir(self, who: str) -> Path:
        return self.mails / who / "Maildir"

    def mails_of(self, who: str, *, folder: str = "") -> list[bytes]:
        """Return the mails that somebody has, as they lie there."""
        there = self.maildir(who) / folder if folder else self.maildir(who)
        files = [each for kind in ("new", "cur") for each in sorted((there / kind).glob("*"))]
        return [each.read_bytes() for each in sorted(files, key=lambda each: each.stat().st_mtime_ns)]

    def next_number(self) -> int:
        """Return the number of mailboxes that nobody has used."""
        self._used += 1
        assert self._used < MAILBOXES
        return self._used

    def start_dovecot(self) -> None:
        self._dovecot = subprocess.Popen(
            [DOVECOT, "-F", "-c", str(self.folder / "dovecot.conf")], stdin=subprocess.DEVNULL, start_new_session=True
        )
        _answers(self.imap_port, self._dovecot)

    def stop_dovecot(self) -> None:
        if self._dovecot is not None:
            _end(self._dovecot)
            self._dovecot = None

    def close(self) -> None:
        self.stop_dovecot()
        if self._smtpd is not None:
            _end(self._smtpd)
        if self._turn is not None:
            os.close(self._turn)
        self.provider.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_dovecot(self) -> None:
        (self.folder / "oauth2").write_text(
            f"introspection_mode = auth\nintrospection_url = http://127.0.0.1:{self.provider.port}/introspect\n"
            "username_attribute = username\nusername_format = %n\nactive_attribute = active\nactive_value = true\n"
        )
        users = self.folder / "users"
        users.write_text("".join(f"{who}:{{PLAIN}}{PASSWORD}\n" for who in PEOPLE))
        run = self.folder / "run"
        run.mkdir()
        (self.folder / "dovecot.conf").write_text(
            f"""
base_dir = {run}
state_dir = {run}
log_path = {self.folder}/dovecot.log
protocols = imap submission
hostname = mx.desk.example
submission_relay_host = 127.0.0.1
submission_relay_port = {self.smtp_port}
submission_relay_trusted = no
listen = 127.0.0.1
ssl = yes
ssl_cert = <{self.certificates.certificate}
ssl_key = <{self.certificates.key}
disable_plaintext_auth = no
auth_username_format = %n
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:{self.mails}/%n/Maildir
mailbox_list_index = no
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
}}
auth_mechanisms = plain login xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {self.folder}/oauth2
}}
passdb {{
  driver = passwd-file
  args = {users}
}}
userdb {{
  driver = static
  args = uid={self.nobody.pw_uid} gid={self.nobody.pw_gid} home={self.mails}/%n
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {self.imap_port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {self.imaps_port}
    ssl = yes
  }}
}}
service submission-login {{
  chroot =
  inet_listener submission {{
    address = 127.0.0.1
    port = {self.submission_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""
        )

    def _write_smtpd(self) -> None:
        nobody = self.nobody
        (self.folder / "people").write_text(
            "".join(f"{who} {nobody.pw_uid}:{nobody.pw_gid}:{self.mails}/{who}\n" for who in PEOPLE)
        )
        (self.folder / "smtpd.conf").write_text(
            f"""
table people file:{self.folder}/people
table anybody {{ "@" = "max0" }}
listen on 127.0.0.1 port {self.smtp_port} hostname mx.desk.example
smtp sub-addr-delim "+"
action "in" maildir "{self.mails}/%{{user.username}}/Maildir" userbase <people>
action "back" mda "exit 67" virtual <anybody> userbase <people>
match from any for domain "desk.example" action "in"
match from any for domain "customer.example" action "in"
match from any for domain "bounce.example" action "back"
match from any for domain "mx.desk.example" action "in"
"""
        )
        (self.folder / "smtpd.conf").chmod(0o600)

    def _start_smtpd(self) -> None:
        command = [SMTPD, "-F", "-f", str(self.folder / "smtpd.conf")]
        own = "mount -t tmpfs -o mode=755 own /var/spool && mkdir -m 711 /var/spool/smtpd && mount -t tmpfs own /run"
        apart = ["unshare", "--mount", "--propagation", "private"]
        if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode == 0:
            command = [*apart, "sh", "-c", f'{own} && exec "$@"', "sh", *command]
        else:
            self._turn = os.open("/tmp/klinke-smtpd.lock", os.O_CREAT | os.O_RDWR, 0o600)  # noqa: S108 -- one for all
            fcntl.flock(self._turn, fcntl.LOCK_EX)
            Path("/var/spool/smtpd").mkdir(mode=0o711, exist_ok=True)
        log = (self.folder / "smtpd.log").open("wb")
        self._smtpd = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        _answers(self.smtp_port, self._smtpd)


class Provider:
    """Gives access tokens for a refresh token, as RFC 6749 has it, and tells the mail server whose a token is."""

    CLIENT: Final = ("klinke", "the secret of the client")

    def __init__(self) -> None:
        self.refresh_tokens: dict[str, str] = {}
        """Whose mailbox they open."""
        self.renewed = ""
        """The next answer brings this refresh token, and the one before is worth nothing."""
        self.asked = 0
        self.life = 3600
        """Seconds that access tokens are good for, as is said."""
        self._given: dict[str, str] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(*provider.token({name: values[0] for name, values in parse_qs(body).items()}))

            def do_GET(self) -> None:
                user = provider.whose(self.headers.get("Authorization", "").removeprefix("Bearer "))
                self._answer(200, {"active": "true", "username": user} if user else {"active": "false"})

            def _answer(self, status: int, told: dict[str, object]) -> None:
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        self.asked += 1
        if form.get("grant_type") != "refresh_token":
            return 400, {"error": "unsupported_grant_type"}
        if (form.get("client_id"), form.get("client_secret")) != self.CLIENT:
            return 401, {"error": "invalid_client"}
        user = self.refresh_tokens.get(form.get("refresh_token", ""))
        if user is None:
            return 400, {"error": "invalid_grant"}
        given = f"access-{len(self._given)}-{user.partition('@')[0]}"
        self._given[given] = user
        told: dict[str, object] = {"access_token": given, "token_type": "Bearer", "expires_in": self.life}
        if self.renewed:
            self.refresh_tokens = {self.renewed: user}
            told["refresh_token"], self.renewed = self.renewed, ""
        return 200, told

    def withdraw(self) -> None:
        """Let the access tokens that were given be worth nothing any more."""
        self._given = dict.fromkeys(self._given, "")

    def whose(self, token: str) -> str:
        return self._given.get(token, "")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Certificates:
    """A certificate for `localhost` and 127.0.0.1, which nobody trusts who was not told to."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        at = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - timedelta(days=1))
            .not_valid_after(at + timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.key.chmod(0o600)


T = TypeVar("T")


def eventually(look: Callable[[], T], *, seconds: float = SECONDS) -> T:
    """Return the first true thing that `look` finds."""
    until = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > until:
            pytest.fail("it did not come to pass")
        time.sleep(0.02)
    return found


def _answers(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server takes connections."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            pytest.fail(f"{server.args!r} ended with {server.returncode}")
        with socket.socket() as tried:
            tried.settimeout(1)
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"{server.args!r} does not answer")


def _end(server: subprocess.Popen[bytes]) -> None:
    # With all the processes it started: some of them would take their time.
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(timeout=5)
