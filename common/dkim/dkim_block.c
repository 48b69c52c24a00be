#include "common/dkim/dkim_block.h"

#include "common/base/clock.h"

struct dkim_params dkim_block_params(const struct config_dkim *dkim, const struct dkim_selector *selectors,
				     size_t line_max)
{
	enum config_canonical how = dkim->canonical;
	bool header_simple = how == CONFIG_SIMPLE_RELAXED || how == CONFIG_SIMPLE_SIMPLE;
	bool body_simple = how == CONFIG_RELAXED_SIMPLE || how == CONFIG_SIMPLE_SIMPLE;
	return (struct dkim_params){.domain = dkim->name,
				    .selectors = selectors,
				    .selector_count = dkim->selector.n,
				    .names = {dkim->headers.at, dkim->headers.n},
				    .oversign = dkim->oversign,
				    .header = header_simple ? DKIM_SIMPLE : DKIM_RELAXED,
				    .body = body_simple ? DKIM_SIMPLE : DKIM_RELAXED,
				    .now_s = clock_wall_ms() / 1000,
				    .expire_s = dkim->expire == CONFIG_NONE ? 0 : dkim->expire / 1000,
				    .line_max = line_max};
}
