/*
 * A reload on probation: unless it is confirmed in time, the previous configuration is restored. This protects an
 * administrator from a lock-out. It is not stored: a new master process reads the file as it is.
 */
#ifndef MASTER_PROBATION_H
#define MASTER_PROBATION_H

#include <stdbool.h>
#include <stdint.h>

struct master;
struct config_tree;

struct probation {
	struct config_tree *before; /* the previous configuration, owned; NULL = no reload is on probation */
	int64_t until_ms;           /* monotonic */
	bool went_back;             /* the configuration in force differs from the file */
};

/*
 * Begins; BEFORE (consumed) was in force until now. A second reload on probation only sets the time: the last confirmed
 * configuration is restored.
 */
void probation_begin(struct probation *probation, struct config_tree *before, int64_t until_ms);

/* Confirms. False: no reload is on probation. */
bool probation_confirm(struct probation *probation);

/* Restores the previous configuration when it is due. Milliseconds until then; -1 = no reload is on probation. */
int64_t probation_tend(struct master *master, int64_t now_ms);

#endif
