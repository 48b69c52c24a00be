/* The signer as a process, with keys that are made here; the test is its parent and its clients. */
#ifndef T_UNIT_SIGNER_FIXTURE_H
#define T_UNIT_SIGNER_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/dkim/key.h"
#include "delivery/auth/signer.h"

enum { ANSWER_MS = 20000, CLIENTS = 3 };

static char folder[64];
static struct config config;
static struct signer signer;
static struct dkim_key *rsa, *ed25519; /* those in the files */

static inline void put_key(const char *name, struct dkim_key *key)
{
	char path[100];
	struct str pem;
	str_init(&pem, 10000);
	ck_assert(dkim_key_pem(key, &pem));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, pem.at, pem.len), (ssize_t)pem.len);
	close(fd);
	str_free(&pem);
}

static inline void configure(void)
{
	struct config_report report = {0};
	char text[1000];
	snprintf(text, sizeof(text),
		 "virtual_server test {\ndkim a.test { selector rsa %s/rsa\nselector ed %s/ed }\n"
		 "dkim b.test { selector gone %s/gone }\ndkim c.test { selector ed %s/ed; subdomains yes } }\n",
		 folder, folder, folder, folder);
	str_init(&report.text, 10000);
	struct config_tree *tree = config_read_text("test.conf", span_of(text), &report);
	ck_assert_msg(config_build(tree, "host.example.com", &config, &report), "%s", str_text(&report.text));
	config_tree_free(tree);
	str_free(&report.text);
}

static inline void start_signer(void)
{
	const struct signer_jail jail = {.user = "nobody", .seccomp = CONFIG_SECCOMP_ENFORCE, .clients = CLIENTS};
	snprintf(folder, sizeof(folder), "/tmp/signer-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	rsa = dkim_key_make(DKIM_RSA_SHA256, DKIM_RSA_BITS_GOOD);
	ed25519 = dkim_key_make(DKIM_ED25519_SHA256, 0);
	put_key("rsa", rsa);
	put_key("ed", ed25519);
	configure();
	signer_start(&signer, &config.servers[0], &jail);
}

static inline void stop_signer(void)
{
	char command[100];
	signer_free(&signer);
	config_free(&config);
	dkim_key_free(rsa);
	dkim_key_free(ed25519);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

/* Another client's link. */
static inline int connect_client(void)
{
	struct signer mine = signer;
	mine.link = fcntl(signer.link, F_DUPFD_CLOEXEC, 10);
	int link = signer_connect(&mine);
	ck_assert_int_ge(link, 0);
	ck_assert_int_eq(mine.link, -1);
	return link;
}

#endif
