#include "common/base/language.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/installed.h"
#include "common/base/program.h"

static bool foreign;

/* Dates, numbers and the order of names stay as they are: only texts are translated. */
void language_init(void)
{
	char built[PATH_MAX];
	if (!setlocale(LC_CTYPE, "") || !setlocale(LC_MESSAGES, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
		language_english();
		return;
	}
	unsetenv("OUTPUT_CHARSET");                   /* gettext would load a library to convert texts */
	program_find("po", "", built, sizeof(built)); /* beside the programs of a build tree */
	bindtextdomain("mailroot", access(built, X_OK) == 0 ? built : MAILROOT_LOCALEDIR);
	textdomain("mailroot");
	/* The translation of no text is the head of the file with the translations. */
	foreign = gettext("")[0] != '\0';
	if (!foreign)
		language_english();
}

void language_english(void)
{
	setlocale(LC_ALL, "C");
	foreign = false;
}

bool language_foreign(void)
{
	return foreign;
}
