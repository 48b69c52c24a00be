/*
 * Whether a host would take our mail: connects, reads the greeting, says EHLO, starts TLS as the outbound block wants
 * it, and says QUIT. No mail transaction is begun.
 */
#ifndef CTL_DOCTOR_HOP_H
#define CTL_DOCTOR_HOP_H

#include "ctl/doctor/talk.h"

struct hop {
	struct ipaddr ip;
	uint16_t port;
	const char *name;                       /* of the host; NULL = it has only its address */
	const char *hello;                      /* for EHLO */
	const struct config_outbound *outbound; /* NULL = only the greeting matters */
	struct ssl_ctx_st *tls;                 /* by hop_prepare */
	uint64_t size;                          /* by hop_examine: octets of a message at most; 0 = unknown */
};

enum hop_fault {
	HOP_GOOD,
	HOP_UNREACHABLE, /* no connection */
	HOP_REFUSES,     /* no greeting, or a refusal */
	HOP_WITHOUT_TLS, /* required, and not offered */
	HOP_TLS_FAILS,   /* the handshake, or the certificate */
	HOP_WITHOUT_AUTH /* our mechanism is not offered */
};

/* Reads the certificates and keys of its outbound block, which takes rights. False with WHY (TALK_WHY_MAX). */
bool hop_prepare(struct hop *hop, char *why);

/* WHY (TALK_WHY_MAX): the fault in words, printable ASCII. */
enum hop_fault hop_examine(struct hop *hop, char *why);

#endif
