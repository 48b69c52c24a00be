# mailroot-rspamd.sh - the driver of mailroot.sh with rspamd as a filter (rspamd.sh).

. "$HERE/drivers/mailroot.sh"
. "$HERE/rspamd.sh"

d_available() { [ -x "$BUILD/mailrootd" ] && rspamd_available; }

limits() { echo "processes { max $PROC_LIMIT }; filter spam { address inet:127.0.0.1:$RSPAMD_PORT }"; }

d_start() {
	rspamd_configure
	rspamd_start
	cg_exec sh -c 'exec "$0" -f -c "$1" 2>"$2"' "$BUILD/mailrootd" "$ROOT/conf" "$D_LOG"
	wait_port "$SMTP_PORT"
}
