/*
 * What a configuration names, beyond its own text: certificates, keys, key tabs, passwords, accounts; and name servers,
 * which are asked whether they answer. Whoever asks need not be the one who will read the files: what he may not see is
 * said to be unseen.
 */
#ifndef CTL_EXAMINE_H
#define CTL_EXAMINE_H

#include "common/config/config.h"

struct examine {
	bool guest;    /* not root: may not see everything */
	int64_t now_s; /* wall clock */
};

/* Appends a line for each finding to REPORT and counts it, as the configuration's own checks do; an error is what keeps
 * a server from starting or mail from going out. */
void examine_files(const struct examine *how, const struct config *config, struct config_report *report);

#endif
