/* Every maximum of smtpd that a stranger could try, and why it is what it is. Settings have their bounds in
 * settings.def. */
#ifndef SMTPD_PROTOCOL_LIMITS_H
#define SMTPD_PROTOCOL_LIMITS_H

enum {
	/* Octets of a command line without its CRLF. RFC 5321 4.5.3.1.4 wants 512; a source route (256), a mailbox
	 * (512) and parameters (RFC 3461 adds 500) together stay below this. */
	LIMIT_LINE = 2048,

	/* Octets of the name in HELO and EHLO (RFC 5321 4.5.3.1.2) that are kept: the rest is cut off. */
	LIMIT_HELO = 255,

	/* Parameters after one MAIL or RCPT: twice what all published extensions define. */
	LIMIT_PARAMS = 16,

	/* Octets of a line of an authentication, the command AUTH included: RFC 4954 4. */
	LIMIT_AUTH_LINE = 12288,

	/* Authentications that fail in one session; one more is 421 4.7.0. A client that means well tries each of the
	 * mechanisms that it knows. */
	LIMIT_AUTH_FAILURES = 3,

	/* How long a password may wait until it is checked; then 454 4.7.0. Clients wait 5 minutes, people less. */
	LIMIT_AUTH_TURN_MS = 10 * 1000,

	/* Replies 5xx since the last message that was taken; one more is 421 4.7.0. A client that means well makes two
	   or three. */
	LIMIT_ERRORS = 20,

	/* Commands such as NOOP, RSET and EHLO since the last message that was taken; one more is 421 4.7.0. Monitors
	 * and clients that keep a connection alive send some hundred in a day. */
	LIMIT_IDLE = 1000,

	/* Octets that we read only to throw away: the rest of a message that is refused already. Beyond it the
	 * connection closes; a client who announces SIZE never gets here. */
	LIMIT_SKIP = 64 << 20,

	/* The text of a message may take this long plus its octets at the rate below (octets a second), so that a
	 * trickle ends within minutes and a slow line may still send a large message. RFC 5321 4.5.3.2.5 and .6. */
	LIMIT_TEXT_MS = 10 * 60 * 1000,
	LIMIT_TEXT_RATE = 1024,

	/* All of a TLS handshake, however its octets trickle: four round trips on the worst of lines. */
	LIMIT_HANDSHAKE_MS = 30 * 1000,

	/* What a session may wait for, and a command or a handshake may take, while workers are short: Postfix has the
	 * same. A text may take it plus its octets at LIMIT_TEXT_RATE. */
	LIMIT_STRESS_MS = 10 * 1000,

	/* After a reply with which we hang up: how long, and for how many octets, we read on so that the reply is not
	 * lost in a reset. */
	LIMIT_LINGER_MS = 2000,
	LIMIT_LINGER_OCTETS = 1 << 20,

	/* The index of recipients of one message: ENVELOPE_RCPT_MAX entries in a table that has doubled up to them. */
	LIMIT_RECIPIENTS_MEMORY = 1 << 20,

	/* How long the client's name may take; the resolver gives up half a second before. */
	LIMIT_NAME_MS = 5000,

	/* How long `arrived` may wait for room on the link before the message is given up with 451. */
	LIMIT_ARRIVED_MS = 5000,

	/* ETRN in one session; then 458. Who has more domains may connect again. */
	LIMIT_ETRN = 100,

	/* Octets of a turned connection (ATRN) carried at once, each way. */
	LIMIT_TURN_OCTETS = 64 * 1024,

	/* How often a turned connection looks whether it is to end. */
	LIMIT_TURN_LOOK_MS = 1000,

	/* How old a look at the free space may be: at full load some thousand messages, far less than any floor. */
	LIMIT_SPACE_AGE_MS = 1000,

	/* Links from mailrootctl at one time: operators are few. */
	LIMIT_CTL_LINKS = 16,

	/* Policies kept for running sessions: memory is taken as they come. Thousands of usual ones, dozens of the
	 * largest that can be written. */
	LIMIT_SNAPSHOT = 512 << 20,

	/* A policy as text: as much as any child reads. */
	LIMIT_POLICY_TEXT = 64 << 20,

	/* Account files kept for running sessions: taken as they come, and only those that differ. The largest file
	 * that is read takes a sixth of it. */
	LIMIT_USERBASE = 512 << 20,

	/* How long a parent that starts waits for the accounts, which master sends right away. */
	LIMIT_USERS_MS = 5000,

	/* How often we look for a gateway that hides the clients, and how long one warning lasts. */
	LIMIT_GATEWAY_LOOK_MS = 10 * 1000,
	LIMIT_GATEWAY_QUIET_MS = 24 * 3600 * 1000,
};

#endif
