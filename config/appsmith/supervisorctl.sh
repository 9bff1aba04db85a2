#!/bin/sh
# In supervisorctl's place, for the product's own programs. Its settings page asks for a restart, by which the settings are read again
# and whatever they change is started anew. appsmithctl asks whether there is a supervisor, and to stop what a restore finds stopped.
set -eu
[ "${1-}" = restart ] || exit 0
pid=$(gatehouse status --json ${GATEHOUSE_SOCKET:+--socket "$GATEHOUSE_SOCKET"} | sed -n 's/^  "pid": \([0-9]*\),$/\1/p')
kill -HUP "$pid"
