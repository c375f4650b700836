#!/bin/sh
# Sees to the system parts that tests and measurements need: installs what is missing where it may (root on Debian),
# else names what cannot run. With CI=true a part that stays missing is a failure.
set -eu

PATH=$PATH:/usr/sbin:/sbin

# part : Debian packages : what cannot run without it
parts='
nginx : nginx : bench, the control that every figure is a ratio to
cc : gcc libc6-dev : bench, its upstream and its load generator
'

main() {
    wanted=$(missing packages)
    [ -z "$wanted" ] || ! may_install || install_packages $wanted
    left=$(missing reasons)
    [ -n "$left" ] || return 0
    echo "System parts are missing, so these cannot run here:" >&2
    echo "$left" >&2
    [ "${CI:-}" != true ]
}

# missing packages | missing reasons
missing() {
    echo "$parts" | while IFS=: read -r part packages reason; do
        part=$(echo $part)
        [ -n "$part" ] || continue
        command -v "$part" >/dev/null && continue
        case $1 in
            packages) echo $packages ;;
            reasons) echo "  $part:$reason (Debian:$packages)" ;;
        esac
    done
}

may_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

install_packages() {
    echo "Installing $*" >&2
    keep_services_down
    apt-get update -q >&2 &&
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2 || true
}

# Debian starts a service as soon as it is installed; the tests want the program only.
keep_services_down() {
    policy=/usr/sbin/policy-rc.d
    [ ! -e "$policy" ] || return 0
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
}

main
