#!/bin/sh
# The key of the replica set's members: kept in $1 and copied to $2, because a volume may not support mode 0600.
set -eu
umask 077
[ -s "$1" ] || { head -c 567 /dev/urandom | base64 --wrap=0 > "$1.new" && mv "$1.new" "$1"; }
install -D --mode 0600 "$1" "$2"
