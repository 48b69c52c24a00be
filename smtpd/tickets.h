/*
 * Keys of session tickets (RFC 5077, RFC 8446 4.6.1): made by the parent in sealed memory that its workers can only
 * read, so that a client resumes with whichever worker it meets. Changed every hour; a ticket counts while its key is
 * the newest or the one before, so a key in use is never older than two hours. Keys before that are wiped, and with
 * them what could open a recording.
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
	TLS_TICKETS_PERIOD_MS = 60 * 60 * 1000 /* and how long a ticket is good for */
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

/* Parent: changes the key when it is time to (monotonic). Milliseconds until the next time. */
int64_t tls_tickets_tend(struct tls_tickets *t, int64_t now_ms);

/* Forked worker, before it reads anything from outside: gives up the writable mapping. */
void tls_tickets_read_only(struct tls_tickets *t);

/* Tickets of CONTEXT are made and read with these keys, which it borrows. False without memory. */
bool tls_tickets_serve(struct tls_tickets *t, struct ssl_ctx_st *context);

/* The key for new tickets, or with NAME (TLS_TICKETS_NAME octets) that of a ticket; false: there is no such key any
 * more. *newest: it is the one for new tickets. The caller wipes *out. */
bool tls_tickets_key(const struct tls_tickets *t, const unsigned char *name, struct tls_ticket_key *out, bool *newest);

#endif
