#include "ctl/filter/trial.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/base/log_level.h"
#include "common/process/privs.h"
#include "ctl/loaded.h"
#include "ctl/message_file.h"
#include "ctl/programs.h"

enum { OPTIONS = OPTION_SERVER | OPTION_CLIENT | OPTION_FROM | OPTION_TO | OPTION_MESSAGE | OPTION_JSON };

#define MESSAGE_MAX ((size_t)1 << 30)

static const char id[] = "00000000000000000000TEST";

/* Connects as mailroot-filters does. */
static int dial(void *context, const struct config_filter *filter, int64_t until, char *why, size_t size)
{
	const struct trial *t = context;
	char text[DIAL_WHY_MAX + 1] = "";
	int fd = reach_connect(&t->reach, &filter->address, until, text);
	snprintf(why, size, "%s", text);
	return fd;
}

/* --- the session --- */

static const char *or_postmaster(const struct trial *t, const char *address)
{
	return address[0] ? address : t->server.postmaster;
}

/* Our own lines in front of the message, which filters do not see. */
static void write_head(struct trial *t, const char *from, const char *to, const struct str *message)
{
	char date[CLOCK_TEXT_MAX];
	clock_rfc5322(clock_wall_ms(), date);
	envelope_write_sender(&t->text, span_of(strcmp(from, "<>") ? from : ""));
	envelope_write_rcpt(&t->text, span_of(to));
	str_printf(&t->text, "Received: from test by %s with ESMTP id %s;\r\n\t%s\r\n", t->server.fqdn, id, date);
	str_append(&t->text, str_span(message));
}

static enum filters_verdict say_rcpt(struct trial *t, struct macros_facts *facts, const struct address *rcpt)
{
	char text[ADDRESS_MAX + 3];
	snprintf(text, sizeof(text), "<%.*s>", SPAN_ARGS(rcpt->text));
	const struct span arg = span_of(text);
	facts->rcpt = rcpt;
	enum filters_verdict verdict = filters_rcpt(&t->filters, facts, &arg, 1);
	facts->rcpt = NULL;
	return verdict;
}

static enum filters_verdict say_mail(struct trial *t, struct macros_facts *facts, const struct address *sender)
{
	char text[ADDRESS_MAX + 3];
	snprintf(text, sizeof(text), "<%.*s>", SPAN_ARGS(sender->text));
	const struct span arg = span_of(text);
	facts->id = id;
	facts->sender = sender;
	return filters_mail(&t->filters, facts, &arg, 1);
}

/* Each step of a session, until the filter objects. */
static void converse(struct trial *t, struct macros_facts *facts, const struct address *sender,
		     const struct address *rcpt, uint64_t octets)
{
	const struct store store = trial_store(t);
	struct recipients named;
	struct content_message message = {.store = &store, .named = &named, .octets = octets};
	recipients_init(&named);
	for (int step = 0; step < 6 && t->verdict == FILTERS_PASS && !t->filters.discarded; step++) {
		static const char *const stages[] = {"connect", "EHLO", "MAIL",
						     "RCPT",    "DATA", N_("the end of the message")};
		facts->helo = step ? t->server.fqdn : "";
		t->stage = stages[step];
		t->verdict = step == 0   ? filters_connect(&t->filters, facts)
			     : step == 1 ? filters_hello(&t->filters, facts)
			     : step == 2 ? say_mail(t, facts, sender)
			     : step == 3 ? say_rcpt(t, facts, rcpt)
			     : step == 4 ? filters_data(&t->filters, facts)
					 : filters_content(&t->filters, facts, &message);
	}
	recipients_free(&named);
}

static int run_session(struct trial *t, const struct ipaddr *ip, const struct address *sender,
		       const struct address *rcpt, uint64_t octets)
{
	const struct filter_services services = {.context = t, .dial = dial};
	struct policy_client client = {.ip = *ip, .name_state = POLICY_NAME_UNCONFIRMED};
	char client_text[IPADDR_TEXT_MAX];
	ipaddr_format(ip, client_text);
	struct macros_facts facts = {.config = &t->server,
				     .client = &client,
				     .client_text = client_text,
				     .daemon = "127.0.0.1",
				     .daemon_port = 25};
	if (ipaddr_is_loopback(ip)) {
		client.name_state = POLICY_NAME_CONFIRMED;
		snprintf(client.name, sizeof(client.name), "localhost");
	}
	filters_init(&t->filters, &services, SOURCE_SMTP);
	converse(t, &facts, sender, rcpt, octets);
	int status = trial_show(t);
	filters_end(&t->filters);
	return status;
}

