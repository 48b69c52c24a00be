/* mailrootctl dkim rotate */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "ctl/dkim/confline.h"
#include "ctl/dkim/dkim.h"
#include "ctl/dkim/newkey.h"
#include "ctl/doctor/jobs.h"
#include "ctl/doctor/ownkeys.h"
#include "ctl/doctor/rights.h"
#include "ctl/doctor/selectors.h"
#include "ctl/replace.h"
#include "ctl/translate.h"

enum { LINES_MAX = 8, ASK_ALL_MS = 30 * 1000, LINE_OCTETS = KEYPLACE_PATH_MAX + DOMAIN_MAX + 40 };

/* A selector of the block, and the key that takes its place. */
struct line {
	const struct config_selector *old;
	struct dkim_record old_key;
	struct timespec old_made;
	struct keyplace_waiting next;
	struct dkim_record next_key;
	bool has_next;
	enum selector_state state; /* of the next key in DNS */
};

struct rotation {
	const struct ctl *ctl;
	const struct config *config;
	struct keyplace place;
	struct line lines[LINES_MAX];
	size_t n;
};

static bool read_line(const struct config_selector *selector, uid_t owner, struct line *out)
{
	char why[DKIM_KEY_WHY_MAX];
	struct stat st;
	*out = (struct line){.old = selector};
	if (!ownkeys_read(selector->file, owner, &out->old_key, why)) {
		cmd_fail(_("%s:%u: the key %s can't be read, so its type is not known: %s"), selector->origin.file,
			 selector->origin.line, selector->file, translate_text(span_of(why)).at);
		return false;
	}
	if (stat(selector->file, &st) == 0)
		out->old_made = st.st_mtim;
	return true;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Gives each line the latest key that waits, that is later than the key in use and of the same algorithm. */
static void find_next(struct rotation *r)
{
	struct keyplace_waiting waiting[KEYPLACE_WAITING_MAX];
	struct dkim_record key;
	char why[DKIM_KEY_WHY_MAX];
	for (size_t i = keyplace_waiting(&r->place, waiting); i-- > 0;) {
		if (!ownkeys_read(waiting[i].file, ownkeys_owner(r->config), &key, why))
			continue;
		for (size_t j = 0; j < r->n; j++) {
			struct line *line = &r->lines[j];
			if (line->has_next || line->old_key.ed25519 != key.ed25519 ||
			    !is_later(&waiting[i].made, &line->old_made))
				continue;
			line->next = waiting[i];
			line->next_key = key;
			line->has_next = true;
			break;
		}
	}
}

/* Makes the key that will follow LINE. */
static bool make_next(const struct rotation *r, struct line *line)
{
	const char *word = line->old_key.ed25519 ? "ed25519" : line->old_key.bits > 3072 ? "rsa4096" : "rsa2048";
	if (!keyplace_next_selector(&r->place, time(NULL), line->next.selector) ||
	    !keyplace_file(&r->place, line->next.selector, line->next.file)) {
		cmd_fail(
			_("%s has a key for each selector from a to z of this year: make the next one with `mailrootctl dkim keygen %s --selector NAME`"),
			r->place.folder, r->place.domain);
		return false;
	}
	struct dkim_key *key = newkey_make(newkey_type(word), line->next.file);
	if (!key)
		return false;
	printf(_("The next key, which takes the place of %s, is in %s (%s).\n\n"), line->old->name, line->next.file,
	       newkey_words(key));
	newkey_print_record(&r->place, line->next.selector, key);
	dkim_key_free(key);
	return true;
}

/* Makes the keys that are missing. */
static int begin(struct rotation *r)
{
	if (r->ctl->options.given & OPTION_FINISH)
		return cmd_fail(
			_("there is no new key for %s yet: run `mailrootctl dkim rotate %s`, publish the record that it shows, then finish"),
			r->place.domain, r->place.domain);
	for (size_t i = 0; i < r->n; i++)
		if (!r->lines[i].has_next && !make_next(r, &r->lines[i]))
			return EXIT_FAILED;
	printf(_("Nothing else has changed: mail is still signed with the present key. Run `mailrootctl dkim rotate %s` again when the record is published; it then changes the configuration.\n"),
	       r->place.domain);
	return EXIT_DONE;
}

/* In a process of its own, which gives up root: the states as letters. */
static void ask_states(void *context, size_t which, struct str *to)
{
	const struct rotation *r = context;
	struct ask ask;
	(void)which;
	rights_drop(r->config);
	ask_open(&ask, r->config, r->place.server, clock_mono_ms() + ASK_ALL_MS);
	for (size_t i = 0; i < r->n; i++) {
		struct selector seen;
		selectors_ask(&ask, r->lines[i].next.selector, r->place.domain, &r->lines[i].next_key, &seen);
		if (seen.state == SELECTOR_GOOD && !selectors_accepted(&seen))
			seen.state = SELECTOR_UNUSABLE;
		str_append_c(to, (char)('a' + seen.state));
	}
}

/* LETTER comes from a process that reads what strangers have in DNS. */
static enum selector_state state_of(char letter)
{
	return letter >= 'a' && letter <= 'a' + SELECTOR_GOOD ? (enum selector_state)(letter - 'a') : SELECTOR_UNKNOWN;
}

/* Whether DNS has all new keys. */
static bool ask_dns(struct rotation *r)
{
	struct jobs_result result;
	bool good = true;
	const struct jobs jobs = {
		.run = ask_states, .context = r, .n = 1, .until = clock_mono_ms() + ASK_ALL_MS + 2000};
	jobs_run(&jobs, &result);
	for (size_t i = 0; i < r->n; i++) {
		bool told = result.complete && result.text.len == r->n;
		r->lines[i].state = told ? state_of(result.text.at[i]) : SELECTOR_UNKNOWN;
		good &= r->lines[i].state == SELECTOR_GOOD;
	}
	jobs_free(&result, 1);
	return good;
}

static int wait_for_dns(const struct rotation *r)
{
	for (size_t i = 0; i < r->n; i++)
		printf("%s._domainkey.%s: %s\n", r->lines[i].next.selector, r->place.domain,
		       _(selectors_word(r->lines[i].state)));
	for (size_t i = 0; i < r->n; i++)
		if (r->lines[i].state != SELECTOR_GOOD)
			return cmd_fail(
				_("nothing was changed: DNS does not have the new key yet. Publish the record that `mailrootctl dkim keygen %s --selector %s` shows, and run the command again; a record that was missing can take hours to be seen"),
				r->place.domain, r->lines[i].next.selector);
	return EXIT_FAILED;
}

/* A change of one line. */
struct change {
	const struct config_selector *from, *to;
	bool plain; /* the line was as confline_replace wants it */
};

static bool change_text(void *context, struct span text, struct str *to)
{
	struct change *change = context;
	change->plain = confline_replace(text, change->from, change->to, to);
	return change->plain;
}

/* NULL, or why the line can't be changed. */
static const char *change_line(const struct config_selector *from, const struct config_selector *to)
{
	struct change change = {.from = from, .to = to};
	const struct replace_how how = {
		.change = change_text, .context = &change, .must_exist = true, .keep_mode = true};
	int err = replace_file(from->origin.file, &how);
	if (err == -ELOOP)
		return _("it is a symbolic link");
	if (err)
		return strerror(-err);
	return change.plain ? NULL : _("the line has more than the selector and its file");
}

static struct config_selector next_of(const struct line *line)
{
	return (struct config_selector){
		.name = line->next.selector, .file = line->next.file, .origin = line->old->origin};
}

static bool has_file(const struct config *config, const char *domain, const char *file)
{
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_dkim *dkim = config_dkim_find(&config->servers[i], span_of(domain));
		for (size_t j = 0; dkim && j < dkim->selector.n; j++)
			if (strcmp(dkim->selector.at[j].file, file) == 0)
				return true;
	}
	return false;
}

