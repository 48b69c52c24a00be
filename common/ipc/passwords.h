/* What the process that asks the KDC says of a password (PACKET(password_fits)). */
#ifndef COMMON_IPC_PASSWORDS_H
#define COMMON_IPC_PASSWORDS_H

enum passwords_event {
	PASSWORDS_RIGHT,
	PASSWORDS_WRONG,
	PASSWORDS_UNKNOWN,    /* there is no such user */
	PASSWORDS_REFUSED,    /* the account is locked, disabled or expired, or its password has expired */
	PASSWORDS_UNAVAILABLE /* the KDC did not check the password, or is not believed */
};

enum {
	PASSWORDS_NAME_MAX = 255,
	PASSWORDS_REALMS_MAX = 1000,
	PASSWORDS_PASSWORD_MAX = 255,
	PASSWORDS_PRINCIPAL_MAX = 512,
	PASSWORDS_WHY_MAX = 400,
	PASSWORDS_DEADLINE_MS = 8000, /* of one question to the KDC */
	PASSWORDS_WAIT_MS = 10000     /* of a worker, which needs the reason before */
};

#endif
