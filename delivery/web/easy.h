/* One transfer of libcurl with every bound that fetch.h promises. */
#ifndef DELIVERY_WEB_EASY_H
#define DELIVERY_WEB_EASY_H

#include <curl/curl.h>

#include "delivery/web/fetch.h"
#include "delivery/web/pin.h"

struct easy_settings {
	struct span ca;
	const char *proxy, *proxy_user, *proxy_password;
};

/* Borrowed until easy_end. PINNED: of pin_answer, copied; NULL = the host is an address. */
struct easy_request {
	const char *url;
	struct span body;
	const char *pinned;
};

/* Must not move while the transfer runs. */
struct easy {
	CURL *handle; /* NULL = not begun */
	struct curl_slist *pinned, *fields;
	bool may_look_up; /* an address in place of a name is turned into one */
	bool too_long;
	size_t header_octets;
	struct str body;
	char error[CURL_ERROR_SIZE], why[FETCH_WHY_MAX];
};

/* False without memory; easy_end in either case. */
bool easy_begin(struct easy *e, const struct easy_settings *settings, const struct pin *pin,
		const struct easy_request *request);

/* The result, which is valid until easy_end. */
void easy_result(struct easy *e, CURLcode code, const struct pin *pin, struct fetch_result *out);
void easy_end(struct easy *e);

#endif
