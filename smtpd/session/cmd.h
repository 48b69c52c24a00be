/* What a session does for each command of a client, in a file a command: cmd_<verb>.c. */
#ifndef SMTPD_SESSION_CMD_H
#define SMTPD_SESSION_CMD_H

#include "smtpd/session/command.h"
#include "smtpd/session/session.h"

void cmd_hello(struct session *s, const struct command *command);
void cmd_mail(struct session *s, const struct command *command);
void cmd_rcpt(struct session *s, const struct command *command);
void cmd_data(struct session *s, const struct command *command);
void cmd_bdat(struct session *s, const struct command *command);
void cmd_starttls(struct session *s, const struct command *command);
void cmd_auth(struct session *s, const struct command *command);
void cmd_etrn(struct session *s, const struct command *command); /* ETRN ATRN */
void cmd_xclient(struct session *s, const struct command *command);
void cmd_simple(struct session *s, const struct command *command); /* RSET NOOP VRFY HELP QUIT */
void cmd_unknown(struct session *s, const struct command *command);

/* Lines of the answer to EHLO. */
void cmd_etrn_announce(struct session *s);
void cmd_auth_announce(struct session *s);
void cmd_xclient_announce(struct session *s);

/* Keeps NAME, which HELO, EHLO or XCLIENT gave. */
void cmd_hello_name(struct session *s, struct span name);

/* LINE of the client within an exchange of AUTH. */
void cmd_auth_response(struct session *s, struct span line);
void cmd_auth_end(struct session *s); /* of the exchange, if there is one */

/* Octets of the text, or of the chunk; returns how many were taken. */
size_t cmd_data_octets(struct session *s, struct span octets);
size_t cmd_bdat_octets(struct session *s, struct span octets);

#endif
