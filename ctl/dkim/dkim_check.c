/* mailrootctl dkim check */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "ctl/dkim/dkim.h"
#include "ctl/dkim/dkim_view.h"
#include "ctl/doctor/finding_show.h"
#include "ctl/doctor/rights.h"
#include "ctl/doctor/ways.h"

enum { DOMAINS_MAX = 64, CHECK_MS = 30 * 1000, TEXTS_MAX = 4 << 20, FOUND_MAX = 1 << 20, COUNTS = FINDING_ERROR + 1 };

struct check {
	const struct ctl *ctl;
	const struct config *config;
	struct keyplace *places; /* owned, DOMAINS_MAX */
	struct dkim_view *views; /* of each; owned */
	size_t n;
	bool whole; /* places are all domains */
	struct ownkeys keys;
	unsigned counts[COUNTS]; /* of findings */
};

static bool is_wanted(const struct ctl *ctl, const struct config_server *server)
{
	const char *name = ctl->options.server;
	return name[0] ? span_equal_nocase(span_of(server->name), span_of(name)) : server->enabled;
}

/* All domains in whose name the servers send. */
static bool find_all(struct check *c, int *status)
{
	for (size_t i = 0; i < c->config->server_count; i++) {
		struct ways_domain domains[WAYS_DOMAINS_MAX];
		const struct config_server *server = &c->config->servers[i];
		struct ctl one = *c->ctl;
		one.options.server = server->name;
		bool whole = true;
		size_t n = is_wanted(c->ctl, server) ? ways_domains(server, domains, &whole) : 0;
		c->whole &= whole && c->n + n <= DOMAINS_MAX;
		for (size_t j = 0; j < n && c->n < DOMAINS_MAX; j++)
			if (!keyplace_find(&one, c->config, domains[j].name, &c->places[c->n++], status))
				return false;
	}
	if (c->n)
		return true;
	*status = cmd_fail(
		_("there is no domain in whose name mail is sent: no local domain, send_as or dkim; name one"));
	return false;
}

static bool find_places(struct check *c, int *status)
{
	const char *server = c->ctl->options.server;
	*status = EXIT_USAGE;
	if (c->ctl->arg_count)
		return keyplace_find(c->ctl, c->config, c->ctl->args[0], &c->places[c->n++], status);
	if (!server[0] || config_server_find(c->config, span_of(server)))
		return find_all(c, status);
	cmd_fail(_("there is no virtual server %s in %s"), server, c->ctl->options.file);
	return false;
}

static void show(struct check *c, struct doctor *d, struct json *json)
{
	struct span rest = str_span(&d->found);
	struct finding f;
	while (finding_take(&rest, &f)) {
		c->counts[f.severity]++;
		if (json)
			finding_show_json(json, NULL, &f);
		else
			finding_show(NULL, &f);
	}
	str_clear(&d->found);
}

static void examine(const struct check *c, struct doctor *d, struct ask *ask, struct dkim_view *view)
{
	struct sources sources;
	sources_find(ask, view->server, &sources);
	if (view->dkim || !view->key_count)
		senders_dkim(d, ask, view->server, view->domain, &c->keys);
	else
		doctor_find(
			d, FINDING_NOTE, view->domain,
			_("its mail leaves without a DKIM signature: a key waits, and there is no block dkim for it"),
			doctor_text(
				d,
				_("write the lines into the configuration that `mailrootctl dkim keygen %s --selector %s` shows, once DNS has the key"),
				view->domain, view->keys[view->key_count - 1].selector));
	senders_spf(d, ask, view->server, view->mail_from, false, &sources);
	senders_dmarc(d, ask, view->server, view->domain, &sources, &c->keys);
}

static void say_whole(const struct check *c, struct doctor *d)
{
	if (!c->whole)
		doctor_find(d, FINDING_NOTE, c->ctl->options.file,
			    _("not all domains were checked, because there are too many"),
			    _("check each of the others with `mailrootctl dkim check DOMAIN`"));
}

static void check_text(struct check *c, struct doctor *d)
{
	for (size_t i = 0; i < c->n; i++) {
		struct ask ask;
		ask_open(&ask, c->config, c->views[i].server, d->until);
		dkim_view_ask(&ask, &c->views[i]);
		dkim_view_print(d, &c->views[i]);
		examine(c, d, &ask, &c->views[i]);
		show(c, d, NULL);
		putchar('\n');
	}
	say_whole(c, d);
	show(c, d, NULL);
	printf(_("errors: %u, warnings: %u, notes: %u\n"), c->counts[FINDING_ERROR], c->counts[FINDING_WARNING],
	       c->counts[FINDING_NOTE]);
}

static void check_json(struct check *c, struct doctor *d)
{
	static const char *const keys[COUNTS] = {
		[FINDING_NOTE] = "notes", [FINDING_WARNING] = "warnings", [FINDING_ERROR] = "errors"};
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, "domains");
	json_array(&json);
	for (size_t i = 0; i < c->n; i++) {
		struct ask ask;
		ask_open(&ask, c->config, c->views[i].server, d->until);
		dkim_view_ask(&ask, &c->views[i]);
		dkim_view_json(&json, &c->views[i]);
		examine(c, d, &ask, &c->views[i]);
	}
	say_whole(c, d);
	json_end_array(&json);
	json_key(&json, "findings");
	json_array(&json);
	show(c, d, &json);
	json_end_array(&json);
	for (size_t i = 0; i < COUNTS; i++) {
		json_key(&json, keys[i]);
		json_number(&json, c->counts[i]);
	}
	json_end_object(&json);
	json_finish(&json);
}

/* Keys are read as root, and then root is given up. */
static int check_all(struct check *c)
{
	struct doctor d = {.config = c->config,
			   .file = c->ctl->options.file,
			   .guest = geteuid() != 0,
			   .until = clock_mono_ms() + CHECK_MS};
	ownkeys_load(c->config, &c->keys);
	for (size_t i = 0; i < c->n; i++)
		dkim_view_keys(&c->places[i], &c->keys, &c->views[i]);
	rights_drop(c->config);
	arena_init(&d.arena, TEXTS_MAX);
	str_init(&d.found, FOUND_MAX);
	if (c->ctl->options.given & OPTION_JSON)
		check_json(c, &d);
	else
		check_text(c, &d);
	for (size_t i = 0; i < c->n; i++)
		dkim_view_free(&c->views[i]);
	ownkeys_free(&c->keys);
	str_free(&d.found);
	arena_free(&d.arena);
	return c->counts[FINDING_ERROR] + c->counts[FINDING_WARNING] ? EXIT_FAILED : EXIT_DONE;
}

int dkim_check(const struct ctl *ctl, const struct config *config)
{
	struct check c = {.ctl = ctl, .config = config, .whole = true};
	int status = EXIT_FAILED;
	c.places = calloc(DOMAINS_MAX, sizeof(*c.places));
	if (c.places && find_places(&c, &status)) {
		c.views = calloc(c.n, sizeof(*c.views));
		status = c.views ? check_all(&c) : cmd_fail(_("out of memory"));
	}
	free(c.views);
	free(c.places);
	return status;
}
