#include "ctl/dkim/newkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/dkim/publish.h"
#include "ctl/doctor/ownkeys.h"

enum { RECORD_MAX = 8192 };

static const struct newkey_type types[] = {
	{"rsa2048", DKIM_RSA_SHA256, 2048},
	{"rsa4096", DKIM_RSA_SHA256, 4096},
	{"ed25519", DKIM_ED25519_SHA256, 0},
};

const struct newkey_type *newkey_type(const char *word)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!word[0] || strcmp(types[i].word, word) == 0)
			return &types[i];
	return NULL;
}

const char *newkey_words(const struct dkim_key *key)
{
	static char words[60];
	if (dkim_key_algorithm(key) == DKIM_ED25519_SHA256)
		return "Ed25519";
	snprintf(words, sizeof(words), _("RSA, %u bits"), dkim_key_bits(key));
	return words;
}

static void fail_file(const char *path, int err)
{
	if (err == -EACCES || err == -EPERM || err == -EROFS)
		cmd_fail(_("can't write %s: %s; run the command as root"), path, strerror(-err));
	else if (err == -EEXIST)
		cmd_fail(_("%s exists already, and is not overwritten: name another selector with --selector"), path);
	else
		cmd_fail(_("can't write %s: %s"), path, strerror(-err));
}

/* Opens the folder of PATH; makes it if there is none. The descriptor or -errno. */
static int open_folder(const char *path)
{
	char folder[KEYPLACE_PATH_MAX];
	const char *slash = strrchr(path, '/');
	snprintf(folder, sizeof(folder), "%.*s", slash && slash > path ? (int)(slash - path) : 1, path);
	if (mkdir(folder, 0755) && errno != EEXIST)
		return -errno;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A service that does not run as root must be able to read it. */
static int give(int folder, int file)
{
	struct stat of;
	if (geteuid() != 0)
		return 0;
	if (fstat(folder, &of))
		return -errno;
	return of.st_uid == 0 || fchown(file, of.st_uid, of.st_gid) == 0 ? 0 : -errno;
}

static int write_file(const char *path, struct span text)
{
	int folder = open_folder(path);
	if (folder < 0)
		return folder;
	const char *name = strrchr(path, '/') + 1;
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : give(folder, fd);
	if (!err)
		err = fd_write_all(fd, text);
	if (!err && (fchmod(fd, 0600) || fsync(fd) || fsync(folder)))
		err = -errno;
	if (fd >= 0 && err)
		unlinkat(folder, name, 0);
	fd_close(&fd);
	fd_close(&folder);
	return err;
}

struct dkim_key *newkey_make(const struct newkey_type *type, const char *path)
{
	struct str pem;
	struct dkim_key *key = dkim_key_make(type->algorithm, type->bits);
	str_init(&pem, DKIM_KEY_FILE_MAX);
	bool good = key && str_reserve(&pem, DKIM_KEY_FILE_MAX / 4) && dkim_key_pem(key, &pem);
	if (!good)
		cmd_fail(_("OpenSSL can't make a key of type %s"), type->word);
	int err = good ? write_file(path, str_span(&pem)) : 0;
	if (err)
		fail_file(path, err);
	str_wipe(&pem);
	if (good && !err)
		return key;
	dkim_key_free(key);
	return NULL;
}

void newkey_print_record(const struct keyplace *place, const char *selector, const struct dkim_key *key)
{
	struct str text, zone;
	str_init(&text, RECORD_MAX);
	str_init(&zone, 2 * RECORD_MAX);
	if (ownkeys_text(key, &text)) {
		publish_zone(selector, place->domain, str_span(&text), &zone);
		printf(_("Publish this record. In a zone file:\n\n%s\n"), str_text(&zone));
		printf(_("In the form of a DNS provider: type TXT, with this name and this value, each in one line and without quotation marks. Many forms add the domain to the name themselves: then leave .%s out.\n\n%s._domainkey.%s\n%s\n\n"),
		       place->domain, selector, place->domain, str_text(&text));
	} else {
		cmd_fail(_("out of memory"));
	}
	str_free(&text);
	str_free(&zone);
}
