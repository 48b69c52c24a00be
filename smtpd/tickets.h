/*
 * Keys of TLS session tickets (RFC 5077, RFC 8446 4.6.1). The parent makes them in sealed memory that its workers can
 * only read, so a client resumes with any worker. They change every hour; a ticket is valid while its key is the newest
 * or the one before, so no key in use is older than two hours. Older keys are wiped: nobody can decrypt a recording
 * with them.
 */
#ifndef SMTPD_TICKETS_H
#define SMTPD_TICKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssl_ctx_st;

enum {
	TLS_TICKETS_NAME = 16,
	TLS_TICKETS_SECRET = 32,
	TLS_TICKETS_PERIOD_MS = 60 * 60 * 1000 /* also the life time of a ticket */
};

struct tls_ticket_key {
	unsigned char name[TLS_TICKETS_NAME];
	unsigned char cipher[TLS_TICKETS_SECRET]; /* AES-256-CBC */
	unsigned char mac[TLS_TICKETS_SECRET];    /* HMAC-SHA-256 */
};

struct tls_tickets;

/* Parent: with a first key. NULL with errno. */
struct tls_tickets *tls_tickets_new(int64_t now_ms);
void tls_tickets_free(struct tls_tickets *t); /* NULL is fine */

/* Parent: changes the key when it is due (monotonic time). Returns the milliseconds until the next change. */
int64_t tls_tickets_tend(struct tls_tickets *t, int64_t now_ms);

/* Forked worker, before it reads anything from outside: gives up the writable mapping. */
void tls_tickets_read_only(struct tls_tickets *t);

/* Makes CONTEXT encrypt and decrypt tickets with these keys, which it borrows. False: no memory. */
bool tls_tickets_serve(struct tls_tickets *t, struct ssl_ctx_st *context);

/*
 * Gives the key for new tickets, or with NAME (TLS_TICKETS_NAME octets) the key of that ticket. False: that key no
 * longer exists. *newest: it is the key for new tickets. The caller wipes *out.
 */
bool tls_tickets_key(const struct tls_tickets *t, const unsigned char *name, struct tls_ticket_key *out, bool *newest);

#endif
