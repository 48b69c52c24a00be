/* Facts of settings as text, for those that generate documentation. */
#ifndef COMMON_CONFIG_DOC_H
#define COMMON_CONFIG_DOC_H

#include "common/config/table.h"

/* " (at most 64 values)", " (1s to 1d)", or nothing when the setting has no bounds. */
void config_doc_bounds(struct str *to, const struct config_setting *setting);

/* TEXT in lines of at most 100 columns, each with INDENT blanks and PREFIX in front. */
void config_doc_wrapped(struct str *to, unsigned indent, const char *prefix, struct span text);

#endif
