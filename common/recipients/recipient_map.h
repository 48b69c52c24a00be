/*
 * The recipients of a domain, as an administrator lists them in a file: which addresses exist, and which of them lead
 * to other addresses. One entry a line; blank lines and lines that begin with # are skipped:
 *
 * bob                                bob in every domain that uses the file
 * ann@example.com                    ann in this domain only
 * @branch.example                    every address of this domain
 * *                                  every address
 * sales: ann@example.com bob         mail for sales goes to these instead, separated by blanks or commas
 *
 * Any entry may lead elsewhere. An address without a domain stands for that of the recipient. Case does not matter,
 * quotes neither ("bob"@example.com is bob@example.com). A line may end with LF or CRLF, the last one with neither.
 * A byte order mark is skipped.
 *
 * The parsed form is one object without pointers, a hash table with its entries: it can be copied and shared. Pure.
 */
#ifndef COMMON_RECIPIENTS_RECIPIENT_MAP_H
#define COMMON_RECIPIENTS_RECIPIENT_MAP_H

#include "common/base/str.h"

enum {
	RECIPIENT_MAP_TEXT_MAX = 128 << 20, /* octets of a file */
	RECIPIENT_MAP_ENTRIES_MAX = 1000000,
	RECIPIENT_MAP_LINE_MAX = 64 << 10, /* octets */
	RECIPIENT_MAP_TARGETS_MAX = 1000   /* addresses to which one entry leads */
};

/* What a text holds. */
struct recipient_map_size {
	size_t entries; /* lines that count, of repeated ones too */
	size_t faults;  /* lines that are ignored */
	size_t octets;  /* of its parsed form */
};

struct recipient_map; /* aligned as uint32_t */

/*
 * Judges TEXT. Bad lines are ignored; *TROUBLE describes them as far as it has room, one line each, "line 7: ...\n",
 * without their content. False: TEXT as a whole is no such file, and *WHY is the fault as a phrase.
 */
bool recipient_map_measure(struct span text, struct recipient_map_size *size, struct str *trouble, const char **why);

/*
 * Parses TEXT, for which recipient_map_measure gave SIZE, into the size->octets octets at MEMORY. Of lines for the same
 * address the first counts, and *TROUBLE describes the others as before if one of them leads elsewhere.
 */
struct recipient_map *recipient_map_parse(struct span text, const struct recipient_map_size *size, void *memory,
					  struct str *trouble);

size_t recipient_map_octets(const struct recipient_map *map);
size_t recipient_map_entries(const struct recipient_map *map); /* different ones */

enum recipient_answer {
	RECIPIENT_UNKNOWN,
	RECIPIENT_KNOWN, /* it exists */
	RECIPIENT_LEADS  /* its mail goes to `targets` addresses instead */
};

/* The result of a look-up. What it points to is in the map. */
struct recipient_finding {
	enum recipient_answer answer;
	unsigned line;    /* of the entry that fits; 0 = unknown */
	size_t targets;   /* 1 or more if it leads */
	const char *next; /* for recipient_map_target */
};

/*
 * Looks up LOCAL (as in struct address, with its quotes) of DOMAIN. TAGS: bob+x, if it has no entry, is bob. The most
 * specific entry counts: the address, then the local part, then @DOMAIN, then *. Takes constant time.
 */
void recipient_map_find(const struct recipient_map *map, struct span local, struct span domain, bool tags,
			struct recipient_finding *out);

/*
 * The entries in the order of the file: *AT is 0 before the first. *LOCAL and *DOMAIN are in lower case without quotes;
 * either may be empty. OUT is the finding for it. False after the last.
 */
bool recipient_map_next(const struct recipient_map *map, size_t *at, struct span *local, struct span *domain,
			struct recipient_finding *out);

/*
 * Takes the next address to which the entry leads, as written: "ann@example.com", or "ann" for the domain of the
 * recipient; address_parse accepts it. False after the last.
 */
bool recipient_map_target(struct recipient_finding *finding, struct span *target);

#endif
