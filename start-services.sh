#!/usr/bin/env bash
# Starts the shop as four processes that share one database server, and stops them together: Ctrl-C, or SIGTERM.
#
#   API_GATEWAY_PORT AUTH_SERVICE_PORT USER_SERVICE_PORT ORDERS_SERVICE_PORT   other ports than 8000 to 8003
#
# Every other variable is handed on to the units; .env.example lists them.
set -u
cd "$(dirname "$0")" || exit 1

node=node_modules/.bin/node
main=server/src/main.ts
units=(auth-service user-service orders-service api-gateway)
ports=("${AUTH_SERVICE_PORT:-8001}" "${USER_SERVICE_PORT:-8002}" "${ORDERS_SERVICE_PORT:-8003}" "${API_GATEWAY_PORT:-8000}")
health=(/auth/health /health /health /health)
seconds_to_start=60

pids=()
database_pid=
announced=

say() { printf '%s\n' "$*"; }

# Is the variable set, here or in .env?
is_set() {
  [ -n "${!1:-}" ] || grep -Eqs "^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=[[:space:]]*[^[:space:]]" .env
}

# Runs the rest in the background in a process group of its own: Ctrl-C reaches this script alone, which stops the units
# in their order. Node itself is started, since npm does not pass signals on.
launch() {
  set -m
  "$@" </dev/null &
  set +m
}

# Stops the units together and the database last, and waits for all of them.
stop_all() {
  trap '' INT TERM HUP
  local pid
  for pid in ${pids[@]+"${pids[@]}"}; do kill -TERM "$pid" 2>/dev/null; done
  for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" 2>/dev/null; done
  if [ -n "$database_pid" ]; then
    kill -TERM "$database_pid" 2>/dev/null
    wait "$database_pid" 2>/dev/null
  fi
  [ -n "$announced" ] && rm -f "$announced"
}

fail() {
  printf '%s\n' "$*" >&2
  stop_all
  exit 1
}

on_signal() {
  say 'Stopping.'
  stop_all
  exit 0
}

# Ends everything when one of the processes has ended.
check_alive() {
  local index
  for index in ${pids[@]+"${!pids[@]}"}; do
    kill -0 "${pids[$index]}" 2>/dev/null && continue
    wait "${pids[$index]}"
    fail "${units[$index]} ended with exit code $?; the others are stopped. Its own message is above."
  done
  if [ -n "$database_pid" ] && ! kill -0 "$database_pid" 2>/dev/null; then
    wait "$database_pid"
    fail "The database ended with exit code $?; everything else is stopped. Its own message is above."
  fi
}

# True when all URLs answer with 2xx.
all_answer() {
  "$node" -e '
    const asked = process.argv.slice(1).map((url) => fetch(url, { signal: AbortSignal.timeout(3000) }))
    Promise.all(asked).then((all) => process.exit(all.every(({ ok }) => ok) ? 0 : 1), () => process.exit(1))
  ' "$@"
}

trap on_signal INT TERM HUP

if [ ! -x "$node" ]; then
  command -v npm >/dev/null || fail 'npm is missing: install Node.js 20.19 or newer, which brings it.'
  npm ci --no-audit --no-fund || fail 'The dependencies could not be installed.'
fi

if [ "${NODE_ENV:-}" != production ] && ! is_set GUICHET_DEV; then export GUICHET_DEV=true; fi

if ! is_set IDENTITY_DATABASE_URL && ! is_set PROFILES_DATABASE_URL && ! is_set ORDERS_DATABASE_URL; then
  announced=$(mktemp) || fail 'There is no room for a temporary file.'
  launch "$node" "$main" database >"$announced"
  database_pid=$!
  deadline=$((SECONDS + seconds_to_start))
  until [ "$(grep -c '_DATABASE_URL=' "$announced")" -eq 3 ]; do
    check_alive
    [ $SECONDS -lt $deadline ] || fail "The database was not ready within $seconds_to_start seconds."
    sleep 0.1
  done
  while IFS= read -r line; do
    case $line in *_DATABASE_URL=*) export "${line?}" ;; esac
  done <"$announced"
  rm -f "$announced"
  announced=
fi

# Where the units find one another.
case ${HOST:-} in
  '' | localhost | 127.0.0.1 | 0.0.0.0 | :: | ::1) address=localhost ;;
  *) address=$HOST ;;
esac
export AUTH_SERVICE_URL="${AUTH_SERVICE_URL:-http://$address:${ports[0]}}"
export USER_SERVICE_URL="${USER_SERVICE_URL:-http://$address:${ports[1]}}"
export ORDERS_SERVICE_URL="${ORDERS_SERVICE_URL:-http://$address:${ports[2]}}"

urls=()
for index in "${!units[@]}"; do
  PORT="${ports[$index]}" launch "$node" "$main" start "shop/${units[$index]}" >/dev/null
  pids+=($!)
  urls+=("http://$address:${ports[$index]}${health[$index]}")
done

deadline=$((SECONDS + seconds_to_start))
until all_answer "${urls[@]}"; do
  check_alive
  [ $SECONDS -lt $deadline ] || fail "Not every unit was healthy within $seconds_to_start seconds."
  sleep 0.2
done
# Another program may have answered in the place of a unit that found its port taken.
check_alive

say 'The shop is ready:'
for index in "${!units[@]}"; do say "  $(printf '%-16s' "${units[$index]}") http://$address:${ports[$index]}"; done
[ "${GUICHET_DEV:-}" = true ] && say '  demo sign-in     admin / admin'
say 'Ctrl-C stops all of it.'

while :; do
  check_alive
  sleep 0.5
done
