#!/bin/bash
# fresh_debian.sh [--suite SUITE] [--short] [FOLDER]: the two commands of the README in a Debian without anything installed by hand.
#   --suite SUITE  trixie (Debian 13, the default) or bookworm (Debian 12)
#   --short        t/run --short instead of t/run: all tests except those of the whole service
#   --again        a test that failed runs once more
#   FOLDER         where it happens; default /var/tmp/mailroot-fresh. FOLDER/SUITE.base is kept for the next time.
#
# Makes a minbase Debian by debootstrap, copies the committed tree into a copy of it, and runs etc/quickstart --once and t/run there in
# namespaces of their own. Needs root and debootstrap.
set -eu
suite=trixie
options=
folder=/var/tmp/mailroot-fresh
while [ $# -gt 0 ]; do
	case "$1" in
	--suite) suite=${2:?--suite needs a name}; shift ;;
	--short | --again) options="$options $1" ;;
	-*) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
	*) folder=$1 ;;
	esac
	shift
done
source=$(cd "$(dirname "$0")/../.." && pwd)
base=$folder/$suite.base
root=$folder/$suite
command -v debootstrap >/dev/null || apt-get install -y -q debootstrap
mkdir -p "$folder"
if [ ! -e "$base/.done" ]; then
	rm -rf "$base"
	debootstrap --variant=minbase "$suite" "$base" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
	for file in /etc/apt/apt.conf.d/*proxy* /etc/resolv.conf; do	# access to the mirror, if it needs a proxy
		[ ! -e "$file" ] || cp "$file" "$base$file"
	done
	touch "$base/.done"
fi
rm -rf "$root"
cp -a "$base" "$root"
mkdir -p "$root/src/mailroot"
# What the installer of a machine writes and debootstrap does not.
[ -e "$root/etc/hosts" ] || printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n' >"$root/etc/hosts"
git -C "$source" archive HEAD | tar -x -C "$root/src/mailroot"
inside='mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev 2>/dev/null; mkdir -p /dev/shm /dev/pts; mount -t tmpfs shm /dev/shm;
	mount -t devpts -o newinstance,ptmxmode=0666 pts /dev/pts; [ -e /dev/ptmx ] || ln -s pts/ptmx /dev/ptmx;
	cd /src/mailroot && time etc/quickstart --once && time t/run'$options
# Its root is a mount point, as on every machine.
unshare --mount --pid --fork --uts --ipc sh -c 'mount --bind "$0" "$0" && cd "$0" && exec chroot . "$@"' "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
	http_proxy="${http_proxy:-}" bash -c "$inside"
rm -rf "$root"
echo "fresh Debian $suite: both commands passed"
