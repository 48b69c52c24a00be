/* A handover that is read is written again as it was understood; whatever is not is refused at a line that exists. */
#include <stdlib.h>
#include <string.h>

#include "master/handover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_lines(struct span text)
{
	struct span line;
	size_t n = 0;
	while (span_line(&text, &line))
		n++;
	return n;
}

static void check_fd(int fd, void *context)
{
	(void)context;
	if (fd < 3 || fd >= HANDOVER_FD_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct handover read, again;
	struct span text = {(const char *)data, size};
	struct str first, second;
	size_t fault = handover_read(text, &read);
	if (fault > count_lines(text) + 1)
		abort();
	if (fault)
		return 0;
	handover_each(&read, check_fd, NULL);
	str_init(&first, HANDOVER_TEXT_MAX);
	str_init(&second, HANDOVER_TEXT_MAX);
	handover_write(&read, &first);
	if (handover_read(str_span(&first), &again))
		abort();
	handover_write(&again, &second);
	if (!span_equal(str_span(&first), str_span(&second)))
		abort();
	str_free(&first);
	str_free(&second);
	return 0;
}
