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
qdrant_url=""
openai_key=""
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

# become_scratch ARGUMENT...: the engram command in the scratch place, instead of this process, which has to be a subshell: what
# it is told has passwords in it, so it stands in the environment and in no argument. Without Redis, which only says when: the
# worker looks by itself. In PostgreSQL the vectors are in the dump, under their name.
become_scratch() {
  # Where .env is.
  if [[ $reach == docker ]]; then cd "$root"; fi
  unset DATABASE_URL_FILE MEM0_DATABASE_URL_FILE REDIS_URL_FILE MEM0_API_KEY_FILE QDRANT_API_KEY_FILE
  export DATABASE_URL=$scratch_url MEM0_DATABASE_URL="" REDIS_URL="" MEM0_COLLECTION_NAME MEM0_API_KEY=$key MEM0_HOST=127.0.0.1
  export MEM0_PORT=$DRILL_PORT METRICS_HOST=127.0.0.1 DATA_DIR=$scratch/data BACKUP_DIR=$scratch
  if has_qdrant; then export MEM0_COLLECTION_NAME=$name QDRANT_URL=${QDRANT_URL:-$qdrant_url} QDRANT_API_KEY; fi
  if [[ -n $openai_key ]]; then export OPENAI_API_KEY=$openai_key; fi
  exec node "$root/packages/cli/dist/main.js" "$@"
}

start() {
  key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  scratch_url=$(make_scratch_url)
  if [[ $reach == docker ]]; then
    if [[ -z ${QDRANT_URL:-} ]] && has_qdrant; then
      qdrant_url=$(address_of QDRANT_URL)
      QDRANT_API_KEY=$(setting_of_mem0 QDRANT_API_KEY)
    fi
    openai_key=$(setting_of_mem0 OPENAI_API_KEY)
  fi
  become_scratch start >"$scratch/log" 2>&1 &
  engram=$!
  for _ in $(seq 120); do
    kill -0 "$engram" 2>/dev/null || fail "Engram does not start on the backup: $(tail -n 3 "$scratch/log")"
    if curl --silent --fail --output /dev/null "http://127.0.0.1:$DRILL_PORT/readyz"; then return; fi
    sleep 1
  done
  fail "Engram is not ready on the backup after 120 s"
}

# setting_of_mem0 NAME: what it was started with, by itself or by file; nothing where .env alone has it.
setting_of_mem0() {
  # shellcheck disable=SC2016
  docker exec "$MEM0_CONTAINER" sh -c 'printenv "$1" | grep . || cat "$(printenv "$1_FILE")" 2>/dev/null || true' ask "$1"
}

# address_of VARIABLE: what it says in mem0's environment, with the container's address for its name. A Linux host reaches that
# though no port is published.
address_of() {
  local url host address
  url=$(setting_of_mem0 "$1")
  [[ -n $url ]] || fail "$1: not in the environment of the container $MEM0_CONTAINER"
  host=$(sed -E 's#^[a-z]+://([^@/]*@)?([^:/]+).*#\2#' <<<"$url")
  address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "$host" | head -n 1)
  [[ -n $address ]] || fail "$1: the container $host has no address"
  sed -E "s#^([a-z]+://([^@/]*@)?)[^:/]+#\\1$address#" <<<"$url"
}

# The first of the keys that mem0 takes, also of the file that it reads at its start.
key_of_mem0() {
  local keys
  keys=$(setting_of_mem0 MEM0_API_KEY)
  if [[ -z $keys ]]; then keys=$(docker exec "$MEM0_CONTAINER" sed -n 's/^MEM0_API_KEY=//p' .env | tail -n 1 | tr -d "\"'\r"); fi
  printf '%s' "${keys%%,*}"
}

# The address in use, with another database at its end.
make_scratch_url() {
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
read_secret MEM0_API_KEY
if [[ $reach == docker && -z ${MEM0_API_KEY:-} ]]; then MEM0_API_KEY=$(key_of_mem0); fi
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
(become_scratch reconcile --wait) >&2 || fail "The index does not come to agree"
BEFORE_KEY=$MEM0_API_KEY AFTER_KEY=$key node "$root/scripts/compare-searches.mjs" "$ENGRAM_URL" "http://127.0.0.1:$DRILL_PORT" \
  --since "$since" --count "$SEARCHES" >&2 || fail "The answers differ"
is_well=1
