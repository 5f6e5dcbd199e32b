#!/bin/sh
# Sets Engram up on a machine with Docker: writes .env with random secrets (what is set there stays as it is), starts the
# stack with its network and volumes, waits until it is healthy and prints the key. Safe to run again.
#   sh infra/setup.sh                  the whole stack, docker-compose.yaml
#   sh infra/setup.sh --small          for 1 GB of memory, docker-compose.small.yaml
#   sh infra/setup.sh --hardened       the whole stack with its secrets in files
#   sh infra/setup.sh --beside [DIR]   one container beside a stack that is there; DIR (/opt) holds the stack's .env
# --no-start, last, only writes the files.
set -eu

ready_seconds_max=180
# The user of the containers: .env is mounted into them.
container_id=1000
# What stands in .env for a secret that is in a file.
moved=in-secrets

main() {
  root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
  mode=full
  folder=$root
  start=1
  while [ $# -gt 0 ]; do
    case $1 in
      --small) mode=small ;;
      --hardened) mode=hardened ;;
      --beside)
        mode=beside
        folder=/opt
        case ${2:-} in '' | --*) ;; *)
          folder=$2
          shift
          ;;
        esac
        ;;
      --no-start) start=0 ;;
      *) fail "unknown option $1; see the head of $0" ;;
    esac
    shift
  done
  umask 077
  env_file=$folder/.env

  write_settings
  if [ $start = 0 ]; then
    say "wrote $env_file; nothing was started"
    return
  fi
  start_stack
  wait_until_healthy
  show_key
}

write_settings() {
  [ -d "$folder" ] || fail "$folder is no folder"
  [ -e "$env_file" ] || cp "$root/.env.example" "$env_file"
  if [ $mode = beside ]; then
    [ -n "$(setting POSTGRES_PASSWORD)" ] || fail "$env_file: POSTGRES_PASSWORD must be the password of the PostgreSQL that is there"
    cp "$root/infra/mem0-docker-compose.yaml" "$folder/mem0-docker-compose.yaml"
    chmod 644 "$folder/mem0-docker-compose.yaml"
    fill MEM0_API_KEY
  elif [ $mode = hardened ]; then
    write_secrets
    set_setting POSTGRES_PASSWORD "$moved"
    set_setting QDRANT_API_KEY "$moved"
    set_setting MEM0_API_KEY ''
    set_setting GRAFANA_PASSWORD ''
    set_setting OPENAI_API_KEY ''
  else
    [ "$(setting POSTGRES_PASSWORD)" != "$moved" ] || fail "the secrets are in $root/secrets: add --hardened"
    [ -n "$(setting POSTGRES_PASSWORD)" ] || refuse_foreign_volume
    fill POSTGRES_PASSWORD
    fill QDRANT_API_KEY
    fill MEM0_API_KEY
    fill GRAFANA_PASSWORD
  fi
  protect "$env_file"
  tell_offline
}

# One file for each, readable for the users of all containers, in a folder that nobody else may enter. A file that is there
# stays; else the value moves from .env, so that a stack that runs keeps its passwords.
write_secrets() {
  secrets=$root/secrets
  [ -e "$secrets/postgres_password" ] || [ -n "$(setting POSTGRES_PASSWORD)" ] || refuse_foreign_volume
  mkdir -p "$secrets"
  chmod 700 "$secrets"
  write_secret postgres_password "$(setting_or_random POSTGRES_PASSWORD)"
  write_secret qdrant_api_key "$(setting_or_random QDRANT_API_KEY)"
  write_secret mem0_api_key "$(setting_or_random MEM0_API_KEY)"
  write_secret redis_password "$(random)"
  write_secret grafana_password "$(setting_or_random GRAFANA_PASSWORD)"
  # Empty where there is none: Engram works without a provider then.
  write_secret openai_api_key "$(setting OPENAI_API_KEY)"
  user=$(setting POSTGRES_USER)
  database=$(setting POSTGRES_DB)
  write_secret database_url "postgresql://${user:-postgres}:$(cat "$secrets/postgres_password")@postgres:5432/${database:-mem0}"
  write_secret redis_url "redis://:$(cat "$secrets/redis_password")@redis:6379"
}

write_secret() {
  if [ -n "$(secret "$1")" ]; then return; fi
  rm -f "$secrets/$1"
  printf '%s\n' "$2" > "$secrets/$1"
  chmod 444 "$secrets/$1"
}

# What is in the file of a secret; nothing where there is none.
secret() {
  cat "$secrets/$1" 2> /dev/null || true
}

# Not a fault, and nobody should find it out by the answers.
tell_offline() {
  place=$env_file
  openai_key=$(setting OPENAI_API_KEY)
  if [ $mode = hardened ]; then
    place=$secrets/openai_api_key
    openai_key=$(secret openai_api_key)
  fi
  [ -z "$openai_key" ] || return 0
  [ -z "$(setting OPENAI_BASE_URL)" ] || return 0
  say "OPENAI_API_KEY is empty: Engram works offline, memories are found by their words; for their meaning put a key into $place and restart"
}

