#!/bin/sh
# node.sh ARGUMENTS: runs the Node that `npm ci` pinned, which npm puts first on the PATH. That Node needs libatomic1
# and libstdc++6, which a minimal Debian lacks: this script installs them if it is run as root, and otherwise prints
# what to do.
set -eu

# Fails where the loader lacks a library (127) and where Node is older than TypeScript without a build needs.
runs_typescript='const [major, minor] = process.versions.node.split(".").map(Number)
process.exit(major > 24 || (major === 24 && minor >= 14) ? 0 : 3)'

install_libraries() {
  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends libatomic1 libstdc++6
}

check() {
  status=0
  # Without variables that would have this Node write or load something.
  complaint=$(env -i PATH="$PATH" LD_LIBRARY_PATH="${LD_LIBRARY_PATH-}" node -e "$runs_typescript" 2>&1) || status=$?
}

# Gatehouse hides variables that are meant for programs from its own Node (docs/adr/0023-environment.md). Node reads
# these few before our first line, so they are passed on under other names. As in the binary, SIGUSR1 opens no debugger.
case " $*" in
*src/main.ts*)
  set -- node --inspect-port=192.0.2.1:65535 "$@"
  for name in NODE_OPTIONS NODE_CHANNEL_FD NODE_UNIQUE_ID NODE_REPL_EXTERNAL_MODULE OPENSSL_CONF; do
    eval "value=\${$name-}"
    [ -z "$value" ] || set -- "gatehouse-for-programs:$name=$value" "$@"
    unset "$name"
  done
  set -- env "$@"
  ;;
*) set -- node "$@" ;;
esac

check
case $complaint in
*libatomic* | *libstdc++*)
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo 'Installing libatomic1 and libstdc++6, which Node needs ...' >&2
    progress=$(install_libraries 2>&1) || echo "$progress" >&2
    check
  else
    echo 'Node needs two system libraries. On Debian: sudo apt-get install libatomic1 libstdc++6' >&2
    exit 1
  fi
  ;;
esac
if [ "$status" -ne 0 ]; then
  [ -z "$complaint" ] || echo "$complaint" >&2
  echo 'Gatehouse needs Node 24.14 or newer: `npm ci` installs it for this project, and `npm run` finds it there.' >&2
  exit 1
fi
exec "$@"
