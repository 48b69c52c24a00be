/*
 * Orders to one child over its control link. A failure is logged under the name of its SERVER; the end of the link or
 * of the child is handled separately. A child without a link is skipped. False: not sent.
 */
#ifndef MASTER_TELL_H
#define MASTER_TELL_H

#include "master/supervise.h"

bool tell_attach(struct supervised *child, const char *server, enum child_link link, uint64_t serial, int fd);
/*
 * Makes a LINK of this kind, sends CHILD its end, and returns the other end; or -errno (-EAGAIN: CHILD is not ready).
 */
int tell_connect(struct supervised *child, const char *server, enum child_link link);
/* To QUEUE: the process at the other end of LINK is being replaced, and gets no more work. */
bool tell_detach(struct supervised *queue, const char *server, enum child_link link);
bool tell_ping(struct supervised *child, const char *server);
bool tell_stop(struct supervised *child, const char *server, bool now);
bool tell_pause(struct supervised *child, const char *server, bool paused);
bool tell_retire(struct supervised *child, const char *server);
bool tell_users(struct supervised *child, const char *server, const struct wire_users *news, int fd);
bool tell_recipients(struct supervised *child, const char *server, const struct wire_recipients *news, int fd);

/* TEXT is the canonical configuration of its role. */
bool tell_reload(struct supervised *child, const char *server, uint64_t generation, struct span text);

#endif
