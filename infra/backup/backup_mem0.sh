#!/usr/bin/env bash
# Backs Engram up into BACKUP_DIR (/opt/backups), under the names of the guide:
#   mem0_db_backup_DATE.sql                   the database: memories, history, outbox, settings; all that cannot be made anew
#   mem0_backup_DATE.tar.gz                   the data folder, which holds the API key that was made
#   qdrant_backup_DATE.COLLECTION.snapshot    the index, so that a restore need not embed everything again
# Each is checked, and takes its name only when it is whole. Files of these names that are 30 days old (KEEP_DAYS) go, and
# nothing else, and only after a run that went well. engram_backup.prom tells Prometheus how it went.
# By cron:  0 2 * * * /opt/engram/infra/backup/backup_mem0.sh
# How the stores are reached: stores.sh. Exit code 0 only when all of it went well.
set -euo pipefail
umask 077
# shellcheck source=infra/backup/stores.sh
source "$(dirname "${BASH_SOURCE[0]}")/stores.sh"

: "${KEEP_DAYS:=30}"
date=$(date +%Y%m%d)
part=""
is_done=""

finish() {
  if [[ -n $part ]]; then rm -f "$part"; fi
  if [[ -z $is_done ]]; then
    write_status backup 0 "" || say "The status could not be written either"
    say "FAILED: there is no new backup, older ones are kept"
  fi
}

# take NAME: what was written to `part` is from now on the backup of today.
take() {
  mv "$part" "$BACKUP_DIR/$1"
  part=""
  say "$BACKUP_DIR/$1: $(stat --format=%s "$BACKUP_DIR/$1") bytes"
}

begin() { part=$(mktemp "$BACKUP_DIR/.engram_part.XXXXXXXX"); }

back_up_database() {
  local memories
  begin
  postgres pg_dump "$database" </dev/null >"$part" || fail "pg_dump has failed, see above"
  check_dump "$part"
  memories=$(count_memories "$part")
  if [[ $memories == 0 && $(sql "$database" "SELECT EXISTS (SELECT FROM public.memories)") == t ]]; then
    fail "The dump holds no memory, and the database does"
  fi
  take "mem0_db_backup_$date.sql"
  say "$memories memories"
}

# The embedded database is left out: copied while it is written to, it would be worthless. See engram backup.
back_up_folder() {
  if [[ -n ${DATA_DIR:-} ]]; then
    begin
    tar -czf "$part" --exclude=./pglite --exclude=./engram.lock -C "$DATA_DIR" . || fail "DATA_DIR cannot be read"
  elif [[ $reach == docker ]]; then
    begin
    docker exec "$MEM0_CONTAINER" tar -czf - --exclude=./pglite --exclude=./engram.lock -C /app/data . >"$part" ||
      fail "The data folder of $MEM0_CONTAINER cannot be read"
  else
    return 0
  fi
  tar -tzf "$part" >/dev/null || fail "The archive of the data folder is broken"
  take "mem0_backup_$date.tar.gz"
}

back_up_index() {
  local collection created name size
  has_qdrant || return 0
  collection=$(live_collection) || fail "Qdrant does not tell its aliases, or has none named $MEM0_COLLECTION_NAME"
  created=$(qdrant POST "/collections/$collection/snapshots?wait=true") || fail "Qdrant makes no snapshot of $collection"
  [[ $created =~ \"name\":\ *\"([^\"]+)\" ]] || fail "Qdrant does not name its snapshot"
  name=${BASH_REMATCH[1]}
  [[ $created =~ \"size\":\ *([0-9]+) ]] || fail "Qdrant does not tell the size of its snapshot"
  size=${BASH_REMATCH[1]}
  begin
  qdrant GET "/collections/$collection/snapshots/$name" >"$part" || fail "The snapshot cannot be fetched"
  # What stays there takes the index's disk.
  qdrant DELETE "/collections/$collection/snapshots/$name?wait=true" >/dev/null || say "The snapshot $name stays in Qdrant"
  [[ $(stat --format=%s "$part") == "$size" ]] || fail "The snapshot has not the $size bytes that Qdrant tells"
  tar -tf "$part" >/dev/null || fail "The snapshot is broken"
  take "qdrant_backup_$date.$collection.snapshot"
}

prune() {
  local dated='[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]'
  find "$BACKUP_DIR" -maxdepth 1 -type f -mtime "+$((KEEP_DAYS - 1))" \
    \( -name "mem0_db_backup_$dated.sql" -o -name "mem0_backup_$dated.tar.gz" -o -name "qdrant_backup_$dated.*.snapshot" \) \
    -print -delete >&2
  # What a run has left that was killed.
  find "$BACKUP_DIR" -maxdepth 1 -type f -name '.engram_part.????????' -mmin +1440 -delete
}

[[ -d $BACKUP_DIR ]] || install -d -m 755 "$BACKUP_DIR"
trap finish EXIT
find_postgres
back_up_database
back_up_folder
back_up_index
prune
write_status backup 1 "$(stat --format=%s "$BACKUP_DIR/mem0_db_backup_$date.sql")"
is_done=1
