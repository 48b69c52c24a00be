#include "delivery/web/request.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define JWT_BEARER     "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define DEVICE_CODE    "urn:ietf:params:oauth:grant-type:device_code"

/* Unreserved in RFC 3986 2.3: all others are encoded, the blank as %20, which a form may have in place of +. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

static void append_encoded(struct str *to, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	for (; *text; text++) {
		unsigned char octet = (unsigned char)*text;
		const char code[] = {'%', digits[octet >> 4], digits[octet & 15]};
		if (is_plain(*text))
			str_append_c(to, *text);
		else
			str_append(to, (struct span){code, sizeof(code)});
	}
}

static void append_field(struct str *to, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	if (to->len)
		str_append_c(to, '&');
	str_append_text(to, name);
	str_append_c(to, '=');
	append_encoded(to, value);
}

static void append_proof(struct str *to, const struct request_client *client)
{
	if (client->assertion) {
		append_field(to, "client_assertion_type", ASSERTION_TYPE);
		append_field(to, "client_assertion", client->assertion);
	} else {
		append_field(to, "client_secret", client->secret);
	}
}

void request_client_credentials(const struct request_client *client, struct str *to)
{
	append_field(to, "grant_type", "client_credentials");
	append_field(to, "client_id", client->client_id);
	append_field(to, "scope", client->scope);
	append_proof(to, client);
}

void request_refresh(const struct request_client *client, const char *refresh_token, struct str *to)
{
	append_field(to, "grant_type", "refresh_token");
	append_field(to, "client_id", client->client_id);
	append_field(to, "scope", client->scope);
	append_field(to, "refresh_token", refresh_token);
	append_proof(to, client);
}

void request_device_code(const struct request_client *client, struct str *to)
{
	append_field(to, "client_id", client->client_id);
	append_field(to, "scope", client->scope);
}

void request_device_token(const struct request_client *client, const char *device_code, struct str *to)
{
	append_field(to, "grant_type", DEVICE_CODE);
	append_field(to, "client_id", client->client_id);
	append_field(to, "device_code", device_code);
	append_proof(to, client);
}

void request_service_account(const char *assertion, struct str *to)
{
	append_field(to, "grant_type", JWT_BEARER);
	append_field(to, "assertion", assertion);
}