/* Whether the configuration is without errors and has the new selectors. */
static bool is_taken(const struct rotation *r)
{
	struct loaded loaded;
	loaded_read(r->ctl->options.file, &loaded);
	bool taken = loaded.good;
	for (size_t i = 0; taken && i < r->n; i++)
		taken = has_file(&loaded.config, r->place.domain, r->lines[i].next.file);
	loaded_free(&loaded);
	return taken;
}

/* NULL, or why the line *stopped can't be changed: those before it have been. */
static const char *change_lines(const struct rotation *r, size_t *stopped)
{
	const char *why = NULL;
	for (*stopped = 0; *stopped < r->n; ++*stopped) {
		const struct config_selector next = next_of(&r->lines[*stopped]);
		why = change_line(r->lines[*stopped].old, &next);
		if (why)
			return why;
	}
	return is_taken(r) ? NULL : _("the configuration would have an error then");
}

/* Undoes the change of the first N lines. */
static void change_back(const struct rotation *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct config_selector *old = r->lines[i].old, next = next_of(&r->lines[i]);
		const char *why = change_line(&next, old);
		if (why)
			cmd_fail(_("%s:%u has selector %s now, and selector %s can't be put back: %s"),
				 old->origin.file, old->origin.line, next.name, old->name, why);
	}
}

