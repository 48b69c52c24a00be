#include "queue/model/atrn.h"

#include <stdlib.h>

#include "common/base/fd.h"

bool atrn_is(const struct destination *d)
{
	return d->kind == DESTINATION_ATRN;
}

bool atrn_is_up(const struct destination *d)
{
	return !d->atrn->over && (d->atrn->stream >= 0 || d->open);
}

size_t atrn_room(const struct destination *d)
{
	return d->atrn->stream >= 0 && !d->open && !d->atrn->over ? 1 : 0;
}

void atrn_free(struct atrn *atrn)
{
	if (!atrn)
		return;
	fd_close(&atrn->stream);
	fd_close(&atrn->claim);
	free(atrn);
}
