# mailroot-limits.sh - the driver of mailroot.sh with every limit of `client` set, and none reached: what counting costs.
#
# Settings that differ from mailroot.sh: client, and processes max, of which one client gets nine of ten.

. "$HERE/drivers/mailroot.sh"

limits() {
	echo "processes { max $((PROC_LIMIT + PROC_LIMIT / 4)) }
	client { connections 20000; connection_rate 9999999/1m; messages 9999999/1m; recipients 9999999/1m
	    octets 1000G/1h; errors 9999999/1m; except_list none }"
}
