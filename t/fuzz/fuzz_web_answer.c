/* An issuer that answers as it likes: what is taken of it is within bounds, and can't break a line of SMTP or a log. */
#include <string.h>

#include "delivery/web/answer.h"
#include "delivery/web/jwt.h"
#include "t/fuzz/must.h"

static void check_text(const char *text, size_t max, char least)
{
	MUST(strlen(text) <= max);
	for (; *text; text++)
		MUST(*text >= least && *text <= '~');
}

static void check_claim(void *context, const char *name, const char *value)
{
	(void)context, (void)name;
	check_text(value, 400, ' ');
}

static void check_token(struct span body)
{
	static struct answer_token token;
	char why[ANSWER_WHY_MAX] = "";
	if (!answer_token(body, &token, why)) {
		MUST(why[0]);
		return;
	}
	check_text(token.octets, TOKENS_TOKEN_MAX, '!');
	check_text(token.refresh_token, ANSWER_REFRESH_MAX, '!');
	MUST(token.length && token.length == strlen(token.octets));
	MUST(token.life_s >= ANSWER_LIFE_MIN_S && token.life_s <= ANSWER_LIFE_MAX_S);
	jwt_show((struct span){token.octets, token.length}, check_claim, NULL);
}

static void check_device(struct span body)
{
	struct answer_device device;
	char why[ANSWER_WHY_MAX] = "";
	if (!answer_device(body, &device, why)) {
		MUST(why[0]);
		return;
	}
	check_text(device.url, sizeof(device.url) - 1, '!');
	check_text(device.user_code, sizeof(device.user_code) - 1, ' ');
	check_text(device.device_code, sizeof(device.device_code) - 1, '!');
	MUST(device.interval_s >= 1 && device.interval_s <= 60 && device.life_s >= 1 && device.life_s <= 3600);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer_error error;
	const struct span body = {(const char *)data, size};
	check_token(body);
	check_device(body);
	if (answer_error(body, &error)) {
		check_text(error.error, sizeof(error.error) - 1, '!');
		check_text(error.text, sizeof(error.text) - 1, ' ');
	}
	return 0;
}
