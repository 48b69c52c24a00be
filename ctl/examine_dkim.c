/* Checks the private keys of blocks dkim. Never prints any of them. */
#include <stdio.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/dkim/key.h"
#include "ctl/examine_place.h"
#include "ctl/translate.h"

enum { TEXT_MAX = 2048 };

static void say(struct place *place, enum certificate_grade grade, const char *path, const char *what)
{
	char text[TEXT_MAX];
	snprintf(text, sizeof(text), _("the key %.1024s: %s"), path, translate_text(span_of(what)).at);
	place_say(place, grade, text);
}

static void examine_key(struct place *place, const char *path, int fd)
{
	char why[DKIM_KEY_WHY_MAX];
	struct dkim_key *key = dkim_key_read(fd, why);
	const char *weak = key ? dkim_key_warning(key) : NULL;
	if (!key)
		say(place, CERTIFICATE_ERROR, path, why);
	else if (weak)
		say(place, CERTIFICATE_WARNING, path, weak);
	dkim_key_free(key);
}

void examine_dkim(struct place place, const struct config_server *server)
{
	char remedy[TEXT_MAX];
	for (size_t i = 0; i < server->dkim_count; i++) {
		const struct config_dkim *dkim = &server->dkims[i];
		snprintf(remedy, sizeof(remedy),
			 _(": mailrootctl dkim keygen %s makes a key; until then the mail of this domain waits"),
			 dkim->name);
		for (size_t k = 0; k < dkim->selector.n; k++) {
			const char *path = dkim->selector.at[k].file;
			place.at = &dkim->selector.at[k].origin;
			int fd = examine_secret(&place, _("the key"), path, CERTIFICATE_ERROR, remedy,
						CERTIFICATE_ERROR);
			if (fd >= 0)
				examine_key(&place, path, fd);
			fd_close(&fd);
		}
	}
}
