/*
 * The contract between master and what it spawns: one program for each role, for one virtual server.
 *
 *	argv   PROGRAM --server NAME [--listeners N] [--paused]      or PROGRAM --version, for an upgrade and for people
 *	       PROGRAM for a role of the whole service
 *	fd 0,1 /dev/null        fd 2 log        fd 3 control link        fd 4 sealed canonical configuration
 *	fd 5   arrivals: smtpd, pickup, local and web write, queue reads   (for other roles /dev/null)
 *	fd 6   verdicts: delivery and local write, queue reads          (for other roles /dev/null)
 *	fd 7   records of the transaction log: smtpd and delivery write, log reads (for other roles /dev/null)
 *	fd 8   questions for names and addresses: smtpd and web write, resolver reads (for other roles /dev/null)
 *	fd 9   page of full drop folders (fullness.h): queue writes, smtpd and pickup read (for other roles /dev/null)
 *	fd 10  tokens: delivery writes, web reads                       (for other roles /dev/null)
 *	fd 11  page of access tokens (tokens.h): web writes, delivery reads (for other roles /dev/null)
 *	fd 12  questions about passwords: smtpd writes, kerberos reads  (for other roles /dev/null)
 *	fd 13  questions for connections to filters: smtpd and pickup write, filters reads (for other roles /dev/null)
 *	fd 14  page of counters (counters.h): all write
 *	fd 15.. listeners, smtpd only; --listeners N tells how many
 *
 * A child sends `ready` on the control link once it is in its jail and works. Peer links (queue <-> delivery, local,
 * resolver) come over the control link as `attach` packets, anew whenever one of the two ends was restarted or said
 * `detached`. EOF on the control link: master is gone, the child finishes what it has in hand and exits.
 */
#ifndef COMMON_PROCESS_CHILD_H
#define COMMON_PROCESS_CHILD_H

#include "common/config/config.h"
#include "common/ipc/ipc.h"
#include "common/ipc/wire.h"

enum child_fd {
	CHILD_FD_LOG = 2,
	CHILD_FD_CONTROL,
	CHILD_FD_CONFIG,
	CHILD_FD_ARRIVALS,
	CHILD_FD_VERDICTS,
	CHILD_FD_RECORDS,
	CHILD_FD_NAMES,
	CHILD_FD_FULLNESS,
	CHILD_FD_TOKENS,
	CHILD_FD_TOKEN_PAGE,
	CHILD_FD_PASSWORDS,
	CHILD_FD_FILTERS,
	CHILD_FD_COUNTERS,
	CHILD_FD_LISTEN
};

/* The links and pages that master keeps, from CHILD_FD_ARRIVALS on. */
enum { CHILD_FD_KEPT = CHILD_FD_LISTEN - CHILD_FD_ARRIVALS };

/*
 * What two versions share during an upgrade, beyond the form of lasting packets (wire.def): the meaning of their
 * fields, and what stands in the shared pages (fullness.h, tokens.h). A change of that needs the next number; then an
 * upgrade is refused, and the service must be restarted. The page of counters says itself what stands in it.
 */
enum { CHILD_CONTRACT = 4, CHILD_VERSION_MAX = 32 };

enum child_link {
	CHILD_LINK_DELIVERY = 1, /* queue <-> parent of the SMTP clients */
	CHILD_LINK_LOCAL,        /* queue <-> parent of the local role */
	CHILD_LINK_RESOLVER,     /* queue <-> resolver */
	CHILD_LINK_CTL,          /* mailrootctl <-> queue, smtpd parent or web */
	CHILD_LINK_STATUS        /* the same for a process that may only ask for the state: queue and smtpd parent */
};

enum {
	CHILD_TROUBLE_MAX = 2048, /* octets of PACKET(trouble) */
	CHILD_STOP_MS = 15000,    /* after `stop`; then all that is left is killed, even sessions */
};

