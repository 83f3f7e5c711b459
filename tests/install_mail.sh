#!/bin/sh
# Makes sure that the tests of e-mail have mail servers: Debian's Dovecot and OpenSMTPD. The tests start them themselves.
set -eu
if [ -x /usr/sbin/dovecot ] && [ -x /usr/lib/dovecot/submission ] && [ -x /usr/sbin/smtpd ]; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  # Nothing is to be started at boot, and nothing that listens is to be left behind.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends dovecot-imapd dovecot-submissiond opensmtpd >/dev/null
  exit 0
fi
echo 'The tests of e-mail need mail servers. On Debian and Ubuntu: sudo apt-get install dovecot-imapd dovecot-submissiond opensmtpd' >&2
[ "${CI:-}" != true ]
