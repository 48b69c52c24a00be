#include "ctl/words.h"

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
