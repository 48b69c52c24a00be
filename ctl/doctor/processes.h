/* The processes of this machine, and the sockets on which they listen, from /proc. */
#ifndef CTL_DOCTOR_PROCESSES_H
#define CTL_DOCTOR_PROCESSES_H

#include <sys/types.h>

#include "common/mail/cidr.h"

struct process {
	pid_t pid;
	struct span program; /* argument 0 */
	struct span command; /* all arguments, separated by NUL */
};

/* Calls SAY for each process of this container or machine. The spans are valid during the call. */
void processes_each(void (*say)(void *context, const struct process *process), void *context);

/* A TCP socket that listens. */
struct process_listener {
	struct ipaddr ip; /* 0.0.0.0 and :: are any address */
	bool any;
	uint16_t port;
	unsigned long inode;
};

enum { PROCESS_LISTENERS_MAX = 1024, PROCESS_NAME_MAX = 64 };

/* Parses a text of /proc/net/tcp or tcp6, and adds its listeners to OUT, of which *n are used. Pure. */
void processes_parse_listeners(struct span text, struct process_listener out[PROCESS_LISTENERS_MAX], size_t *n);

/* The listening sockets of this network namespace. Returns their number. */
size_t processes_listeners(struct process_listener out[PROCESS_LISTENERS_MAX]);

/*
 * The process that has the socket INODE open, and the name of its program; of several, one whose name begins with
 * PREFERRED. 0: unknown, mostly for want of rights.
 */
pid_t processes_owner(unsigned long inode, const char *preferred, char name[PROCESS_NAME_MAX]);

#endif
