/*
 * The state of a service: what master reports of its servers and processes, and what each smtpd and queue reports of
 * itself.
 */
#ifndef CTL_SERVICE_H
#define CTL_SERVICE_H

#include "common/base/arena.h"
#include "common/process/child.h"

enum {
	SERVICE_SERVERS_MAX = 256,
	SERVICE_FACTS_MAX = 32,
	SERVICE_PROCESSES_MAX = 32,
	SERVICE_WAITS_MAX = 16,
	SERVICE_HOPS_MAX = 1000, /* as many as a queue reports */
	SERVICE_FILE_SYSTEMS_MAX = 64,
	SERVICE_CERTIFICATES_MAX = 64,
	SERVICE_ATTENTION_MAX = 64
};

struct service_fact {
	const char *name;
	const char *value;
};

struct service_facts {
	struct service_fact at[SERVICE_FACTS_MAX];
	size_t n;
	const char *warning; /* NULL or "" = none */
};

struct service_process {
	const char *role; /* NULL = master did not report it */
	size_t older;     /* 0 = the newest of its role; which of the older ones */
	const char *state;
	const char *pid;
	uint64_t age_s;
	uint64_t restarts;
	const char *last_end;
	const char *version; /* of its program; "" = not known */
	uint64_t sessions;   /* of an smtpd */
};

struct service_attention { /* a problem that a process reports */
	const char *role;
	const char *text;
};

struct service_recipients { /* a file of recipients */
	const char *file;
	const char *state; /* good, kept, none: see ROW_RECIPIENTS */
	uint64_t entries;
	uint64_t age_s;
};

struct service_hop { /* a next hop: see ROW_NEXT_HOP */
	const char *name;
	const char *state;
	const char *reason;
	uint64_t jobs, at_workers, connections;
	uint64_t messages, oldest_s;
	bool counted; /* messages and oldest_s are known */
};

struct service_file_system { /* see ROW_FILE_SYSTEM */
	const char *folder;
	uint64_t free, size; /* octets */
	uint64_t free_inodes, inodes;
};

struct service_certificate { /* see ROW_CERTIFICATE */
	const char *file;
	uint64_t until_s;
};

struct service_server {
	const char *name;
	const char *state;
	const char *trouble;
	const char *listeners;
	struct service_process processes[SERVICE_PROCESSES_MAX]; /* by role, then older smtpds */
	size_t process_count;
	struct service_facts smtpd, queue;
	struct service_hop *hops; /* in the arena */
	size_t hop_count;
	struct service_file_system *file_systems; /* in the arena */
	size_t file_system_count;
	struct service_certificate *certificates; /* of the newest smtpd; in the arena */
	size_t certificate_count;
	const char *waits[SERVICE_WAITS_MAX]; /* what mail waits for, and why: "drop folder /srv/drop: ..." */
	size_t wait_count;
	struct service_attention attention[SERVICE_ATTENTION_MAX];
	size_t attention_count;
	uint64_t sessions;                     /* of all its smtpds */
	struct service_recipients *recipients; /* of the newest smtpd; in the arena */
	size_t recipients_count;
};

struct service {
	struct arena arena; /* owns all texts */
	const char *version;
	const char *pid;
	uint64_t age_s;
	const char *file;
	const char *reloads;
	const char *confirm_s;       /* seconds until the last reload is undone; "" = none is on probation */
	const char *went_back;       /* "yes": it was undone */
	struct service_server whole; /* the processes that belong to no virtual server, and their problems */
	struct service_server servers[SERVICE_SERVERS_MAX];
	size_t server_count;
};

/* Asks master over FD. On failure -1 and SAID of LINK_TEXT_MAX + 1. Missing texts are "". */
bool service_ask(int fd, struct service *out, char *said);

/*
 * Asks the smtpd and queue of each running server for its facts; with HOPS the queue also for its next hops. One that
 * does not answer has none.
 */
void service_ask_facts(const char *run_dir, struct service *service, bool hops);

/* The same for SERVER, one of SERVICE. */
void service_ask_server(const char *run_dir, struct service *service, struct service_server *server, bool hops);

/*
 * Waits until the smtpd of each running server has answered. It handles orders in turn, so the earlier orders of master
 * are done then.
 */
void service_await_smtpd(const char *run_dir, struct service *service);

/* The same for every server: for a command that says "in force". */
void service_await(const char *run_dir);

/* The value of the fact NAME, or NULL. */
const char *service_fact(const struct service_facts *facts, const char *name);

void service_free(struct service *service);

#endif
