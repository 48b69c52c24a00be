/*
 * A reload on probation: unless somebody confirms it in time, the configuration that was in force before comes back by
 * itself. That protects an administrator who locks himself out, and nothing more: it lives in this process, and one
 * that is started anew takes the file as it is.
 */
#ifndef MASTER_PROBATION_H
#define MASTER_PROBATION_H

#include <stdbool.h>
#include <stdint.h>

struct master;
struct config_tree;

struct probation {
	struct config_tree *before; /* to go back to, owned; NULL = nothing waits for its confirmation */
	int64_t until_ms;           /* monotonic */
	bool went_back;             /* what is in force is not what the file says */
};

/*
 * BEFORE (consumed) was in force until now. Another reload while one waits only sets the time anew: what was confirmed
 * last is what is gone back to.
 */
void probation_begin(struct probation *probation, struct config_tree *before, int64_t until_ms);

/* What is in force stays. False: nothing waits. */
bool probation_confirm(struct probation *probation);

/* Goes back when that is due. Milliseconds until then; -1 = nothing waits. */
int64_t probation_tend(struct master *master, int64_t now_ms);

#endif
