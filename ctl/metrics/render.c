#include "ctl/metrics/render.h"

#include "ctl/metrics/counted.h"
#include "ctl/metrics/gauges.h"
#include "ctl/metrics/windows.h"

void render(const struct scrape *scrape, enum exposition_format format, bool windows, struct str *to)
{
	struct exposition x = {.to = to, .format = format};
	gauges_write(scrape, &x);
	counted_write(scrape, &x);
	if (windows)
		windows_write(scrape, &x);
	exposition_end(&x);
}
