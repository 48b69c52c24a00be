/*
 * The attributes of XCLIENT, Postfix's extension (XCLIENT_README): a host in front of this server says who the client
 * is. Pure.
 */
#ifndef SMTPD_PROTOCOL_XCLIENT_H
#define SMTPD_PROTOCOL_XCLIENT_H

#include "common/accounts/accounts.h"
#include "common/mail/domain.h"

enum {
	XCLIENT_LINE_MAX = 510,  /* octets of the command without its CRLF (RFC 5321 4.5.3.1.4) */
	XCLIENT_VALUE_MAX = 255, /* of a value as it is sent; XCLIENT_README: NAME and HELO are no longer */
};

enum xclient_attribute {
	XCLIENT_NAME,
	XCLIENT_ADDR,
	XCLIENT_PORT,
	XCLIENT_PROTO,
	XCLIENT_HELO,
	XCLIENT_LOGIN,
	XCLIENT_DESTADDR,
	XCLIENT_DESTPORT,
	XCLIENT_COUNT
};

struct xclient {
	bool said[XCLIENT_COUNT];  /* what follows is valid for these */
	char name[DOMAIN_MAX + 1]; /* lower case; "" = unavailable, as for the other texts */
	struct ipaddr address;     /* 0.0.0.0 = unavailable */
	uint16_t port;             /* 0 = unavailable */
	bool esmtp;
	char helo[XCLIENT_VALUE_MAX + 1]; /* may hold any octet but NUL */
	char login[ACCOUNT_NAME_MAX + 1];
	char server[IPADDR_TEXT_MAX];
	uint16_t server_port;
};

/*
 * Parses ARGS, what follows the word XCLIENT. NULL: *out is set. Otherwise the fault, a constant that follows the
 * attribute *culprit, a part of ARGS: "is no address".
 */
const char *xclient_parse(struct span args, struct xclient *out, struct span *culprit);

#endif
