#include "delivery/web/answer.h"

#include <stdio.h>
#include <string.h>

#include "delivery/web/object.h"

#define MARK "AADSTS"

enum {
	LIFE_SENSIBLE_MAX_S = 366 * 86400, /* beyond it the number is no life */
	DEVICE_LIFE_S = 900,
	DEVICE_LIFE_MAX_S = 3600,
	INTERVAL_S = 5, /* RFC 8628 3.2 */
	INTERVAL_MAX_S = 60,
	NUMBER_MAX = 999999999
};

static bool refuse(char why[ANSWER_WHY_MAX], const char *text)
{
	snprintf(why, ANSWER_WHY_MAX, "%s", text);
	return false;
}

static bool is_bearer(const json_t *object)
{
	char type[32];
	return object_text(object, "token_type", type, sizeof(type)) == OBJECT_GOT &&
	       span_equal_nocase(span_of(type), SPAN("Bearer"));
}

static bool read_token(const json_t *object, struct answer_token *out, char why[ANSWER_WHY_MAX])
{
	switch (object_token(object, "access_token", out->octets, sizeof(out->octets))) {
	case OBJECT_ABSENT:
		return refuse(why, "the answer has no access_token");
	case OBJECT_BAD:
		return refuse(
			why,
			"the access_token of the answer is empty, is longer than 12000 octets, or has characters that no token may have");
	case OBJECT_GOT:
		break;
	}
	out->length = strlen(out->octets);
	if (!is_bearer(object))
		return refuse(why, "the token_type of the answer is not Bearer");
	if (object_token(object, "refresh_token", out->refresh_token, sizeof(out->refresh_token)) == OBJECT_BAD)
		return refuse(
			why,
			"the refresh_token of the answer is empty, is longer than 12000 octets, or has characters that no token may have");
	out->life_s = ANSWER_LIFE_S;
	if (object_number(object, "expires_in", ANSWER_LIFE_MIN_S, LIFE_SENSIBLE_MAX_S, &out->life_s) == OBJECT_BAD)
		return refuse(why, "expires_in of the answer is no number of seconds, or 60 at most");
	if (out->life_s > ANSWER_LIFE_MAX_S)
		out->life_s = ANSWER_LIFE_MAX_S;
	return true;
}

static const char no_object[] = "the answer is no JSON object, or has a member twice";

bool answer_token(struct span body, struct answer_token *out, char why[ANSWER_WHY_MAX])
{
	*out = (struct answer_token){0};
	json_t *object = object_parse(body);
	if (!object)
		return refuse(why, no_object);
	bool good = read_token(object, out, why);
	json_decref(object);
	return good;
}

/* Google calls the URL verification_url. */
static bool read_url(const json_t *object, struct answer_device *out)
{
	enum object_got got = object_token(object, "verification_uri", out->url, sizeof(out->url));
	if (got == OBJECT_ABSENT)
		got = object_token(object, "verification_url", out->url, sizeof(out->url));
	return got == OBJECT_GOT && span_starts_nocase(span_of(out->url), SPAN("https://"));
}

static bool read_device(const json_t *object, struct answer_device *out, char why[ANSWER_WHY_MAX])
{
	if (object_token(object, "device_code", out->device_code, sizeof(out->device_code)) != OBJECT_GOT)
		return refuse(why, "the answer has no device_code that can be used");
	if (object_text(object, "user_code", out->user_code, sizeof(out->user_code)) != OBJECT_GOT)
		return refuse(why, "the answer has no user_code that can be used");
	if (!read_url(object, out))
		return refuse(why, "the answer has no verification_uri that is an https URL");
	out->life_s = DEVICE_LIFE_S;
	out->interval_s = INTERVAL_S;
	if (object_number(object, "expires_in", 1, DEVICE_LIFE_MAX_S, &out->life_s) == OBJECT_BAD ||
	    object_number(object, "interval", 1, INTERVAL_MAX_S, &out->interval_s) == OBJECT_BAD)
		return refuse(why, "expires_in or interval of the answer is out of bounds");
	return true;
}

bool answer_device(struct span body, struct answer_device *out, char why[ANSWER_WHY_MAX])
{
	*out = (struct answer_device){0};
	json_t *object = object_parse(body);
	if (!object)
		return refuse(why, no_object);
	bool good = read_device(object, out, why);
	json_decref(object);
	return good;
}

/* The first line: what follows at Microsoft are numbers for its support. */
static void read_text(const json_t *object, struct answer_error *out)
{
	const json_t *member = json_object_get(object, "error_description");
	struct span text = {json_string_value(member), json_string_length(member)}, line;
	if (text.at && span_line(&text, &line))
		span_clean(span_trim(line), out->text, sizeof(out->text));
}

/* Its list of numbers, or the one that its text begins with. */
static uint64_t read_number(const json_t *object, const char *text)
{
	uint64_t number = 0;
	json_int_t listed = json_integer_value(json_array_get(json_object_get(object, "error_codes"), 0));
	if (listed > 0 && listed <= NUMBER_MAX)
		return (uint64_t)listed;
	const char *mark = strstr(text, MARK);
	if (!mark)
		return 0;
	mark += sizeof(MARK) - 1;
	struct span digits = {mark, strspn(mark, "0123456789")};
	return span_to_u64(digits, NUMBER_MAX, &number) ? number : 0;
}

bool answer_error(struct span body, struct answer_error *out)
{
	*out = (struct answer_error){0};
	json_t *object = object_parse(body);
	bool good = object && object_token(object, "error", out->error, sizeof(out->error)) == OBJECT_GOT;
	if (good) {
		read_text(object, out);
		out->number = read_number(object, out->text);
	}
	json_decref(object);
	return good;
}
