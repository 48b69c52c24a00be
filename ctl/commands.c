#include "ctl/commands.h"

#include <stdio.h>
#include <string.h>

#include "common/base/installed.h"
#include "common/config/report.h"

enum {
	SELECT = OPTION_DOMAIN | OPTION_SENDER | OPTION_RECIPIENT | OPTION_OLDER | OPTION_LARGER | OPTION_REASON |
		 OPTION_ATTEMPTS | OPTION_SERVER | OPTION_ALL | OPTION_JSON,
	ACT = SELECT | OPTION_YES,
	OAUTH = OPTION_SERVER | OPTION_JSON,
	USER = OPTION_SERVER | OPTION_USER_FILE | OPTION_JSON,
};

static const struct command table[] = {
	{{"check", NULL}, OPTION_JSON, 0, 1, cmd_check, "[FILE]", "read the configuration and report every error"},
	{{"config", "show"},
	 OPTION_JSON,
	 0,
	 0,
	 cmd_config_show,
	 "",
	 "every setting, its value and the line that sets it"},
	{{"config", "doc"},
	 OPTION_JSON,
	 0,
	 2,
	 cmd_config_doc,
	 "[SETTING | BLOCK SETTING]",
	 "what a setting means, or all of them"},
	{{"status", NULL}, OPTION_JSON, 0, 0, cmd_status, "", "servers, processes and how much mail there is"},
	{{"sessions", NULL},
	 OPTION_SERVER | OPTION_JSON,
	 0,
	 0,
	 cmd_sessions,
	 "[--server NAME]",
	 "clients that are connected, since when, and what they do"},
	{{"kick", NULL},
	 OPTION_SERVER | OPTION_ALL | OPTION_JSON | OPTION_YES,
	 0,
	 OPTIONS_WORDS_MAX,
	 cmd_kick,
	 "{SESSION ... | --all} [--server NAME] [--yes]",
	 "end sessions, each after its current message"},
	{{"reload", NULL},
	 OPTION_JSON | OPTION_CONFIRM | OPTION_CONFIRMED,
	 0,
	 0,
	 cmd_reload,
	 "[--confirm TIME | --confirmed]",
	 "apply the configuration file; with an error nothing changes"},
	{{"stop", NULL},
	 OPTION_JSON | OPTION_YES | OPTION_NOW,
	 0,
	 0,
	 cmd_stop,
	 "[--yes] [--now]",
	 "stop the service gracefully"},
	{{"server", "start"},
	 OPTION_JSON,
	 1,
	 OPTIONS_WORDS_MAX,
	 cmd_server_start,
	 "{NAME ... | all}",
	 "start a virtual server"},
	{{"server", "stop"},
	 OPTION_JSON,
	 1,
	 OPTIONS_WORDS_MAX,
	 cmd_server_stop,
	 "{NAME ... | all}",
	 "stop a virtual server gracefully; its mail stays in the queue"},
	{{"server", "pause"},
	 OPTION_JSON,
	 1,
	 OPTIONS_WORDS_MAX,
	 cmd_server_pause,
	 "{NAME ... | all}",
	 "new connections get 421; sessions finish, queued mail goes out"},
	{{"server", "continue"},
	 OPTION_JSON,
	 1,
	 OPTIONS_WORDS_MAX,
	 cmd_server_continue,
	 "{NAME ... | all}",
	 "accept connections again"},
	{{"user", "add"},
	 USER | OPTION_CRAM_MD5,
	 1,
	 1,
	 cmd_user_add,
	 "NAME [--server NAME | --file PATH] [--cram-md5]",
	 "add a user who may log in; asks for the password"},
	{{"user", "passwd"},
	 USER | OPTION_CRAM_MD5,
	 1,
	 1,
	 cmd_user_passwd,
	 "NAME [--server NAME | --file PATH] [--cram-md5]",
	 "set a new password; sessions of the user end"},
	{{"user", "delete"},
	 USER,
	 1,
	 1,
	 cmd_user_delete,
	 "NAME [--server NAME | --file PATH]",
	 "delete a user; its sessions end"},
	{{"user", "list"},
	 USER,
	 0,
	 0,
	 cmd_user_list,
	 "[--server NAME | --file PATH]",
	 "list users, and how each may log in"},
	{{"queue", "list"},
	 SELECT,
	 0,
	 OPTIONS_WORDS_MAX,
	 cmd_queue_list,
	 "[ID ...] [SELECTOR ...]",
	 "list mail in the queue, and why it waits"},
	{{"queue", "show"},
	 OPTION_SERVER | OPTION_MESSAGE | OPTION_JSON,
	 1,
	 1,
	 cmd_queue_show,
	 "ID [--message]",
	 "show one message: recipients and history, or its text"},
	{{"queue", "retry"},
	 ACT,
	 0,
	 OPTIONS_WORDS_MAX,
	 cmd_queue_retry,
	 "{ID ... | SELECTOR ... | --all} [--yes]",
	 "try again now"},
	{{"queue", "hold"},
	 ACT,
	 0,
	 OPTIONS_WORDS_MAX,
	 cmd_queue_hold,
	 "{ID ... | SELECTOR ... | --all} [--yes]",
	 "hold messages: neither try nor return them until released"},
	{{"queue", "release"},
	 ACT,
	 0,
	 OPTIONS_WORDS_MAX,
	 cmd_queue_release,
	 "{ID ... | SELECTOR ... | --all} [--yes]",
	 "release held messages"},
	{{"queue", "delete"},
	 ACT,
	 0,
	 OPTIONS_WORDS_MAX,
	 cmd_queue_delete,
	 "{ID ... | SELECTOR ... | --all} [--yes]",
	 "remove from the queue without a notice; kept in badmail for 7 days"},
	{{"queue", "bounce"},
	 ACT,
	 0,
	 OPTIONS_WORDS_MAX,
	 cmd_queue_bounce,
	 "{ID ... | SELECTOR ... | --all} [--yes]",
	 "return to the sender now, with a notice"},
	{{"mailq", NULL}, OPTION_SERVER, 0, 0, cmd_mailq, "[--server NAME]", "list the queue in the format of mailq"},
	{{"badmail", "list"},
	 OPTION_SERVER | OPTION_JSON,
	 0,
	 0,
	 cmd_badmail_list,
	 "[--server NAME]",
	 "list mail that could be neither delivered nor returned, or was deleted"},
	{{"badmail", "show"},
	 OPTION_SERVER | OPTION_MESSAGE | OPTION_JSON,
	 1,
	 1,
	 cmd_badmail_show,
	 "ID [--message]",
	 "show one bad message: why it is there, or its text"},
	{{"badmail", "resend"},
	 OPTION_SERVER | OPTION_ALL | OPTION_YES | OPTION_JSON,
	 0,
	 OPTIONS_WORDS_MAX,
	 cmd_badmail_resend,
	 "{ID ... | --all} [--server NAME] [--yes]",
	 "send again to the remaining recipients, as a new message"},
	{{"badmail", "delete"},
	 OPTION_SERVER | OPTION_ALL | OPTION_YES | OPTION_JSON,
	 0,
	 OPTIONS_WORDS_MAX,
	 cmd_badmail_delete,
	 "{ID ... | --all} [--server NAME] [--yes]",
	 "remove for good"},
	{{"trace", NULL},
	 OPTION_SERVER | OPTION_LOG | OPTION_JSON,
	 1,
	 1,
	 cmd_trace,
	 "{ID | ADDRESS} [--log FILE] [--server NAME]",
	 "what happened to a message, or to all mail from or to an address"},
	{{"log", "summary"},
	 OPTION_SERVER | OPTION_BY | OPTION_LOG | OPTION_JSON,
	 0,
	 0,
	 cmd_log_summary,
	 "[--by hour | client | reply] [--log FILE] [--server NAME]",
	 "summarize the log: errors by hour, client or reply"},
	{{"test", NULL},
	 OPTION_TO | OPTION_FROM | OPTION_SERVER | OPTION_JSON,
	 0,
	 0,
	 cmd_test,
	 "--to ADDRESS [--from ADDRESS] [--server NAME]",
	 "send one message and show the dialogue with the next hop"},
	{{"oauth", "status"},
	 OPTION_SERVER | OPTION_JSON,
	 0,
	 0,
	 cmd_oauth_status,
	 "[--server NAME]",
	 "access tokens: for which block, how long each is valid, and the last error"},
	{{"oauth", "test"},
	 OAUTH,
	 0,
	 2,
	 cmd_oauth_test,
	 "[BLOCK] [--server NAME]",
	 "fetch a token now, and show what it permits, never the token"},
	{{"oauth", "login"},
	 OAUTH,
	 0,
	 2,
	 cmd_oauth_login,
	 "[BLOCK] [--server NAME]",
	 "let a person sign in with a browser, for a block with grant refresh"},
	{{"oauth", "import"},
	 OAUTH,
	 0,
	 2,
	 cmd_oauth_import,
	 "[BLOCK] [--server NAME]",
	 "take a refresh token from standard input"},
	{{"oauth", "forget"},
	 OAUTH | OPTION_YES,
	 0,
	 2,
	 cmd_oauth_forget,
	 "[BLOCK] [--server NAME] [--yes]",
	 "delete the refresh token of a block"},
	{{"explain", "relay"},
	 OPTION_CLIENT | OPTION_NAME | OPTION_USER | OPTION_TLS | OPTION_TO | OPTION_FROM | OPTION_SERVER | OPTION_JSON,
	 0,
	 0,
	 cmd_explain_relay,
	 "--client IP [--name HOST] [--user NAME] [--tls] --to ADDRESS [--from ADDRESS] [--server NAME]",
	 "would this be relayed, and which line decides"},
	{{"explain", "route"},
	 OPTION_FROM | OPTION_SIZE | OPTION_SERVER | OPTION_JSON,
	 1,
	 1,
	 cmd_explain_route,
	 "ADDRESS [--from ADDRESS] [--size N] [--server NAME]",
	 "where mail for an address goes, and which line decides"},
};
enum { COMMANDS = sizeof(table) / sizeof(table[0]) };

