#!/bin/sh
# Makes sure that the browser tests have a browser: Debian's Chromium.
set -eu
if command -v chromium >/dev/null 2>&1; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
  exit 0
fi
echo 'The browser tests need Chromium. On Debian and Ubuntu: sudo apt-get install chromium' >&2
[ "${CI:-}" != true ]
