#include "master/probation.h"

#include "common/base/log.h"
#include "master/master.h"
#include "master/reload.h"

void probation_begin(struct probation *probation, struct config_tree *before, int64_t until_ms)
{
	if (probation->before)
		config_tree_free(before);
	else
		probation->before = before;
	probation->until_ms = until_ms;
}

bool probation_confirm(struct probation *probation)
{
	bool waits = probation->before != NULL;
	config_tree_free(probation->before);
	probation->before = NULL;
	return waits;
}

int64_t probation_tend(struct master *master, int64_t now_ms)
{
	struct probation *probation = &master->probation;
	if (!probation->before)
		return -1;
	if (now_ms < probation->until_ms)
		return probation->until_ms - now_ms;
	struct config_tree *before = probation->before;
	probation->before = NULL;
	log_warning(
		"reload: not confirmed in time, so the previous configuration is in force again; it differs from the file %s",
		master->file);
	if (reload_tree(master, before))
		probation->went_back = true;
	else
		log_error("reload: can't restore the previous configuration: no memory");
	return -1;
}