/* What to write where the line STOPPED can't be changed. */
static int show_lines(const struct rotation *r, size_t stopped, const char *why)
{
	const struct config_origin *at = &r->lines[stopped < r->n ? stopped : 0].old->origin;
	printf(_("DNS has the new key, but %s:%u can't be changed: %s. Write these lines:\n\n"), at->file, at->line,
	       why);
	for (size_t i = 0; i < r->n; i++) {
		const struct config_selector *old = r->lines[i].old, next = next_of(&r->lines[i]);
		struct str text;
		str_init(&text, LINE_OCTETS);
		confline_write(&next, &text);
		printf(_("%s:%u, in the place of selector %s:\n\n    %s\n\n"), old->origin.file, old->origin.line,
		       old->name, str_text(&text));
		str_free(&text);
	}
	printf(_(
		"Then run `mailrootctl reload`. Keep the records and files of the present keys for 7 more days, because mail under way has their signatures.\n"));
	return EXIT_FAILED;
}

/* How a selector that is not rotated can need the key: its record in DNS is the same, or its file. */
enum share { SHARES_RECORD, SHARES_FILE };

static bool shares(enum share what, const struct rotation *r, const struct config_dkim *dkim,
		   const struct config_selector *selector, const struct config_selector *old)
{
	bool same_line = selector->origin.line == old->origin.line && !strcmp(selector->origin.file, old->origin.file);
	if (same_line)
		return false;
	if (what == SHARES_FILE)
		return !strcmp(selector->file, old->file);
	return !strcmp(dkim->name, r->place.domain) && !strcasecmp(selector->name, old->name);
}

/* The selector of another block that shares WHAT with OLD; NULL = none. */
static const struct config_selector *find_sharing(const struct rotation *r, enum share what,
						  const struct config_selector *old)
{
	for (size_t i = 0; i < r->config->server_count; i++)
		for (size_t j = 0; j < r->config->servers[i].dkim_count; j++) {
			const struct config_dkim *dkim = &r->config->servers[i].dkims[j];
			for (size_t k = 0; dkim != r->place.dkim && k < dkim->selector.n; k++)
				if (shares(what, r, dkim, &dkim->selector.at[k], old))
					return &dkim->selector.at[k];
		}
	return NULL;
}

/* What to do with a key that has lost its line. */
static void say_farewell(const struct rotation *r, const struct config_selector *old)
{
	const struct config_selector *record = find_sharing(r, SHARES_RECORD, old);
	const struct config_selector *file = find_sharing(r, SHARES_FILE, old);
	if (record)
		printf(_("Keep the record %s._domainkey.%s: %s:%u has the selector.\n"), old->name, r->place.domain,
		       record->origin.file, record->origin.line);
	else if (file)
		printf(_("Keep the record %s._domainkey.%s published for 7 more days, because mail under way has its signature. Then remove the record. Keep the file %s: %s:%u names it.\n"),
		       old->name, r->place.domain, old->file, file->origin.file, file->origin.line);
	else
		printf(_("Keep the record %s._domainkey.%s published for 7 more days, because mail under way has its signature. Then remove the record and the file %s.\n"),
		       old->name, r->place.domain, old->file);
}

/* Puts the next keys into the place of the present ones: of all, or of none, so that another run makes no third key. */
static int finish(const struct rotation *r)
{
	size_t stopped;
	const char *why = change_lines(r, &stopped);
	if (why) {
		change_back(r, stopped);
		return show_lines(r, stopped, why);
	}
	for (size_t i = 0; i < r->n; i++)
		printf(_("%s:%u: selector %s has taken the place of %s.\n"), r->lines[i].old->origin.file,
		       r->lines[i].old->origin.line, r->lines[i].next.selector, r->lines[i].old->name);
	printf(_("Run `mailrootctl reload`: mail that leaves after it is signed with the new key.\n"));
	for (size_t i = 0; i < r->n; i++)
		say_farewell(r, r->lines[i].old);
	return EXIT_DONE;
}

static int rotate(struct rotation *r)
{
	const struct config_selectors *selectors = &r->place.dkim->selector;
	for (r->n = 0; r->n < selectors->n && r->n < LINES_MAX; r->n++)
		if (!read_line(&selectors->at[r->n], ownkeys_owner(r->config), &r->lines[r->n]))
			return EXIT_FAILED;
	find_next(r);
	for (size_t i = 0; i < r->n; i++)
		if (!r->lines[i].has_next)
			return begin(r);
	return ask_dns(r) ? finish(r) : wait_for_dns(r);
}

int dkim_rotate(const struct ctl *ctl, const struct config *config)
{
	static struct rotation r;
	int status;
	r = (struct rotation){.ctl = ctl, .config = config};
	if (!keyplace_find(ctl, config, ctl->args[0], &r.place, &status))
		return status;
	if (!r.place.dkim)
		return cmd_fail(
			_("%s has no block dkim %s, so there is no key to follow: begin with `mailrootctl dkim keygen %s`"),
			ctl->options.file, r.place.domain, r.place.domain);
	return rotate(&r);
}
