/*
 * The recipients that exist (settings recipients, unknown and tags), and whether one does. One process reads each file
 * that master has opened, into memory that its workers share (snapshot.h); they find the newest lists by an atomic load
 * and copy nothing.
 *
 * A file that can't be used never makes recipients unknown: the list before it stays, or there is none, and then mail
 * for its domains is put off. Such a file is missing, unreadable, empty, no text, has more than one bad line in five,
 * or has a fifth fewer recipients than the list (and KNOWN_FEWER fewer at least). The last two may be meant: a file
 * that was refused for them is taken when an operator orders a reload.
 */
#ifndef COMMON_RECIPIENTS_KNOWN_H
#define COMMON_RECIPIENTS_KNOWN_H

#include "common/config/config.h"
#include "common/ipc/snapshot.h"
#include "common/ipc/wire.h"
#include "common/mail/address.h"
#include "common/recipients/recipient_map.h"

enum { KNOWN_FEWER = 5, KNOWN_AREA_MIN = 1 << 20 };

/* The lists in force. What it points to is in the same area. */
struct known_lists {
	size_t n;
	struct known_list {
		const char *file;
		const struct recipient_map *map; /* NULL = the file could never be used */
	} at[CONFIG_RECIPIENT_FILES_MAX];
};

/* A file, as the reading process knows it. */
struct known_file {
	char *path; /* owned */
	struct known_text {
		uint64_t hash;
		size_t octets;
	} text, refused;    /* the text in force, and the one that a reload may take */
	int64_t changed_s;  /* wall clock: mtime of the text in force */
	bool good;          /* the file is the one in force */
	struct str refusal; /* why the file is not taken, one line; empty = it is */
	struct str lines;   /* the bad lines of the text in force */
};

struct known {
	struct snapshot *snapshot; /* NULL = none was needed yet */
	struct known_file *files;  /* as many as the lists in force, in the same order; owned */
};

/*
 * Takes a message of master about a file, with the file in FD (-1 = none). Logs what changes. True when a new area was
 * begun: workers forked earlier can't see it and have to end.
 */
bool known_take(struct known *k, const struct wire_recipients *news, int fd);

/* The files that SERVER no longer names are forgotten. True as above. */
bool known_prune(struct known *k, const struct config_server *server);

/* Whether master has sent all files that SERVER names. */
bool known_complete(const struct known *k, const struct config_server *server);

/* The newest lists; NULL = there are none. Valid for the life of the process, even after newer ones have come. */
const struct known_lists *known_lists(const struct known *k);

/* Appends what an administrator should correct, one line each, without any content of the files. */
void known_trouble(const struct known *k, struct str *to);

/* File I as status shows it. False: there are fewer. */
struct known_state {
	const char *file;
	bool used; /* there is a list of it */
	bool good; /* the file is the one in force */
	size_t entries;
	int64_t changed_s; /* wall clock: mtime of the file in force; 0 = none is */
};
bool known_state(const struct known *k, size_t i, struct known_state *out);

/* Forked worker: gives up the writable mapping. */
void known_read_only(const struct known *k);

void known_free(struct known *k);

enum known_verdict {
	KNOWN_UNLISTED, /* the domain has no list: every recipient exists */
	KNOWN_YES,      /* in the list, or a postmaster (RFC 5321 4.5.1) */
	KNOWN_LEADS,    /* in the list; its mail goes to other addresses instead */
	KNOWN_TRIED,    /* not in the list, and accepted because of unknown accept */
	KNOWN_NO,       /* refused for good */
	KNOWN_LATER     /* the list can't be asked: refused for now */
};

struct known_decision {
	enum known_verdict verdict;
	struct config_recipients list;  /* unless UNLISTED */
	struct config_origin origin;    /* the line that decided: of the file, or of the configuration */
	struct recipient_finding found; /* of LEADS: the addresses; points into the lists */
};

/* Whether RCPT exists, whose domain is the one that config_stamp assigns. LISTS as known_lists returns them. Pure. */
void known_decide(const struct config_server *server, const struct known_lists *lists, const struct address *rcpt,
		  struct known_decision *out);

/* Whether VERDICT accepts. */
bool known_accepts(enum known_verdict verdict);

/* Logs a decision on RCPT that an administrator may want to know: refused, or accepted although it is in no list. */
void known_log(const struct known_decision *decision, const char *client, const char *sender,
	       const struct address *rcpt);

/* Appends the addresses to which an entry leads, the first of them if there are many: "ann bob and 3 more". */
void known_format_targets(const struct recipient_finding *found, struct str *to);

/* Appends the decision as a step of a chain: "recipients of local_domain example.com lists it: accepted". */
void known_format(const struct known_decision *decision, struct str *to);

#endif
