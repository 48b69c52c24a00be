/* How a block dkim of the configuration signs. */
#ifndef COMMON_DKIM_DKIM_BLOCK_H
#define COMMON_DKIM_DKIM_BLOCK_H

#include "common/config/config.h"
#include "common/dkim/sign.h"

/*
 * The parameters for a message that is signed now by the block DKIM. SELECTORS: one for each line of dkim->selector.
 * LINE_MAX: as in struct dot_writer.
 */
struct dkim_params dkim_block_params(const struct config_dkim *dkim, const struct dkim_selector *selectors,
				     size_t line_max);

#endif
