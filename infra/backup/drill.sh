#!/usr/bin/env bash
# Shows that a backup can be put back: restores it beside what is in use, starts an Engram on it, lets the index come to agree,
# and asks both the same 100 searches. What it has made it takes away again. engram_restore_drill.prom in BACKUP_DIR tells
# Prometheus how it went. Usage: drill.sh [mem0_db_backup_DATE.sql [qdrant_backup_DATE.COLLECTION.snapshot]]
# Without arguments it makes a fresh backup first, in a scratch place.
#   DATABASE_URL, QDRANT_URL, …       as for the backup, see stores.sh; and what Engram itself is started with (OPENAI_API_KEY, …)
#   ENGRAM_URL, MEM0_API_KEY          the Engram in use, http://127.0.0.1:3456 unless told
#   DRILL_PORT                        where the scratch one listens for the time being, 3999
# Wants Node and a built Engram beside it (npm run build). Without an address it goes over the containers of the compose file, from
# the checkout on their (Linux) host: PostgreSQL's programs are the container's, the settings are those of .env.
set -euo pipefail
umask 077
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=infra/backup/stores.sh
source "$here/stores.sh"

: "${ENGRAM_URL:=http://127.0.0.1:3456}" "${DRILL_PORT:=3999}" "${SEARCHES:=100}" "${MAINTENANCE_DATABASE:=postgres}"
root=$(cd "$here/../.." && pwd)
scratch=$(mktemp -d)
name=engram_drill
engram=""
collection=""
is_well=0

clean_up() {
  local one
  if [[ -n $engram ]]; then
    kill "$engram" 2>/dev/null || true
    wait "$engram" 2>/dev/null || true
  fi
  while read -r one; do
    if [[ -n $one ]]; then sql "$MAINTENANCE_DATABASE" "DROP DATABASE \"$one\"" || say "The database $one is left over"; fi
  done < <(sql "$MAINTENANCE_DATABASE" "SELECT datname FROM pg_database WHERE datname ~ '^${name}(_restoring|_before_[0-9_]+)?\$'")
  if has_qdrant; then collection=${collection:-$(MEM0_COLLECTION_NAME=$name live_collection || true)}; fi
  if [[ -n $collection ]]; then
    qdrant DELETE "/collections/$collection" >/dev/null || say "The collection $collection is left over"
  fi
  rm -rf "$scratch"
}

finish() {
  clean_up
  write_status restore_drill "$is_well" "" || say "The status could not be written"
  if [[ $is_well == 1 ]]; then say "The drill went well"; else say "FAILED: the drill"; fi
}

make_backup() {
  since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  BACKUP_DIR=$scratch bash "$here/backup_mem0.sh"
  dump=$(find "$scratch" -name 'mem0_db_backup_*.sql')
  snapshot=$(find "$scratch" -name 'qdrant_backup_*.snapshot')
}

restore() {
  local former
  local -a with=()
  if [[ -n $snapshot ]]; then
    former=$(basename "$snapshot" | sed 's/^qdrant_backup_[0-9]*\.\(.*\)\.snapshot$/\1/')
    with=(--snapshot "$snapshot")
    collection=$name${former#"$MEM0_COLLECTION_NAME"}
  fi
  RESTORE_DATABASE=$name RESTORE_COLLECTION=$collection bash "$here/restore_mem0.sh" "$dump" "${with[@]}"
}

# Without Redis, which only says when: the worker looks by itself. In PostgreSQL the vectors are in the dump, under their name.
start() {
  local base=$MEM0_COLLECTION_NAME
  if has_qdrant; then base=$name; fi
  key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  scratch_environment=()
  if [[ $reach == docker ]]; then
    # Where .env is.
    scratch_environment+=(-C "$root")
    if has_qdrant; then
      scratch_environment+=("QDRANT_URL=$(address_of QDRANT_URL)" "QDRANT_API_KEY=$(docker exec "$MEM0_CONTAINER" printenv QDRANT_API_KEY)")
    fi
  fi
  scratch_environment+=(
    "DATABASE_URL=$(scratch_url)" "MEM0_DATABASE_URL=" "REDIS_URL=" "MEM0_COLLECTION_NAME=$base" "MEM0_API_KEY=$key"
    "MEM0_HOST=127.0.0.1" "MEM0_PORT=$DRILL_PORT" "METRICS_HOST=127.0.0.1" "DATA_DIR=$scratch/data" "BACKUP_DIR=$scratch"
  )
  env "${scratch_environment[@]}" node "$root/packages/cli/dist/main.js" start >"$scratch/log" 2>&1 &
  engram=$!
  for _ in $(seq 120); do
    kill -0 "$engram" 2>/dev/null || fail "Engram does not start on the backup: $(tail -n 3 "$scratch/log")"
    if curl --silent --fail --output /dev/null "http://127.0.0.1:$DRILL_PORT/readyz"; then return; fi
    sleep 1
  done
  fail "Engram is not ready on the backup after 120 s"
}

# address_of VARIABLE: what it says in mem0's environment, with the container's address for its name. A Linux host reaches that
# though no port is published.
address_of() {
  local url host address
  url=$(docker exec "$MEM0_CONTAINER" printenv "$1") || fail "$1: not in the environment of the container $MEM0_CONTAINER"
  host=$(sed -E 's#^[a-z]+://([^@/]*@)?([^:/]+).*#\2#' <<<"$url")
  address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "$host" | head -n 1)
  [[ -n $address ]] || fail "$1: the container $host has no address"
  sed -E "s#^([a-z]+://([^@/]*@)?)[^:/]+#\\1$address#" <<<"$url"
}

# The first of the keys in the file that mem0 reads at its start.
key_of_container() {
  docker exec "$MEM0_CONTAINER" sed -n 's/^MEM0_API_KEY=//p' .env | tail -n 1 | tr -d "\"'\r" | cut -d , -f 1
}

# The address in use, with another database at its end.
scratch_url() {
  if [[ $reach == docker ]]; then
    local url
    url=$(address_of DATABASE_URL)
    printf '%s/%s' "${url%/*}" "$name"
  elif [[ $reach == url ]]; then
    local rest=${DATABASE_URL#*://}
    rest=${rest%%\?*}
    printf '%s://%s/%s%s' "${DATABASE_URL%%://*}" "${rest%%/*}" "$name" "$url_end"
  else
    printf 'postgresql://%s@%s:%s/%s' "${PGUSER:-postgres}${PGPASSWORD:+:$PGPASSWORD}" "$PGHOST" "${PGPORT:-5432}" "$name"
  fi
}

trap finish EXIT
find_postgres
if [[ $reach == docker && -z ${MEM0_API_KEY:-} ]]; then MEM0_API_KEY=$(key_of_container); fi
[[ -n ${MEM0_API_KEY:-} ]] || fail "MEM0_API_KEY: a key of the Engram in use is wanted"
if [[ $# == 0 ]]; then
  make_backup
else
  dump=$1
  snapshot=${2:-}
  since=$(date -u --date="@$(stat --format=%Y "$dump")" +%Y-%m-%dT%H:%M:%SZ)
fi
restore
start
env "${scratch_environment[@]}" node "$root/packages/cli/dist/main.js" reconcile --wait >&2 || fail "The index does not come to agree"
BEFORE_KEY=$MEM0_API_KEY AFTER_KEY=$key node "$root/scripts/compare-searches.mjs" "$ENGRAM_URL" "http://127.0.0.1:$DRILL_PORT" \
  --since "$since" --count "$SEARCHES" >&2 || fail "The answers differ"
is_well=1
