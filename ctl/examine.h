/*
 * Checks what a configuration refers to: certificates, keys, key tabs, passwords, accounts, and name servers, which are
 * queried. The caller may not be the user that will read the files: files that the caller can't read are reported as
 * not examined.
 */
#ifndef CTL_EXAMINE_H
#define CTL_EXAMINE_H

#include "common/config/config.h"
#include "common/tls/certificate.h"

struct examine {
	bool guest;    /* not root: may not be able to read everything */
	int64_t now_s; /* wall clock */
	/* Receives each finding besides the report: AT is the line of the setting (line 0 = none). NULL = nobody. */
	void (*say)(void *context, const struct config_origin *at, enum certificate_grade grade, const char *text);
	void *context;
};

/*
 * Appends a line for each finding to REPORT and counts it, as the configuration's own checks do. An error is what keeps
 * a server from starting, or mail from going out.
 */
void examine_files(const struct examine *how, const struct config *config, struct config_report *report);

/* Writes PATH, or the nearest folder above it that exists, where the service will make PATH, to TO of PATH_MAX. */
void examine_nearest(const char *path, char *to);

#endif
