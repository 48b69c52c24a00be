#include "ctl/dkim/keyplace.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/language.h"

#define BETWEEN "._domainkey."
#define ENDING  ".pem"

static const struct config_dkim *block_of(const struct config_server *server, const char *domain)
{
	for (size_t i = 0; i < server->dkim_count; i++)
		if (strcmp(server->dkims[i].name, domain) == 0)
			return &server->dkims[i];
	return NULL;
}

/* False: several servers have a block for the domain. */
static bool choose_server(const struct ctl *ctl, const struct config *config, struct keyplace *out)
{
	const char *wanted = ctl->options.server;
	size_t found = 0;
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_server *server = &config->servers[i];
		const struct config_dkim *dkim = block_of(server, out->domain);
		if (wanted[0] ? !span_equal_nocase(span_of(server->name), span_of(wanted)) : !server->enabled)
			continue;
		if (!out->server || (dkim && !out->dkim)) {
			out->server = server;
			out->dkim = dkim;
		}
		found += dkim != NULL;
	}
	return found < 2;
}

static bool choose_folder(const char *config_file, struct keyplace *out)
{
	char real[PATH_MAX];
	const char *beside = out->dkim ? out->dkim->selector.at[0].file : realpath(config_file, real);
	const char *slash = beside ? strrchr(beside, '/') : NULL;
	int n = slash ? snprintf(out->folder, sizeof(out->folder), "%.*s%s", (int)(slash - beside), beside,
				 out->dkim ? "" : "/dkim")
		      : -1;
	return n >= 0 && (size_t)n < sizeof(out->folder);
}

bool keyplace_find(const struct ctl *ctl, const struct config *config, const char *domain, struct keyplace *out,
		   int *status)
{
	const char *why = NULL;
	struct str name;
	str_init(&name, DOMAIN_MAX);
	*out = (struct keyplace){.server = NULL};
	*status = EXIT_USAGE;
	bool good = domain_to_ascii(span_of(domain), &name, &why);
	if (!good)
		cmd_fail(_("%s is no domain: %s"), domain, _(why));
	else
		snprintf(out->domain, sizeof(out->domain), "%s", str_text(&name));
	str_free(&name);
	if (!good)
		return false;
	good = choose_server(ctl, config, out);
	if (!good)
		cmd_fail(_("several virtual servers have a block dkim %s: add --server NAME"), out->domain);
	else if (!out->server && ctl->options.server[0])
		cmd_fail(_("there is no virtual server %s in %s"), ctl->options.server, ctl->options.file);
	else if (!out->server)
		cmd_fail(_("there is no virtual server in %s"), ctl->options.file);
	if (!good || !out->server)
		return false;
	*status = EXIT_FAILED;
	if (choose_folder(ctl->options.file, out))
		return true;
	cmd_fail(_("no folder for keys can be found beside %s"), ctl->options.file);
	return false;
}

bool keyplace_file(const struct keyplace *place, const char *selector, char path[KEYPLACE_PATH_MAX])
{
	for (size_t i = 0; place->dkim && i < place->dkim->selector.n; i++) {
		const struct config_selector *known = &place->dkim->selector.at[i];
		if (strcasecmp(known->name, selector) == 0)
			return snprintf(path, KEYPLACE_PATH_MAX, "%s", known->file) < KEYPLACE_PATH_MAX;
	}
	return snprintf(path, KEYPLACE_PATH_MAX, "%s/%s" BETWEEN "%s" ENDING, place->folder, selector, place->domain) <
	       KEYPLACE_PATH_MAX;
}

bool keyplace_has(const struct keyplace *place, const char *selector)
{
	for (size_t i = 0; place->dkim && i < place->dkim->selector.n; i++)
		if (strcasecmp(place->dkim->selector.at[i].name, selector) == 0)
			return true;
	return false;
}

bool keyplace_next_selector(const struct keyplace *place, time_t now, char selector[DOMAIN_MAX + 1])
{
	char path[KEYPLACE_PATH_MAX];
	struct tm tm;
	struct stat st;
	gmtime_r(&now, &tm);
	for (char letter = 'a'; letter <= 'z'; letter++) {
		snprintf(selector, DOMAIN_MAX + 1, "m%d%c", tm.tm_year + 1900, letter);
		if (!keyplace_has(place, selector) && keyplace_file(place, selector, path) && lstat(path, &st))
			return true;
	}
	return false;
}

/* Whether NAME is that of a key of the domain; and its selector. */
static bool take_name(const struct keyplace *place, const char *name, char selector[DOMAIN_MAX + 1])
{
	char ending[DOMAIN_MAX + 40];
	snprintf(ending, sizeof(ending), BETWEEN "%s" ENDING, place->domain);
	struct span text = span_of(name), end = span_of(ending);
	return text.len > end.len && span_ends_nocase(text, end) &&
	       domain_valid((struct span){text.at, text.len - end.len}) &&
	       span_copy((struct span){text.at, text.len - end.len}, selector, DOMAIN_MAX + 1);
}

static int by_age(const void *a, const void *b)
{
	const struct timespec *x = &((const struct keyplace_waiting *)a)->made;
	const struct timespec *y = &((const struct keyplace_waiting *)b)->made;
	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Whether NAME in the folder is that of a key that waits. */
static bool read_waiting(const struct keyplace *place, const char *name, struct keyplace_waiting *key)
{
	struct stat st;
	if (!take_name(place, name, key->selector) || keyplace_has(place, key->selector) ||
	    !keyplace_file(place, key->selector, key->file) || stat(key->file, &st))
		return false;
	key->made = st.st_mtim;
	return true;
}

/* Adds KEY to *N others, or puts it in the place of the oldest one. */
static void keep_newest(const struct keyplace_waiting *key, struct keyplace_waiting *out, size_t *n)
{
	struct keyplace_waiting *oldest = out;
	if (*n < KEYPLACE_WAITING_MAX) {
		out[(*n)++] = *key;
		return;
	}
	for (size_t i = 1; i < *n; i++)
		if (by_age(&out[i], oldest) < 0)
			oldest = &out[i];
	if (by_age(oldest, key) < 0)
		*oldest = *key;
}

size_t keyplace_waiting(const struct keyplace *place, struct keyplace_waiting out[KEYPLACE_WAITING_MAX])
{
	size_t n = 0;
	struct keyplace_waiting key;
	DIR *folder = opendir(place->folder);
	for (const struct dirent *entry; folder && (entry = readdir(folder));)
		if (read_waiting(place, entry->d_name, &key))
			keep_newest(&key, out, &n);
	if (folder)
		closedir(folder);
	qsort(out, n, sizeof(*out), by_age);
	return n;
}
