/* mailrootctl dkim keygen */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/language.h"
#include "ctl/dkim/confline.h"
#include "ctl/dkim/dkim.h"
#include "ctl/dkim/newkey.h"
#include "ctl/doctor/ownkeys.h"
#include "ctl/translate.h"

enum { LINE_MAX_OCTETS = KEYPLACE_PATH_MAX + DOMAIN_MAX + 40 };

/* The selector of the command line, or the next one. False: the reason was printed; *STATUS is the exit status. */
static bool choose_selector(const struct ctl *ctl, const struct keyplace *place, char selector[DOMAIN_MAX + 1],
			    int *status)
{
	const char *given = ctl->options.selector;
	*status = EXIT_USAGE;
	if (ctl->options.given & OPTION_SELECTOR) {
		if (domain_valid(span_of(given)) && span_copy(span_of(given), selector, DOMAIN_MAX + 1)) {
			ascii_lower_text(selector);
			return true;
		}
		cmd_fail(_("--selector %.60s: a selector consists of letters, digits, - and _, such as m2026a"), given);
		return false;
	}
	*status = EXIT_FAILED;
	if (keyplace_next_selector(place, time(NULL), selector))
		return true;
	cmd_fail(_("%s has a key for each selector from a to z of this year: name another one with --selector"),
		 place->folder);
	return false;
}

/* What comes after the record. */
static void print_next(const struct ctl *ctl, const struct keyplace *place, const char *selector, const char *path)
{
	const struct config_selector line = {.name = selector, .file = path};
	struct str text;
	str_init(&text, LINE_MAX_OCTETS);
	confline_write(&line, &text);
	printf(_("`mailrootctl dkim check %s` says when DNS has it. "), place->domain);
	if (keyplace_has(place, selector))
		printf(_("The configuration has the key already (%s:%u); `mailrootctl reload` puts it into use.\n"),
		       place->dkim->origin.file, place->dkim->origin.line);
	else if (place->dkim)
		printf(_("Then add this line to the block dkim %s (%s:%u), and run `mailrootctl reload`:\n\n    %s\n"),
		       place->domain, place->dkim->origin.file, place->dkim->origin.line, str_text(&text));
	else
		printf(_("Then add these lines to the virtual_server in %s that sends the mail of %s, and run `mailrootctl reload`:\n\n    dkim %s {\n        %s\n    }\n"),
		       ctl->options.file, place->domain, place->domain, str_text(&text));
	str_free(&text);
}

/* PATH exists: shows its record again. */
static int show_again(const struct ctl *ctl, const struct config *config, const struct keyplace *place,
		      const char *selector, const char *path)
{
	char why[DKIM_KEY_WHY_MAX];
	if (ctl->options.given & OPTION_TYPE)
		return cmd_fail(
			_("%s exists already, and a key is never overwritten: name another selector, or leave out --type to see its record"),
			path);
	struct dkim_key *key = dkim_key_load(path, ownkeys_owner(config), why);
	if (!key)
		return cmd_fail(_("%s exists already, and is not overwritten; but it is no key that can be used: %s"),
				path, translate_text(span_of(why)).at);
	printf(_("%s exists already and stays as it is (%s).\n\n"), path, newkey_words(key));
	newkey_print_record(place, selector, key);
	print_next(ctl, place, selector, path);
	dkim_key_free(key);
	return EXIT_DONE;
}

static int make(const struct ctl *ctl, const struct keyplace *place, const struct newkey_type *type,
		const char *selector, const char *path)
{
	struct dkim_key *key = newkey_make(type, path);
	if (!key)
		return EXIT_FAILED;
	printf(_("The private key is in %s (%s).\n\n"), path, newkey_words(key));
	newkey_print_record(place, selector, key);
	print_next(ctl, place, selector, path);
	dkim_key_free(key);
	return EXIT_DONE;
}

int dkim_keygen(const struct ctl *ctl, const struct config *config)
{
	char selector[DOMAIN_MAX + 1], path[KEYPLACE_PATH_MAX];
	struct keyplace place;
	struct stat st;
	int status;
	const struct newkey_type *type = newkey_type(ctl->options.type);
	if (!type) {
		cmd_fail(_("--type %.40s: not rsa2048, rsa4096 or ed25519"), ctl->options.type);
		return EXIT_USAGE;
	}
	if (!keyplace_find(ctl, config, ctl->args[0], &place, &status) ||
	    !choose_selector(ctl, &place, selector, &status))
		return status;
	if (!keyplace_file(&place, selector, path))
		return cmd_fail(_("the path of a key in %s is too long"), place.folder);
	if (lstat(path, &st) == 0)
		return show_again(ctl, config, &place, selector, path);
	return make(ctl, &place, type, selector, path);
}
