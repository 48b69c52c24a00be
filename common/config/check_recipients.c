/* Files of recipients: settings that would have no effect, and too many files. */
#include "common/config/check.h"

#include "common/base/language.h"

/* Values other than the defaults. */
static void check_block(struct config_build *b, const struct config_server *server,
			const struct config_recipients *block)
{
	if (block->file)
		return;
	if (block->unknown != CONFIG_UNKNOWN_REJECT)
		config_error(
			b->findings, config_build_at(b, server, *block->unknown_at),
			_("no recipient is unknown without a list of them: add recipients FILE, or remove unknown"));
	if (!block->tags)
		config_error(b->findings, config_build_at(b, server, *block->tags_at),
			     _("tags has no effect without a list of recipients: add recipients FILE, or remove tags"));
}

static void check_count(struct config_build *b, const struct config_server *server)
{
	const char *files[CONFIG_RECIPIENT_FILES_MAX];
	struct config_recipients block;
	size_t n = config_recipients_files(server, files), found = 0;
	for (size_t i = 0; n == CONFIG_RECIPIENT_FILES_MAX && config_recipients_block(server, i, &block); i++) {
		for (found = 0; found < n && !span_equal(span_of(files[found]), span_of(block.file));)
			found++;
		if (found < n)
			continue;
		config_error(b->findings, config_build_at(b, server, *block.at),
			     _("a virtual server can have 256 files of recipients at most: let domains share a file"));
		return;
	}
}

void config_check_recipients(struct config_build *b, const struct config_server *server)
{
	for (size_t i = 0; i < server->local_domain_count; i++) {
		const struct config_local_domain *d = &server->local_domains[i];
		const struct config_recipients block = config_recipients_local(d);
		if (!config_build_failed(b, &d->recipients))
			check_block(b, server, &block);
	}
	for (size_t i = 0; i < server->remote_domain_count; i++) {
		const struct config_remote_domain *d = &server->remote_domains[i];
		const struct config_recipients block = config_recipients_remote(d);
		if (!config_build_failed(b, &d->recipients))
			check_block(b, server, &block);
	}
	check_count(b, server);
}
