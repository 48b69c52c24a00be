#include "delivery/web/redact.h"

#include <string.h>

enum { SECRET_MIN = 4 };

void redact_secret(char *text, const char *secret)
{
	size_t n = secret ? strlen(secret) : 0;
	for (char *at = text; n >= SECRET_MIN && (at = strstr(at, secret)); at += n)
		memset(at, '*', n);
}

void redact_long(char *text)
{
	while (*text) {
		size_t n = strcspn(text, " ");
		if (n > REDACT_WORD_MAX)
			memset(text, '*', n);
		text += n + (text[n] == ' ');
	}
}
