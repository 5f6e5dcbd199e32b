#!/usr/bin/env bash
# Puts a backup back: restore_mem0.sh mem0_db_backup_DATE.sql [--snapshot qdrant_backup_DATE.COLLECTION.snapshot]
# Engram has to be stopped; restore_stack.sh does that too, and what comes after. The dump is checked, loaded into a database of its own and counted; only then does that take the
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
collection=${RESTORE_COLLECTION:-$(basename "$snapshot" | sed -n 's/^qdrant_backup_[0-9]\{8\}\.\(.*\)\.snapshot$/\1/p')}
maintain() { sql "$MAINTENANCE_DATABASE" "$1"; }
exists() { [[ $(maintain "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '$1')") == t ]]; }

# Who only watches comes again by itself; whoever else is there would go on writing into what is no longer used.
watcher=postgres-exporter
on_target="FROM pg_stat_activity WHERE datname = '$target' AND backend_type = 'client backend' AND application_name"

check_stopped() {
  local who="coalesce(nullif(application_name, ''), 'unnamed') || ' at ' || coalesce(host(client_addr), 'its socket')" users
  users=$(maintain "SELECT string_agg(DISTINCT $who, ', ') $on_target <> '$watcher'")
  [[ -z $users ]] || fail "The database $target is in use by: $users. Stop what is named, then run this again. Engram:" \
    "docker compose stop mem0 mem0-worker, with docker-compose.scale.yaml also mem0-more mem0-worker-more"
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

# In one transaction: nothing that ends half-way leaves no database of that name.
exchange() {
  local names=""
  check_stopped
  if exists "$target"; then
    names="ALTER DATABASE \"$target\" RENAME TO \"$former\";"
    say "The database before is kept as $former; when all is well: DROP DATABASE $former"
  fi
  maintain "SELECT pg_terminate_backend(pid) $on_target = '$watcher'; $names ALTER DATABASE \"$fresh\" RENAME TO \"$target\"" >/dev/null
}

# Before anything is changed: what cannot be put back would be found out too late.
check_snapshot() {
  [[ -n $collection ]] || fail "$snapshot is not named qdrant_backup_DATE.COLLECTION.snapshot; set RESTORE_COLLECTION"
  qdrant GET /collections >/dev/null || fail "Qdrant cannot be asked, so the snapshot could not be put back; $target is as it was"
}

put_snapshot_back() {
  qdrant POST "/collections/$collection/snapshots/upload?priority=snapshot&wait=true" "$snapshot" >/dev/null ||
    fail "Qdrant does not take the snapshot. The database is restored; Engram makes the index anew when it starts"
  say "Collection $collection is as in the snapshot"
}

check_dump "$dump"
if [[ -n $snapshot ]]; then check_snapshot; fi
check_stopped
load
exchange
if [[ -n $snapshot ]]; then put_snapshot_back; fi
say "Restored. Start Engram, then see that the index agrees: npm run reconcile -- --wait"
