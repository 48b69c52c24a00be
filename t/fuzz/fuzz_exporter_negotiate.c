/* The header field Accept of a scraper. */
#include "ctl/exporter/negotiate.h"

#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	negotiate((struct span){(const char *)data, size});
	return 0;
}
