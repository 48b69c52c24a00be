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
	message_remove(messages, m); /* out of its place first: that may be a list of its destination */
	destination_ref(destinations, &d, NULL);
}
