/* One exchange with the accounts user, Bob and carol@example.com: each test sends what a client would send. */
#ifndef T_UNIT_AUTH_FIXTURE_H
#define T_UNIT_AUTH_FIXTURE_H

#include <check.h>

#include "common/base/log_level.h"
#include "smtpd/auth/auth.h"
#include "t/unit/auth_memory.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static struct auth_memory memory;
static struct auth_users users;
static struct auth *auth;
static struct config config;
static struct policy_client client;
static struct auth_peer peer;
static struct auth_exchange *exchange;
static struct str challenge;

static inline void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	memory_config(
		"access { auth plain login scram-sha-256 cram-md5; auth_requires_tls no; auth_domain example.com }",
		&config);
	client = (struct policy_client){.ip = memory_address("192.0.2.1")};
	peer = (struct auth_peer){.config = &config.servers[0], .client = &client};
	users = auth_memory_users(&memory);
	auth_memory_add(&memory, "user", "pencil", 1000);
	auth_memory_add(&memory, "Bob", "correct horse", 2000);
	auth_memory_add(&memory, "carol@example.com", "p\xc3\xa4sswort", 3000);
	auth = auth_new(&users, NULL, 10);
	ck_assert(auth != NULL);
	str_init(&challenge, AUTH_CHALLENGE_MAX);
	exchange = NULL;
}

static inline void teardown(void)
{
	auth_end(exchange);
	auth_free(auth);
	auth_memory_free(&memory);
	config_free(&config);
	str_free(&challenge);
}

static inline enum auth_result begin(enum auth_method method, const char *initial, size_t len)
{
	auth_end(exchange);
	exchange = auth_begin(auth, &peer, method);
	ck_assert(exchange != NULL);
	return auth_step(exchange, initial != NULL, (struct span){initial, len}, &challenge);
}

static inline enum auth_result answer(const char *text)
{
	return auth_step(exchange, true, span_of(text), &challenge);
}

static inline void from(const char *address)
{
	client.ip = memory_address(address);
}

#define PLAIN(text) begin(AUTH_METHOD_PLAIN, text, sizeof(text) - 1)

#endif
