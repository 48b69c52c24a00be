/*
 * Looks at the state of the service, and tells the watch what it sees: which next hops are down, how old mail is, what
 * is in badmail, when certificates expire, how full disks are, which processes end, hang or report problems. Pure: it
 * is told the time.
 */
#ifndef CTL_ALERTS_LOOK_H
#define CTL_ALERTS_LOOK_H

#include "ctl/alerts/judge.h"
#include "ctl/service.h"

enum {
	LOOK_PROCESSES_MAX = 1024,  /* whose ends are counted; further ones are not watched for that */
	LOOK_PLACES_MAX = 4,        /* folders of the whole service */
	LOOK_BADMAIL_NEW_S = 86400, /* for so long, mail in badmail is new */
	LOOK_SILENT_MS = 30000,     /* so long may a process not answer: a restart takes less */
	LOOK_PROBLEM_MS = 60000     /* so long may a problem last: a reload may solve it */
};

struct look_process {
	char server[WATCH_SERVER_MAX + 1], role[16];
	struct judge_process judge;
};

struct look {
	struct look_process processes[LOOK_PROCESSES_MAX];
	size_t process_count;
};

/* What was seen in one round. */
struct look_seen {
	const struct service *service;                      /* NULL = master did not answer */
	const char *why;                                    /* then: the reason */
	bool asked[SERVICE_SERVERS_MAX];                    /* by server: its queue and its smtpd were asked */
	struct service_file_system places[LOOK_PLACES_MAX]; /* folders of the whole service */
	size_t place_count;
};

/* Tells W what SEEN means by the limits of ALERT at NOW, wall clock. */
void look_round(struct look *look, const struct look_seen *seen, const struct config_alert *alert, struct watch *w,
		int64_t now);

#endif
