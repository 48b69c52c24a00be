/*
 * The loop of mailroot-alerts: asks for the state of the service as mailrootctl does, decides what is news (look.h,
 * watch.h, throttle.h), and has it told (sender.h). It answers `mailrootctl alert test`.
 */
#ifndef CTL_ALERTS_ROUNDS_H
#define CTL_ALERTS_ROUNDS_H

#include "common/process/child.h"
#include "ctl/alerts/keep.h"
#include "ctl/alerts/look.h"
#include "ctl/alerts/sender.h"

enum {
	ROUNDS_EVERY_MS = 10000, /* between two looks; a shorter limit makes it look more often */
	ROUNDS_EVERY_MIN_MS = 1000,
	ROUNDS_ANSWER_MS = 3000, /* for one answer of a process */
	ROUNDS_ASK_MS = 45000,   /* for all; then the other servers have to wait for the next round (pulse.h) */
	ROUNDS_HOST_MAX = 256
};

enum rounds_sending { ROUNDS_IDLE, ROUNDS_SENDS_ONE, ROUNDS_SENDS_ALL, ROUNDS_SENDS_TEST };

struct rounds {
	struct child *child;
	const char *run_dir; /* of the control socket, as seen from the jail */
	char host[ROUNDS_HOST_MAX];
	struct keep keep;
	int places[LOOK_PLACES_MAX]; /* folders whose disk is watched, O_PATH; -1 = none */
	const char *place_names[LOOK_PLACES_MAX];
	int sender; /* sender.h */
	int asker;  /* link to mailrootctl, which asks for a test; -1 = none */
	bool test_due;
	enum rounds_sending sending;
	struct watch_alert *told; /* what ROUNDS_SENDS_ONE is about */
	size_t first;             /* server that is asked first in the next round */
	int64_t round_ms;         /* when it begins: clock_mono_ms */
	struct watch watch;
	struct throttle throttle;
	struct look look;
	struct look_seen seen;
	struct service service;
	struct courier_alert alert;
	struct courier_answer answer;
	char packet[1024];
};

/* As root: opens folders, and starts the sender. */
void rounds_load(struct rounds *a, struct child *child);
void rounds_jail(struct rounds *a);

/* Watches until master says stop or is gone. */
void rounds_run(struct rounds *a);
void rounds_free(struct rounds *a);

/* How long to wait between two looks, with the limits of CONFIG. Pure. */
int64_t rounds_pause(const struct config_alert *config);

#endif
