# Starts a throw-away PostgreSQL on loopback and sets KLINKE_TEST_POSTGRES_URL; installs Debian's where it is missing.
# To be sourced. The server ends and its folder goes when the shell that sourced this ends.
if [ -z "${KLINKE_TEST_POSTGRES_URL:-}" ]; then
  find_postgres() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1; }
  postgres_bin=$(find_postgres)
  if [ -z "$postgres_bin" ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
    postgres_bin=$(find_postgres)
  fi
  postgres_dir=$(mktemp -d)
  postgres_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  as_postgres() { "$@"; }
  if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || useradd --system postgres
    chown postgres "$postgres_dir"
    as_postgres() { (cd "$postgres_dir" && setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups "$@"); }
  fi
  as_postgres "$postgres_bin/initdb" -D "$postgres_dir/data" -U klinke --auth=trust --encoding=UTF8 --locale=C >/dev/null
  # Without fsync: the data of tests may die with the machine.
  as_postgres "$postgres_bin/pg_ctl" -D "$postgres_dir/data" -l "$postgres_dir/log" -w start \
    -o "-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$postgres_dir -c fsync=off -c full_page_writes=off" >/dev/null
  trap 'as_postgres "$postgres_bin/pg_ctl" -D "$postgres_dir/data" -m immediate stop >/dev/null; rm -rf "$postgres_dir"' EXIT
  export KLINKE_TEST_POSTGRES_URL="postgresql+psycopg://klinke@127.0.0.1:$postgres_port/postgres"
fi
