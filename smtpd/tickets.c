#include "smtpd/tickets.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"

/* Newest key, the one before, and room for the next: a reader of a key that is being replaced would be an hour late. */
enum { PLACES = 3 };

struct shared {
	_Atomic uint32_t newest; /* counts up; the key's index is this modulo PLACES */
	struct tls_ticket_key keys[PLACES];
};

struct tls_tickets {
	int fd;
	struct shared *shared;
	int64_t change_ms; /* the parent's */
};

static int seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
}

static void *map(const struct tls_tickets *t, int protection, int flags, void *at)
{
	void *mapped = mmap(at, sizeof(struct shared), protection, MAP_SHARED | flags, t->fd, 0);
	if (mapped != MAP_FAILED && madvise(mapped, sizeof(struct shared), MADV_DONTDUMP) != 0)
		log_warning("can't exclude the keys of tickets from core dumps: %s", strerror(errno));
	return mapped;
}

struct tls_tickets *tls_tickets_new(int64_t now_ms)
{
	struct tls_tickets *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->shared = MAP_FAILED;
	t->fd = memfd_create("mailroot-tickets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (t->fd != -1 && ftruncate(t->fd, sizeof(struct shared)) == 0)
		t->shared = map(t, PROT_READ | PROT_WRITE, 0, NULL);
	if (t->shared == MAP_FAILED || seal(t->fd) != 0) {
		tls_tickets_free(t);
		return NULL;
	}
	fd_random(t->shared->keys, sizeof(t->shared->keys));
	t->change_ms = now_ms + TLS_TICKETS_PERIOD_MS;
	return t;
}

void tls_tickets_free(struct tls_tickets *t)
{
	int keep = errno;
	if (!t)
		return;
	if (t->shared != MAP_FAILED)
		munmap(t->shared, sizeof(*t->shared));
	fd_close(&t->fd);
	free(t);
	errno = keep;
}

/* The new key replaces the one that is two periods old, which is no longer used. */
static void change(struct shared *shared)
{
	uint32_t next = atomic_load(&shared->newest) + 1;
	fd_random(&shared->keys[next % PLACES], sizeof(shared->keys[0]));
	atomic_store_explicit(&shared->newest, next, memory_order_release);
	fd_random(&shared->keys[(next + 1) % PLACES], sizeof(shared->keys[0]));
}

/* After the system slept for hours, every key is too old. */
int64_t tls_tickets_tend(struct tls_tickets *t, int64_t now_ms)
{
	if (now_ms < t->change_ms)
		return t->change_ms - now_ms;
	change(t->shared);
	if (now_ms - t->change_ms >= TLS_TICKETS_PERIOD_MS)
		change(t->shared);
	t->change_ms = now_ms + TLS_TICKETS_PERIOD_MS;
	return TLS_TICKETS_PERIOD_MS;
}

/* Replaces the old mapping: mprotect alone could be undone, a new mapping can't be (F_SEAL_FUTURE_WRITE). */
void tls_tickets_read_only(struct tls_tickets *t)
{
	if (map(t, PROT_READ, MAP_FIXED, t->shared) == MAP_FAILED)
		log_fatal(EXIT_TEMPORARY, "can't map keys of tickets read-only: %s", strerror(errno));
	fd_close(&t->fd);
}

bool tls_tickets_key(const struct tls_tickets *t, const unsigned char *name, struct tls_ticket_key *out, bool *newest)
{
	uint32_t count = atomic_load_explicit(&t->shared->newest, memory_order_acquire);
	for (uint32_t age = 0; age < 2; age++) {
		*out = t->shared->keys[(count + PLACES - age) % PLACES];
		*newest = age == 0;
		if (!name || memcmp(out->name, name, TLS_TICKETS_NAME) == 0)
			return true;
	}
	explicit_bzero(out, sizeof(*out));
	return false;
}

static bool set_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
		OSSL_PARAM_construct_end(),
	};
	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* OpenSSL's callback: 1 = done, 2 = done, and the client needs a new ticket, 0 = a full handshake. */
static int with_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
		    int encrypt)
{
	const struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct tls_ticket_key key;
	bool newest, ok;
	if (!tls_tickets_key(t, encrypt ? NULL : name, &key, &newest))
		return 0;
	if (encrypt) {
		memcpy(name, key.name, sizeof(key.name));
		ok = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
		     EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key.cipher, iv, NULL) == 1;
	} else {
		ok = EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key.cipher, iv, NULL) == 1;
	}
	ok = ok && set_mac(mac, &key);
	explicit_bzero(&key, sizeof(key));
	if (!ok)
		return encrypt ? -1 : 0;
	return newest ? 1 : 2;
}

bool tls_tickets_serve(struct tls_tickets *t, SSL_CTX *context)
{
	SSL_CTX_set_timeout(context, TLS_TICKETS_PERIOD_MS / 1000);
	return SSL_CTX_set_app_data(context, t) == 1 && SSL_CTX_set_tlsext_ticket_key_evp_cb(context, with_key) == 1;
}
