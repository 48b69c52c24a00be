#include "ctl/alerts/saved.h"
#include "t/fuzz/must.h"

/* A state that is accepted can be written, and what is written is read as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct watch watch, again;
	static struct throttle throttle, sent;
	struct str text, second;
	if (!saved_read((struct span){(const char *)data, size}, &watch, &throttle)) {
		MUST(!watch.n && !throttle.n);
		return 0;
	}
	str_init(&text, SAVED_MAX);
	str_init(&second, SAVED_MAX);
	MUST(saved_write(&watch, &throttle, &text));
	MUST(saved_read(str_span(&text), &again, &sent));
	MUST(saved_write(&again, &sent, &second) && span_equal(str_span(&text), str_span(&second)));
	str_free(&text);
	str_free(&second);
	return 0;
}
