/*
 * What a master hands to the program that takes its place in the same process (upgrade.h): the numbers of descriptors
 * that stay open over execve, the children, the orders. It is a text of lines, because the two programs are of two
 * versions:
 *
 *	mailrootd-handover 1
 *	version VERSION                        of the older program
 *	contract NUMBER PACKETS HASH           CHILD_CONTRACT, WIRE_LASTING, wire_contract
 *	began MS                               wall clock
 *	generation NUMBER                      reloads so far
 *	lock FD                                pid file
 *	control FD                             socket of mailrootctl
 *	client FD                              a connection of mailrootctl
 *	asker FD                               the one that asked for the upgrade and waits for the answer
 *	fixed SETTING VALUE                    a setting that can't change while the service runs (changes.h)
 *	server ORDER open|closed NAME          what follows is of this virtual server:
 *	listener FD
 *	left FD                                a listener that closes when the new smtpd is ready
 *	link NAME READ WRITE                   a kept link or page
 *	child ROLE STATE PID FD STARTED RESTARTS PAUSED VERSION     FD: control link, "-" = cut; STARTED: ms, monotonic
 *	older ROLE ...                         the same of a child that has a successor
 *	end
 *
 * A reader refuses what it does not know: it can't tell what would be lost. Pure.
 */
#ifndef MASTER_HANDOVER_H
#define MASTER_HANDOVER_H

#include "common/base/str.h"
#include "master/changes.h"
#include "master/server.h"

/* In the environment of the successor: the number of the descriptor of this text, a sealed memory file. */
#define HANDOVER_VARIABLE "MAILROOT_HANDOVER"

enum { HANDOVER_TEXT_MAX = 4 << 20, HANDOVER_FD_MAX = 1 << 20, HANDOVER_CLIENTS_MAX = 32 };

struct handover_child {
	enum child_role role;
	enum supervise_state state;
	bool older;
	pid_t pid;
	int control; /* -1 = none */
	int64_t started_ms;
	uint64_t restarts;
	bool paused;
	char version[CHILD_VERSION_MAX + 1];
};

struct handover_server {
	struct span name;
	enum server_order order;
	bool open;
	int listeners[LISTENERS_MAX], left[LISTENERS_MAX];
	size_t listener_count, left_count;
	struct link_ends kept[CHILD_FD_KEPT];
	struct handover_child children[SERVER_CHILDREN];
	size_t child_count;
};

/* Spans point into the text that was read, or to what the writer lent. */
struct handover {
	struct span version;
	uint64_t contract, packets, hash;
	int64_t began_ms;
	uint64_t generation;
	int lock, control, asker; /* -1 = none */
	int clients[HANDOVER_CLIENTS_MAX];
	size_t client_count;
	struct span fixed[CHANGES_FIXED];
	size_t server_count;
	struct handover_server servers[MASTER_SERVERS_MAX];
};

/* Makes *out empty. */
void handover_init(struct handover *out);

void handover_write(const struct handover *from, struct str *to);

/*
 * Reads TEXT. Returns 0, or the number of the first line that this version does not understand; *out has what stands
 * before it. After 0 every descriptor in *out is above 2, and none is there twice.
 */
size_t handover_read(struct span text, struct handover *out);

/* Calls DO_IT for each descriptor in FROM, or for each of one server. */
void handover_each(const struct handover *from, void (*do_it)(int fd, void *context), void *context);
void handover_each_of_server(const struct handover_server *from, void (*do_it)(int fd, void *context), void *context);

/*
 * Why this program can't take over with the configuration CONFIG; FAULT is the result of handover_read. False with WHY
 * of SIZE octets: it can.
 */
bool handover_refuses(const struct handover *from, size_t fault, const struct config *config, char *why, size_t size);

#endif
