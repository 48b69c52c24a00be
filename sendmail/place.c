#include "sendmail/place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/installed.h"
#include "common/config/config.h"

/* More text than any report of errors; it is discarded. */
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

static size_t first_line(const struct config_report *report)
{
	enum { SHOWN_MAX = 400 };
	size_t len = report->text.len ? span_find(str_span(&report->text), '\n') : SHOWN_MAX;
	return len < SHOWN_MAX ? len : SHOWN_MAX;
}

bool place_find(const char *file, struct place *out, struct failure *failure)
{
	struct config_report report = {0};
	struct config config = {0};
	const char *path = file ? file : MAILROOT_SYSCONFDIR "/mailroot.conf";
	*out = (struct place){.host = "localhost", .message_octets = UINT64_MAX};
	gethostname(out->host, sizeof(out->host) - 1);
	if (file && access(file, R_OK) != 0)
		return failure_set(failure, failure_status(FAILURE_CONFIG, -errno), "%.300s: %s", file,
				   strerror(errno));
	str_init(&report.text, REPORT_MAX);
	/* Errors are left to mailrootctl check: mail is accepted while the file is being edited. */
	struct config_tree *tree = config_read(path, &report);
	if (tree)
		config_build(tree, out->host, &config, &report);
	bool known = tree && !report.passing;
	if (known)
		fill(&config, out);
	else
		failure_set(failure, EX_TEMPFAIL,
			    "can't read the configuration now, so the folder for mail is unknown: %.*s",
			    (int)first_line(&report), report.text.len ? report.text.at : path);
	config_free(&config);
	config_tree_free(tree);
	str_free(&report.text);
	return known;
}
