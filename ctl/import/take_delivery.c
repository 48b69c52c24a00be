/* The tabs Messages and Delivery: values that depend on others. */
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/mail/address.h"
#include "ctl/import/take.h"
#include "ctl/import/value.h"

enum { RETRY_MAX = 8, RETRY_MINUTES_MAX = 365 * 24 * 60, ADDRESSES_MAX = 32 };

static int64_t octets(uint32_t value)
{
	return !value || value == UINT32_MAX ? CONFIG_NONE : ((int64_t)value + 1023) / 1024 * 1024;
}

/* A session must have room for the largest message. */
static void take_session_size(struct take *t)
{
	struct metabase_property *p, *largest;
	uint32_t value, most = 35 * 1024 * 1024;
	if (!take_number(t, IIS_MaxSessionSize, &p, &value))
		return;
	take_number(t, IIS_MaxMessageSize, &largest, &most);
	bool small = octets(value) < octets(most);
	take_line(t, plan_block(&t->plan, t->server, "messages"), p, small ? REPORT_CHANGED : REPORT_TAKEN,
		  small ? N_("as large as the largest message") : NULL, "max_session_size %s",
		  take_format(t, CONFIG_SIZE_LIMIT, small ? octets(most) : octets(value)));
}

static void take_copies(struct take *t)
{
	struct metabase_property *p = take_find(t, IIS_SendNdrTo);
	struct span rest = span_of(p ? p->value : ""), entry;
	const char *words = "", *why;
	struct address address;
	size_t n = 0;
	while (value_entry(&rest, ",;", &entry)) {
		if (span_find(entry, '@') == entry.len && t->default_domain)
			entry = span_of(plan_text(&t->plan, "%.*s@%s", SPAN_ARGS(entry), t->default_domain));
		const char *word = take_word(t, entry);
		if (!word || n == ADDRESSES_MAX || !address_parse(entry, &address, &why) || !address.domain.len ||
		    !take_domain_name(t, address.domain, false, &why))
			take_say(t, p, REPORT_DOUBT, N_("%.*s is no address, or one too many, and was left out"),
				 SPAN_ARGS(entry));
		else
			words = plan_text(&t->plan, n++ ? "%s %s" : "%s%s", words, word);
	}
	if (words[0])
		take_line(t, plan_block(&t->plan, t->server, "messages"), p, REPORT_TAKEN, NULL, "ndr_copy_to %s",
			  words);
	else if (p && !p->told)
		take_say(t, p, REPORT_NOT, "empty");
}

void take_messages(struct take *t)
{
	take_session_size(t);
	take_copies(t);
}

static struct plan_node *delivery(struct take *t)
{
	return plan_block(&t->plan, t->server, "delivery");
}

/* "15,30,60,240". */
static void take_steps(struct take *t, struct metabase_property *p)
{
	struct span rest = span_of(p->value), entry;
	const char *words = "";
	uint64_t minutes;
	size_t n = 0, cut = 0;
	while (value_entry(&rest, ",;", &entry)) {
		if (n == RETRY_MAX || !span_to_u64(entry, RETRY_MINUTES_MAX, &minutes) || !minutes)
			cut++;
		else
			words = plan_text(&t->plan, n++ ? "%s %s" : "%s%s", words,
					  take_format(t, CONFIG_DURATION, (int64_t)minutes * 60 * 1000));
	}
	if (!n)
		take_say(t, p, cut ? REPORT_DOUBT : REPORT_NOT, N_("no times; the default of retry holds"));
	else
		take_line(t, delivery(t), p, cut ? REPORT_CHANGED : REPORT_TAKEN,
			  cut ? N_("at most 8 steps, each of 1 minute or more") : NULL, "retry %s", words);
}

/* The scheme of IIS 4: one interval, and a number of attempts. */
static void take_interval(struct take *t, struct metabase_property *interval, uint32_t minutes)
{
	struct metabase_property *attempts;
	uint32_t n;
	take_line(t, delivery(t), interval, REPORT_TAKEN, NULL, "retry %s",
		  take_format(t, CONFIG_DURATION, (int64_t)minutes * 60 * 1000));
	if (!take_number(t, IIS_RemoteRetryAttempts, &attempts, &n))
		return;
	uint64_t whole = (uint64_t)minutes * n;
	if (n && whole <= RETRY_MINUTES_MAX && !take_find(t, IIS_SmtpRemoteNDRExpireMinutes) &&
	    !take_find(t, IIS_SmtpRemoteDelayExpireMinutes))
		take_line(t, delivery(t), attempts, REPORT_TAKEN, N_("attempts times RemoteRetryInterval"), "expire %s",
			  take_format(t, CONFIG_DURATION, (int64_t)whole * 60 * 1000));
}

void take_delivery(struct take *t)
{
	struct metabase_property *steps = take_find(t, IIS_SmtpRemoteProgressiveRetry), *interval, *attempts;
	uint32_t minutes;
	if (steps)
		take_steps(t, steps);
	bool has = take_number(t, IIS_RemoteRetryInterval, &interval, &minutes);
	if (!steps && has && minutes && minutes <= RETRY_MINUTES_MAX)
		take_interval(t, interval, minutes);
	attempts = take_find(t, IIS_RemoteRetryAttempts);
	if (interval && !interval->told)
		take_say(t, interval, REPORT_NOT, N_("SmtpRemoteProgressiveRetry takes precedence"));
	if (attempts && !attempts->told)
		take_say(t, attempts, REPORT_NOT, N_("expire says when mail is returned"));
}
