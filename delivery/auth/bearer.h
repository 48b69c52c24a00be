/*
 * An access token in place of a password: SASL XOAUTH2, as Microsoft and Google document it, and OAUTHBEARER (RFC
 * 7628). Pure.
 */
#ifndef DELIVERY_AUTH_BEARER_H
#define DELIVERY_AUTH_BEARER_H

#include "common/base/str.h"

enum { BEARER_SAID_MAX = 200 /* octets */ };

enum bearer_form { BEARER_XOAUTH2, BEARER_OAUTHBEARER };

struct bearer {
	enum bearer_form form;
	struct span user; /* the mailbox */
	struct span host; /* where the token is shown, and its port; only OAUTHBEARER says so */
	uint16_t port;
	struct span token;
};

/*
 * Appends the initial response in base64, and leaves no other copy of the token in memory. False with *why: user or
 * token has octets that can't be sent, or the token is too long for a line of AUTH (RFC 4954 4).
 */
bool bearer_append(const struct bearer *bearer, struct str *to, const char **why);

/* Our answer to the 334 of a refusal, in base64. The host then sends its reply. */
const char *bearer_answer(enum bearer_form form);

/*
 * What CHALLENGE, the 334 of a refusal in base64, says: "status 400, scope https://mail.google.com/" (RFC 7628 3.2.2).
 * Printable; empty when it says neither.
 */
void bearer_said(struct span challenge, char to[BEARER_SAID_MAX + 1]);

#endif
