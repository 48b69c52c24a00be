#include <stdlib.h>
#include <string.h>

#include "common/mail/dot.h"
#include "smtpd/pickup/stuffing.h"
#include "t/fuzz/must.h"

static bool found(struct span text, size_t piece)
{
	struct stuffing s = {0};
	for (size_t at = 0; at < text.len; at += piece)
		stuffing_look(&s, (struct span){text.at + at, text.len - at < piece ? text.len - at : piece});
	stuffing_look_end(&s);
	return stuffing_found(&s);
}

/* The verdict does not depend on the pieces; a text that has a line with a single dot is never changed; and
 * unstuffing removes exactly the dots that stuffing adds. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	bool stuffed = found(text, size ? size : 1);
	MUST(found(text, 1) == stuffed && found(text, 3) == stuffed);
	for (size_t i = 0; stuffed && i < size; i++)
		MUST((i && data[i - 1] != '\n') || data[i] != '.' || (i + 1 < size && data[i + 1] == '.'));

	char *wire = malloc(2 * size + 2), *plain = malloc(2 * size + DOT_READ_EXTRA);
	char *back = malloc(2 * size + DOT_READ_EXTRA);
	struct dot_writer writer = {0};
	struct dot_reader reader = {.repair = true, .plain = true};
	struct unstuffing unstuffing = {0};
	size_t plain_len = 0;
	dot_read(&reader, text, plain, &plain_len);
	if (plain_len && plain[plain_len - 1] != '\r') {
		size_t wire_len = dot_write(&writer, (struct span){plain, plain_len}, wire);
		size_t back_len = unstuffing_take(&unstuffing, (struct span){wire, wire_len}, back);
		MUST(back_len == plain_len && memcmp(back, plain, plain_len) == 0);
	}
	free(wire);
	free(plain);
	free(back);
	return 0;
}
