#!/bin/sh
exec node "$(dirname "$0")/../../keycloak.ts" "$@"
