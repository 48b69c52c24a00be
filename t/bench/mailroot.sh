# mailroot.sh - driver for Mailroot, started from its build folder.  Sourced by the benchmark's run.sh after lib.sh.
#
# Settings that differ from the defaults:
#   processes max = $PROC_LIMIT (spare: 5, the default)
#   messages max_message_size 50M, max_session_size none (1 MiB messages, long sessions)
#   messages max_messages_per_connection none
#   access tls_certificate, in w8 only
#   relay list 127.0.0.1, local domain local.test, smart host = sink
# As shipped: one fsync per message, jails and users of their own, one log line per event to syslog.

BUILD=${MAILROOT_BUILD:?the folder with mailrootd}
ROOT=$WORK/mailroot
D_MAILDIR=$ROOT/spool/bench/drop
D_SUFFIX=.eml
D_LOG=$ROOT/log

d_available() { [ -x "$BUILD/mailrootd" ]; }

d_version() { "$BUILD/mailrootctl" --version; }

limits() { echo "processes { max $PROC_LIMIT }"; }

d_configure() {
	rm -rf "$ROOT"
	mkdir -p "$ROOT"
	chmod 755 "$ROOT"
	for u in mailroot mailroot-smtpd mailroot-out mailroot-web mailroot-kerberos mailroot-filters; do
		id $u >/dev/null 2>&1 || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin $u
	done
	getent group mailroot-operators >/dev/null || groupadd --system mailroot-operators
	local access=
	if [ -n "${TLS_CERT:-}" ]; then
		install -m 600 "$TLS_CERT" "$ROOT/tls.pem"
		access="access { tls_certificate $ROOT/tls.pem $ROOT/tls.pem }"
	fi
	cat > "$ROOT/conf" <<-X
		mailroot_dir $ROOT/spool
		run_dir $ROOT/run
		virtual_server bench {
		    listen 127.0.0.1:$SMTP_PORT
		    fqdn bench.test
		    default_domain local.test
		    $(limits)
		    relay { list 127.0.0.1 }
		    $access
		    messages { max_message_size 50M; max_session_size none; max_messages_per_connection none }
		    smart_host [127.0.0.1]:$SINK_PORT
		}
	X
}

d_start() {
	cg_exec sh -c 'exec "$0" -f -c "$1" 2>"$2"' "$BUILD/mailrootd" "$ROOT/conf" "$D_LOG"
	wait_port "$SMTP_PORT"
}

# Removes the spool now, not at the next start: for five seconds ext4 skips every inode that was just freed, and the thousands of
# a removed spool would make the first creations of the next run slow (perf: recently_deleted, find_inode_bit).
d_stop() {
	cg_stop
	rm -rf "$ROOT/spool"
}

d_queued() { find "$ROOT/spool/bench/new" "$ROOT/spool/bench/cur" -type f 2>/dev/null | wc -l; }
