#!/bin/bash
# tls.sh MTAS - handshakes per second, CPU time of one, and memory of an idle session in TLS. Run by t/bench/run in a copy of the benchmark.
#   env: HANDSHAKES (2000), SESSIONS (500), KINDS ("rsa ecdsa": of the server's key), REPS (1)
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib.sh"
mkdir -p "$WORK"/{bin,log}
ulimit -n "$(ulimit -H -n)"
export LC_ALL=C
trap '[ -n "${CG:-}" ] && [ -d "$CG" ] && cg_stop' EXIT
trap 'exit 130' INT TERM

declare -A ALGORITHM=([rsa]="rsa:2048" [ecdsa]="ec -pkeyopt ec_paramgen_curve:P-256")

certificate() {	# KIND: key and certificate in one file
	# shellcheck disable=SC2086
	openssl req -x509 -newkey ${ALGORITHM[$1]} -nodes -days 30 -subj /CN=bench.test -keyout "$WORK/bench.key" -out "$WORK/bench.crt" 2>/dev/null
	cat "$WORK/bench.key" "$WORK/bench.crt" > "$WORK/bench-$1.pem"
}

one() {	# MTA KIND
	local u0 s0 u1 s1 n=${HANDSHAKES:-2000} count=${SESSIONS:-500} line memory
	unset D_SUFFIX D_SCALE
	. "$HERE/drivers/$1.sh"
	PROC_LIMIT=$((count + 50)) TLS_CERT=$WORK/bench-$2.pem
	d_configure || die "$1: configure failed"
	cg_make "$1"
	d_start > "$WORK/log/$1.out" 2>&1 || die "$1 does not start: $(tail -3 "$WORK/log/$1.out")"
	python3 "$HERE/tls.py" full "$SMTP_PORT" 50 > /dev/null
	for way in full resumed; do
		read -r u0 s0 < <(cg_cpu)
		line=$(python3 "$HERE/tls.py" $way "$SMTP_PORT" "$n")
		read -r u1 s1 < <(cg_cpu)
		echo "$1 $2 $way $line cpu_ms=$(calc "($u1 - $u0 + $s1 - $s0) * 1000 / $n")"
	done
	memory=$(python3 "$HERE/tls.py" idle "$SMTP_PORT" "$count" "$CG/cgroup.procs")
	echo "$1 $2 idle $memory"
	d_stop
	rm -rf "$CG" 2>/dev/null
	CG=
}

for kind in ${KINDS:-rsa ecdsa}; do certificate "$kind"; done
for _ in $(seq "${REPS:-1}"); do
	for kind in ${KINDS:-rsa ecdsa}; do
		for m in ${1//,/ }; do one "$m" "$kind"; done
	done
done
