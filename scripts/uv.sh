#!/bin/sh
# Runs uv on this checkout, and obtains it first where the machine has none.
#
# Taken is a uv on PATH that can read our lock file, else one of our own under .tools: from pip, or, where Python came
# without venv or pip cannot reach its index, from scripts/get_uv.py.
# PYTHON=/path/to/python chooses the interpreter of the environment; otherwise an existing .venv keeps its own.
set -eu

pinned=0.13.9
oldest=0.8

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
tools=$root/.tools

main() {
    if [ -n "${PYTHON:-}" ]; then
        python=$PYTHON
        export UV_PYTHON="$PYTHON"
    elif "$root/.venv/bin/python" -c '' 2>/dev/null; then
        python=$root/.venv/bin/python
    else
        python=$(system_python)
        export UV_PYTHON="$python"
    fi
    uv=$(usable_uv) || uv=$(own_uv)
    export UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT="$root/.venv"
    prepare_cache
    trust_the_system
    exec "$uv" --directory "$root" "$@"
}

system_python() {
    for name in python3 python3.13 python3.12 python3.11; do
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        "$name" -c 'import sys; print(sys.executable)'
        return
    done
    echo "CodeRouter needs Python 3.11 or newer, and found none as python3, python3.13, python3.12 or python3.11." >&2
    echo "Install one (Debian: apt-get install python3), or name it: make PYTHON=/path/to/python ..." >&2
    return 1
}

usable_uv() {
    for candidate in uv "$tools/venv/bin/uv" "$tools/uv-$pinned/uv"; do
        if found=$(command -v "$candidate" 2>/dev/null) && is_new_enough "$found"; then
            echo "$found"
            return
        fi
    done
    return 1
}

is_new_enough() {
    version=$("$1" --version 2>/dev/null) || return 1
    "$python" - "$version" "$oldest" <<'EOF'
import sys

found, oldest = (tuple(int(part) for part in text.split(".")[:2]) for text in (sys.argv[1].split()[1], sys.argv[2]))
sys.exit(found < oldest)
EOF
}

own_uv() {
    mkdir -p "$tools"
    echo "Obtaining uv $pinned into .tools" >&2
    if "$python" -m venv --clear "$tools/venv" >/dev/null 2>&1 &&
        "$tools/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
            "uv==$pinned" >/dev/null 2>&1; then
        echo "$tools/venv/bin/uv"
    else
        rm -rf "$tools/venv"
        "$python" "$root/scripts/get_uv.py" "$pinned" "$tools/uv-$pinned" >&2
        echo "$tools/uv-$pinned/uv"
    fi
}

# A service account may have no home, or one it cannot write to.
prepare_cache() {
    [ -n "${UV_CACHE_DIR:-}" ] && return
    cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
    if [ -z "$cache" ] || ! mkdir -p "$cache/uv" 2>/dev/null || [ ! -w "$cache/uv" ]; then
        export UV_CACHE_DIR="$root/.cache/uv"
    fi
}

# Behind a proxy with an authority of its own, only the machine's bundle knows it; a machine without a bundle keeps
# to uv's built-in one.
trust_the_system() {
    if [ -z "${SSL_CERT_FILE:-}" ] && [ -e /etc/ssl/certs/ca-certificates.crt ]; then
        export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
    fi
}

main "$@"
