/* Facts about settings as text, for the generators of documentation. */
#ifndef COMMON_CONFIG_DOC_H
#define COMMON_CONFIG_DOC_H

#include "common/config/table.h"

/* Appends " (at most 64 values)" or " (1s to 1d)", or nothing if the setting has no bounds. */
void config_doc_bounds(struct str *to, const struct config_setting *setting);

/* Appends TEXT in lines of at most 100 columns, each with INDENT spaces and PREFIX in front. */
void config_doc_wrapped(struct str *to, unsigned indent, const char *prefix, struct span text);

#endif
