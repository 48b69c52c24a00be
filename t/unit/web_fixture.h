/* One block with an access token, in a folder of its own, with the test as the queue. No request leaves. */
#ifndef T_UNIT_WEB_FIXTURE_H
#define T_UNIT_WEB_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log_level.h"
#include "common/ipc/ipc.h"
#include "delivery/web/block_parts.h"
#include "delivery/web/store.h"
#include "t/unit/suite.h"

static char path[64];
static int queue[2], folder;
static struct web web;
static struct block block;
static struct token page;

/* The block as at the start of the process; the caller has freed the one before. */
static inline void load(enum config_grant grant)
{
	static struct config_outbound outbound;
	outbound = (struct config_outbound){.auth = CONFIG_AUTH_XOAUTH2, .username = "u@example.com"};
	outbound.oauth = (struct config_oauth){.provider = CONFIG_PROVIDER_OTHER,
					       .token_url = "https://idp.test/token",
					       .client_id = "x",
					       .grant = grant};
	const struct config_outbound_block from = {"connector", "cloud", &outbound};
	block_load(&block, &web, &from, geteuid());
	block_start(&block);
}

/* Before the first load. The folder is made in PARENT; the test sets web.tell. */
static inline void fixture_open(const char *parent)
{
	int write_fd, read_fd;
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(path, sizeof(path), "%s/mailroot-web-XXXXXX", parent);
	ck_assert_ptr_nonnull(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(tokens_create(&write_fd, &read_fd), 0);
	ck_assert_int_eq(ipc_pair(queue, 10000), 0);
	web = (struct web){
		.page = tokens_map_writable(write_fd), .folder = folder, .folder_path = path, .arrivals = queue[0]};
	close(write_fd);
	close(read_fd);
}

static inline void fixture_close(void)
{
	block_free(&block);
	store_remove(folder, "connector cloud");
	close(folder);
	ck_assert_int_eq(rmdir(path), 0);
	close(queue[0]);
	close(queue[1]);
}

#endif
