/* Changes the line of one selector in the text of a configuration file. All other octets stay as they are. Pure. */
#ifndef CTL_DKIM_CONFLINE_H
#define CTL_DKIM_CONFLINE_H

#include "common/config/config.h"

/* Appends `selector NAME FILE` as the file has it. */
void confline_write(const struct config_selector *selector, struct str *to);

/*
 * Appends TEXT to TO with NEW in place of OLD in line OLD->origin.line. False: that line is not `selector`, the name
 * and the file of OLD, written without quotation marks, with no more than a comment behind them.
 */
bool confline_replace(struct span text, const struct config_selector *old, const struct config_selector *new,
		      struct str *to);

#endif
