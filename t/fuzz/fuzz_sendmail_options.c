#include <string.h>

#include "sendmail/compose.h"
#include "sendmail/options.h"
#include "t/fuzz/must.h"

enum { WORDS_MOST = 64, TEXT_MOST = 4096 };

/* The words of a command line, each with a final NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TEXT_MOST + 1];
	char *argv[WORDS_MOST + 2] = {(char[]){"sendmail"}};
	char why[OPTIONS_WHY_MAX] = "";
	struct options options;
	int argc = 1;

	if (size > TEXT_MOST)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at < size && argc <= WORDS_MOST; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	if (!options_parse(argc, argv, &options, why)) {
		MUST(why[0] && memchr(why, '\0', sizeof(why)));
		return 0;
	}
	MUST(options.recipient_count < (size_t)argc);
	struct compose c = {0};
	str_init(&c.head, COMPOSE_HEAD_MAX);
	for (size_t i = 0; i < options.recipient_count; i++) {
		MUST(options.recipients[i][0] != '-' || options.mode == OPTIONS_FLUSH);
		compose_recipients(&c, span_of(options.recipients[i]), &options.notify);
	}
	for (size_t i = 0; i < c.head.len; i++)
		MUST((c.head.at[i] >= ' ' && c.head.at[i] <= '~') || c.head.at[i] == '\r' || c.head.at[i] == '\n');
	str_free(&c.head);
	return 0;
}
