#include <stdio.h>

#include "common/base/language.h"
#include "common/config/config.h"
#include "ctl/replay/moment.h"
#include "ctl/replay/print_parts.h"
#include "ctl/table.h"

enum { MEGA_SHIFT = 20, NUMBER_MAX = 24 };

static struct span octets_text(uint64_t octets, char *to)
{
	char number[NUMBER_MAX];
	snprintf(number, sizeof(number), "%llu", (unsigned long long)octets);
	return table_octets(span_of(number), to);
}

/* A limit of the file that old mail exceeds gets a line that can be pasted. */
static void print_sizes(const struct traffic *traffic, const struct config_messages *limits)
{
	char total[TABLE_OCTETS_MAX], usual[TABLE_OCTETS_MAX], largest[TABLE_OCTETS_MAX], limit[TABLE_OCTETS_MAX];
	if (!traffic->sized) {
		puts(_("  sizes were not logged (cs-bytes)"));
		return;
	}
	printf(_("  sizes: %.*s in all; 99 of 100 messages have at most %.*s, the largest has %.*s (%s:%llu)\n"),
	       SPAN_ARGS(octets_text(traffic->octets, total)),
	       SPAN_ARGS(octets_text((uint64_t)traffic_usual_size(traffic), usual)),
	       SPAN_ARGS(octets_text((uint64_t)traffic->largest, largest)), traffic->largest_at.file,
	       (unsigned long long)traffic->largest_at.line);
	if (traffic->too_large)
		printf(_("    %llu exceed max_message_size, %.*s: messages { max_message_size %lldM }\n"),
		       (unsigned long long)traffic->too_large,
		       SPAN_ARGS(octets_text((uint64_t)limits->max_message_size, limit)),
		       (long long)(traffic->largest >> MEGA_SHIFT) + 1);
}

static void print_recipients(const struct traffic *traffic, const struct config_messages *limits)
{
	if (!traffic->most_recipients)
		return;
	printf(_("  recipients: at most %u in one message (%s:%llu)\n"), traffic->most_recipients,
	       traffic->most_recipients_at.file, (unsigned long long)traffic->most_recipients_at.line);
	if (traffic->too_many)
		printf(_("    %llu messages exceed max_recipients, %lld: messages { max_recipients %u }\n"),
		       (unsigned long long)traffic->too_many, (long long)limits->max_recipients,
		       traffic->most_recipients);
}

static void print_hours(const struct traffic *traffic)
{
	const struct traffic_hour *hour = traffic->hours;
	char text[MOMENT_TEXT_MAX];
	if (!hour)
		return;
	printf(_("  busiest hours, and their messages:"));
	for (size_t i = 0; hour && i < TRAFFIC_TOP; i++, hour = hour->hh.next) {
		moment_format_hour(hour->hour * MOMENT_HOUR_S, text);
		printf("%s %s (%llu)", i ? "," : "", text, (unsigned long long)hour->messages);
	}
	moment_format(traffic->busiest_s, text);
	printf(_("\n  most messages in a minute: %llu, from %s on\n"), (unsigned long long)traffic->busiest, text);
}

static void print_senders(const struct traffic *traffic)
{
	const struct traffic_sender *sender = traffic->senders;
	char octets[TABLE_OCTETS_MAX];
	puts(_("  senders, messages and octets:"));
	for (size_t i = 0; sender && i < TRAFFIC_TOP; i++, sender = sender->hh.next)
		printf("  %10llu  %7.*s  <%s>\n", (unsigned long long)sender->messages,
		       SPAN_ARGS(octets_text(sender->octets, octets)), sender->address);
	if (traffic->other_senders)
		printf(_("  %10llu  of senders beyond the first %d\n"), (unsigned long long)traffic->other_senders,
		       TRAFFIC_SENDERS_MAX);
}

void print_limits(const struct replay *replay)
{
	const struct traffic *traffic = &replay->traffic;
	const struct config_messages *limits = &replay->server->messages;
	printf(ngettext("\nMail that the old server accepted: %llu message\n",
			"\nMail that the old server accepted: %llu messages\n", traffic->messages),
	       (unsigned long long)traffic->messages);
	if (!traffic->messages)
		return;
	print_sizes(traffic, limits);
	print_recipients(traffic, limits);
	print_hours(traffic);
	print_senders(traffic);
}
