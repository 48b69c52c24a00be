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
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$source/etc/debian.sh"
suite=trixie
options=
while [ $# -gt 0 ]; do
	case "$1" in
	--suite) suite=${2:?--suite needs a name}; shift ;;
	--short | --again) options="$options $1" ;;
	-*) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
	*) debian_folder=$1 ;;
	esac
	shift
done
root=$debian_folder/$suite
debian_base "$suite"
debian_copy "$debian_folder/$suite.base" "$root"
mkdir -p "$root/src/mailroot"
git -C "$source" archive HEAD | tar -x -C "$root/src/mailroot"
debian_run "$root" "cd /src/mailroot && time etc/quickstart --once && time t/run$options"
rm -rf "$root"
echo "fresh Debian $suite: both commands passed"
