#!/bin/sh
# Sees to the system parts that tests and measurements need: installs what is missing where it may (root on Debian),
# else names what cannot run.
#
#   install_test_system_parts.sh          those of `make test` and `make bench`; a failure with CI=true only
#   install_test_system_parts.sh image    those of `make image-check`, which cannot do without
set -eu

PATH=$PATH:/usr/sbin:/sbin

# part : Debian packages : what cannot run without it
parts='
nginx : nginx : bench, the control that every figure is a ratio to
systemd-analyze : systemd : tests/deploy, which lets systemd read its units
redis-server : redis-server : tests of a state in a Valkey or Redis server
cc : gcc libc6-dev : bench, its upstream and its load generator
'
image_parts='
podman : podman : image-check, which builds and runs with it
/usr/lib/podman/netavark : netavark iptables : image-check, as part of podman
runc : runc : image-check, as part of podman
mmdebstrap : mmdebstrap : image-check, which makes base images from packages
arch-test : arch-test : image-check, as part of mmdebstrap
qemu-aarch64-static : qemu-user-static : image-check, which emulates an ARM processor
update-binfmts : binfmt-support : image-check, which registers the emulator
'

main() {
    [ "${1:-}" != image ] || parts=$image_parts
    wanted=$(missing packages)
    [ -z "$wanted" ] || ! may_install || install_packages $wanted
    left=$(missing reasons)
    [ -n "$left" ] || return 0
    echo "System parts are missing, so these cannot run here:" >&2
    echo "$left" >&2
    [ "${1:-}" != image ] && [ "${CI:-}" != true ]
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

main "$@"
