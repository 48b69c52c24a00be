/*
 * The keys of the SMTP service in a metabase (MetaBase.xml of IIS 6 and later, or the same made of an older metabase):
 *
 *	/LM/SmtpSvc                    the service
 *	/LM/SmtpSvc/1                  a virtual server
 *	/LM/SmtpSvc/1/Domain/NAME      a domain
 *	/LM/SmtpSvc/1/RoutingSources/1 a directory
 *
 * A property is an attribute of its key's element, or a child element Custom. Other services are skipped. The metabase
 * owns all text.
 */
#ifndef CTL_IMPORT_METABASE_H
#define CTL_IMPORT_METABASE_H

#include "common/base/arena.h"
#include "ctl/import/xml.h"

enum { METABASE_KEYS_MAX = 5000, METABASE_SERVERS_MAX = 100 };

struct metabase_property {
	const char *name; /* "" if a Custom element has none */
	uint64_t hash;    /* of the name, in any case */
	unsigned id;      /* 0 = unknown */
	const char *value;
	unsigned long line;
	bool custom;
	bool inherits;  /* Custom: it has the attribute INHERIT */
	bool secure;    /* Custom: it has the attribute SECURE, so its value is encrypted */
	bool told;      /* the report has it, for the virtual server in hand */
	bool told_ever; /* for any of them */
};

enum metabase_level { METABASE_SERVICE, METABASE_SERVER, METABASE_DOMAIN, METABASE_SOURCE, METABASE_OTHER };

struct metabase_key {
	const char *location; /* without a slash at the end */
	const char *element;  /* "IIsSmtpServer" */
	enum metabase_level level;
	unsigned server;  /* number of the virtual server; 0 = none */
	const char *name; /* of a domain or a source, otherwise "" */
	unsigned long line;
	struct metabase_property *properties;
	size_t count, room;
	struct metabase_key *parent; /* the nearest key above it in the file, for inheritance; NULL = none */
};

struct metabase {
	struct arena arena;
	struct metabase_key **keys; /* in the order of the file */
	size_t count, room;
	size_t servers;            /* virtual servers among the keys, METABASE_SERVERS_MAX at most */
	struct metabase_key *open; /* that Custom elements belong to, while reading */
	unsigned long elements;    /* read, those of other services included */
};

/* Reads TEXT. False with *fault. The caller frees *out in either case. */
bool metabase_read(struct span text, struct metabase *out, struct xml_fault *fault);
void metabase_free(struct metabase *metabase);

/* The property NAME (in any case) or, unless ID is 0, with this ID of KEY itself; NULL = it has none. */
struct metabase_property *metabase_own(const struct metabase_key *key, const char *name, unsigned id);

#endif
