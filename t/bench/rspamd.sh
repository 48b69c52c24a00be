# rspamd.sh - Debian's rspamd as a filter, for the drivers mailroot-rspamd and postfix-rspamd, which source it. It runs in the control
# group of the MTA, so its CPU time is counted in.
#
# It stands in its own root: cp -a "$(t/system/peers rspamd)" "$PEERS/rspamd"
# Settings that differ from Debian's: the proxy worker scans itself, in 2 processes; no other workers; no question to the DNS or the
# Internet; a short list of top-level domains, since Debian's takes half a minute to compile at each start.

RSPAMD=$PEERS/rspamd
RSPAMD_PORT=11332

rspamd_available() { [ -x "$RSPAMD/usr/bin/rspamd" ]; }

rspamd_configure() {
	local to=$RSPAMD/etc/rspamd/local.d folder name
	for folder in var/lib/rspamd var/log/rspamd run/rspamd; do
		install -d -o 20051 -g 20051 "$RSPAMD/$folder"
	done
	for name in null zero random urandom; do
		[ -e "$RSPAMD/dev/$name" ] || cp -a "/dev/$name" "$RSPAMD/dev/"
	done
	mkdir -p "$to"
	printf '%s\n' com org net test example > "$RSPAMD/etc/rspamd/tld"
	cat > "$to/worker-proxy.inc" <<-X
		bind_socket = "127.0.0.1:$RSPAMD_PORT";
		milter = yes;
		count = 2;
		upstream "local" { default = yes; self_scan = yes; }
	X
	cat > "$to/options.inc" <<-X
		dns { nameserver = ["127.0.0.1"]; timeout = 0.1s; retransmits = 1; }
		filters = "chartable,dkim,regexp";
		url_tld = "/etc/rspamd/tld";
	X
	for name in worker-normal.inc worker-controller.inc worker-fuzzy.inc fuzzy_check.conf rbl.conf surbl.conf asn.conf rspamd_update.conf; do
		echo "enabled = false;" > "$to/$name"
	done
	printf '%s\n' "openphish_enabled = false;" "phishtank_enabled = false;" > "$to/phishing.conf"
}

rspamd_start() {
	cg_exec chroot "$RSPAMD" /usr/bin/rspamd -f -u _rspamd -g _rspamd
	wait_port $RSPAMD_PORT 60
}