static void print_help(FILE *to)
{
	fputs("usage: mailrootctl [-c FILE] COMMAND [--json]\n\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %s%s%s %s\n        %s\n", table[i].words[0], table[i].words[1] ? " " : "",
			table[i].words[1] ? table[i].words[1] : "", table[i].synopsis, table[i].help);
	fputs("\n  SELECTOR  --domain NAME  --recipient ADDRESS  --sender ADDRESS  --older 2h  --larger 5M\n"
	      "            --reason TEXT  --attempts N  --server NAME; those that stand together must all be met\n"
	      "  BLOCK     an outbound block with access tokens: virtual_server, connector NAME or remote_domain NAME;\n"
	      "            may be left out where there is one\n"
	      "  -c FILE   the configuration, instead of " MAILROOT_SYSCONFDIR "/mailroot.conf\n"
	      "\nmailrootctl(8) has more.\n",
	      to);
}

static bool word_is(const char *word, const char *const *words, size_t n, size_t at)
{
	return !word || (at < n && strcmp(word, words[at]) == 0);
}

/* The second words that FIRST may have, for a user who left it out. */
static void list_seconds(const char *first, char *to, size_t size)
{
	size_t used = 0;
	for (size_t i = 0; i < COMMANDS && used < size; i++) {
		if (table[i].words[1] && strcmp(table[i].words[0], first) == 0)
			used += (size_t)snprintf(to + used, size - used, "%s%s", used ? ", " : "", table[i].words[1]);
	}
}

