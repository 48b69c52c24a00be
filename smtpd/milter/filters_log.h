/* The lines of the log about filters: what they did, in words. */
#ifndef SMTPD_MILTER_FILTERS_LOG_H
#define SMTPD_MILTER_FILTERS_LOG_H

#include "smtpd/milter/filter.h"
#include "smtpd/milter/macros.h"

/* FILTER is down, for filter->why; its when_down decides about the message. */
void filters_log_down(const struct filter *filter, const struct macros_facts *facts);

void filters_log_discard(const struct filter *filter, const struct macros_facts *facts);

/* The content, of OCTETS, is not shown: it is larger than max_size. */
void filters_log_large(const struct filter *filter, const struct macros_facts *facts, uint64_t octets);

/* The edits that FILTER asks for, when content_apply has made them or has failed. */
void filters_log_edits(const struct filter *filter, const struct macros_facts *facts, const struct edits *edits);

/* The edits leave no recipient, so the message is discarded. */
void filters_log_nobody(const struct filter *filter, const struct macros_facts *facts);

#endif
