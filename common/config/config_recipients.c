/* Queries on the files of recipients. */
#include <string.h>

#include "common/config/config.h"

struct config_recipients config_recipients_local(const struct config_local_domain *d)
{
	return (struct config_recipients){"local_domain", d->name,        d->recipients, &d->recipients_at,
					  d->unknown,     &d->unknown_at, d->tags,       &d->tags_at};
}

struct config_recipients config_recipients_remote(const struct config_remote_domain *d)
{
	return (struct config_recipients){"remote_domain", d->name,        d->recipients, &d->recipients_at,
					  d->unknown,      &d->unknown_at, d->tags,       &d->tags_at};
}

bool config_recipients_find(const struct config_server *server, struct span domain, struct config_recipients *out)
{
	for (size_t i = 0; i < server->local_domain_count; i++) {
		*out = config_recipients_local(&server->local_domains[i]);
		if (span_equal_nocase(domain, span_of(out->name)))
			return out->file;
	}
	const struct config_remote_domain *remote = config_remote_domain_find(server, domain);
	if (remote)
		*out = config_recipients_remote(remote);
	return remote && out->file;
}

bool config_recipients_block(const struct config_server *server, size_t i, struct config_recipients *out)
{
	for (size_t at = 0; at < server->local_domain_count; at++) {
		*out = config_recipients_local(&server->local_domains[at]);
		if (out->file && i-- == 0)
			return true;
	}
	for (size_t at = 0; at < server->remote_domain_count; at++) {
		*out = config_recipients_remote(&server->remote_domains[at]);
		if (out->file && i-- == 0)
			return true;
	}
	return false;
}

size_t config_recipients_files(const struct config_server *server, const char *files[CONFIG_RECIPIENT_FILES_MAX])
{
	struct config_recipients block;
	size_t n = 0;
	for (size_t i = 0; n < CONFIG_RECIPIENT_FILES_MAX && config_recipients_block(server, i, &block); i++) {
		size_t known = 0;
		while (known < n && strcmp(files[known], block.file) != 0)
			known++;
		if (known == n)
			files[n++] = block.file;
	}
	return n;
}
