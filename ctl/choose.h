/*
 * Selects messages by what their files say, for commands that read the spool themselves: by the selectors of `queue
 * list`, with the same meaning (queue/operator/selection.h). Pure.
 */
#ifndef CTL_CHOOSE_H
#define CTL_CHOOSE_H

#include "common/mail/envelope.h"
#include "common/mail/journal.h"
#include "common/mail/msgid.h"
#include "ctl/options.h"

/* Whether the name of the message meets the selectors that concern it. IDS: any of them, or all messages if COUNT is 0.
 * NOW_S: the time. */
bool choose_by_name(const struct options *options, const char *const *ids, size_t count, const struct msgname *name,
		    int64_t now_s);

/* Whether choose_by_file is needed at all. */
bool choose_needs_file(const struct options *options);

/* Whether the message with ENVELOPE and the lines JOURNAL meets the other selectors. False also without memory. */
bool choose_by_file(const struct options *options, const struct envelope *envelope, struct span journal);

#endif
