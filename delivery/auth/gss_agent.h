/*
 * The agent is a process that speaks Kerberos for a worker: it asks the KDC, keeps the tickets in its memory, and may
 * be killed at any time. One exchange at a time over a SEQPACKET pair:
 *
 *	request    'B' HOST: begin, returns the first token
 *	           'T' TOKEN: an answer of the host
 *	answer     an octet, enum gss_step, and the token; after GSS_FAILED a text instead
 */
#ifndef DELIVERY_AUTH_GSS_AGENT_H
#define DELIVERY_AUTH_GSS_AGENT_H

#include <sys/types.h>

#include "common/gss/words.h"

enum { GSS_AGENT_BEGIN = 'B', GSS_AGENT_TOKEN = 'T', GSS_AGENT_PACKET = GSS_TOKEN_MAX + 1 };

/*
 * Forks the agent; *LINK is our end. The agent ends when *LINK is closed, or when this process dies. Returns the pid,
 * or -1 with errno. KEYTAB is a name such as "MEMORY:..." that is valid in this process.
 */
pid_t gss_agent_start(const char *keytab, const char *principal, int *link);

#endif
