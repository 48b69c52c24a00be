/* Metrics: an entry of allow that no address matches. */
#include "common/config/check.h"

#include "common/base/language.h"

void config_check_metrics(struct config_build *b)
{
	const struct config_clients *allow = &b->out->metrics.allow;
	for (size_t i = 0; i < allow->n; i++) {
		if (allow->at[i].name)
			config_error(b->findings, config_origin_at(b->tree, allow->at[i].origin),
				     _("%s is no address: allow of metrics takes addresses and networks only"),
				     allow->at[i].text);
	}
}
