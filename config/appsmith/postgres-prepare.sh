#!/bin/sh
# Creates the data directory $1, or upgrades it to the installed PostgreSQL. Runs as the database user, with the database stopped.
set -eu
data=$1 program=$(readlink -f "$(command -v postgres)")
bin=${program%/*} new=$(postgres --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
# An upgrade was interrupted between its two renames.
[ -e "$data/PG_VERSION" ] || [ ! -e "$data-upgraded/PG_VERSION" ] || { rmdir "$data" || :; mv "$data-upgraded" "$data"; }
# Created beside it: the remains of a killed initdb look complete.
[ -e "$data/PG_VERSION" ] || { rm -rf "$data-new" && initdb -U postgres -D "$data-new" -E UTF8 -A trust && mv -T "$data-new" "$data"; exit; }
old=$(cat "$data/PG_VERSION") before=${bin%/*/bin}/$(cat "$data/PG_VERSION")/bin
[ "$old" != "$new" ] || exit 0
[ -x "$before/postgres" ] || { echo "the data are of PostgreSQL $old: install postgresql-$old beside $new, once" >&2; exit 1; }
# Start it once more: to read what the new one must share with it, and for the clean shutdown that pg_upgrade requires.
"$before/pg_ctl" -D "$data" -w -l "$data.log" -o "-h '' -k $data" start
like=$(psql -h "$data" -U postgres -At -v "new=$new" -f "$(dirname "$0")/postgres-like.sql") || like=
"$before/pg_ctl" -D "$data" -w stop && [ -n "$like" ]
rm -rf "$data-new" && initdb --username postgres --pgdata "$data-new" --auth trust $like && cd "$data-new"
pg_upgrade -U postgres -d "$data" -D "$data-new" -b "$before" -B "$bin" --socketdir "$data-new"
rm -f delete_old_cluster.sh # it would delete what has the old one's name then: the new one
mv "$data-new" "$data-upgraded" && mv "$data" "$data-$old" && mv "$data-upgraded" "$data"
