/*
 * Checks the folders that the configuration names. The service creates a missing folder if its parent folder exists; a
 * folder that it can't create or use is an error. Folders with a default are in the spool, which the service maintains
 * itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/network_fs.h"
#include "ctl/examine_place.h"

enum { TEXT_MAX = 2 * PATH_MAX };

/*
 * The error that the user of the service, without supplementary groups, or this process if USER is NULL, gets at PATH;
 * 0: none.
 */
static int refused(const struct passwd *user, const char *path)
{
	int status = 0;
	if (!user)
		return faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) ? errno : 0;
	pid_t child = fork();
	if (child == 0) {
		if (setgroups(0, NULL) || setgid(user->pw_gid) || setuid(user->pw_uid))
			_exit(0);
		_exit(faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) ? errno : 0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/* Writes the parent folder of PATH to TO of PATH_MAX. */
static void above(const char *path, char *to)
{
	snprintf(to, PATH_MAX, "%s", path);
	char *slash = strrchr(to, '/');
	if (slash)
		slash[slash == to] = '\0';
}

static void say_missing(struct place *place, const char *what, const char *path)
{
	char text[TEXT_MAX + 100], parent[PATH_MAX];
	struct stat st;
	above(path, parent);
	if (stat(parent, &st) == 0 && S_ISDIR(st.st_mode))
		return; /* the service creates it */
	snprintf(text, sizeof(text), _("%s %s can't be created, because %s is no folder: mkdir -p %s"), what, path,
		 parent, parent);
	place_say(place, CERTIFICATE_ERROR, text);
}

static void say_refused(struct place *place, const char *what, const char *path, const struct passwd *user, int err)
{
	char text[TEXT_MAX];
	if (place->how->guest)
		snprintf(text, sizeof(text), _("%s %s was not examined: you may not write there; run check as root"),
			 what, path);
	else if (err == EACCES && user)
		snprintf(text, sizeof(text),
			 _("%s %s: the user of the service, %s, may not read and write there: chown %s %s"), what, path,
			 user->pw_name, user->pw_name, path);
	else
		snprintf(text, sizeof(text), _("%s %s can't be used: %s"), what, path, strerror(err));
	place_say(place, place->how->guest ? CERTIFICATE_NOTE : CERTIFICATE_ERROR, text);
}

/* AT: where PATH is set; a default is not checked. */
static void examine_folder(struct place place, const char *what, const char *path, const struct config_origin *at,
			   const struct passwd *user)
{
	char text[TEXT_MAX];
	struct stat st;
	place.at = at;
	if (!at->line || !path)
		return;
	if (stat(path, &st)) {
		if (errno == ENOENT)
			say_missing(&place, what, path);
		else
			say_refused(&place, what, path, NULL, errno);
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		snprintf(text, sizeof(text), _("%s %s is no folder"), what, path);
		place_say(&place, CERTIFICATE_ERROR, text);
		return;
	}
	int err = refused(user, path);
	if (err)
		say_refused(&place, what, path, user, err);
}

/* Reports that WHAT, a folder of the spool, is on a file system of a network, as PATH is. */
static void examine_spool(struct place place, const struct config *config, const char *what, const char *path)
{
	char text[TEXT_MAX + 300];
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *name = network_fs(fd);
	fd_close(&fd);
	if (!name || config->spool_on_network)
		return;
	place.at = &config->mailroot_dir_at;
	snprintf(
		text, sizeof(text),
		_("the spool %s is on %s, where locks, names and fsync promise less than the spool relies on, and accepted mail can be lost: keep the whole spool (mailroot_dir) on a local disk; or set spool_on_network yes"),
		what, name);
	place_say(&place, CERTIFICATE_ERROR, text);
}

void examine_nearest(const char *path, char *to)
{
	char parent[PATH_MAX];
	struct stat st;
	snprintf(to, PATH_MAX, "%s", path);
	while (stat(to, &st) && errno == ENOENT && strcmp(to, "/") != 0) {
		above(to, parent);
		snprintf(to, PATH_MAX, "%s", parent);
	}
}

/* A missing folder of a server will be on the file system of the spool's. One that is on the same is not told again. */
static void examine_spools(struct place place, const struct config *config)
{
	char path[PATH_MAX];
	struct stat spool, own;
	examine_nearest(config->mailroot_dir, path);
	examine_spool(place, config, config->mailroot_dir, path);
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_server *server = &config->servers[i];
		if (server->enabled && stat(path, &spool) == 0 && stat(server->dir, &own) == 0 &&
		    own.st_dev != spool.st_dev)
			examine_spool(place, config, server->dir, server->dir);
	}
}

void examine_folders(struct place place, const struct config *config)
{
	const struct passwd *user = place.how->guest ? NULL : getpwnam(config->user);
	examine_spools(place, config);
	if (!place.how->guest && !user)
		return; /* the service does not start without it, and its message says how to create it */
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_server *server = &config->servers[i];
		if (!server->enabled)
			continue;
		for (size_t j = 0; j < server->local_domain_count; j++) {
			const struct config_local_domain *domain = &server->local_domains[j];
			examine_folder(place, _("drop folder"), domain->drop_dir, &domain->drop_dir_at, user);
		}
		examine_folder(place, _("badmail folder"), server->badmail_dir, &server->badmail_dir_at, user);
		if (server->pickup_dir && strcmp(server->pickup_dir, "off") != 0)
			examine_folder(place, _("pickup folder"), server->pickup_dir, &server->pickup_dir_at, user);
		if (server->log.format)
			examine_folder(place, _("log folder"), server->log.dir, &server->log.dir_at, user);
	}
}
