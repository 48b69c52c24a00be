#include "queue/model/forget.h"

#include "queue/model/loaded.h"
#include "queue/model/waiting.h"

void forget_message(struct messages *messages, struct destinations *destinations, struct message *m)
{
	if (messages->forgotten)
		messages->forgotten(messages->observer, m);
	waiting_stop(m);
	loaded_unload(messages, m);
	struct destination *d = m->destination;
	message_remove(messages, m); /* before the destination may be freed: M may be on a list of it */
	destination_ref(destinations, &d, NULL);
}
