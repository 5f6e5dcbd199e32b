# shellcheck shell=bash
# How the scripts of this folder reach the stores; sourced, not run. Directly, where an address is set:
#   MEM0_DATABASE_URL or DATABASE_URL, or PGHOST with PGUSER, PGPASSWORD, PGDATABASE    with pg_dump and psql of this machine
#   QDRANT_URL, QDRANT_API_KEY
# Else through the containers of the compose file: POSTGRES_CONTAINER (postgres), MEM0_CONTAINER (mem0), with
# POSTGRES_USER (postgres) and POSTGRES_DB (mem0). NAME_FILE may name a file that holds a secret, as for Engram itself.

: "${POSTGRES_CONTAINER:=postgres}" "${MEM0_CONTAINER:=mem0}" "${POSTGRES_USER:=postgres}" "${POSTGRES_DB:=mem0}"
: "${MEM0_COLLECTION_NAME:=mem0_memories}" "${BACKUP_DIR:=/opt/backups}"

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "FAILED: $*"
  exit 1
}

# read_secret NAME: from the file that NAME_FILE names, where NAME itself is empty.
read_secret() {
  local file=${1}_FILE
  if [[ -z ${!1:-} && -n ${!file:-} ]]; then
    [[ -r ${!file} ]] || fail "$file: ${!file} cannot be read"
    printf -v "$1" %s "$(<"${!file}")"
  fi
}

# Sets the secrets, how PostgreSQL is reached, and `database`, the name of the one that holds the memories.
# shellcheck disable=SC2034 # read by who sources this
find_postgres() {
  local secret
  for secret in MEM0_DATABASE_URL DATABASE_URL QDRANT_API_KEY PGPASSWORD; do read_secret "$secret"; done
  if [[ -n ${PGPASSWORD:-} ]]; then export PGPASSWORD; fi
  DATABASE_URL=${MEM0_DATABASE_URL:-${DATABASE_URL:-}}
  if [[ -n ${DATABASE_URL:-} ]]; then
    local pattern='^(postgres(ql)?://)(([^:@/]*)(:([^@/]*))?@)?([^/?]*)(/([^?]*))?(\?.*)?$'
    [[ $DATABASE_URL =~ $pattern ]] || fail "DATABASE_URL: must look like postgresql://USER:PASSWORD@HOST:5432/mem0"
    reach=url
    url_start=${BASH_REMATCH[1]}${BASH_REMATCH[4]:+${BASH_REMATCH[4]}@}${BASH_REMATCH[7]}
    url_end=${BASH_REMATCH[10]}
    database=${BASH_REMATCH[9]:-$POSTGRES_DB}
    # Not as an argument, which every user of the machine could read.
    if [[ -n ${BASH_REMATCH[6]} ]]; then
      PGPASSWORD=$(printf '%b' "${BASH_REMATCH[6]//%/\\x}")
      export PGPASSWORD
    fi
  elif [[ -n ${PGHOST:-} ]]; then
    reach=environment
    database=${PGDATABASE:-$POSTGRES_DB}
  else
    reach=docker
    database=$POSTGRES_DB
  fi
}

# postgres TOOL DATABASE ARGUMENT...: one of PostgreSQL's programs on that database.
postgres() {
  local tool=$1 name=$2
  shift 2
  case $reach in
    url) "$tool" --dbname="$url_start/$name$url_end" "$@" ;;
    environment) "$tool" --dbname="$name" "$@" ;;
    docker) docker exec -i "$POSTGRES_CONTAINER" "$tool" --username="$POSTGRES_USER" --dbname="$name" "$@" ;;
  esac
}

# sql DATABASE STATEMENT: its rows, bare.
sql() { postgres psql "$1" --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --command="$2" </dev/null; }

# in_mem0 COMMAND...: in the container mem0; while that is stopped, in one that is made for the moment of the same image, with
# its network, environment and files. Compose's `down` leaves neither.
in_mem0() {
  local running image network
  running=$(of_mem0 .State.Running) || fail "There is no container $MEM0_CONTAINER: stop it without taking it away, or set QDRANT_URL"
  if [[ $running == true ]]; then
    docker exec -i "$MEM0_CONTAINER" "$@"
    return
  fi
  image=$(of_mem0 .Image)
  network=$(of_mem0 .HostConfig.NetworkMode)
  docker run --rm -i --network "$network" --no-healthcheck --read-only --cap-drop ALL --volumes-from "$MEM0_CONTAINER:ro" \
    --env-file <(of_mem0 'range .Config.Env}}{{println .}}{{end') "$image" "$@"
}

of_mem0() { docker inspect --format "{{$1}}" "$MEM0_CONTAINER"; }

# Whether a Qdrant is in use at all; without one the vectors are in the database and in its dump.
has_qdrant() {
  if [[ $reach == docker && -z ${QDRANT_URL:-} ]]; then
    # shellcheck disable=SC2016 # the container's variable, not ours
    in_mem0 sh -c '[ -n "$QDRANT_URL" ]' </dev/null
  else
    [[ -n ${QDRANT_URL:-} ]]
  fi
}