/* The parts of the command line that are addresses. */
static int with_message(struct trial *t, const struct str *message)
{
	const struct options *options = &t->ctl->options;
	const char *from = or_postmaster(t, options->from), *to = or_postmaster(t, options->to), *why = "";
	struct address sender = {0}, rcpt;
	struct ipaddr ip;
	if (!ipaddr_parse(span_of(options->client[0] ? options->client : "127.0.0.1"), &ip)) {
		cmd_fail(_("--client %s: not an IPv4 or IPv6 address"), options->client);
		return EXIT_USAGE;
	}
	if (strcmp(from, "<>") != 0 && !address_parse(span_of(from), &sender, &why)) {
		cmd_fail(_("--from %s: %s"), from, _(why));
		return EXIT_USAGE;
	}
	if (!address_parse(span_of(to), &rcpt, &why)) {
		cmd_fail(_("--to %s: %s"), to, _(why));
		return EXIT_USAGE;
	}
	write_head(t, from, to, message);
	return run_session(t, &ip, &sender, &rcpt, message->len);
}

/* --- the command --- */

static int refuse(const char *why)
{
	cmd_fail("%s", why);
	programs_print_usage("filter", "test", stderr);
	return EXIT_USAGE;
}

/* Finds the filter that is named, of the server that is asked for, or of the first that has it. */
static bool choose(struct trial *t, const struct config *config, const char *name)
{
	const char *wanted = t->ctl->options.server;
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_server *server = &config->servers[i];
		for (size_t k = 0; k < server->filter_count; k++) {
			if (strcasecmp(server->filters[k].name, name) != 0 ||
			    (wanted[0] && strcasecmp(server->name, wanted) != 0))
				continue;
			t->server = *server;
			t->filter = server->filters[k];
			t->filter.only |= SOURCE_SMTP;
			t->filter.skip_list = (struct config_clients){0};
			t->filter.max_size = CONFIG_NONE;
			t->server.filters = &t->filter;
			t->server.filter_count = 1;
			return true;
		}
	}
	cmd_fail(_("there is no filter %s in %s"), name, t->ctl->options.file);
	return false;
}

/* Root becomes the user that connects in the service, so that what it may not reach is found. */
static void drop_rights(const struct config *config)
{
	static const char *const readable[] = {"/usr", NULL}; /* messages in another language */
	if (geteuid() == 0)
		privs_enter(&(struct privs_jail){
			.user = config->filters_user, .with_groups = true, .may_fork = true, .readable = readable});
}

static int test(const struct ctl *ctl, const struct config *config)
{
	static struct trial t;
	struct str message;
	t = (struct trial){.ctl = ctl, .verdict = FILTERS_PASS};
	if (!choose(&t, config, ctl->args[0]) || !message_file_read(ctl->args[1], &message))
		return EXIT_FAILED;
	str_init(&t.text, MESSAGE_MAX);
	str_init(&t.replaced, MESSAGE_MAX);
	reach_init(&t.reach, config->filters_user);
	log_set_level(LOG_LEVEL_ERROR);
	drop_rights(config);
	int status = with_message(&t, &message);
	reach_free(&t.reach);
	str_free(&t.replaced);
	str_free(&t.text);
	str_free(&message);
	return status;
}

static int with_config(const struct ctl *ctl)
{
	struct loaded loaded;
	int status = EXIT_FAILED;
	loaded_read(ctl->options.file, &loaded);
	if (loaded.good) {
		status = test(ctl, &loaded.config);
	} else {
		fputs(str_text(&loaded.report.text), stderr);
		cmd_fail(
			_("%s can't be used, and nothing was done: correct it first, or name another file with -c FILE"),
			ctl->options.file);
	}
	loaded_free(&loaded);
	return status;
}

int trial_run(int argc, char **argv)
{
	static struct ctl ctl;
	struct options *options = &ctl.options;
	char why[OPTIONS_WHY_MAX];
	log_open("mailroot-filter", NULL);
	language_init();
	tzset();
	if (!options_parse(argc, argv, options, why))
		return refuse(why);
	if (options->given & OPTION_JSON)
		language_english();
	if (options->version) {
		printf("mailroot-filter %s\n", MAILROOT_VERSION);
		return EXIT_DONE;
	}
	if (options->help) {
		programs_print_usage("filter", "test", stdout);
		return EXIT_DONE;
	}
	if (!options->word_count || strcmp(options->words[0], "test") != 0)
		return refuse(_("filter what? One of: test"));
	unsigned extra = options->given & ~(unsigned)OPTIONS;
	if (extra) {
		snprintf(why, sizeof(why), _("`filter test` has no option --%s"), options_name(extra & -extra));
		return refuse(why);
	}
	if (options->word_count != 3)
		return refuse(options->word_count < 3 ? _("too few arguments") : _("too many arguments"));
	ctl.args = options->words + 1;
	ctl.arg_count = 2;
	return with_config(&ctl);
}