/* Commands of other mail programs, and the command for each here. */
static const char *const called_otherwise[][2] = {
	{"resume", "server continue"},
	{"unpause", "server continue"},
	{"suspend", "server pause"},
	{"restart", "server stop NAME` and `mailrootctl server start"},
	{"postsuper", "queue delete"},
	{"flush", "queue retry"},
	{"remove", "queue delete"},
	{"verify", "check"},
	{"validate", "check"},
	{"configtest", "check"},
	{"queue", "queue list"},
	{"version", "--version"},
	{"quit", "stop"},
	{"shutdown", "stop"},
};

static void offer(struct config_nearest *nearest, const struct command *command, const char **meant, char *to,
		  size_t size)
{
	const char *before = nearest->name;
	config_nearest_offer(nearest, command->words[command->words[1] != NULL]);
	if (nearest->name == before)
		return;
	snprintf(to, size, "%s%s%s", command->words[0], command->words[1] ? " " : "",
		 command->words[1] ? command->words[1] : "");
	*meant = to;
}

/* The command nearest to WORD, of those that begin with FIRST, or of all if FIRST is NULL. NULL: none. */
static const char *meant_by(const char *first, const char *word, char *to, size_t size)
{
	struct config_nearest nearest = {.word = span_of(word)};
	const char *meant = NULL;
	for (size_t i = 0; i < sizeof(called_otherwise) / sizeof(called_otherwise[0]); i++) {
		bool fits = !first || strncmp(called_otherwise[i][1], first, strlen(first)) == 0;
		if (fits && strcmp(called_otherwise[i][0], word) == 0)
			return called_otherwise[i][1];
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!first || strcmp(table[i].words[0], first) == 0)
			offer(&nearest, &table[i], &meant, to, size);
	}
	return meant;
}

