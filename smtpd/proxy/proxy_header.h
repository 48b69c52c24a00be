/*
 * The header that a load balancer sends in front of a connection (PROXY protocol, versions 1 and 2, as HAProxy's
 * proxy-protocol.txt describes them): who the client is, and which address it connected to. Pure.
 */
#ifndef SMTPD_PROXY_HEADER_H
#define SMTPD_PROXY_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"
#include "common/mail/cidr.h"

enum {
	PROXY_HEADER_FIRST = 12,      /* octets that tell the versions apart; no header is shorter */
	PROXY_HEADER_V1_MAX = 107,    /* with its CRLF */
	PROXY_HEADER_V2_START = 16,   /* the part that has the length of the rest */
	PROXY_HEADER_REST_MAX = 1024, /* addresses and TLVs of version 2 */
	PROXY_HEADER_MAX = PROXY_HEADER_V2_START + PROXY_HEADER_REST_MAX,
	PROXY_TLS_NAME_MAX = 32
};

/* What the proxy says of the TLS that it ended (type 0x20); an empty version: the client used none. */
struct proxy_tls {
	char version[PROXY_TLS_NAME_MAX]; /* "TLSv1.3" */
	char cipher[PROXY_TLS_NAME_MAX * 2];
};

struct proxy_header {
	bool check; /* the proxy speaks for itself (LOCAL, UNKNOWN): the addresses are not set */
	struct ipaddr client, server;
	uint16_t client_port, server_port;
	struct proxy_tls tls;
};

enum proxy_result { PROXY_OK, PROXY_MORE, PROXY_WRONG };

/*
 * Parses the header at the start of OCTETS. PROXY_MORE: *need octets in all must be there before the next call; never
 * more than belong to the header, so a reader that takes just these takes nothing of the dialogue behind. PROXY_OK:
 * *need is the length of the header. PROXY_WRONG: *why, a constant, says what is wrong.
 */
enum proxy_result proxy_header_parse(struct span octets, struct proxy_header *header, size_t *need, const char **why);

#endif
