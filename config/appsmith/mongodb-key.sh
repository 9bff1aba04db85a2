#!/bin/sh
# The key by which members of the replica set know each other: kept in $1 and copied to $2, since a volume may not know the mode 0600.
set -eu
umask 077
[ -s "$1" ] || { head -c 567 /dev/urandom | base64 --wrap=0 > "$1.new" && mv "$1.new" "$1"; }
install -D --mode 0600 "$1" "$2"
