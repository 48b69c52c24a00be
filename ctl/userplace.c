#include "ctl/userplace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/config/config.h"

enum { HOSTNAME_MAX = 256, TEXT_MAX = 1 << 20, CHOICE_MAX = 1500 };

/* Whether a server before I has FILE. */
static bool seen(const struct config *config, size_t i, bool only_auth)
{
	const char *file = config->servers[i].access.user_file;
	for (size_t k = 0; k < i; k++) {
		const struct config_access *access = &config->servers[k].access;
		if ((access->auth || !only_auth) && strcmp(access->user_file, file) == 0)
			return true;
	}
	return false;
}

static void append_readers(const struct config *config, const char *file, struct str *to)
{
	const char *separator = "";
	str_printf(to, "\n  %s (", file);
	for (size_t i = 0; i < config->server_count; i++) {
		if (strcmp(config->servers[i].access.user_file, file) != 0)
			continue;
		str_printf(to, "%s%s", separator, config->servers[i].name);
		separator = ", ";
	}
	str_append_c(to, ')');
}

/*
 * The common file of the servers that have `auth`, or of all servers if none has. NULL: there are several, and all were
 * printed.
 */
static const char *common_file(const struct config *config)
{
	const char *file = NULL;
	bool any_auth = false;
	size_t files = 0;
	struct str choice;
	for (size_t i = 0; i < config->server_count; i++)
		any_auth |= config->servers[i].access.auth != 0;
	str_init(&choice, CHOICE_MAX);
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_access *access = &config->servers[i].access;
		if ((any_auth && !access->auth) || seen(config, i, any_auth))
			continue;
		file = access->user_file;
		append_readers(config, file, &choice);
		files++;
	}
	if (files > 1)
		cmd_fail(_("there are several user files; add --server NAME or --file PATH:%s"), str_text(&choice));
	str_free(&choice);
	return files > 1 ? NULL : file ? file : MAILROOT_SYSCONFDIR "/users";
}

static const char *choose(const struct ctl *ctl, const struct config *config)
{
	if (ctl->options.given & OPTION_USER_FILE)
		return ctl->options.user_file;
	if (!(ctl->options.given & OPTION_SERVER))
		return common_file(config);
	const struct config_server *server = config_server_find(config, span_of(ctl->options.server));
	if (!server)
		cmd_fail(_("there is no virtual server %s in %s"), ctl->options.server, ctl->options.file);
	return server ? server->access.user_file : NULL;
}

static void note_readers(const struct config *config, struct userplace *place)
{
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_access *access = &config->servers[i].access;
		if (strcmp(access->user_file, place->file) != 0)
			continue;
		place->servers++;
		place->auth |= access->auth;
		place->may_relay |= access->auth && config->servers[i].relay.authenticated;
	}
}

bool userplace_find(const struct ctl *ctl, struct userplace *out, int *status)
{
	struct config_report report = {0};
	struct config config = {0};
	char hostname[HOSTNAME_MAX] = "localhost";
	const char *file = NULL;
	*out = (struct userplace){0};
	*status = EXIT_FAILED;
	if ((ctl->options.given & (OPTION_USER_FILE | OPTION_SERVER)) == (OPTION_USER_FILE | OPTION_SERVER)) {
		cmd_fail(_("--server and --file both name the user file: use one of them"));
		*status = EXIT_USAGE;
		return false;
	}
	gethostname(hostname, sizeof(hostname) - 1);
	str_init(&report.text, TEXT_MAX);
	struct config_tree *tree = config_read(ctl->options.file, &report);
	bool good = tree && config_build(tree, hostname, &config, &report);
	config_tree_free(tree);
	if (good || ctl->options.given & OPTION_USER_FILE)
		file = choose(ctl, &config);
	else
		cmd_fail(
			_("%s has errors (`mailrootctl check` shows them), so the user file is not known; name it with --file PATH"),
			ctl->options.file);
	out->file = file ? strdup(file) : NULL;
	if (out->file)
		note_readers(&config, out);
	config_free(&config);
	str_free(&report.text);
	return out->file;
}

void userplace_free(struct userplace *place)
{
	free(place->file);
}
