#include "smtpd/auth/passcache.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/fd.h"

enum { WAYS = 4, SETS = 1024, SECRET_OCTETS = 32 };

struct place {
	unsigned char tag[PASSCACHE_TAG];
	int64_t since_ms; /* 0 = empty */
	char user[ACCOUNT_NAME_MAX + 1];
};

struct passcache {
	struct place (*shared)[WAYS];
	unsigned char secret[SECRET_OCTETS];
};

static const size_t area = sizeof(struct place[SETS][WAYS]);

struct passcache *passcache_new(void)
{
	struct passcache *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	fd_random(r->secret, sizeof(r->secret));
	r->shared = mmap(NULL, area, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->shared != MAP_FAILED)
		return r;
	free(r);
	return NULL;
}

void passcache_free(struct passcache *r)
{
	if (!r)
		return;
	explicit_bzero(r->shared, area);
	munmap(r->shared, area);
	explicit_bzero(r->secret, sizeof(r->secret));
	free(r);
}

bool passcache_tag(const struct passcache *r, struct span name, int64_t changed_ms, struct span password,
		   unsigned char tag[PASSCACHE_TAG])
{
	unsigned char salt[SECRET_OCTETS + sizeof(changed_ms) + ACCOUNT_NAME_MAX];
	size_t len = name.len < ACCOUNT_NAME_MAX ? name.len : ACCOUNT_NAME_MAX;
	memcpy(salt, r->secret, SECRET_OCTETS);
	memcpy(salt + SECRET_OCTETS, &changed_ms, sizeof(changed_ms));
	if (len)
		memcpy(salt + SECRET_OCTETS + sizeof(changed_ms), name.at, len);
	int done = PKCS5_PBKDF2_HMAC(password.len ? password.at : "", (int)password.len, salt,
				     (int)(SECRET_OCTETS + sizeof(changed_ms) + len), ACCOUNT_ITERATIONS_MIN,
				     EVP_sha256(), PASSCACHE_TAG, tag);
	explicit_bzero(salt, sizeof(salt));
	return done == 1;
}

static struct place *set_of(const struct passcache *r, const unsigned char tag[PASSCACHE_TAG])
{
	return r->shared[(tag[0] | (unsigned)tag[1] << 8) % SETS];
}

static bool matches(const struct place *place, const unsigned char tag[PASSCACHE_TAG], int64_t mono_ms)
{
	int64_t age = mono_ms - place->since_ms;
	bool fresh = place->since_ms && age >= 0 && age < PASSCACHE_MS;
	return CRYPTO_memcmp(place->tag, tag, PASSCACHE_TAG) == 0 && fresh;
}

/* A place that is being written at this moment matches nothing: the password is checked in full. */
bool passcache_find(const struct passcache *r, const unsigned char tag[PASSCACHE_TAG], int64_t mono_ms,
		    char user[ACCOUNT_NAME_MAX + 1])
{
	const struct place *set = set_of(r, tag);
	bool found = false;
	for (size_t i = 0; i < WAYS; i++) {
		bool here = matches(&set[i], tag, mono_ms);
		if (here && user)
			span_copy((struct span){set[i].user, strnlen(set[i].user, ACCOUNT_NAME_MAX)}, user,
				  ACCOUNT_NAME_MAX + 1);
		found |= here && matches(&set[i], tag, mono_ms);
	}
	return found;
}

void passcache_add(struct passcache *r, const unsigned char tag[PASSCACHE_TAG], int64_t mono_ms, const char *user)
{
	struct place *set = set_of(r, tag), *to = &set[0];
	for (size_t i = 1; i < WAYS; i++)
		if (set[i].since_ms < to->since_ms)
			to = &set[i];
	to->since_ms = 0;
	memcpy(to->tag, tag, PASSCACHE_TAG);
	snprintf(to->user, sizeof(to->user), "%s", user);
	to->since_ms = mono_ms;
}