# qdrant METHOD PATH [FILE]: the answer's body; a file goes along as the snapshot of a form.
qdrant() {
  local method=$1 path=$2 file=${3:-}
  if [[ -z ${QDRANT_URL:-} ]]; then
    # Its port is not published; the image of mem0 brings curl, and its environment address and key. The key goes in by a file
    # that is none, since arguments can be read by every process of the machine.
    # shellcheck disable=SC2016
    local ask='key=${QDRANT_API_KEY:-$(cat "${QDRANT_API_KEY_FILE:-/dev/null}")}
exec curl --fail-with-body --silent --show-error --max-time 3600 --request "$1" --config /dev/fd/3 ${3:+--form snapshot=@-} "${QDRANT_URL%/}$2" 3<<END
header = "api-key: $key"
END'
    in_mem0 sh -c "$ask" ask "$method" "$path" "$file" <"${file:-/dev/null}"
  elif command -v curl >/dev/null; then
    curl --fail-with-body --silent --show-error --max-time 3600 --request "$method" ${file:+--form "snapshot=@$file"} \
      --config <(printf 'header = "api-key: %s"\n' "${QDRANT_API_KEY:-}") "${QDRANT_URL%/}$path"
  else
    qdrant_by_bash "$method" "$path" "$file"
  fi
}

# The same where there is no curl, as in PostgreSQL's image. HTTP/1.0, so that no answer comes in chunks.
qdrant_by_bash() {
  local method=$1 path=$2 file=$3 status line connection length=0 boundary=engram-backup-form start="" end=""
  local pattern='^http://([^/:]+)(:([0-9]+))?/?$'
  [[ $QDRANT_URL =~ $pattern ]] || fail "QDRANT_URL: without curl it must look like http://HOST:6333"
  exec {connection}<>"/dev/tcp/${BASH_REMATCH[1]}/${BASH_REMATCH[3]:-6333}" || fail "Qdrant cannot be reached"
  if [[ -n $file ]]; then
    printf -v start -- '--%s\r\ncontent-disposition: form-data; name="snapshot"; filename="snapshot"\r\ncontent-type: application/octet-stream\r\n\r\n' "$boundary"
    printf -v end -- '\r\n--%s--\r\n' "$boundary"
    length=$((${#start} + $(stat --dereference --format=%s "$file") + ${#end}))
  fi
  {
    printf '%s %s HTTP/1.0\r\nhost: qdrant\r\napi-key: %s\r\ncontent-length: %s\r\n' "$method" "$path" "${QDRANT_API_KEY:-}" "$length"
    printf 'content-type: multipart/form-data; boundary=%s\r\n\r\n%s' "$boundary" "$start"
    if [[ -n $file ]]; then cat "$file"; fi
    printf '%s' "$end"
  } >&"$connection"
  read -r _ status _ <&"$connection" || fail "Qdrant has closed the connection"
  while IFS= read -r line <&"$connection" && [[ ${line%$'\r'} != "" ]]; do :; done
  if [[ $status == 2* ]]; then
    cat <&"$connection"
  else
    cat <&"$connection" >&2
  fi
  exec {connection}>&-
  [[ $status == 2* ]]
}

# live_collection: the collection behind the alias that searches use.
live_collection() {
  local aliases
  aliases=$(qdrant GET /aliases) || return 1
  tr '{' '\n' <<<"$aliases" | grep "\"alias_name\": *\"$MEM0_COLLECTION_NAME\"" | sed 's/.*"collection_name": *"\([^"]*\)".*/\1/'
}

# check_dump FILE: whole to its last line, and of this service's database. A dump that was cut still loads in part.
check_dump() {
  [[ -s $1 ]] || fail "$1 is empty"
  tail -c 1000 "$1" | grep -q '^-- PostgreSQL database dump complete' || fail "$1 is not whole: its last line is missing"
  grep -q '^COPY public\.memories ' "$1" || fail "$1 has no table memories: was it made of another database?"
}

# count_memories FILE: the rows of the table in a dump.
count_memories() { awk '/^COPY public\.memories /{on=1;next} on&&/^\\\.$/{exit} on{n++} END{print n+0}' "$1"; }

# write_status NAME RESULT SIZE: what Prometheus is told, as engram_NAME.prom in BACKUP_DIR; RESULT is 1 (well) or 0.
write_status() {
  local name=engram_$1 result=$2 size=$3 file success
  file=$BACKUP_DIR/$name.prom
  success=$(sed -n "s/^${name}_last_success_timestamp_seconds //p" "$file" 2>/dev/null || true)
  if [[ $result == 1 ]]; then success=$(date +%s); fi
  {
    printf '# TYPE %s_last_result gauge\n%s_last_result %s\n' "$name" "$name" "$result"
    if [[ -n $success ]]; then
      printf '# TYPE %s_last_success_timestamp_seconds gauge\n%s_last_success_timestamp_seconds %s\n' "$name" "$name" "$success"
    fi
    if [[ -n $size ]]; then printf '# TYPE %s_last_size_bytes gauge\n%s_last_size_bytes %s\n' "$name" "$name" "$size"; fi
  } >"$file.part"
  # It says nothing of a memory, and whoever serves metrics is another user.
  chmod 644 "$file.part"
  mv "$file.part" "$file"
}
