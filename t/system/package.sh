#!/bin/bash
# package.sh [SUITE ...]: the Debian packages that etc/package has built, in a Debian without anything else: install, three edited
# lines, mail by SMTP and by sendmail (debian/tests/relay), an upgrade, remove, purge; how long each step takes.
#   SUITE  bookworm or trixie; otherwise each that build/package/ has
#
# Needs root, debootstrap, the network for what the packages depend on, and namespaces. The steps themselves see a loopback alone.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$source/etc/debian.sh"
cd "$source"
[ $# != 0 ] || set -- $(ls build/package)

# Runs in the Debian, with the network.
prepare='
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >/dev/null
apt-get -q -y --no-install-recommends install swaks python3-aiosmtpd procps >/dev/null
apt-get -q -y --download-only install /packages/*.deb >/dev/null
# The next version: the same programs, but mailroot.conf has changed.
mkdir /next
for deb in /packages/*.deb; do
	dpkg-deb -R "$deb" /tmp/deb
	sed -i "s/0\.1\.0~/0.1.0.1~/" /tmp/deb/DEBIAN/control
	if [ -e /tmp/deb/etc/mailroot/mailroot.conf ]; then
		echo "# A comment of the next version." >>/tmp/deb/etc/mailroot/mailroot.conf
		(cd /tmp/deb && find . -type f -path "./[^D]*" -printf "%P\0" | xargs -0 md5sum >DEBIAN/md5sums)
	fi
	dpkg-deb -b /tmp/deb "/next/$(basename "$deb" | sed "s/0\.1\.0~/0.1.0.1~/")" >/dev/null
	rm -r /tmp/deb
done'

# Runs in the Debian, without the network.
steps='
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
conf=/etc/mailroot/mailroot.conf
spool=/var/spool/mailroot
step() { echo "== $1 (after $SECONDS s)"; }
fail() { echo "package.sh: $*" >&2; exit 1; }
install() { apt-get -q -y -o Dpkg::Options::=--force-confold install "$@" >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; fail "apt-get install $*"; }; }
until_ready() { for _ in $(seq 300); do ! mailrootctl status >/dev/null 2>&1 || return 0; sleep 0.1; done; mailrootctl status || :; cat /tmp/apt.log; fail "the service is not ready"; }

# Without systemd the init script is called where this permits it.
printf "#!/bin/sh\nexit 0\n" >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d

step install
install /packages/*.deb
mailrootctl check
until_ready

step "three lines, mail"
bash /relay

step upgrade
cp $conf /before.conf
# The smart host of the test above is gone: this one waits.
printf "Subject: waits\n\nHello.\n" | sendmail -f app@example.com sales@example.net
id=
for _ in $(seq 100); do
	id=$(mailrootctl queue list --json | grep -o "\"id\":\"[^\"]*\"" | head -n 1 | cut -d "\"" -f 4)
	[ -z "$id" ] || break
	sleep 0.1
done
[ -n "$id" ] || fail "no mail waits"
pid=$(pgrep -x mailrootd | head -n 1) queue=$(pgrep -f ^mailroot-queue)
exec 9<>/dev/tcp/127.0.0.1/2525
printf "HELO client.test\r\n" >&9
install /next/*.deb
until_ready
[ "$(dpkg-query -W -f "\${Version}" mailroot | cut -c 1-7)" = 0.1.0.1 ] || fail "the version is that of before"
[ "$(pgrep -x mailrootd | head -n 1)" = "$pid" ] || fail "the service was restarted: $(cat /tmp/apt.log)"
grep "has taken over" /tmp/apt.log || fail "no upgrade: $(cat /tmp/apt.log)"
[ "$(pgrep -f ^mailroot-queue)" != "$queue" ] || fail "the queue is that of before"
printf "MAIL FROM:<app@example.com>\r\nQUIT\r\n" >&9
timeout 20 cat <&9 | tail -n 2 | cut -c 1-3 | tr "\n" " " | grep -q "250 221" || fail "the open session was dropped"
cmp $conf /before.conf || fail "the edited configuration was replaced"
mailrootctl queue show "$id" >/dev/null || fail "the mail that waits is gone"

step remove
apt-get -q -y remove mailroot >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; fail "apt-get remove"; }
! pgrep mailroot || fail "a process is left"
[ ! -e /usr/sbin/sendmail ] || fail "sendmail is left"
cmp $conf /before.conf || fail "remove took the configuration"
find $spool -type f | grep -q "$id" || fail "remove took mail"

step "install again"
install /next/*.deb
until_ready
mailrootctl queue show "$id" >/dev/null || fail "the mail that waits is gone"

step purge
wants=/etc/systemd/system/timers.target.wants
mkdir -p $wants
ln -s /usr/lib/systemd/system/mailroot-recipients.timer $wants # as systemctl enable does
apt-get -q -y purge mailroot mailroot-web mailroot-mta >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; fail "apt-get purge"; }
grep "$spool" /tmp/apt.log || fail "purge does not say where mail lies"
for path in /etc/mailroot /var/log/mailroot /var/lib/mailroot /etc/init.d/mailrootd /etc/apparmor.d/usr.sbin.mailrootd $wants/mailroot-recipients.timer; do
	[ ! -e $path ] && [ ! -h $path ] || fail "purge leaves $path"
done
find $spool -type f | grep -q "$id" || fail "purge took mail"
step done'

for suite; do
	root=$debian_folder/$suite.installed
	debian_base "$suite"
	debian_copy "$debian_folder/$suite.base" "$root"
	mkdir "$root/packages"
	cp "build/package/$suite"/mailroot{,-mta,-web}_*.deb "$root/packages"
	cp debian/tests/relay "$root/relay"
	debian_run "$root" "$prepare"
	debian_run "$root" --no-net "$steps"
	rm -rf "$root"
	echo "packages of $suite: passed"
done
