#include "ctl/words.h"

#include <stdio.h>

#include "common/base/language.h"
#include "ctl/translate.h"

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
	N_("imported"),
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
	/* answers of DNS (queue/operator/explain.c) */
	N_("found"),
	N_("later"),
	N_("never"),
	N_("address"),
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
	N_("waiting to be greeted"),
	N_("in a filter"),
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
	return translate_text(cell);
}

const char *words_shown(const char *word)
{
	struct span shown = words_cell(span_of(word));
	return shown.at;
}

struct span words_said(struct span code, struct span enhanced, struct span text, char *to, size_t size)
{
	bool reply = code.len && !span_equal(code, SPAN("0"));
	struct span shown = reply ? text : words_cell(text);
	snprintf(to, size, "%.*s%s%.*s%s%.*s", reply ? (int)code.len : 0, code.at ? code.at : "", reply ? " " : "",
		 SPAN_ARGS(enhanced), enhanced.len ? " " : "", SPAN_ARGS(shown));
	return reply ? words_cell(span_of(to)) : span_of(to);
}
