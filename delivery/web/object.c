#include "delivery/web/object.h"

/* Without a message of jansson: it quotes what it read, which may be a token. */
json_t *object_parse(struct span text)
{
	json_error_t error;
	json_t *value = json_loadb(text.at ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

static enum object_got text_from(const json_t *object, const char *name, char least, char *to, size_t size)
{
	const json_t *member = json_object_get(object, name);
	*to = '\0';
	if (!member || json_is_null(member))
		return OBJECT_ABSENT;
	struct span text = {json_string_value(member), json_string_length(member)};
	if (!text.at || !text.len)
		return OBJECT_BAD;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < least || text.at[i] > '~')
			return OBJECT_BAD;
	return span_copy(text, to, size) ? OBJECT_GOT : OBJECT_BAD;
}

enum object_got object_text(const json_t *object, const char *name, char *to, size_t size)
{
	return text_from(object, name, ' ', to, size);
}

enum object_got object_token(const json_t *object, const char *name, char *to, size_t size)
{
	return text_from(object, name, '!', to, size);
}

enum object_got object_number(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *to)
{
	uint64_t whole;
	const json_t *member = json_object_get(object, name);
	if (!member || json_is_null(member))
		return OBJECT_ABSENT;
	if (json_is_string(member)) {
		struct span text = {json_string_value(member), json_string_length(member)};
		if (!span_to_u64(text, INT64_MAX, &whole) || (int64_t)whole < min || (int64_t)whole > max)
			return OBJECT_BAD;
		*to = (int64_t)whole;
		return OBJECT_GOT;
	}
	double number = json_number_value(member);
	if (!json_is_number(member) || !(number >= (double)min && number <= (double)max))
		return OBJECT_BAD;
	*to = (int64_t)number;
	return OBJECT_GOT;
}
