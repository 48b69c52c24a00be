#include "delivery/capabilities.h"

static void add_size(struct capabilities *c, struct span parameter)
{
	uint64_t max = 0;
	if (parameter.len && !span_to_u64(parameter, UINT64_MAX, &max))
		return;
	c->size = true;
	c->size_max = max;
}

void capabilities_add(struct capabilities *c, struct span line)
{
	struct span parameters = span_trim(line);
	struct span keyword = span_take(&parameters, ' ');
	if (span_equal_nocase(keyword, SPAN("PIPELINING")))
		c->pipelining = true;
	else if (span_equal_nocase(keyword, SPAN("8BITMIME")))
		c->eight_bit = true;
	else if (span_equal_nocase(keyword, SPAN("SIZE")))
		add_size(c, span_trim(parameters));
}
