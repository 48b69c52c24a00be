#include "delivery/web/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/accounts/password.h"
#include "common/accounts/secret.h"
#include "common/base/fd.h"
#include "common/config/oauth.h"

enum { PEM_MAX = 64 * 1024 };

static bool is_safe(int fd, bool private, uid_t owner, char *why, size_t size)
{
	char who[SECRET_WHO_MAX];
	struct stat st;
	if (fstat(fd, &st) < 0)
		return snprintf(why, size, "%s", strerror(errno)), false;
	if (!S_ISREG(st.st_mode))
		return snprintf(why, size, "it is no regular file"), false;
	if (private && st.st_uid != 0 && st.st_uid != owner)
		return snprintf(why, size, "it belongs to the wrong user: chown root, chmod 600"), false;
	if (private && secret_is_open(&st, true, who))
		return snprintf(why, size, "%s can read or write it: chmod 600", who), false;
	return true;
}

bool secrets_file(const char *path, bool private, uid_t owner, struct str *to, char *why, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return snprintf(why, size, "%s", strerror(errno)), false;
	bool good = is_safe(fd, private, owner, why, size);
	int err = good ? fd_read_all(fd, to) : 0;
	if (err)
		snprintf(why, size, "%s", strerror(-err));
	fd_close(&fd);
	return good && !err;
}

static bool fail(char why[SECRETS_WHY_MAX], const char *setting, const char *path, struct config_origin at,
		 const char *text)
{
	snprintf(why, SECRETS_WHY_MAX, "%s: can't use %.150s: %.190s (%.60s:%u)", setting, path, text,
		 at.file ? at.file : "default", at.line);
	return false;
}

static bool load_secret(const struct config_oauth *oauth, uid_t owner, struct secrets *out, char why[SECRETS_WHY_MAX])
{
	char text[PASSWORD_WHY_MAX];
	out->client_secret = password_load(oauth->client_secret_file, owner, text);
	return out->client_secret ||
	       fail(why, "client_secret_file", oauth->client_secret_file, oauth->client_secret_file_at, text);
}

static bool load_certificate(const struct config_oauth *oauth, uid_t owner, struct secrets *out,
			     char why[SECRETS_WHY_MAX])
{
	const struct config_certificate *pair = &oauth->client_certificate.at[0];
	const char *bad = pair->key;
	char text[JWT_WHY_MAX];
	struct str pem;
	str_init(&pem, PEM_MAX);
	if (secrets_file(pair->key, true, owner, &pem, text, sizeof(text)))
		out->key = jwt_key(str_span(&pem), text);
	str_wipe(&pem);
	if (out->key) {
		bad = pair->certificate;
		if (secrets_file(bad, false, owner, &pem, text, sizeof(text)) &&
		    jwt_certificate(str_span(&pem), out->key, &out->certificate, text))
			bad = NULL;
	}
	str_wipe(&pem);
	return !bad || fail(why, "client_certificate", bad, oauth->client_certificate_at, text);
}

static bool take_account(struct span file, const char *token_url, struct secrets *out, char text[ACCOUNT_WHY_MAX])
{
	static struct account account;
	bool good = account_parse(file, token_url, &account, text);
	if (good) {
		memcpy(out->email, account.email, sizeof(out->email));
		memcpy(out->key_id, account.key_id, sizeof(out->key_id));
		out->key = jwt_key(span_of(account.key), text);
	}
	explicit_bzero(&account, sizeof(account));
	return good && out->key;
}

static bool load_account(const struct config_oauth *oauth, const char *token_url, uid_t owner, struct secrets *out,
			 char why[SECRETS_WHY_MAX])
{
	char text[ACCOUNT_WHY_MAX];
	struct str file;
	str_init(&file, ACCOUNT_FILE_MAX);
	bool good = secrets_file(oauth->service_account_file, true, owner, &file, text, sizeof(text)) &&
		    take_account(str_span(&file), token_url, out, text);
	str_wipe(&file);
	return good ||
	       fail(why, "service_account_file", oauth->service_account_file, oauth->service_account_file_at, text);
}

bool secrets_load(const struct config_oauth *oauth, const char *token_url, uid_t owner, struct secrets *out,
		  char why[SECRETS_WHY_MAX])
{
	*out = (struct secrets){0};
	if (config_oauth_grant(oauth) == CONFIG_GRANT_SERVICE_ACCOUNT)
		return oauth->service_account_file ? load_account(oauth, token_url, owner, out, why)
						   : fail(why, "service_account_file", "none", oauth->grant_at,
							  "grant service_account needs it");
	if (oauth->client_certificate.n)
		return load_certificate(oauth, owner, out, why);
	return !oauth->client_secret_file || load_secret(oauth, owner, out, why);
}
