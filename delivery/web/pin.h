/*
 * Which host a request must reach, and the addresses of its name as libcurl wants them (CURLOPT_RESOLVE). The URL is
 * taken apart by libcurl itself, so that both understand it alike.
 */
#ifndef DELIVERY_WEB_PIN_H
#define DELIVERY_WEB_PIN_H

#include "common/base/str.h"

enum { PIN_HOST_MAX = 256, PIN_ADDRESSES = 8 };

struct pin {
	char host[PIN_HOST_MAX]; /* without brackets */
	uint16_t port;
	bool literal; /* an address: no look-up is needed */
};

/* Of URL, whose scheme must be SCHEME. False: it is no such URL, or has a user in it. */
bool pin_url(const char *url, const char *scheme, struct pin *out);

/* Sends the question for it on LINK; our end of the socket for the answer, or -errno. */
int pin_ask(int link, const struct pin *pin);

/* Takes the resolver's answer, a packet: appends "HOST:PORT:ADDRESS,ADDRESS". False with WHY. */
bool pin_answer(const struct pin *pin, struct span packet, struct str *to, char *why, size_t size);

#endif
