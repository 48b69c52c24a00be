/* Passes the account file to smtpd, which has no access to files: master opens it and never reads it. */
#ifndef MASTER_USERS_H
#define MASTER_USERS_H

#include "master/server.h"

/* Sends it to one smtpd of SERVER, after its start. Does nothing when SERVER is no longer in the configuration. */
void users_tell(const struct server *server, struct supervised *child);

/* Sends it to all of them: before a reload that may need it, and after a change of the file. */
void users_tell_all(struct server *server);

#endif
