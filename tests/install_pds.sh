#!/bin/sh
# Installs what the tests of the Bluesky channel speak to: a real PDS and directory, from npm's registry alone.
# One package has a part in C++. It is built here from its source, with Node's own headers, and nothing is downloaded
# for it from anywhere else.
set -eu
cd "$(dirname "$0")/channels/pds"
sign=node_modules/.installed
if [ -f "$sign" ] && cmp -s package-lock.json "$sign"; then
  exit 0
fi
missing() {
  echo "The tests of Bluesky need $1." >&2
  [ "${CI:-}" != true ]
  exit
}
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || missing 'Node 20 or newer, with npm'
[ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" = true ] || missing 'Node 20 or newer'
headers=$(node -p 'require("node:path").resolve(process.execPath, "../..")')
[ -f "$headers/include/node/node.h" ] || missing "Node's headers in $headers/include/node"
if ! command -v g++ >/dev/null 2>&1 || ! command -v make >/dev/null 2>&1; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || missing 'g++ and make'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends g++ make >/dev/null
fi
npm ci --ignore-scripts --no-audit --no-fund --silent
(cd node_modules/better-sqlite3 && npm_config_nodedir="$headers" npm run --silent build-release >/dev/null 2>&1) || {
  echo 'better-sqlite3 could not be built; this says why:' >&2
  (cd node_modules/better-sqlite3 && npm_config_nodedir="$headers" npm run build-release) >&2
  exit 1
}
cp package-lock.json "$sign"
