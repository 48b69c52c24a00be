#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/config/config.h"
#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/keys.h"
#include "ctl/newpassword.h"
#include "ctl/replace.h"
#include "ctl/service.h"
#include "ctl/table.h"
#include "ctl/userfile.h"
#include "ctl/userplace.h"

enum { WHY_MAX = 300 };

enum action { ADD, PASSWD, DELETE };

enum {
	ACCOUNTS_MEMORY = 512 << 20, /* memory for ACCOUNTS_TEXT_MAX when parsed */
	TROUBLE_MAX = 1 << 16,
	WITH_PASSWORD = AUTH_PLAIN | AUTH_LOGIN | AUTH_SCRAM_SHA_256 | AUTH_CRAM_MD5
};

/* What was done to an account: while the service does not run, now that it knows, and while it does not know. */
static const struct done_words {
	const char *alone, *in_force, *unknown;
} done_words[] = {
	[ADD] = {N_("user %s added; the service is not running\n"), N_("user %s added; in force at once\n"),
		 N_("user %s added, but the service does not know it yet: %s. When that is solved, run `mailrootctl reload`")},
	[PASSWD] =
		{N_("user %s has a new password; the service is not running\n"),
		 N_("user %s has a new password; in force at once\n"),
		 N_("user %s has a new password, but the service does not know it yet: %s. When that is solved, run `mailrootctl reload`")},
	[DELETE] =
		{N_("user %s deleted; the service is not running\n"), N_("user %s deleted; in force at once\n"),
		 N_("user %s deleted, but the service does not know it yet: %s. When that is solved, run `mailrootctl reload`")},
};

/* One change of one account. */
struct job {
	enum action action;
	const char *name;
	bool wants_cram; /* --cram-md5 */
	struct account keys;
	char hash[ACCOUNT_HASH_MAX + 1];
	size_t found; /* lines with the name */
};

/* What ERR of the file means. WHY holds WHY_MAX. */
static const char *explain(int err, char *why)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
		snprintf(why, WHY_MAX, _("%s; run the command as root"), strerror(-err));
		return why;
	case -ENOENT:
		return _("its folder does not exist; create it");
	case -ELOOP:
		return _("it is a symbolic link; name the file itself, with --file or as user_file");
	case -EMEDIUMTYPE:
		return _("it is not a regular file");
	case -EFBIG:
		return _("a user file has at most 64 MiB");
	default:
		return strerror(-err);
	}
}

static int fail_read(const char *file, int err)
{
	char why[WHY_MAX];
	return cmd_fail(_("can't read %s: %s"), file, explain(err, why));
}

static int fail_change(const char *file, int err)
{
	char why[WHY_MAX];
	return cmd_fail(_("can't change %s: %s"), file, explain(err, why));
}

/* Whether the number of lines found suits the action; otherwise the reason was printed. */
static bool suits(const struct job *job, const char *file)
{
	if (job->action == ADD && job->found)
		cmd_fail(_("there is already a user %s in %s; `mailrootctl user passwd %s` sets a new password"),
			 job->name, file, job->name);
	else if (job->action != ADD && !job->found)
		cmd_fail(_("there is no user %s in %s; `mailrootctl user list` shows all"), job->name, file);
	else
		return true;
	return false;
}

static bool name_is_good(const char *name)
{
	if (account_name_valid(span_of(name)))
		return true;
	cmd_fail(_("a user name has 1 to 255 visible ASCII characters, none of # = :, and does not begin with -"));
	return false;
}

/* Checks before the password is asked for. False: *STATUS is the exit status. */
static bool look_first(struct job *job, const char *file, int *status)
{
	struct str text, unused;
	str_init(&text, ACCOUNTS_TEXT_MAX);
	str_init(&unused, ACCOUNTS_TEXT_MAX);
	int err = replace_read(file, &text);
	if (!err)
		job->found = userfile_edit(str_span(&text), span_of(job->name), SPAN(""), &unused);
	*status = EXIT_FAILED;
	bool good = false;
	if (err && err != -ENOENT)
		*status = fail_read(file, err);
	else
		good = suits(job, file);
	str_wipe(&text);
	str_wipe(&unused);
	return good;
}

static bool get_keys(struct job *job)
{
	char password[NEWPASSWORD_MAX + 1];
	bool good = newpassword_read(job->name, password);
	if (good && !keys_make(password, job->hash, &job->keys)) {
		cmd_fail(_("the password can't be hashed: %s"), strerror(errno));
		good = false;
	}
	explicit_bzero(password, sizeof(password));
	return good;
}

/* The account keeps its mechanisms. Its time always grows, even if the clock does not, so that old sessions end. */
static bool inherit(struct job *job, struct span text)
{
	struct arena arena;
	struct accounts accounts;
	struct str trouble;
	arena_init(&arena, ACCOUNTS_MEMORY);
	str_init(&trouble, TROUBLE_MAX);
	bool good = accounts_parse(text, &arena, &accounts, &trouble);
	const struct account *old = accounts_find(&accounts, span_of(job->name));
	job->keys.changed_ms = clock_wall_ms();
	if (old && old->changed_ms >= job->keys.changed_ms)
		job->keys.changed_ms = old->changed_ms + 1;
	job->keys.has_cram = job->wants_cram || (old && old->has_cram);
	job->keys.name = job->name;
	arena_free(&arena);
	str_free(&trouble);
	return good;
}

