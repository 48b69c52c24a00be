#include "delivery/web/expiry.h"

#include "common/base/clock.h"

enum { DAY_S = 86400, DATE_LEN = 10 };

static const struct {
	int64_t days;
	const char *words;
} steps[] = {
	{0, "has expired"}, {1, "expires within a day"}, {7, "expires within 7 days"}, {30, "expires within 30 days"}};

void expiry_append(int64_t ends_s, int64_t now_s, const char *what, const char *remedy, const char *place,
		   struct str *to)
{
	char date[CLOCK_TEXT_MAX];
	clock_iso(ends_s * 1000, date);
	for (size_t i = 0; ends_s && i < sizeof(steps) / sizeof(*steps); i++) {
		if (ends_s - now_s > steps[i].days * DAY_S)
			continue;
		str_printf(to, "%s %s (%.*s): %s (%s)\n", what, steps[i].words, DATE_LEN, date, remedy, place);
		return;
	}
}
