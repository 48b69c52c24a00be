#include "smtpd/auth/passcheck.h"

#include <crypt.h>
#include <gsasl.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static void wipe_and_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	gsasl_free(text);
}

bool passcheck_prepare(struct span text, char *to)
{
	char *prepared = NULL;
	if (!text.len || text.len > PASSCHECK_MAX || !span_copy(text, to, PASSCHECK_MAX + 1))
		return false;
	bool good = gsasl_saslprep(to, 0, &prepared, NULL) == GSASL_OK && prepared[0];
	explicit_bzero(to, PASSCHECK_MAX + 1);
	good = good && span_copy(span_of(prepared), to, PASSCHECK_MAX + 1);
	wipe_and_free(prepared);
	return good;
}

bool passcheck_matches(const char *prepared, const char *yescrypt)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	if (!data)
		return false;
	const char *hash = crypt_r(prepared, yescrypt, data);
	size_t len = strlen(yescrypt);
	bool same = hash && hash[0] != '*' && strlen(hash) == len && CRYPTO_memcmp(hash, yescrypt, len) == 0;
	explicit_bzero(data, sizeof(*data));
	free(data);
	return same;
}

size_t passcheck_processors(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	int n = CPU_COUNT(&set);
	return n > 0 ? (size_t)n : 1;
}
