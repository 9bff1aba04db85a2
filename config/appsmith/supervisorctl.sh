#!/bin/sh
# Replaces supervisorctl for the product's own programs. Its settings page requests a restart, which reloads the settings
# and restarts what they change. appsmithctl asks whether a supervisor runs, and stops programs before a restore.
set -eu
[ "${1-}" = restart ] || exit 0
pid=$(gatehouse status --json ${GATEHOUSE_SOCKET:+--socket "$GATEHOUSE_SOCKET"} | sed -n 's/^  "pid": \([0-9]*\),$/\1/p')
kill -HUP "$pid"
