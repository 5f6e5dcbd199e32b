#!/usr/bin/env bash
# Runs backup_mem0.sh every day at BACKUP_AT (02:00, in the time zone TZ), where there is no cron: a container of the compose
# file. At the start too, unless there has been a backup within a day. What fails is told (log, engram_backup.prom) and tried
# again every ten minutes, five times, then the next day.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
: "${BACKUP_DIR:=/opt/backups}" "${BACKUP_AT:=02:00}"
child=""
# Else the first process of a container does not hear of a stop.
trap 'kill "$child" 2>/dev/null || true; exit 0' TERM INT

# A signal is heard while bash waits, and not while it runs a program itself.
run() {
  "$@" &
  child=$!
  wait "$child"
}

back_up() {
  for _ in 1 2 3 4 5; do
    if run bash "$here/backup_mem0.sh"; then return; fi
    run sleep 600
  done
}

if [[ -z $(find "$BACKUP_DIR" -maxdepth 1 -name 'mem0_db_backup_*.sql' -mmin -1440 2>/dev/null) ]]; then back_up; fi
while true; do
  next=$(date --date="$BACKUP_AT" +%s)
  now=$(date +%s)
  if ((next <= now)); then next=$(date --date="tomorrow $BACKUP_AT" +%s); fi
  run sleep $((next - now))
  back_up
done
