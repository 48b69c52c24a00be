/* The ends of a client's connection, as its socket names them. */
#ifndef SMTPD_ENDS_H
#define SMTPD_ENDS_H

#include "smtpd/session/session.h"

/* What cannot be learned stays as it was. */
void ends_of_socket(struct session_ends *ends, int fd);

#endif
