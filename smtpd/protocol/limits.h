/*
 * Every limit of smtpd that a client could exceed, and the reason for its value. Settings have their bounds in
 * settings.def.
 */
#ifndef SMTPD_PROTOCOL_LIMITS_H
#define SMTPD_PROTOCOL_LIMITS_H

enum {
	/* Octets of a command line without its CRLF. RFC 5321 4.5.3.1.4 requires 512; a source route (256), a mailbox
	 * (512) and parameters (RFC 3461 adds 500) together stay below this. */
	LIMIT_LINE = 2048,

	/* Octets that are kept of the name in HELO and EHLO (RFC 5321 4.5.3.1.2). The rest is cut off. */
	LIMIT_HELO = 255,

	/* Parameters after one MAIL or RCPT: twice as many as all published extensions define. */
	LIMIT_PARAMS = 16,

	/* Octets of a line of an authentication, including the command AUTH: RFC 4954 4. */
	LIMIT_AUTH_LINE = 12288,

	/* Failed authentications in one session; one more is 421 4.7.0. An honest client tries each mechanism that it
	 * knows. */
	LIMIT_AUTH_FAILURES = 3,

	/* How long a client waits until its password is checked; then 454 4.7.0. Clients wait 5 minutes, people
	 * less. */
	LIMIT_AUTH_WAIT_MS = 10 * 1000,

	/* 5xx replies since the last accepted message; one more is 421 4.7.0. An honest client causes two or three. */
	LIMIT_ERRORS = 20,

	/* Commands such as NOOP, RSET and EHLO since the last accepted message; one more is 421 4.7.0. Monitors and
	 * clients that keep a connection alive send some hundred in a day. */
	LIMIT_IDLE = 1000,

	/* MAIL commands over a limit of `client` since the last accepted message; one more is 421. An honest client
	 * gives up after the first, or waits. */
	LIMIT_OVER = 20,

	/* How long each of these refusals but the first is held back, so that a client that hammers at a limit costs
	 * next to nothing. Its worker is its own: it waits for the next command in any case. */
	LIMIT_OVER_PAUSE_MS = 100,

	/* 4xx replies since the last accepted message; one more is 421. A message has no more recipients, and an honest
	 * client names each of them once. The log has the first of these replies. */
	LIMIT_LATER = 5000,
	LIMIT_LATER_LOGGED = 100,

	/* Octets that are read only to be discarded: the rest of a message that is refused already. Beyond this the
	 * connection is closed. A client that declares SIZE never gets here. */
	LIMIT_SKIP = 64 << 20,

	/* The text of a message may take this long plus the time for its octets at the rate below (octets a second). So
	 * a trickle ends within minutes, and a slow line may still send a large message. RFC 5321 4.5.3.2.5 and .6. */
	LIMIT_TEXT_MS = 10 * 60 * 1000,
	LIMIT_TEXT_RATE = 1024,

	/* The whole TLS handshake, even if its octets trickle: four round trips on the worst of lines. */
	LIMIT_HANDSHAKE_MS = 30 * 1000,

	/* Under stress: how long a session may be idle, and how long a command or a handshake may take, as in Postfix.
	 * A text may take this long plus the time for its octets at LIMIT_TEXT_RATE. */
	LIMIT_STRESS_MS = 10 * 1000,

	/* After a reply that closes the connection: how long, and for how many octets, smtpd reads on, so that a reset
	 * does not destroy the reply. */
	LIMIT_LINGER_MS = 2000,
	LIMIT_LINGER_OCTETS = 1 << 20,

	/* The index of recipients of one message: ENVELOPE_RCPT_MAX entries in a table that grew by doubling; and the
	 * members of each alias. */
	LIMIT_RECIPIENTS_MEMORY = 2 << 20,

	/* How long the look-up of the client's name may take. The resolver gives up half a second earlier. */
	LIMIT_NAME_MS = 5000,

	/* How long `arrived` may wait for room on the link. Then the message is refused with 451. */
	LIMIT_ARRIVED_MS = 5000,

	/* ETRN and ATRN commands in one session; then 458. A client with more domains may connect again. */
	LIMIT_ETRN = 100,

	/* Octets of an ATRN connection carried at once, each way. */
	LIMIT_ATRN_OCTETS = 64 * 1024,

	/* How often an ATRN connection checks whether it has to end. */
	LIMIT_ATRN_LOOK_MS = 1000,

	/* Maximum age of the figure for free space: at full load some thousand messages, far less than any floor. */
	LIMIT_SPACE_AGE_MS = 1000,

	/* Links from mailrootctl at one time. */
	LIMIT_CTL_LINKS = 16,

	/* Policies kept for running sessions. Memory is used as they come: thousands of usual ones, dozens of the
	 * largest possible. */
	LIMIT_SNAPSHOT = 512 << 20,

	/* A policy as text: as much as any child reads. */
	LIMIT_POLICY_TEXT = 64 << 20,

	/* Account files kept for running sessions. Memory is used as they come, and only for those that differ. The
	 * largest permitted file takes a sixth of it. */
	LIMIT_USERBASE = 512 << 20,

	/* How long a starting parent waits for accounts and recipients, which master sends right away. */
	LIMIT_FILES_MS = 5000,

	/* How often the parent looks at what workers have counted, such as a gateway that hides the clients, and how
	 * long one warning about a gateway suppresses the next. */
	LIMIT_LOOK_MS = 10 * 1000,
	LIMIT_GATEWAY_QUIET_MS = 24 * 3600 * 1000,
};

#endif