static bool change(void *context, struct span text, struct str *to)
{
	struct job *job = context;
	struct str line;
	str_init(&line, ACCOUNT_LINE_MAX);
	bool good = job->action == DELETE || inherit(job, text);
	if (good && job->action != DELETE)
		account_format(&job->keys, &line);
	job->found = userfile_edit(text, span_of(job->name), str_span(&line), to);
	to->failed |= !good || line.failed;
	str_wipe(&line);
	return (job->action == ADD) == (job->found == 0);
}

enum told { TOLD, NOT_RUNNING, NOT_TOLD };

/* Whether some smtpd reports that it could not read FILE; WHY is its text. */
static bool is_refused(const char *run_dir, const char *file, char *why)
{
	struct service *service = malloc(sizeof(*service));
	char begin[PATH_MAX + 32], said[LINK_TEXT_MAX + 1];
	bool refused = false;
	int fd = link_to_master(run_dir);
	snprintf(begin, sizeof(begin), "user_file %s can't be ", file);
	if (service && fd >= 0 && service_ask(fd, service, said)) {
		for (size_t i = 0; i < service->server_count; i++) {
			const struct service_server *server = &service->servers[i];
			for (size_t k = 0; k < server->attention_count && !refused; k++) {
				refused = span_starts(span_of(server->attention[k].text), span_of(begin));
				snprintf(why, LINK_TEXT_MAX + 1, "%s", server->attention[k].text);
			}
		}
		service_free(service);
	}
	fd_close(&fd);
	free(service);
	return refused;
}

/* Waits until every smtpd has the new FILE. WHY holds LINK_TEXT_MAX + 1. */
static enum told tell_service(const struct ctl *ctl, const char *file, char *why)
{
	struct link_answer answer = {.fd = -1};
	struct str request;
	char *run_dir = cmd_run_dir(ctl);
	enum told told = NOT_TOLD;
	int fd = run_dir ? link_to_master(run_dir) : -ENOMEM;
	if (fd == -ENOENT || fd == -ECONNREFUSED) {
		told = NOT_RUNNING;
	} else if (fd < 0) {
		link_explain(run_dir, fd, why);
	} else {
		str_init(&request, WIRE_PACKET_MAX);
		wire_encode_ctl_users(&(struct wire_ctl_users){.changed = true}, &request);
		if (link_ask(fd, &request, &answer) && answer.exit_code == 0) {
			service_await(run_dir);
			told = is_refused(run_dir, file, why) ? NOT_TOLD : TOLD;
		} else {
			snprintf(why, LINK_TEXT_MAX + 1, "%s", answer.said);
		}
		fd_close(&answer.fd);
		fd_close(&fd);
	}
	free(run_dir);
	return told;
}

static void print_json(const struct job *job, const struct userplace *place, enum told told)
{
	static const char *const words[] = {[ADD] = "added", [PASSWD] = "changed", [DELETE] = "deleted"};
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, "user");
	json_string(&json, span_of(job->name));
	json_key(&json, "file");
	json_string(&json, span_of(place->file));
	json_key(&json, "done");
	json_string(&json, span_of(words[job->action]));
	json_key(&json, "running");
	json_bool(&json, told != NOT_RUNNING);
	json_key(&json, "in_force");
	json_bool(&json, told == TOLD && place->servers);
	json_end_object(&json);
	json_finish(&json);
}

/* Hints about settings that may be missing. */
static void print_hints(const struct job *job, const struct userplace *place)
{
	if (!place->servers)
		fprintf(stderr, _("mailrootctl: note: no virtual server has the user_file %s\n"), place->file);
	else if (!(place->auth & WITH_PASSWORD))
		fprintf(stderr,
			_("mailrootctl: note: nobody can log in yet: write access { auth plain login } into the virtual server\n"));
	else if (!place->may_relay)
		fprintf(stderr,
			_("mailrootctl: note: users may log in, but not relay: write authenticated yes into the block relay\n"));
	else if (place->auth & AUTH_CRAM_MD5 && !job->keys.has_cram)
		fprintf(stderr, _("mailrootctl: note: this user can't log in by cram-md5; that needs --cram-md5\n"));
}

static int report(const struct ctl *ctl, const struct job *job, const struct userplace *place)
{
	const struct done_words *words = &done_words[job->action];
	char why[LINK_TEXT_MAX + 1] = "";
	enum told told = tell_service(ctl, place->file, why);
	if (ctl->options.given & OPTION_JSON)
		print_json(job, place, told);
	else if (told != NOT_TOLD)
		printf(_(told == NOT_RUNNING ? words->alone : words->in_force), job->name);
	fflush(stdout);
	if (job->action != DELETE)
		print_hints(job, place);
	if (told == NOT_TOLD)
		return cmd_fail(_(words->unknown), job->name, why);
	return EXIT_DONE;
}

