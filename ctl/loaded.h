/* A configuration file as a command uses it: read, built, and what there is to say about it. */
#ifndef CTL_LOADED_H
#define CTL_LOADED_H

#include "common/config/config.h"

struct loaded {
	struct config config;
	struct config_report report;
	bool good; /* no errors */
};

/* Reads FILE for this host. Free *out with loaded_free in any case. */
void loaded_read(const char *file, struct loaded *out);
void loaded_free(struct loaded *loaded);

#endif
