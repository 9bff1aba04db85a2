#!/bin/sh
# demo.sh ARGUMENTS: runs the demo with Node and these arguments. Its state is in .cache/demo, or if that is not
# writable (another user's checkout, a read-only one) in a private temporary folder.
set -eu
project=$(dirname "$0")/..

owned() { [ -d "$1" ] && [ -O "$1" ] && ! [ -L "$1" ]; }

if [ -z "${GATEHOUSE_DEMO_STATE:-}" ]; then
  mkdir -p "$project/.cache/demo" 2>/dev/null || true
  if ! [ -w "$project/.cache/demo" ]; then
    GATEHOUSE_DEMO_STATE=${TMPDIR:-/tmp}/gatehouse-demo-$(id -u)
    mkdir -m 700 "$GATEHOUSE_DEMO_STATE" 2>/dev/null || true
    if ! owned "$GATEHOUSE_DEMO_STATE"; then
      echo "cannot use $GATEHOUSE_DEMO_STATE: set GATEHOUSE_DEMO_STATE to a folder that belongs to you" >&2
      exit 1
    fi
    export GATEHOUSE_DEMO_STATE
  fi
fi
exec sh "$project/scripts/node.sh" "$@"
