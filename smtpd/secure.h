/*
 * TLS of one smtpd: the context with its certificates, the keys of session tickets, and what precedes the greeting at
 * each listener. The parent makes it as root, so only the parent reads the private keys. Workers inherit it.
 */
#ifndef SMTPD_SECURE_H
#define SMTPD_SECURE_H

#include "common/config/config.h"
#include "common/tls/server.h"
#include "smtpd/serve.h"
#include "smtpd/tickets.h"

struct secure {
	struct tls_server *server;   /* NULL = no certificate, so no TLS */
	struct tls_tickets *tickets; /* NULL likewise */
	const int *listeners;
	size_t listener_count;
	struct secure_start {
		bool tls;   /* a handshake before the greeting */
		bool proxy; /* a PROXY header before that */
	} * starts;         /* for each listener */
};

/* As root, before the jail: reads the certificates. Ends the process with the reason and the remedy when that fails.
 * LISTENERS is borrowed. */
void secure_init(struct secure *s, const struct config_server *server, const int *listeners, size_t count);

/* Parent, regularly: renews the keys of tickets. */
void secure_tend(struct secure *s, int64_t now_ms);

/* Worker, before it reads anything from outside. */
void secure_worker(const struct secure *s);

/* How a connection of this listener begins. */
struct serve_tls secure_listener(const struct secure *s, int listener);

/* Whether a load balancer stands in front of this listener (listen ... proxy). */
bool secure_listener_is_proxied(const struct secure *s, int listener);

/*
 * The entry of LISTEN for which a socket with this address was opened: the one with this very address, else `*`, as the
 * kernel chooses between two sockets. NULL = none. Pure.
 */
const struct config_endpoint *secure_endpoint(const struct config_endpoints *listen, const struct ipaddr *ip,
					      uint16_t port);

#endif
