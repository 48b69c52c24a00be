/*
 * The loop of mailroot-kerberos: takes the questions of smtpd workers, and forks a child for each, which asks the KDC.
 * MIT's library can't be interrupted, and a KDC that is away keeps it for half a minute: a child that takes longer than
 * PASSWORDS_DEADLINE_MS is killed.
 *
 * A worker may be compromised: malformed questions are ignored, each process has one question at a time, and the number
 * of all questions is bounded. While the KDC is away only a few are asked, and all others are answered at once.
 */
#ifndef SMTPD_KERBEROS_LOOP_H
#define SMTPD_KERBEROS_LOOP_H

#include "common/base/str.h"
#include "common/gss/keytab.h"
#include "common/process/child.h"
#include "common/process/trouble.h"
#include "smtpd/kerberos/verdict.h"

enum { LOOP_QUESTIONS = 64, LOOP_QUESTIONS_AWAY = 16 /* at once, while the KDC is away */ };

struct loop_question {
	pid_t asker; /* our child; 0 = the place is free */
	pid_t worker;
	int answer; /* the socket that came with the question */
	int link;   /* to our child */
	int64_t deadline;
};

struct loop {
	struct child *child;
	int control, questions; /* links; -1 = closed */
	struct keytab keytab;
	char trouble[PASSWORDS_WHY_MAX + 200]; /* of the key tab, "" = none */
	struct verdict away;                   /* PASSWORDS_UNAVAILABLE: the last answer; otherwise the KDC answers */
	struct trouble told;
	struct loop_question at[LOOP_QUESTIONS];
	char packet[WIRE_PACKET_MAX];
	bool stopping;
};

/* As root: reads the key tab. CHILD is borrowed. */
void loop_load(struct loop *l, struct child *child);
void loop_jail(const struct loop *l);

/* Until master says stop or is gone. */
void loop_run(struct loop *l);
void loop_free(struct loop *l);

#endif
