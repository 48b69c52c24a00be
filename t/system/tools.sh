#!/bin/sh
# tools.sh FOLDER: unpacks Debian's postfix and its libraries to FOLDER, for smtp-source and smtp-sink, without installing a mail server.
set -eu
folder=$1
mkdir -p "$folder/deb"
cd "$folder/deb"
packages=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances postfix |
	grep -E '^lib(icu|nsl|tirpc3|db5|sasl2-2|ssl3|gdbm|lmdb|pcre)' | sort -u)
for package in postfix $packages; do
	dpkg -s "$package" >/dev/null 2>&1 && continue
	ls "$package"_*.deb >/dev/null 2>&1 || apt-get -q -o APT::Sandbox::User=root download "$package"
done
for deb in *.deb; do
	dpkg-deb -x "$deb" "$folder"
done
LD_LIBRARY_PATH="$folder/usr/lib/postfix:$folder/usr/lib/$(uname -m)-linux-gnu" ldd "$folder/usr/sbin/smtp-source" | grep 'not found' && exit 1
exit 0
