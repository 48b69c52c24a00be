/* A short SMTP conversation with a host: connection, lines, replies, TLS. Each step has the deadline TALK_MS. */
#ifndef CTL_DOCTOR_TALK_H
#define CTL_DOCTOR_TALK_H

#include "common/config/config.h"
#include "common/mail/domain.h"
#include "common/net/stream.h"
#include "common/tls/channel.h"

enum { TALK_MS = 5000, TALK_SAID_MAX = 200, TALK_WHY_MAX = 600 };

struct talk {
	int fd;
	struct stream stream;
	struct tls_channel channel;
	int code;                 /* of the last reply; 0 = none came */
	char said[TALK_SAID_MAX]; /* its first line, printable ASCII */
	bool starttls;            /* EHLO offered it */
	uint64_t size;            /* octets of a message at most, as EHLO offered; 0 = not said, or none */
	char mechanisms[400];     /* of AUTH, as EHLO offered them, between blanks */
};

/* Connects from SOURCE (NULL = any). 0, or -errno; the end is talk_close in either case. */
int talk_open(struct talk *t, const struct ipaddr *source, const struct ipaddr *ip, uint16_t port);

/* Reads the greeting, or any reply. False: none came. */
bool talk_read(struct talk *t);

/* Sends LINE and reads the reply. False: none came. */
bool talk_say(struct talk *t, const char *line);

/* EHLO NAME, or, if that is refused or PLAIN, HELO NAME. False: both are refused. */
bool talk_hello(struct talk *t, const char *name, bool plain);

/*
 * The handshake with the host NAME (NULL = only its address IP is known), as OUTBOUND wants it; TLS is made of OUTBOUND
 * by tls_client_context. False with WHY (TALK_WHY_MAX).
 */
bool talk_secure(struct talk *t, struct ssl_ctx_st *tls, const struct config_outbound *outbound, const char *name,
		 const struct ipaddr *ip, char *why);

void talk_close(struct talk *t);

#endif
