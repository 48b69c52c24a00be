/* With any contents of the files, false comes with an error and true without; each finding is one printable line. */
#include <string.h>

#include "common/tls/certificate.h"
#include "t/fuzz/must.h"

static void listen(void *context, enum certificate_grade grade, const char *text)
{
	MUST(text[0]);
	for (const char *c = text; *c; c++)
		MUST(*c >= ' ' && *c <= '~');
	*(unsigned *)context += grade == CERTIFICATE_ERROR;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned errors = 0;
	const struct certificate_listener to = {.say = listen, .context = &errors};
	struct span rest = {(const char *)data, size};
	struct span certificate = span_take(&rest, '\0');
	struct certificate c;
	struct str names;

	MUST(certificate_judge("/c.pem", certificate, "/c.key", rest, CERTIFICATE_SERVER, &to, &c) == !errors);
	MUST(c.chain || errors);
	certificate_dates(&c, 1800000000, &to);
	str_init(&names, 4096);
	certificate_names(&c, &names);
	certificate_covers(&c, "mail.example.com");
	str_free(&names);
	certificate_free(&c);
	return 0;
}
