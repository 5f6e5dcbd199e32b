#!/usr/bin/env bash
# Puts a backup back into the containers of this machine, from the first step to the last:
#   restore_stack.sh mem0_db_backup_DATE.sql [--snapshot qdrant_backup_DATE.COLLECTION.snapshot]
# Stops every API and worker, of whatever compose files and however many, restores as restore_mem0.sh says, starts them, and waits
# until the index agrees. They are started whatever fails.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=infra/backup/stores.sh
source "$here/stores.sh"

: "${HEALTHY_SECONDS_MAX:=180}" "${STOP_SECONDS_MAX:=60}"

# of_project PATTERN: the containers of mem0's compose project whose service is called so, one a line.
of_project() {
  docker ps --all --filter "label=com.docker.compose.project=$project" \
    --format '{{.Names}} {{.Label "com.docker.compose.service"}}' | awk -v pattern="^($1)\$" '$2 ~ pattern {print $1}'
}

start() {
  docker start "${containers[@]}" >/dev/null
  say "Started: ${containers[*]}"
}

wait_until_healthy() {
  local one waited=0
  for one in "${containers[@]}"; do
    while [[ $(docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}' "$one") != healthy ]]; do
      ((waited++ < HEALTHY_SECONDS_MAX)) || fail "$one is not healthy after $HEALTHY_SECONDS_MAX s: docker logs $one"
      sleep 1
    done
  done
}

[[ -n ${1:-} ]] || fail "Usage: restore_stack.sh mem0_db_backup_DATE.sql [--snapshot FILE]"
check_dump "$1"
project=$(of_mem0 'index .Config.Labels "com.docker.compose.project"') || fail "There is no container $MEM0_CONTAINER: start the stack first"
mapfile -t containers < <(of_project 'mem0(-worker)?(-more)?')
# Not of a compose file.
if [[ ${#containers[@]} == 0 ]]; then containers=("$MEM0_CONTAINER"); fi

trap start EXIT
docker stop --time "$STOP_SECONDS_MAX" "${containers[@]}" >/dev/null
say "Stopped: ${containers[*]}"
bash "$here/restore_mem0.sh" "$@"
trap - EXIT
start
wait_until_healthy
docker exec "$MEM0_CONTAINER" node packages/cli/dist/main.js reconcile --wait >&2 || fail "The index does not agree yet, see above"
say "The index agrees with what was restored"
