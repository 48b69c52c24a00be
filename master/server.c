#include "master/server.h"

#include <stdio.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/config/oauth.h"

static const char *const state_names[SERVER_STATE_COUNT] = {
	[SERVER_TROUBLE] = "trouble", [SERVER_STARTING] = "starting", [SERVER_RUNNING] = "running",
	[SERVER_PAUSING] = "pausing", [SERVER_PAUSED] = "paused",     [SERVER_FAILED] = "failed",
	[SERVER_ENDING] = "ending",   [SERVER_STOPPING] = "stopping", [SERVER_STOPPED] = "stopped",
};

const char *server_state_name(enum server_state state)
{
	return state < SERVER_STATE_COUNT ? state_names[state] : "unknown";
}

bool server_init(struct server *server, const char *name, const char *programs, const struct folders_owner *owner,
		 struct listeners_all *all)
{
	*server = (struct server){.programs = programs, .owner = owner};
	links_init(&server->links);
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++)
		str_init(&server->texts[role], SERVER_TEXT_MAX);
	for (size_t i = 0; i < SERVER_CHILDREN; i++)
		supervise_init(&server->children[i], i < CHILD_ROLE_COUNT ? (enum child_role)i : CHILD_SMTPD);
	return listeners_init(&server->listeners, all) && span_copy(span_of(name), server->name, sizeof(server->name));
}

void server_free(struct server *server)
{
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		str_free(&server->texts[role]);
		files_free(&server->files[role]);
	}
	for (size_t i = 0; i < SERVER_CHILDREN; i++)
		fd_close(&server->children[i].control);
	recipient_files_free(&server->recipients);
	listeners_free(&server->listeners);
	links_close(&server->links);
}

static unsigned roles_needed(const struct config_server *config)
{
	unsigned all = (1U << CHILD_ROLE_COUNT) - 1;
	if (!config || !config_oauth_needed(config))
		all &= ~(1U << CHILD_WEB);
	if (!config || !config_kerberos_needed(config))
		all &= ~(1U << CHILD_KERBEROS);
	if (!config || !config->filter_count)
		all &= ~(1U << CHILD_FILTERS);
	return all;
}

bool server_configure(struct server *server, const struct config_tree *tree, const struct config *config,
		      const char *hostname)
{
	struct str fresh[CHILD_ROLE_COUNT];
	bool good = true;
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		str_init(&fresh[role], SERVER_TEXT_MAX);
		config_tree_write(tree, hostname, server->name, child_role_bit(role), &fresh[role]);
		good &= !fresh[role].failed;
	}
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		struct str *unwanted = good ? &server->texts[role] : &fresh[role];
		str_free(unwanted);
		if (good)
			server->texts[role] = fresh[role];
	}
	if (!good)
		return false;
	server->config = config;
	server->needed = roles_needed(server_wanted(server));
	return true;
}

unsigned server_roles_in(const struct server *server, enum supervise_state state)
{
	unsigned roles = 0;
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++)
		roles |= (unsigned)(server->children[role].state == state) << role;
	return roles;
}

unsigned server_alive(const struct server *server)
{
	unsigned roles = 0;
	for (size_t i = 0; i < SERVER_CHILDREN; i++)
		roles |= (unsigned)supervise_alive(&server->children[i]) << server->children[i].role;
	return roles;
}

const struct config_server *server_wanted(const struct server *server)
{
	return server->config ? config_server_find(server->config, span_of(server->name)) : NULL;
}
