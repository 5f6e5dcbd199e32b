#!/usr/bin/env bash
# Puts a backup back: restore_mem0.sh mem0_db_backup_DATE.sql [--snapshot qdrant_backup_DATE.COLLECTION.snapshot]
# Engram has to be stopped. The dump is checked, loaded into a database of its own and counted; only then does that take the
# place of the one in use, which stays beside it under another name until you drop it. What the index has that the restored
# rows have not, and the other way round, the next start mends by itself; --snapshot spares it embeddings where Qdrant has
# lost its own. How the stores are reached: stores.sh. RESTORE_DATABASE: into a database of that name.
set -euo pipefail
# shellcheck source=infra/backup/stores.sh
source "$(dirname "${BASH_SOURCE[0]}")/stores.sh"

: "${MAINTENANCE_DATABASE:=postgres}"
dump=${1:-}
snapshot=""
[[ -n $dump ]] || fail "Usage: restore_mem0.sh mem0_db_backup_DATE.sql [--snapshot FILE]"
if [[ $# -gt 1 ]]; then
  [[ $# == 3 && $2 == --snapshot ]] || fail "Usage: restore_mem0.sh mem0_db_backup_DATE.sql [--snapshot FILE]"
  snapshot=$3
  [[ -s $snapshot ]] || fail "$snapshot is empty, or not there"
fi

find_postgres
target=${RESTORE_DATABASE:-$database}
[[ $target =~ ^[A-Za-z_][A-Za-z0-9_]{0,40}$ ]] || fail "The database must have a plain name of at most 41 letters, and is called $target"
fresh=${target}_restoring
former=${target}_before_$(date +%Y%m%d_%H%M%S)
maintain() { sql "$MAINTENANCE_DATABASE" "$1"; }
exists() { [[ $(maintain "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '$1')") == t ]]; }

check_stopped() {
  local users
  users=$(maintain "SELECT string_agg(DISTINCT coalesce(nullif(application_name, ''), 'unnamed'), ', ') FROM pg_stat_activity WHERE datname = '$target' AND backend_type = 'client backend'")
  [[ -z $users ]] || fail "The database $target is in use by: $users. Stop Engram first: docker compose stop mem0 mem0-worker"
}

load() {
  local memories loaded
  memories=$(count_memories "$dump")
  if exists "$fresh"; then maintain "DROP DATABASE \"$fresh\""; fi # what a run has left that was killed
  maintain "CREATE DATABASE \"$fresh\" TEMPLATE template0 ENCODING 'UTF8'"
  postgres psql "$fresh" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --single-transaction --output=/dev/null <"$dump" || {
    maintain "DROP DATABASE \"$fresh\""
    fail "The dump cannot be loaded, see above; $target is as it was"
  }
  loaded=$(sql "$fresh" "SELECT count(*) FROM public.memories")
  [[ $loaded == "$memories" ]] || fail "Of $memories memories $loaded were loaded; $target is as it was"
  sql "$fresh" ANALYZE
  say "$loaded memories loaded"
}

exchange() {
  check_stopped
  if exists "$target"; then
    maintain "ALTER DATABASE \"$target\" RENAME TO \"$former\""
    say "The database before is kept as $former; when all is well: DROP DATABASE $former"
  fi
  maintain "ALTER DATABASE \"$fresh\" RENAME TO \"$target\""
}

put_snapshot_back() {
  local collection
  collection=${RESTORE_COLLECTION:-$(basename "$snapshot" | sed -n 's/^qdrant_backup_[0-9]\{8\}\.\(.*\)\.snapshot$/\1/p')}
  [[ -n $collection ]] || fail "$snapshot is not named qdrant_backup_DATE.COLLECTION.snapshot; set RESTORE_COLLECTION"
  qdrant POST "/collections/$collection/snapshots/upload?priority=snapshot&wait=true" "$snapshot" >/dev/null ||
    fail "Qdrant does not take the snapshot. The database is restored; Engram makes the index anew when it starts"
  say "Collection $collection is as in the snapshot"
}

check_dump "$dump"
check_stopped
load
exchange
if [[ -n $snapshot ]]; then put_snapshot_back; fi
say "Restored. Start Engram, then see that the index agrees: npm run reconcile -- --wait"
