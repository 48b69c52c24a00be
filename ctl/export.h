/* Copies the messages of a spool into an archive. */
#ifndef CTL_EXPORT_H
#define CTL_EXPORT_H

#include "ctl/archive.h"
#include "ctl/leaving.h"

struct export
{
	const struct options *options;
	const char *const *ids; /* the selected messages; none = all */
	size_t id_count;
	struct spoolplace *place;
	struct archive *archive;
	struct leaving leaving; /* its folder is -1 if nothing is removed */
	bool show_progress;
	/* Results, messages: */
	uint64_t exported, octets;
	uint64_t busy;    /* being delivered */
	uint64_t damaged; /* whose file can't be read, or is not what its name says; each was printed */
	int error;        /* of the archive: -errno; the export is void */
	bool queue_lost;  /* the queue does not answer; the same */
};

/*
 * Copies the selected messages, by age: each while this process holds its lock, and only when the queue leaves it
 * alone. False: the export is void.
 */
bool export_run(struct export *e);

#endif
