/* Of the files serve*.c: one connection, and what they share. */
#ifndef SMTPD_SERVE_CONNECTION_H
#define SMTPD_SERVE_CONNECTION_H

#include "common/net/stream.h"
#include "common/tls/channel.h"
#include "smtpd/serve.h"
#include "smtpd/session/transcript.h"

struct connection {
	struct stream stream;
	const struct proxy_header *proxied; /* NULL = the connection is direct */
	const struct serve_tls *tls;
	struct tls_channel channel;
	struct session session;
	struct filters filters;
	struct live *live;
	struct serve_stop *stop;
	const struct serve_services *services;
	const struct serve_watch *watch;
	struct transcript transcript;
	int64_t text_since;   /* when the text under way began; 0 = none is under way */
	uint64_t text_octets; /* octets of that text */
};

/* The client has left or says nothing, or the service stops. */
void serve_input_ended(struct connection *c, enum stream_result result);

/* --- serve_tls.c --- */

/* Whether OCTETS, which are no command, begin a TLS handshake. */
bool serve_begins_tls(struct span octets);

/* The client has begun a handshake where STARTTLS is expected. */
void serve_refuse_tls(struct connection *c);

/* After the reply to STARTTLS: discards what the client sent in clear behind the command, and shakes hands. */
void serve_start_tls(struct connection *c);

/* The handshake. The session is secured, or closed. */
void serve_shake_hands(struct connection *c);

/* --- serve_greet.c --- */

/* The client has connected: judges it, and greets it or ends the session. */
void serve_greet(struct connection *c);

/* The same after XCLIENT, for the client that it has named. */
void serve_become(struct connection *c);

#endif
