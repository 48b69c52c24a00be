#include "ctl/dkim/publish.h"

void publish_zone(const char *selector, const char *domain, struct span text, struct str *to)
{
	str_printf(to, "%s._domainkey.%s. 3600 IN TXT (", selector, domain);
	do {
		size_t n = text.len < PUBLISH_STRING_MAX ? text.len : PUBLISH_STRING_MAX;
		str_printf(to, "\n    \"%.*s\"", (int)n, text.at);
		text = span_skip(text, n);
	} while (text.len);
	str_append_text(to, " )\n");
}
