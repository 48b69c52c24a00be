/*
 * The bodies of requests to an issuer of access tokens, as application/x-www-form-urlencoded: the grants of OAuth 2.0
 * (RFC 6749 4.4 and 6), assertions (RFC 7521, RFC 7523) and the code for a person's sign-in (RFC 8628). Pure.
 */
#ifndef DELIVERY_WEB_REQUEST_H
#define DELIVERY_WEB_REQUEST_H

#include "common/base/str.h"

enum { REQUEST_MAX = 64 * 1024 /* octets */ };

/* The application, and what it asks for. Borrowed; what is NULL or "" is left out. */
struct request_client {
	const char *client_id;
	const char *secret;
	const char *assertion; /* a JWT that proves possession of the certificate; in place of the secret */
	const char *scope;
};

/*
 * Each appends a body to TO, which the caller wipes: it may hold secrets. Of the device's requests the first has no
 * secret (RFC 8628 3.1).
 */
void request_client_credentials(const struct request_client *client, struct str *to);
void request_refresh(const struct request_client *client, const char *refresh_token, struct str *to);
void request_device_code(const struct request_client *client, struct str *to);
void request_device_token(const struct request_client *client, const char *device_code, struct str *to);

/* ASSERTION, a JWT of a service account, is all that the issuer needs (RFC 7523 2.1). */
void request_service_account(const char *assertion, struct str *to);

#endif
