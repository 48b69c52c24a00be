/*
 * One virtual server: its listeners, folders, links and children. It is "running" when all children that its
 * configuration needs are ready.
 * Temporary trouble (a missing folder) stops this server alone and is tried again. A port in use, or an address that is
 * not there yet, stops only this listener: the rest runs, and mail is delivered. It is a state machine without a loop
 * of its own: master calls server_tend with the time, and the other functions on events.
 *
 * Beside its smtpd there may be older ones: changes that a running smtpd can't take (listeners, limits of its pool)
 * need a new smtpd, and the old one ends with its last session (renew.h). After an upgrade an older delivery and local
 * finish what they have.
 */
#ifndef MASTER_SERVER_H
#define MASTER_SERVER_H

#include "master/files.h"
#include "master/folders.h"
#include "master/links.h"
#include "master/listeners.h"
#include "master/recipient_files.h"
#include "master/supervise.h"

enum server_state {
	SERVER_TROUBLE,  /* can't be opened, or listens nowhere: see `trouble`; tried again */
	SERVER_STARTING, /* not every child is ready */
	SERVER_RUNNING,
	SERVER_PAUSING, /* a worker may still accept */
	SERVER_PAUSED,
	SERVER_FAILED, /* a child reports that a restart does not help */
	SERVER_ENDING, /* accepts nothing, finishes its sessions, then stops */
	SERVER_STOPPING,
	SERVER_STOPPED,
	SERVER_STATE_COUNT
};

/* The last order; kept over reloads and restarts of children. */
enum server_order { SERVER_RUN, SERVER_PAUSE, SERVER_END, SERVER_STOP };

enum {
	SERVER_WHY_MAX = 600,
	SERVER_NAME_MAX = 64,
	SERVER_TEXT_MAX = 16 << 20,
	SERVER_OLDER_MAX = 16, /* older processes; when all have sessions a change waits for one to end */
	SERVER_CHILDREN = CHILD_ROLE_COUNT + SERVER_OLDER_MAX,
	SERVER_RETRY_MS = 10000,
	/* The owner of the port may be the old smtpd of a killed master: it is about to end. */
	SERVER_RETRY_SOON_MS = 50,
	SERVER_RETRY_SOON_FOR_MS = 3000,
};

struct server {
	char name[SERVER_NAME_MAX + 1];
	const struct config *config; /* borrowed: the configuration in force; NULL = no longer in the file */
	const struct folders_owner *owner;
	const char *programs;                 /* folder of the programs */
	struct str texts[CHILD_ROLE_COUNT];   /* canonical configuration of each role */
	struct files files[CHILD_ROLE_COUNT]; /* files of the newest child of each role, as they were at its start */
	int64_t look_ms;                      /* when to check them again for a failed child */
	struct recipient_files_watch recipients;
	unsigned needed; /* (1 << role) of the roles that the configuration needs */
	struct listeners listeners;
	struct links links;
	struct supervised children[SERVER_CHILDREN]; /* by role, then older ones */
	enum server_order order;
	bool open; /* listeners, folders and links are open */
	bool stopping;
	char trouble[SERVER_WHY_MAX];
	char logged[SERVER_WHY_MAX]; /* the trouble that was logged */
	int64_t opened_ms;           /* first attempt to open, monotonic */
	int64_t retry_ms;
	int64_t listen_ms; /* next try of the missing listeners */
	int64_t pulse_ms;  /* next round of pulse.h */
	unsigned renew;    /* (1 << role) of children to be replaced for a new configuration */
	int64_t renew_since_ms;
	int64_t renew_ms; /* next try of that */
	int64_t hurry_ms; /* after an upgrade: the old queue ends without the verdicts that it waits for; 0 = never */
	int64_t stop_ms;  /* when the stop began */
	unsigned told;    /* (1 << role) of children that were told to stop */
};

const char *server_state_name(enum server_state state);

/*
 * Makes a closed server. False: NAME is too long. PROGRAMS, OWNER and ALL are borrowed for its life; it must not move.
 */
bool server_init(struct server *server, const char *name, const char *programs, const struct folders_owner *owner,
		 struct listeners_all *all);
void server_free(struct server *server);

/*
 * Takes its new configuration from TREE and CONFIG, for children that start from now on. CONFIG is borrowed until the
 * next call. False: no memory, and nothing changed.
 */
bool server_configure(struct server *server, const struct config_tree *tree, const struct config *config,
		      const char *hostname);

/*
 * (1 << role) of roles whose newest child read files that have changed since, among those that WANTED names; TO gets a
 * line for each file.
 */
unsigned server_files_changed(const struct server *server, const struct config_server *wanted, struct str *to);

/* Its block in CONFIG; NULL when it is no longer there. */
const struct config_server *server_wanted(const struct server *server);

/* Sends the texts of server_configure to the running children as GENERATION, and starts failed ones. */
void server_reload(struct server *server, uint64_t generation, int64_t now_ms);

/*
 * Its listeners, links and children are those of an older master: it is open from now on. Listeners that are missing
 * are tried again.
 */
void server_go_on(struct server *server, int64_t now_ms);

/* ORDER holds until the next one. A stop under way is completed before a start. */
void server_order(struct server *server, enum server_order order, int64_t now_ms);

enum server_state server_state(const struct server *server);

/* (1 << role) of roles whose newest child is in STATE. */
unsigned server_roles_in(const struct server *server, enum supervise_state state);

/* (1 << role) of roles with a process, including older smtpds. */
unsigned server_alive(const struct server *server);

/* No change is expected soon: it runs, or has reported a problem. */
bool server_settled(const struct server *server, int64_t now_ms);

/* Opens, starts and stops what is due. Milliseconds until the next call is needed; -1 = on the next event. */
int64_t server_tend(struct server *server, int64_t now_ms);

/* Process PID ended with STATUS. True: it was a child of this server. */
bool server_gone(struct server *server, pid_t pid, int status, int64_t now_ms);

/*
 * Makes a LINK (CHILD_LINK_CTL, CHILD_LINK_STATUS) to the smtpd parent, the queue or web and sends it its end. Returns
 * the other end, or -errno (-EAGAIN: not ready). OLDER > 0: to that one of the older smtpds (-ENOENT: there are fewer).
 */
int server_connect(struct server *server, enum child_role role, size_t older, enum child_link link);

#endif
