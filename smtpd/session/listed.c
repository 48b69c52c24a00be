#include "smtpd/session/listed.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "smtpd/policy/listing.h"

bool listed_stranger(const struct session *s, bool *wants_name)
{
	return listing_skip(s->config, &s->client, wants_name) == LISTING_STRANGER;
}

void listed_begin(struct session *s)
{
	const struct config_connect *connect = &s->config->connect;
	struct str zones;
	bool wants_name;
	if (!s->lists || !connect->dnsbl.n || !listed_stranger(s, &wants_name))
		return;
	str_init(&zones, DNSBL_ZONES_MAX);
	listing_zones(connect, &zones);
	const struct wire_listed_of question = {.address = span_of(s->client_text), .zones = str_span(&zones)};
	s->lists->begin(s->lists->context, &question, &s->listed.fd);
	s->listed.until_ms = clock_mono_ms() + DNSBL_WAIT_MS;
	s->listed.by = s->config;
	str_free(&zones);
}

void listed_end(struct session *s)
{
	if (s->listed.fd >= 0)
		fd_close(&s->listed.fd);
}

void listed_forget(struct session *s)
{
	listed_end(s);
	s->listed = (struct session_listed){.fd = -1};
}

static void log_listings(const struct session *s, const struct dnsbl_answer *answers,
			 const struct listing_verdict *verdict)
{
	const struct config_connect *connect = &s->config->connect;
	char zone[DOMAIN_MAX + 1];
	for (size_t i = 0; i < listing_count(connect); i++) {
		const struct config_dnsbl *list = listing_at(connect, i);
		const unsigned char *record = listing_record(list, &answers[i]);
		if (!record)
			continue;
		dnsbl_shown(span_of(list->zone), zone);
		log_info("client=%s dnsbl=%s answer=%u.%u.%u.%u score=%lld total=%lld most=%lld status=%s",
			 s->client_text, zone, record[0], record[1], record[2], record[3], (long long)list->score,
			 (long long)verdict->total, (long long)connect->dnsbl_reject,
			 list->score > 0 ? "listed" : "trusted");
	}
}

/*
 * Asks for the answers, and waits for those that are still to come. False: there are none, which is as if the client
 * were in no list.
 */
static bool get_answers(struct session *s, struct span zones, size_t n, struct dnsbl_answer *answers)
{
	const struct wire_listed_of question = {.address = span_of(s->client_text), .zones = zones};
	char text[DNSBL_ANSWERS_MAX + 1];
	int64_t until = s->listed.fd >= 0 ? s->listed.until_ms : clock_mono_ms() + DNSBL_WAIT_MS;
	if (s->lists->finish(s->lists->context, &question, &s->listed.fd, until, text) &&
	    dnsbl_answers_parse(span_of(text), answers, n))
		return true;
	log_warning("client=%s status=unknown reason=\"no answer about DNS lists, so the client counts as not listed\"",
		    s->client_text);
	memset(answers, 0, n * sizeof(*answers));
	return false;
}

/* The text of the list for the reply. */
static void get_text(struct session *s, const struct config_dnsbl *list)
{
	const struct wire_listed_of question = {
		.address = span_of(s->client_text), .zones = span_of(list->zone), .text = true};
	char text[DNSBL_ANSWERS_MAX + 1];
	int fd = -1;
	s->listed.text[0] = '\0';
	if (s->lists->finish(s->lists->context, &question, &fd, clock_mono_ms() + DNSBL_WAIT_MS, text))
		span_clean(span_of(text), s->listed.text, sizeof(s->listed.text));
}

/* Judges by the policy in force; a newer one than that of the last question asks anew. */
static void judge(struct session *s)
{
	const struct config_connect *connect = &s->config->connect;
	struct dnsbl_answer answers[DNSBL_LISTS_MAX];
	struct str zones;
	if (s->listed.by != s->config) {
		listed_end(s);
		listed_begin(s);
	}
	str_init(&zones, DNSBL_ZONES_MAX);
	listing_zones(connect, &zones);
	bool known = get_answers(s, str_span(&zones), listing_count(connect), answers);
	str_free(&zones);
	listing_judge(connect, answers, &s->listed.verdict);
	s->listed.judged_by = s->config;
	count(!known                      ? COUNTER_DNSBL_UNKNOWN
	      : s->listed.verdict.refused ? COUNTER_DNSBL_REFUSED
					  : COUNTER_DNSBL_PASSED);
	log_listings(s, answers, &s->listed.verdict);
	if (s->listed.verdict.refused)
		get_text(s, listing_at(connect, s->listed.verdict.worst));
}

static void refuse(struct session *s)
{
	char zone[DOMAIN_MAX + 1];
	struct str by;
	dnsbl_shown(span_of(listing_at(&s->config->connect, s->listed.verdict.worst)->zone), zone);
	str_init(&by, LIMIT_LINE);
	str_printf(&by, "%s%s%s", zone, s->listed.text[0] ? ": " : "", s->listed.text);
	session_reply(s, REPLY_DNSBL_LISTED, span_of(s->client_text), str_span(&by));
	str_free(&by);
}

bool listed_permits(struct session *s, const struct address *rcpt)
{
	bool wants_name;
	if (!s->lists || !s->config->connect.dnsbl.n || listing_spares(rcpt) || !listed_stranger(s, &wants_name))
		return true;
	if (s->listed.judged_by != s->config)
		judge(s);
	if (!s->listed.verdict.refused)
		return true;
	if (wants_name) {
		session_learn_name(s);
		if (!listed_stranger(s, &wants_name))
			return true;
	}
	refuse(s);
	return false;
}
