# A Debian of its own in a folder, for scripts that source this file. Needs root and debootstrap.
#   debian_base SUITE     makes $debian_folder/SUITE.base by debootstrap (minbase), unless it is there from an earlier time
#   debian_copy FROM TO   copies a root; TO is made anew
#   debian_run ROOT [--no-net] SCRIPT [ARGUMENT ...]
#                         runs SCRIPT by bash in ROOT, in namespaces of its own. The network is that of this machine, or with
#                         --no-net a loopback alone.
debian_folder=${MAILROOT_DEBIAN:-/var/tmp/mailroot-fresh}

debian_base() {
	local base=$debian_folder/$1.base file
	command -v debootstrap >/dev/null || apt-get install -y -q debootstrap
	mkdir -p "$debian_folder"
	[ ! -e "$base/.done" ] || return 0
	rm -rf "$base"
	debootstrap --variant=minbase "$1" "$base" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
	for file in /etc/apt/apt.conf.d/*proxy* /etc/resolv.conf; do	# access to the mirror, if it needs a proxy
		[ ! -e "$file" ] || cp "$file" "$base$file"
	done
	echo force-unsafe-io >"$base/etc/dpkg/dpkg.cfg.d/throw-away"	# nobody minds when a crash spoils it
	# What the installer of a machine writes and debootstrap does not.
	[ -e "$base/etc/hosts" ] || printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n' >"$base/etc/hosts"
	touch "$base/.done"
}

debian_copy() {
	rm -rf "$2"
	cp -a --reflink=auto "$1" "$2"
}

debian_run() {
	local root=$1 net= up=:
	shift
	[ "$1" != --no-net ] || { net=--net up='ip link set lo up'; shift; }
	# Its root is a mount point, as on every machine.
	unshare --mount --pid --fork --uts --ipc $net sh -c "$up"'; mount --bind "$0" "$0" && cd "$0" && exec chroot . "$@"' "$root" \
		/usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 http_proxy="${http_proxy:-}" bash -c '
		mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev 2>/dev/null
		mkdir -p /dev/shm /dev/pts; mount -t tmpfs shm /dev/shm
		mount -t devpts -o newinstance,ptmxmode=0666 pts /dev/pts; [ -e /dev/ptmx ] || ln -s pts/ptmx /dev/ptmx
		exec bash -c "$@"' bash "$@"
}
