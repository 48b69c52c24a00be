#include "sendmail/place.h"

#include <stdio.h>
#include <unistd.h>

#include "common/base/installed.h"
#include "common/host/config.h"

/* More text than any report of errors has; nobody sees it here. */
enum { REPORT_MAX = 1 << 20 };

static void fill(const struct config *config, struct place *out)
{
	const struct config_server *server = config_server_local(config);

	snprintf(out->folder, sizeof(out->folder), "%s/.maildrop",
		 config->mailroot_dir ? config->mailroot_dir : "/var/spool/mailroot");
	out->off = !server && config->server_count;
	if (!server)
		return;
	if (server->messages.max_message_size > 0 && server->messages.max_message_size != CONFIG_NONE)
		out->message_octets = (uint64_t)server->messages.max_message_size;
	if (server->free_space_floor > 0)
		out->free_floor = (uint64_t)server->free_space_floor;
	if (server->fqdn)
		snprintf(out->host, sizeof(out->host), "%s", server->fqdn);
}

bool place_find(const char *file, struct place *out)
{
	struct config_report report = {0};
	struct config config = {0};

	*out = (struct place){.host = "localhost", .message_octets = UINT64_MAX};
	gethostname(out->host, sizeof(out->host) - 1);
	if (file && access(file, R_OK) != 0)
		return false;
	str_init(&report.text, REPORT_MAX);
	/* Errors are for mailrootctl check: mail is taken while the file is being edited. */
	struct config_tree *tree = config_read(file ? file : MAILROOT_SYSCONFDIR "/mailroot.conf", &report);
	if (tree)
		config_build(tree, out->host, &config, &report);
	fill(&config, out);
	config_free(&config);
	config_tree_free(tree);
	str_free(&report.text);
	return true;
}
