/*
 * The socket of mailrootctl, run_dir/control: one request a connection, answered by rows or text and a closing
 * ctl_done. A client that does not read, or is too slow, is dropped. There are at most CONTROL_CLIENTS_MAX.
 */
#ifndef MASTER_CONTROL_H
#define MASTER_CONTROL_H

#include "common/ipc/ipc.h"
#include "master/permit.h"

struct master;

enum { CONTROL_CLIENTS_MAX = 32, CONTROL_IDLE_MS = 10000, CONTROL_REQUEST_MAX = 256, CONTROL_SNDBUF = 4 << 20 };

struct control_client {
	int fd;              /* -1 = free */
	enum wire_link link; /* WIRE_LINK_ctl_master, or WIRE_LINK_status_master: what it may ask */
	int64_t until_ms;    /* deadline */
};

/* Answers the request PACKET of CLIENT. True: the connection stays open. */
typedef bool control_answer(struct master *master, struct control_client *client, struct span packet);

struct control {
	control_answer *answer; /* requests_answer; set after control_init */
	int fd;                 /* the listening socket; -1 = closed */
	char path[108];         /* the maximum of a socket address */
	struct control_client clients[CONTROL_CLIENTS_MAX];
	struct permit permit;
};

void control_init(struct control *control);

/* Makes the socket in RUN_DIR, unless it was adopted. 0 or -errno. */
int control_open(struct control *control, const char *run_dir);

/* Takes over connections of an older master, whose listening socket is control->fd already. */
void control_adopt(struct control *control, const int *fds, size_t n, int64_t now_ms);

/* Closes everything and removes the socket. */
void control_close(struct control *control);

/* The listening socket is readable. */
void control_accept(struct control *control, int64_t now_ms);

/* CLIENT is readable: answers its request and closes the connection. */
void control_receive(const struct control *control, struct master *master, struct control_client *client);

/* Drops clients past their deadline. Milliseconds until the next deadline, -1 = no clients. */
int64_t control_tend(struct control *control, int64_t now_ms);

/* Answers, for requests.c. False: the client does not take them, and is dropped. */
bool control_row(struct control_client *client, const char *kind, const char *const *cells, size_t n);
bool control_text(struct control_client *client, struct span text);
/* PAGE: a descriptor, which stays open. */
bool control_page(struct control_client *client, const char *server, int page);
bool control_done(struct control_client *client, unsigned exit_code, const char *text, int fd);

#endif
