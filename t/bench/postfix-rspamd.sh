# postfix-rspamd.sh - the benchmark's driver of Postfix with rspamd as a filter (rspamd.sh): smtpd_milters, and nothing else, is added.

. "$HERE/drivers/postfix.sh"
. "$HERE/rspamd.sh"

eval "plain_$(declare -f d_configure)"
eval "plain_$(declare -f d_available)"

d_available() { plain_d_available && rspamd_available; }

d_configure() {
	plain_d_configure
	echo "smtpd_milters = inet:127.0.0.1:$RSPAMD_PORT" >> "$ROOT/etc/postfix/main.cf"
}

d_start() {
	rspamd_configure
	rspamd_start
	start_syslog "$ROOT" "$D_LOG"
	cg_exec chroot "$ROOT" /usr/lib/postfix/sbin/master -c /etc/postfix
	wait_port "$SMTP_PORT"
}
