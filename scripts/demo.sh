#!/bin/sh
# demo.sh ARGUMENTS: runs the demo by Node with these arguments. Its state is in .cache/demo, or where that cannot be written (another
# user's checkout, a read-only one) in a folder of this user's own for temporary files.
set -eu
project=$(dirname "$0")/..

owned() { [ -d "$1" ] && [ -O "$1" ] && ! [ -L "$1" ]; }

if [ -z "${GATEHOUSE_DEMO_STATE:-}" ]; then
  mkdir -p "$project/.cache/demo" 2>/dev/null || true
  if ! [ -w "$project/.cache/demo" ]; then
    GATEHOUSE_DEMO_STATE=${TMPDIR:-/tmp}/gatehouse-demo-$(id -u)
    mkdir -m 700 "$GATEHOUSE_DEMO_STATE" 2>/dev/null || true
    if ! owned "$GATEHOUSE_DEMO_STATE"; then
      echo "$GATEHOUSE_DEMO_STATE cannot be made, or is somebody else's: set GATEHOUSE_DEMO_STATE to a folder of yours" >&2
      exit 1
    fi
    export GATEHOUSE_DEMO_STATE
  fi
fi
exec sh "$project/scripts/node.sh" "$@"
