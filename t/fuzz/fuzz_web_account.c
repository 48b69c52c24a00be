/* The key file of a service account from anywhere: it never leads to another issuer. */
#include <string.h>

#include "delivery/web/account.h"
#include "delivery/web/jwt.h"
#include "t/fuzz/must.h"

#include <openssl/evp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char url[] = "https://oauth2.googleapis.com/token";
	static struct account account;
	char why[ACCOUNT_WHY_MAX] = "", key_why[JWT_WHY_MAX] = "";
	const struct span file = {(const char *)data, size};
	if (!account_parse(file, url, &account, why)) {
		MUST(why[0] && !strchr(why, '\n'));
		return 0;
	}
	MUST(account.email[0] && !strpbrk(account.email, " \r\n\1"));
	MUST(account.key_id[0] && !strpbrk(account.key_id, " \r\n\1"));
	struct evp_pkey_st *key = jwt_key(span_of(account.key), key_why);
	MUST(key || key_why[0]);
	EVP_PKEY_free(key);
	return 0;
}