enum child_role {
	CHILD_SMTPD,
	CHILD_QUEUE,
	CHILD_DELIVERY,
	CHILD_LOCAL,
	CHILD_RESOLVER,
	CHILD_LOG,
	CHILD_PICKUP,
	CHILD_WEB, /* these three are started only where the configuration needs them */
	CHILD_KERBEROS,
	CHILD_FILTERS,
	CHILD_ROLE_COUNT, /* of a virtual server */
	/* Roles of the whole service (master/globals.h). Such a child has no server and no kept links. */
	CHILD_METRICS = CHILD_ROLE_COUNT,
	CHILD_ALERTS,
	CHILD_ALL_COUNT
};

const char *child_role_name(enum child_role role); /* "smtpd", "queue", "delivery", "local", ... */
enum child_role child_role_find(struct span name); /* of a virtual server; CHILD_ROLE_COUNT = there is none */
unsigned child_role_bit(enum child_role role);     /* enum config_role */
enum wire_link child_role_control(enum child_role role);
const char *child_role_program(enum child_role role); /* "mailroot-smtpd", ... */

/* Whether PATH, the program of ROLE, can be started. False with WHY of SIZE octets, which has the remedy. */
bool child_program_usable(const char *path, enum child_role role, char *why, size_t size);

struct child {
	enum child_role role;
	const char *server_name; /* "" = a role of the whole service */
	struct config config;    /* the part that this role may see; exactly one server, or none without a name */
	const struct config_server *server;
	size_t listener_count;
	bool paused; /* smtpd: start paused */
};

/*
 * Starts the program of ROLE: parses argv and the configuration on fd 4, opens the log, names the process. With
 * --version prints "PROGRAM VERSION" and exits. Exits with
 * EXIT_PERMANENT and a line on stderr when the process was not started by master, with EXIT_TEMPORARY when memory or
 * descriptors are short.
 */
void child_start(int argc, char **argv, enum child_role role, struct child *out);

/* Reports `ready` to master. Exits with EXIT_TEMPORARY when master is gone. */
void child_ready(void);

/*
 * Reports problems for the administrator to master, for `mailrootctl status`: TEXT has one problem a line, with place
 * and remedy, and replaces the earlier report; NULL or "" = none. May be called at any time after child_start, also in
 * the jail; by a parent only. A text that is too long is cut.
 */
void child_trouble(const char *text);

/*
 * Reports over the link CONTROL that LINK, which came as SERIAL, is closed, for whatever reason: master makes another.
 * If that fails the process is useless and ends with EXIT_TEMPORARY. By a parent only.
 */
void child_detached(int control, enum child_link link, uint64_t serial);

/*
 * Answers `ping`, which came over the link CONTROL. By a parent only, in the loop that does its work: master kills a
 * child that does not answer (pulse.h).
 */
void child_pong(int control);

/*
 * Takes an order of master from CONTROL, the control link of ROLE, without waiting, into the SIZE octets of BUFFER. A
 * `ping` is answered. Returns the type of the order: WIRE_stop also if master is gone, WIRE_NONE if there is nothing to
 * do. The caller closes *ORDER (ipc_packet_close) in each case.
 */
enum wire_type child_order(int control, enum child_role role, char *buffer, size_t size, struct ipc_packet *order);

/* Reports TEXT by child_trouble, logs each line of it, and exits: `status` shows it until a start succeeds. */
_Noreturn void child_fail(int exit_code, const char *text);

/*
 * Reads all of a configuration descriptor into TO, from its start and without moving its offset, which other processes
 * share. 0 or -errno. FD stays open.
 */
__attribute__((warn_unused_result)) int child_config_text(int fd, struct str *to);

/*
 * Replaces child->config by the text in FD (closed). False, and the old one stays, when it is no canonical text with
 * this server. After true the old one is freed, and nothing may point into it.
 */
bool child_reconfigure(struct child *child, int fd);

#endif
