/*
 * JSON Web Tokens (RFC 7519): signed assertions in place of a secret (RFC 7523), and the claims of a token that an
 * administrator wants to see. Pure but for OpenSSL and its random numbers.
 */
#ifndef DELIVERY_WEB_JWT_H
#define DELIVERY_WEB_JWT_H

#include "common/base/str.h"
#include "common/config/types.h"

struct evp_pkey_st;

enum {
	JWT_MAX = 16 * 1024,
	JWT_WHY_MAX = 160,
	JWT_KEY_BITS_MIN = 2048,
	JWT_DIGEST_TEXT = 44, /* SHA-256 in base64url, with NUL */
	JWT_ID_TEXT = 37      /* a GUID, with NUL */
};

/* Appends N octets of DATA in base64url without padding (RFC 4648 5, RFC 7515 2). */
void jwt_base64url(struct str *to, const void *data, size_t n);

/* The RSA key in PEM, without a passphrase; other keys are refused. NULL with WHY. Free it with EVP_PKEY_free. */
struct evp_pkey_st *jwt_key(struct span pem, char why[JWT_WHY_MAX]);

struct jwt_certificate {
	char digest[JWT_DIGEST_TEXT]; /* x5t#S256: the SHA-256 of the first certificate of the file */
	int64_t ends_s;               /* seconds since 1970 UTC */
};

/* False with WHY: PEM has no certificate, or not that of KEY. */
bool jwt_certificate(struct span pem, struct evp_pkey_st *key, struct jwt_certificate *out, char why[JWT_WHY_MAX]);

struct jwt_claims {
	const char *issuer, *subject, *audience;
	const char *scope, *id; /* NULL = left out */
	int64_t issued_s, expires_s;
	bool not_before; /* nbf = iat */
};

/* How the issuer knows the key: x5t#S256 or kid. */
struct jwt_signer {
	struct evp_pkey_st *key;
	enum config_assertion algorithm;
	const char *name; /* "x5t#S256" */
	const char *value;
};

/* Appends the signed token. False, and TO is cleared, without memory or when OpenSSL fails. */
bool jwt_sign(const struct jwt_signer *signer, const struct jwt_claims *claims, struct str *to);

/* A random GUID as text. */
void jwt_id(char to[JWT_ID_TEXT]);

/*
 * Calls SAY for each claim of TOKEN about its audience and its permissions, if TOKEN looks like a JWT. No signature is
 * checked: this is for the eye. Values are one line of printable ASCII.
 */
void jwt_show(struct span token, void (*say)(void *context, const char *name, const char *value), void *context);

#endif