/* Explains that WORDS begin no command. */
static void explain_unknown(const char *const *words, size_t n, char *why)
{
	char seconds[100] = "", text[100];
	const char *meant = NULL;
	if (n)
		list_seconds(words[0], seconds, sizeof(seconds));
	if (n > 1 && seconds[0])
		meant = meant_by(words[0], words[1], text, sizeof(text));
	else if (n && !seconds[0])
		meant = meant_by(NULL, words[0], text, sizeof(text));
	if (meant)
		snprintf(why, OPTIONS_WHY_MAX, "%.40s%s%.40s: no such command; did you mean `mailrootctl %s`?",
			 words[0], seconds[0] ? " " : "", seconds[0] ? words[1] : "", meant);
	else if (seconds[0])
		snprintf(why, OPTIONS_WHY_MAX, "%.20s what? One of: %s", words[0], seconds);
	else
		snprintf(why, OPTIONS_WHY_MAX, "%.60s: no such command; `mailrootctl help` lists them",
			 n ? words[0] : "nothing");
}

const struct command *commands_find(const char *const *words, size_t n, size_t *taken, char *why)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (n && word_is(table[i].words[0], words, n, 0) && word_is(table[i].words[1], words, n, 1)) {
			*taken = table[i].words[1] ? 2 : 1;
			return &table[i];
		}
	}
	explain_unknown(words, n, why);
	return NULL;
}

bool commands_fits(const struct command *command, const struct options *options, size_t args, char *why)
{
	unsigned extra = options->given & ~command->options;
	const char *second = command->words[1] ? command->words[1] : "";
	if (extra)
		snprintf(why, OPTIONS_WHY_MAX, "`%s%s%s` has no option --%s", command->words[0], second[0] ? " " : "",
			 second, options_name(extra & -extra));
	else if (args < command->args_min || args > command->args_max)
		snprintf(why, OPTIONS_WHY_MAX, "too %s arguments; usage: %s%s%s %s",
			 args < command->args_min ? "few" : "many", command->words[0], second[0] ? " " : "", second,
			 command->synopsis);
	else
		return true;
	return false;
}

int commands_run(int argc, char **argv)
{
	static struct ctl ctl;
	char why[OPTIONS_WHY_MAX];
	size_t taken;
	if (!options_parse(argc, argv, &ctl.options, why)) {
		cmd_fail("%s; `mailrootctl help` lists all commands", why);
		return EXIT_USAGE;
	}
	if (ctl.options.version) {
		printf("mailrootctl %s\n", MAILROOT_VERSION);
		return EXIT_DONE;
	}
	bool help = ctl.options.help || (ctl.options.word_count && strcmp(ctl.options.words[0], "help") == 0);
	if (help || !ctl.options.word_count) {
		print_help(help ? stdout : stderr);
		return help ? EXIT_DONE : EXIT_USAGE;
	}
	const struct command *command = commands_find(ctl.options.words, ctl.options.word_count, &taken, why);
	if (command) {
		ctl.args = ctl.options.words + taken;
		ctl.arg_count = ctl.options.word_count - taken;
	}
	if (!command || !commands_fits(command, &ctl.options, ctl.arg_count, why)) {
		cmd_fail("%s", why);
		return EXIT_USAGE;
	}
	return command->run(&ctl);
}
