#!/bin/sh
# Makes the data folder $1, or brings what is in it to the PostgreSQL that is installed. As the user of the database, which is stopped.
set -eu
data=$1
program=$(readlink -f "$(command -v postgres)")
new=$(postgres --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
# An upgrade that was interrupted between its two renames.
[ -e "$data/PG_VERSION" ] || [ ! -e "$data-upgraded/PG_VERSION" ] || { rmdir "$data" || :; mv "$data-upgraded" "$data"; }
[ -e "$data/PG_VERSION" ] || exec initdb --username postgres --pgdata "$data" --encoding UTF8 --auth trust
old=$(cat "$data/PG_VERSION")
[ "$old" != "$new" ] || exit 0
bin=${program%/*/bin/postgres}/$old/bin
[ -x "$bin/postgres" ] || { echo "the data are of PostgreSQL $old: install postgresql-$old beside $new, once" >&2; exit 1; }
# pg_upgrade wants a server that ended in order; after a crash the old one has to come up once more.
[ ! -e "$data/postmaster.pid" ] || { "$bin/pg_ctl" -D "$data" -w -o "-h '' -k $data" start && "$bin/pg_ctl" -D "$data" -w stop; }
rm -rf "$data-new" && initdb --username postgres --pgdata "$data-new" --encoding UTF8 --auth trust && cd "$data-new"
pg_upgrade --username postgres --old-datadir "$data" --new-datadir "$data-new" --old-bindir "$bin" --new-bindir "${program%/*}" --socketdir "$data-new"
rm -f delete_old_cluster.sh # it would delete what has the old one's name then: the new one
mv "$data-new" "$data-upgraded" && mv "$data" "$data-$old" && mv "$data-upgraded" "$data"
