#!/bin/bash
# What the image of PostgreSQL does at its first start, in short: makes the data folder, sets the password, makes the
# database, runs the files of the folder. Only for a start as a user that is not root.
set -euo pipefail
if [[ ${1:-} == postgres && ! -s $PGDATA/PG_VERSION ]]; then
  : "${POSTGRES_USER:=postgres}"
  password=${POSTGRES_PASSWORD:-}
  if [[ -n ${POSTGRES_PASSWORD_FILE:-} ]]; then password=$(cat "$POSTGRES_PASSWORD_FILE"); fi
  [[ -n $password ]] || {
    echo "POSTGRES_PASSWORD is not set" >&2
    exit 1
  }
  read -ra given <<<"${POSTGRES_INITDB_ARGS:-}"
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$password") --auth-local=trust --auth-host=scram-sha-256 \
    --encoding=UTF8 "${given[@]}" --pgdata="$PGDATA"
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  echo "unix_socket_directories = '/var/run/postgresql'" >>"$PGDATA/postgresql.conf"
  # On its socket alone while it is prepared.
  pg_ctl --pgdata="$PGDATA" --wait --options="-c listen_addresses='' -c shared_preload_libraries=pg_stat_statements" start
  socket=(--host=/var/run/postgresql --username="$POSTGRES_USER" --no-psqlrc --quiet --set=ON_ERROR_STOP=1)
  if [[ ${POSTGRES_DB:-$POSTGRES_USER} != postgres ]]; then
    psql "${socket[@]}" --dbname=postgres --command="CREATE DATABASE \"${POSTGRES_DB:-$POSTGRES_USER}\""
  fi
  for file in /docker-entrypoint-initdb.d/*.sql; do
    if [[ -e $file ]]; then psql "${socket[@]}" --dbname="${POSTGRES_DB:-$POSTGRES_USER}" --file="$file"; fi
  done
  pg_ctl --pgdata="$PGDATA" --wait --mode=fast stop
fi
exec "$@"
