#!/bin/sh
# Updates Temporal's two schemas in the database `appsmith` to the version in directory $1; PostgreSQL is on port $2.
set -eu
bring() {
  set -- "$@" --plugin "${GATEHOUSE_TEMPORAL_PLUGIN:-postgres12}" --endpoint 127.0.0.1 --user temporal --database appsmith
  versions=$1 port=$2 schema=$3
  shift 3
  set -- "$@" --port "$port" --connect-attributes "search_path=$schema"
  temporal-sql-tool "$@" setup-schema --version 0.0
  temporal-sql-tool "$@" update-schema --schema-dir "$versions"
}
bring "$1/temporal/versioned" "$2" temporal
bring "$1/visibility/versioned" "$2" temporal_visibility