# A database that was made with another password would refuse the new one.
refuse_foreign_volume() {
  command -v docker > /dev/null || return 0
  if docker volume inspect postgres_data > /dev/null 2>&1; then
    fail "the volume postgres_data is there, but its password is not: put the one that it was made with into .env (POSTGRES_PASSWORD) or, with --hardened, secrets/postgres_password"
  fi
}

start_stack() {
  command -v docker > /dev/null || fail "Docker is needed: https://docs.docker.com/engine/install/"
  [ $mode = beside ] || find_network
  case $mode in
    full) compose -f "$root/docker-compose.yaml" up -d --build ;;
    small) compose -f "$root/docker-compose.small.yaml" up -d --build ;;
    hardened) compose -f "$root/docker-compose.yaml" -f "$root/docker-compose.hardened.yaml" up -d --build ;;
    beside)
      docker network inspect app-network > /dev/null 2>&1 || docker network create app-network > /dev/null
      docker volume inspect mem0_data > /dev/null 2>&1 || docker volume create mem0_data > /dev/null
      image=$(setting MEM0_IMAGE)
      [ -n "$image" ] || docker build --tag engram:local "$root"
      compose -f "$folder/mem0-docker-compose.yaml" up -d
      ;;
  esac
}

# One that was made by hand has no label of compose's, whose second version takes it as somebody else's alone.
find_network() {
  if label=$(docker network inspect --format '{{index .Labels "com.docker.compose.network"}}' app-network 2> /dev/null); then
    [ "$label" != app-network ] || return 0
    set_setting APP_NETWORK_EXTERNAL true
    say "the network app-network was made by hand: it is taken as it is, and stays when the stack goes"
  elif [ "$(setting APP_NETWORK_EXTERNAL)" = true ]; then
    docker network create app-network > /dev/null
  fi
}

compose() {
  if docker compose version > /dev/null 2>&1; then
    docker compose --project-directory "$folder" --env-file "$env_file" "$@"
  elif command -v docker-compose > /dev/null; then
    docker-compose --project-directory "$folder" --env-file "$env_file" "$@"
  else
    fail "Docker Compose is needed: https://docs.docker.com/compose/install/"
  fi
}

wait_until_healthy() {
  say "waiting for mem0 ..."
  waited=0
  while [ "$(docker inspect --format '{{.State.Health.Status}}' mem0 2> /dev/null)" != healthy ]; do
    if [ $waited -ge $ready_seconds_max ]; then
      docker logs --tail 20 mem0 >&2 || true
      fail "mem0 is not healthy after $ready_seconds_max s; its log is above, and 'docker logs mem0' has all of it"
    fi
    sleep 1
    waited=$((waited + 1))
  done
  say "healthy after $waited s: http://127.0.0.1:3456/api/health"
}

# On a terminal alone, since elsewhere output is kept.
show_key() {
  key_file=$env_file
  key=$(setting MEM0_API_KEY)
  if [ $mode = hardened ]; then
    key_file=$root/secrets/mem0_api_key
    key=$(cat "$key_file")
  fi
  if [ -t 1 ]; then
    printf 'MEM0_API_KEY: %s\n' "$key"
  else
    say "the key is in $key_file"
  fi
}

# The value of a line of .env, without its quotes.
setting() {
  sed -n "s/^$1=//p" "$env_file" | tail -n 1 | tr -d "\"'\r"
}

setting_or_random() {
  value=$(setting "$1")
  printf '%s' "${value:-$(random)}"
}

fill() {
  [ -n "$(setting "$1")" ] || set_setting "$1" "$(random)"
}

# $2 has letters, digits and hyphens alone. Written in place, so that owner and rights stay.
set_setting() {
  if grep -q "^$1=" "$env_file"; then
    text=$(sed "s/^$1=.*/$1=$2/" "$env_file")
    printf '%s\n' "$text" > "$env_file"
  else
    printf '\n%s=%s\n' "$1" "$2" >> "$env_file"
  fi
}

# 192 bits, in characters that need no escape in an address.
random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# For us and the containers alone, where we may say so.
protect() {
  if [ "$(id -u)" = 0 ]; then
    chown "0:$container_id" "$1"
    chmod 640 "$1"
  elif [ "$(id -u)" = $container_id ]; then
    chmod 600 "$1"
  elif [ $mode = beside ]; then
    say "the container runs as user $container_id and must be able to read $1: sudo chgrp $container_id $1 && sudo chmod 640 $1"
  else
    chmod 644 "$1"
    say "$1 can be read by every user of this machine, since the containers run as user $container_id; run this as root to end that"
  fi
}

say() {
  printf 'engram: %s\n' "$1" >&2
}

fail() {
  say "$1"
  exit 1
}

main "$@"
