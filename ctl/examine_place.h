/* The location of a finding, for the parts of `check` that look beyond the configuration's own text. */
#ifndef CTL_EXAMINE_PLACE_H
#define CTL_EXAMINE_PLACE_H

#include "ctl/examine.h"

/* The setting that findings are about. */
struct place {
	const struct examine *how;
	struct config_report *report;
	const struct config_origin *at;
	unsigned said; /* a set of (1 << grade) */
};

/* Appends "FILE:LINE: warning: TEXT" to the report, and counts it. PLACE is a struct place. */
void place_say(void *place, enum certificate_grade grade, const char *text);

/*
 * Opens the file PATH of the setting WHAT, which only the service should read (examine_secret.c). -1: the problem was
 * reported. MISSING: the grade of a missing file, for which REMEDY is the remedy. EXPOSED: of one that others may read.
 */
int examine_secret(struct place *place, const char *what, const char *path, enum certificate_grade missing,
		   const char *remedy, enum certificate_grade exposed);

/* Checks such a file whose first line is CONTENT, "the password". Never prints it. */
void examine_line(struct place place, const char *what, const char *path, const char *content);

/*
 * Checks the files with which an outbound block gets access tokens, those of the way to the issuers, and that there is
 * the program that fetches tokens (examine_oauth.c).
 */
void examine_oauth(struct place place, const struct config_outbound *outbound);
void examine_web(struct place place, const struct config_server *server);
void examine_web_program(struct place place, const struct config *config);

/* Checks that there is the user of each process that only some configurations need (examine_process_users.c). */
void examine_process_users(struct place place, const struct config *config);

/* Checks the keys of blocks dkim (examine_dkim.c). */
void examine_dkim(struct place place, const struct config_server *server);

/* Checks the files of recipients (examine_recipients.c). */
void examine_recipients(struct place place, const struct config_server *server);

/* Checks the folders of every enabled virtual server (examine_folders.c). */
void examine_folders(struct place place, const struct config *config);

/*
 * Checks that name servers answer, and that they know the names of smart hosts and routes (examine_names.c). Takes some
 * seconds at most.
 */
void examine_names(struct place place, const struct config *config);

#endif
