#!/bin/sh
# The namespace and the search attribute that workflows need, on the Temporal at address $1.
set -eu
cli() { temporal --address "$address" "$@"; }
address=$1
cli operator namespace describe default >/dev/null 2>&1 || cli operator namespace create --retention 2d default
# Temporal's cache of namespaces takes some seconds to see a new one.
until attributes=$(cli operator search-attribute list --namespace default); do sleep 1; done
case $attributes in
  *appsmithWorkflowId*) ;;
  *) cli operator search-attribute create --namespace default --name appsmithWorkflowId --type Text ;;
esac
