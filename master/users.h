/*
 * The account file, handed to smtpd, which lives where there are no files: master opens it and never reads it.
 */
#ifndef MASTER_USERS_H
#define MASTER_USERS_H

#include "master/server.h"

/* To one smtpd of SERVER: after its start. Nothing when SERVER is no longer in the configuration. */
void users_tell(const struct server *server, struct supervised *child);

/* To all of them: before a reload that may want them, and when a file was changed. */
void users_tell_all(struct server *server);

#endif
