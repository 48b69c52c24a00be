# mailroot-dkim.sh - the driver of mailroot.sh with a DKIM key for the sender's domain: what signing costs.
#
# Settings that differ from mailroot.sh: dkim, with an RSA key of 2048 bits.

. "$HERE/drivers/mailroot.sh"

limits() {
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$ROOT/dkim.pem" 2>/dev/null
	chmod 600 "$ROOT/dkim.pem"
	echo "processes { max $PROC_LIMIT }
	dkim client.test { selector bench $ROOT/dkim.pem }"
}
