#!/bin/bash
# fresh_debian.sh [FOLDER]: the README's two commands in a Debian 12 where nothing was installed by hand.
#
# Makes a minbase Debian by debootstrap in FOLDER (default /var/tmp/mailroot-fresh; kept as FOLDER/base for the next time), copies the
# committed tree into a copy of it, and runs etc/quickstart --once and t/run there in namespaces of their own. Needs root and debootstrap.
set -eu
folder=${1:-/var/tmp/mailroot-fresh}
source=$(cd "$(dirname "$0")/../.." && pwd)
command -v debootstrap >/dev/null || apt-get install -y -q debootstrap
mkdir -p "$folder"
if [ ! -e "$folder/base/.done" ]; then
	rm -rf "$folder/base"
	debootstrap --variant=minbase bookworm "$folder/base" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
	for file in /etc/apt/apt.conf.d/*proxy* /etc/resolv.conf; do	# the way to the mirror, where it needs one
		[ ! -e "$file" ] || cp "$file" "$folder/base$file"
	done
	touch "$folder/base/.done"
fi
root=$folder/root
rm -rf "$root"
cp -a "$folder/base" "$root"
mkdir -p "$root/src/mailroot"
# What the installer of every machine writes, and debootstrap does not.
[ -e "$root/etc/hosts" ] || printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n' > "$root/etc/hosts"
git -C "$source" archive HEAD | tar -x -C "$root/src/mailroot"
inside='mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev 2>/dev/null; mkdir -p /dev/shm /dev/pts; mount -t tmpfs shm /dev/shm;
	mount -t devpts -o newinstance,ptmxmode=0666 pts /dev/pts; [ -e /dev/ptmx ] || ln -s pts/ptmx /dev/ptmx;
	cd /src/mailroot && etc/quickstart --once && t/run'
# Its root is a mount point, as that of every machine is.
unshare --mount --pid --fork --uts --ipc sh -c 'mount --bind "$0" "$0" && cd "$0" && exec chroot . "$@"' "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
	http_proxy="${http_proxy:-}" bash -c "$inside"
echo "fresh Debian: both commands passed"
