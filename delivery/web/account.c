#include "delivery/web/account.h"

#include <stdio.h>
#include <string.h>

#include "delivery/web/object.h"

static bool refuse(char why[ACCOUNT_WHY_MAX], const char *text)
{
	snprintf(why, ACCOUNT_WHY_MAX, "%s", text);
	return false;
}

/* A PEM text is all that has line ends. */
static bool read_key(const json_t *object, char *to, size_t size)
{
	const json_t *member = json_object_get(object, "private_key");
	struct span text = {json_string_value(member), json_string_length(member)};
	return text.at && span_starts(text, SPAN("-----BEGIN ")) && span_copy(text, to, size);
}

static bool read_all(const json_t *object, const char *token_url, struct account *out, char why[ACCOUNT_WHY_MAX])
{
	char type[32], url[1001];
	if (object_text(object, "type", type, sizeof(type)) != OBJECT_GOT || strcmp(type, "service_account") != 0)
		return refuse(why, "it is not the key of a service account: its member type says something else");
	if (object_token(object, "client_email", out->email, sizeof(out->email)) != OBJECT_GOT)
		return refuse(why, "it has no client_email that can be used: take the file as Google made it");
	if (object_token(object, "private_key_id", out->key_id, sizeof(out->key_id)) != OBJECT_GOT)
		return refuse(why, "it has no private_key_id that can be used: take the file as Google made it");
	if (!read_key(object, out->key, sizeof(out->key)))
		return refuse(why, "it has no private_key in PEM: take the file as Google made it");
	enum object_got got = object_token(object, "token_uri", url, sizeof(url));
	if (got == OBJECT_BAD || (got == OBJECT_GOT && strcmp(url, token_url) != 0)) {
		snprintf(why, ACCOUNT_WHY_MAX, "its token_uri is not %.200s, which is where tokens are fetched",
			 token_url);
		return false;
	}
	return true;
}

bool account_parse(struct span file, const char *token_url, struct account *out, char why[ACCOUNT_WHY_MAX])
{
	*out = (struct account){0};
	json_t *object = object_parse(file);
	if (!object)
		return refuse(why, "it is no JSON object, or has a member twice: take the file as Google made it");
	bool good = read_all(object, token_url, out, why);
	json_decref(object);
	return good;
}
