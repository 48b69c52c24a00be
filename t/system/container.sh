#!/bin/bash
# container.sh: the image of etc/container, built and run by podman: mail goes in by SMTP and comes out as a file, the health check
# answers, a stop is graceful, and the mail is in the volume of the next container.
#
# Needs root, podman with buildah, debootstrap and the network. debian:12-slim is what debootstrap makes; no registry is asked.
set -euo pipefail
if [ "${1-}" != --inside ]; then	# podman wants cgroup v2 alone
	exec unshare --mount bash -c 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec "$0" --inside' "$(realpath "$0")"
fi
cd "$(dirname "$0")/../.."
. etc/debian.sh
work=$debian_folder/container
podman() { command podman --root "$work/storage" --runroot "$work/run" --storage-driver vfs --cgroup-manager cgroupfs "$@"; }
clean_up() {
	podman rm -f -a >/dev/null 2>&1 || :
	podman rmi -f -a >/dev/null 2>&1 || :
	rm -rf "$work"
	chown 0:0 /dev/null	# crun gives the standard streams of a container to its user
}
trap clean_up EXIT
fail() { podman logs mailroot >&2 || :; echo "container.sh: $*" >&2; exit 1; }
until_true() { for _ in $(seq 300); do ! "$@" >/dev/null 2>&1 || return 0; sleep 0.1; done; fail "in 30 s not: $*"; }
step() { echo "== $1 (after $SECONDS s)"; }

debian_base bookworm
mkdir -p "$work/source" "$work/conf"
step "base image"
tar -C "$debian_folder/bookworm.base" -c . | podman import -q - docker.io/library/debian:12-slim >/dev/null
git archive HEAD | tar -x -C "$work/source"

step build
podman build -q --format docker --isolation chroot --network host --pull=never -t mailroot -f etc/container/Containerfile "$work/source" >/dev/null
podman images mailroot

step run
cp etc/container/conf/mailroot.conf "$work/conf"
sed -i "s|^    #default_domain .*|    default_domain  example.com|; s|^    #fqdn .*|    fqdn            mail.example.com|" "$work/conf/mailroot.conf"
chown -R 10025:10025 "$work/conf"
run() {
	podman run -d --name mailroot --cgroups=disabled --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 --network none --cap-drop all --security-opt no-new-privileges \
		-v "$work/conf:/etc/mailroot" -v spool:/var/spool/mailroot mailroot >/dev/null
	until_true podman exec mailroot mailrootctl status
}
run
podman exec mailroot mailrootctl status
[ "$(podman exec mailroot id -u)" = 10025 ] || fail "it is not the user 10025"
podman healthcheck run mailroot >/dev/null || fail "the health check does not answer"

step mail
podman exec -i mailroot bash -euc '
	exec 3<>/dev/tcp/127.0.0.1/2525
	said() { read -r line <&3; [ "${line:0:3}" = "$1" ] || { echo "$line" >&2; exit 1; }; }
	tell() { printf "%s\r\n" "$1" >&3; said "$2"; }
	said 220
	tell "HELO printer.example.com" 250
	tell "MAIL FROM:<app@example.com>" 250
	tell "RCPT TO:<sales@example.com>" 250
	tell DATA 354
	tell "Subject: in a container"$'"'\r\n\r\n'"'"Hello."$'"'\r\n'"'. 250
	tell QUIT 221'
dropped() { podman exec mailroot bash -c 'grep -l "in a container" /var/spool/mailroot/default/drop/*.eml'; }
until_true dropped

step stop
podman stop -t 90 mailroot >/dev/null
[ "$(podman inspect --format '{{.State.ExitCode}}' mailroot)" = 0 ] || fail "the stop was not graceful"
podman rm mailroot >/dev/null

step "another container with the same volume"
run
dropped
step done
echo "container: passed"
