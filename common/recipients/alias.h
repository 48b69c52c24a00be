/*
 * Aliases: recipients whose line in a file of recipients leads to other addresses (recipient_map.h, known.h). The mail
 * of an alias goes to its members instead: the addresses on its line; if one of them is an alias, the members of that;
 * each once, without regard to case. An alias whose line has its own address, too, is a mailbox as well, and a member.
 *
 *	sales: ann bob@partner.example      ann of the same domain, and bob
 *	ann:   ann archive@example.com      ann, and a copy to archive
 *
 * Members may be in any domain. Whether the client may send to them does not matter: the administrator wrote them.
 * Pure.
 */
#ifndef COMMON_RECIPIENTS_ALIAS_H
#define COMMON_RECIPIENTS_ALIAS_H

#include "common/base/arena.h"
#include "common/recipients/known.h"

enum {
	ALIAS_DEPTH_MAX = 10,      /* aliases behind one another */
	ALIAS_ADDRESSES_MAX = 1000 /* members, and aliases between */
};

enum alias_result {
	ALIAS_EXPANDED,
	ALIAS_LOOP,     /* it only leads back to itself: there is no member */
	ALIAS_TOO_DEEP, /* more than ALIAS_DEPTH_MAX aliases behind one another */
	ALIAS_TOO_MANY, /* more than ALIAS_ADDRESSES_MAX addresses */
	ALIAS_LATER,    /* a list that decides can't be asked */
	ALIAS_NO_MEMORY,
	ALIAS_RESULT_COUNT
};

/* An alias or a member. */
struct alias_address {
	struct address address; /* with the domain that config_stamp assigns */
	uint32_t hash;
	unsigned depth;                 /* aliases before it; 0 = the alias itself */
	bool leads;                     /* it is an alias */
	bool member;                    /* mail goes to it */
	struct config_origin origin;    /* of an alias: its line */
	struct recipient_finding found; /* of an alias: what its line says; points into the lists */
};

struct alias {
	struct alias_address *at; /* the alias itself, then the nearest first; in the arena, as its texts are */
	size_t n, room;
	size_t members;
	size_t walked;              /* addresses on the lines of all these aliases, repeated ones too */
	struct config_origin fault; /* the line that can't be expanded, unless EXPANDED or NO_MEMORY */
	struct arena arena;
};

/*
 * Expands RCPT, for which known_decide says LEADS. LISTS as there. Initializes *OUT; the caller frees it, whatever the
 * result.
 */
enum alias_result alias_expand(const struct config_server *server, const struct known_lists *lists,
			       const struct address *rcpt, struct alias *out);
void alias_free(struct alias *alias);

/* The next member behind AT, which is NULL for the first. NULL after the last. */
const struct alias_address *alias_member(const struct alias *alias, const struct alias_address *at);

/* What is wrong, as a phrase behind the alias: "leads only back to itself". "" for EXPANDED. */
const char *alias_fault(enum alias_result result);

/* Logs that RCPT leads to the members of ALIAS, or why it does not. */
void alias_log(const struct alias *alias, enum alias_result result, const char *client, const char *sender,
	       const struct address *rcpt);

/* Appends what the line of an alias says: "alias sales@example.com leads to ann bob and 3 more". */
void alias_format(const struct alias_address *at, struct str *to);

/* Appends what becomes of mail for ALIAS: "so mail goes to 2 addresses: ann@example.com bob@partner.example". */
void alias_format_members(const struct alias *alias, enum alias_result result, struct str *to);

/*
 * Appends one line for each alias in LISTS, or in its list of FILE alone, that can't be expanded, with its place and a
 * remedy: of the first ALIAS_EXAMINED aliases, ALIAS_TROUBLE_LINES at most. It ends earlier when they have led to
 * ALIAS_WALKED addresses, so that the parent, which calls it, does not keep others waiting. Aliases of whole domains
 * are left out.
 */
enum { ALIAS_EXAMINED = 20000, ALIAS_WALKED = 200000, ALIAS_TROUBLE_LINES = 5 };
void alias_trouble(const struct config_server *server, const struct known_lists *lists, const char *file,
		   struct str *to);

#endif
