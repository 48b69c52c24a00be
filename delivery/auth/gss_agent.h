/*
 * The process that speaks Kerberos for a worker: it asks the KDC, has the tickets in its memory, and may be killed at
 * any time. One exchange at a time over a SEQPACKET pair:
 *
 *	asked     'B' HOST: begin, with the first token      'T' TOKEN: what the host answered
 *	answered  an octet, enum gss_step, and the token; after GSS_FAILED a text instead
 */
#ifndef DELIVERY_AUTH_GSS_AGENT_H
#define DELIVERY_AUTH_GSS_AGENT_H

#include <sys/types.h>

#include "common/gss/words.h"

enum { GSS_AGENT_BEGIN = 'B', GSS_AGENT_TOKEN = 'T', GSS_AGENT_PACKET = GSS_TOKEN_MAX + 1 };

/* Forks it; *LINK is ours. It ends when *LINK is closed, or when we die. The pid, or -1 with errno. KEYTAB is a name
 * such as "MEMORY:..." that works in this process. */
pid_t gss_agent_start(const char *keytab, const char *principal, int *link);

#endif
