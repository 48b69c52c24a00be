#include "ctl/words.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"

static const char *const known[] = {
	/* virtual servers and processes (master/server.c, master/supervise.c) */
	N_("trouble"),
	N_("starting"),
	N_("running"),
	N_("pausing"),
	N_("paused"),
	N_("failed"),
	N_("ending"),
	N_("stopping"),
	N_("stopped"),
	N_("restarting"),
	N_("ready"),
	N_("retiring"),
	N_("replacing"),
	N_("detached"),
	/* messages, recipients and what happened to them (queue/model, common/mail/journal.c) */
	N_("new"),
	N_("locked"),
	N_("active"),
	N_("waiting"),
	N_("held"),
	N_("open"),
	N_("delayed"),
	N_("delivered"),
	N_("relayed"),
	N_("noticed"),
	N_("deleted"),
	N_("trying"),
	N_("retry"),
	N_("warned"),
	N_("released"),
	N_("resent"),
	N_("accepted"),
	N_("refused"),
	N_("badmail"),
	/* what mail waits for, and the state of a next hop (queue/operator/report.c) */
	N_("next hop"),
	N_("drop folder"),
	N_("spool"),
	N_("up"),
	N_("down"),
	N_("resolving"),
	/* numbers of smtpd and of the queue (smtpd/requests.c, queue/operator/report.c) */
	N_("sessions"),
	N_("idle"),
	N_("processes"),
	N_("max"),
	N_("messages"),
	N_("jobs_at_workers"),
	N_("workers_delivery"),
	N_("workers_local"),
	/* answers (master/requests.c, master/reload.c, queue/operator, delivery/web/console.c) */
	N_("reloaded"),
	N_("nothing changed"),
	N_("confirmed; the configuration stays in force"),
	N_("the configuration was refused; the old one stays in force"),
	N_("no such message in the queue"),
	N_("no such message in badmail"),
	N_("no such block uses access tokens"),
	N_("somebody must sign in first: mailrootctl oauth login"),
	N_("somebody is signing in already"),
	N_("the refresh token is deleted"),
	/* sessions (smtpd/session/session.c) */
	N_("greeted"),
	N_("between messages"),
	N_("sender given"),
	N_("recipients given"),
	N_("sending a message"),
	N_("between chunks"),
	N_("starting TLS"),
	N_("authenticating"),
	N_("fetching mail"),
	N_("closing"),
};

struct span words_cell(struct span cell)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_equal(cell, span_of(known[i])))
			return span_of(_(known[i]));
	return cell;
}

const char *words_shown(const char *word)
{
	struct span shown = words_cell(span_of(word));
	return shown.at;
}

/* As mailroot-web puts them together (causes_append). */
static const struct cause {
	const char *words, *remedy, *text;
} causes[] = {
#define CAUSE(number, error, words, remedy) {words, remedy, words ": " remedy},
#include "common/mail/causes.def"
#undef CAUSE
};

struct span words_cause(struct span text, char *to)
{
	for (size_t i = 0; language_foreign() && text.len && i < sizeof(causes) / sizeof(causes[0]); i++) {
		struct span english = span_of(causes[i].text);
		const char *at = memmem(text.at, text.len, english.at, english.len);
		if (!at)
			continue;
		struct span before = {text.at, (size_t)(at - text.at)},
			    after = span_skip(text, before.len + english.len);
		snprintf(to, WORDS_MAX, "%.*s%s: %s%.*s", SPAN_ARGS(before), _(causes[i].words), _(causes[i].remedy),
			 SPAN_ARGS(after));
		return span_of(to);
	}
	return text;
}
