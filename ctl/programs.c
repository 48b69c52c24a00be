#include "ctl/programs.h"

#include <string.h>

#include "common/base/language.h"

static const struct {
	const char *first, *second, *synopsis, *help;
} rows[] = {
#define COMMAND(...)
#define PROGRAM(first, second, synopsis, help) {first, second, synopsis, help},
#include "ctl/commands.def"
#undef COMMAND
#undef PROGRAM
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

void programs_print_usage(const char *first, const char *second, FILE *to)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].second && strcmp(rows[i].first, first) == 0 &&
		    (!second || strcmp(rows[i].second, second) == 0))
			fprintf(to, _("usage: mailrootctl [-c FILE] %s %s %s\n        %s\n"), rows[i].first,
				rows[i].second, rows[i].synopsis, _(rows[i].help));
}
