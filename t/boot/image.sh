#!/bin/bash
# image.sh SUITE: a disk with Debian SUITE, systemd and the libraries that Mailroot needs, as $MAILROOT_DEBIAN/SUITE.boot.disk, beside its
# kernel and initrd. Makes it unless it is there; prints its path without ".disk". The second disk of the machine is mounted on /payload,
# and /payload/agent.py runs. Needs root and debootstrap.
set -eu
. "$(dirname "$0")/../../etc/debian.sh"
suite=$1
root=$debian_folder/$suite.boot
packages="linux-image-cloud-amd64 initramfs-tools zstd systemd-sysv udev dbus kmod apparmor
	python3 python3-aiosmtpd swaks libnet-ssleay-perl openssl iproute2 procps adduser init-system-helpers
	libunbound8 libgsasl18 libgssapi-krb5-2 libseccomp2 libjansson4 libcrypt1"
case $suite in
bookworm) packages+=" libevent-core-2.1-7 libcurl4 libssl3" ;;
*) packages+=" libevent-core-2.1-7t64 libcurl4t64 libssl3t64" ;;
esac
echo "$root"
stamp=$(sha256sum <"$0")
[ "$(cat "$root.stamp" 2>/dev/null)" != "$stamp" ] || exit 0

exec >&2
debian_base "$suite"
debian_copy "$debian_folder/$suite.base" "$root"
debian_run "$root" "export DEBIAN_FRONTEND=noninteractive
	apt-get -q update && apt-get -q -y --no-install-recommends install $(echo $packages) && apt-get clean"
cat >"$root/etc/systemd/system/agent.service" <<'UNIT'
[Unit]
RequiresMountsFor=/payload
[Service]
ExecStart=/usr/bin/python3 /payload/agent.py
Restart=always
[Install]
WantedBy=multi-user.target
UNIT
mkdir -p "$root/payload"
printf '/dev/vda / ext4 defaults 0 1\n/dev/vdb /payload ext4 ro 0 0\n' >"$root/etc/fstab"
echo guest.example.com >"$root/etc/hostname"
echo '127.0.1.1 guest.example.com guest' >>"$root/etc/hosts"
: >"$root/etc/resolv.conf"
chroot "$root" systemctl -q enable agent
chroot "$root" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer
cp "$root"/boot/vmlinuz-* "$root.vmlinuz"
cp "$root"/boot/initrd.img-* "$root.initrd"
mke2fs -q -F -t ext4 -d "$root" "$root.new" 2G
rm -rf "$root"
mv "$root.new" "$root.disk"
echo "$stamp" >"$root.stamp"
