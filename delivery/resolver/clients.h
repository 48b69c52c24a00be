/*
 * The questions about clients that smtpd workers ask: their names (names.h), and whether DNS lists have them (lists.h).
 * Each of the two has a context of libunbound of its own, because what strangers make us look up may be slow.
 */
#ifndef DELIVERY_RESOLVER_CLIENTS_H
#define DELIVERY_RESOLVER_CLIENTS_H

#include <poll.h>

#include "common/config/types.h"
#include "common/ipc/wire.h"

struct clients;

enum { CLIENTS_FDS = 3 /* to poll */ };

/* SERVERS: the name servers, empty = those of /etc/resolv.conf. Ends the process with a message on failure. */
struct clients *clients_new(const struct config_endpoints *servers);
void clients_free(struct clients *c);

/*
 * LINK brings the questions, -1 = none. ADDRESSES takes those for the addresses of a name, as names.h says.
 * clients_close forgets all questions.
 */
void clients_open(struct clients *c, int link,
		  void (*addresses)(void *context, const struct wire_resolve *question, int *fd), void *context);
void clients_close(struct clients *c);

/* Fills the CLIENTS_FDS descriptors to poll. After that clients_tend does what is due; true: there is news to tell. */
void clients_poll(const struct clients *c, struct pollfd *fds);
int64_t clients_until(const struct clients *c); /* milliseconds, -1 = never */
bool clients_tend(struct clients *c, const struct pollfd *fds);

/* Appends what is wrong with DNS lists, one problem a line. */
void clients_describe(const struct clients *c, struct str *to);

#endif