static int run_on(const struct ctl *ctl, struct job *job, const struct userplace *place)
{
	const struct replace_how how = {.change = change, .context = job, .must_exist = job->action != ADD};
	int status;
	if (!look_first(job, place->file, &status))
		return status;
	if (job->action != DELETE && !get_keys(job))
		return EXIT_FAILED;
	int err = replace_file(place->file, &how);
	if (err)
		return fail_change(place->file, err);
	if (!suits(job, place->file)) /* another command was faster */
		return EXIT_FAILED;
	return report(ctl, job, place);
}

static int run(struct ctl *ctl, enum action action)
{
	struct job job = {
		.action = action,
		.name = ctl->args[0],
		.wants_cram = ctl->options.given & OPTION_CRAM_MD5,
	};
	struct userplace place;
	int status;
	if (!name_is_good(job.name))
		return EXIT_USAGE;
	if (!userplace_find(ctl, &place, &status))
		return status;
	status = run_on(ctl, &job, &place);
	explicit_bzero(&job, sizeof(job));
	userplace_free(&place);
	return status;
}

int cmd_user_add(struct ctl *ctl)
{
	return run(ctl, ADD);
}

int cmd_user_passwd(struct ctl *ctl)
{
	return run(ctl, PASSWD);
}

int cmd_user_delete(struct ctl *ctl)
{
	return run(ctl, DELETE);
}

/* The mechanisms of an account, words separated by blanks. */
static const char *mechanisms(const struct account *account)
{
	if (account->iterations)
		return account->has_cram ? "plain login scram-sha-256 cram-md5" : "plain login scram-sha-256";
	return account->has_cram ? "plain login cram-md5" : "plain login";
}

static void print_list_json(const struct userplace *place, const struct accounts *accounts, struct span trouble)
{
	char changed[CLOCK_TEXT_MAX];
	struct span line;
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, "file");
	json_string(&json, span_of(place->file));
	json_key(&json, "users");
	json_array(&json);
	for (size_t i = 0; i < accounts->n; i++) {
		struct span words = span_of(mechanisms(&accounts->at[i]));
		clock_iso(accounts->at[i].changed_ms, changed);
		json_object(&json);
		json_key(&json, "name");
		json_string(&json, span_of(accounts->at[i].name));
		json_key(&json, "mechanisms");
		json_array(&json);
		while (words.len)
			json_string(&json, span_take(&words, ' '));
		json_end_array(&json);
		json_key(&json, "changed");
		json_string(&json, span_of(changed));
		json_end_object(&json);
	}
	json_end_array(&json);
	json_key(&json, "trouble");
	json_array(&json);
	while (span_line(&trouble, &line))
		json_string(&json, line);
	json_end_array(&json);
	json_end_object(&json);
	json_finish(&json);
}

static void print_list(const struct userplace *place, const struct accounts *accounts, struct span trouble)
{
	static const char *const headings[] = {N_("USER"), N_("MECHANISMS"), N_("CHANGED")};
	char changed[CLOCK_TEXT_MAX];
	struct table table;
	struct span line;
	size_t shown = 0;
	while (span_line(&trouble, &line))
		fprintf(stderr, _("mailrootctl: %s: %.*s; this line is ignored\n"), place->file, SPAN_ARGS(line));
	if (!accounts->n) {
		printf(_("No users in %s.\n"), place->file);
		return;
	}
	table_init(&table, 3, 0, headings);
	for (; shown < accounts->n; shown++) {
		const struct account *account = &accounts->at[shown];
		clock_iso(account->changed_ms, changed);
		struct span cells[] = {span_of(account->name), span_of(mechanisms(account)), span_of(changed)};
		if (!table_add(&table, cells))
			break;
	}
	table_print(&table, 0, stdout);
	if (shown < accounts->n)
		printf(_("... and %zu more; --json has all\n"), accounts->n - shown);
	table_free(&table);
}

static int list(const struct ctl *ctl, const struct userplace *place, struct str *text)
{
	struct arena arena;
	struct accounts accounts;
	struct str trouble;
	int err = replace_read(place->file, text);
	if (err && err != -ENOENT)
		return fail_read(place->file, err);
	arena_init(&arena, ACCOUNTS_MEMORY);
	str_init(&trouble, TROUBLE_MAX);
	bool good = accounts_parse(str_span(text), &arena, &accounts, &trouble);
	if (!good)
		cmd_fail(_("can't list %s: %s"), place->file, strerror(ENOMEM));
	else if (ctl->options.given & OPTION_JSON)
		print_list_json(place, &accounts, str_span(&trouble));
	else
		print_list(place, &accounts, str_span(&trouble));
	arena_free(&arena);
	str_free(&trouble);
	return good ? EXIT_DONE : EXIT_FAILED;
}

int cmd_user_list(struct ctl *ctl)
{
	struct userplace place;
	struct str text;
	int status;
	if (!userplace_find(ctl, &place, &status))
		return status;
	str_init(&text, ACCOUNTS_TEXT_MAX);
	status = list(ctl, &place, &text);
	str_wipe(&text);
	userplace_free(&place);
	return status;
}
