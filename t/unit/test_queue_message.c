/* The table of messages: slots, heap, size. */
#include "queue/model/message.h"

#include <check.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/model/destination.h"
#include "t/unit/suite.h"

enum { MANY = 20000, EACH_MAX = 300, ENOUGH = 48 << 20, PLENTY = 1000000 /* needs more than 48 MiB */ };

static struct messages all;

static struct message *add_if_possible(unsigned number)
{
	struct msgname name = {.size = number + 1};
	unsigned char random[MSGID_RANDOM] = {0};
	memcpy(random, &number, sizeof(number));
	msgid_make(1795258800000, random, name.id);
	return message_add(&all, &name);
}

static struct message *add(unsigned number)
{
	struct message *m = add_if_possible(number);
	ck_assert_ptr_nonnull(m);
	return m;
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

START_TEST(every_slot_and_back)
{
	struct destinations none = {0};
	struct destination *d = destination_notices(&none);
	struct message *m = add(1);
	messages_count(&all);
	m->destination = d;
	ck_assert_int_eq(m->state, MESSAGE_LISTED);
	for (int from = 0; from < MESSAGE_STATE_COUNT; from++) {
		for (int to = 0; to < MESSAGE_STATE_COUNT; to++) {
			int const way[] = {from, to};
			for (int i = 0; i < 2; i++) {
				if (way[i] == MESSAGE_WAITING || way[i] == MESSAGE_LOCKED)
					message_wait(&all, m, (enum message_state)way[i], 5);
				else
					message_move(&all, m, (enum message_state)way[i]);
				ck_assert_int_eq(m->state, way[i]);
				ck_assert_uint_eq(all.counts[way[i]], 1);
			}
		}
	}
	message_move(&all, m, MESSAGE_READY);
	ck_assert(TAILQ_EMPTY(&d->parked) && TAILQ_EMPTY(&all.found) && !all.heap_count);
	ck_assert_ptr_eq(TAILQ_FIRST(&all.ready), m);
	message_remove(&all, m);
	ck_assert_uint_eq(messages_count(&all), 0);
	destinations_free(&none);
}
END_TEST

START_TEST(found_by_id)
{
	struct message *m = add(7), *other = add(8);
	char name[MSGNAME_MAX];
	struct msgname parsed;
	ck_assert_ptr_eq(message_find(&all, m->id), m);
	ck_assert_ptr_eq(message_find(&all, other->id), other);
	m->eight_bit = true;
	message_name(m, name);
	ck_assert(msgname_parse(span_of(name), &parsed));
	ck_assert_str_eq(parsed.id, m->id);
	ck_assert_uint_eq(parsed.size, 8);
	ck_assert(parsed.eight_bit);
	char id[MSGID_LEN + 1];
	memcpy(id, m->id, sizeof(id));
	message_remove(&all, m);
	ck_assert_ptr_null(message_find(&all, id));
}
END_TEST

/* Times that were added in any order come out sorted, whatever is removed in between. */
START_TEST(heap_keeps_its_order)
{
	static struct message *list[2000];
	uint32_t seed = (uint32_t)_i + 1;
	for (unsigned i = 0; i < 2000; i++) {
		list[i] = add(i);
		message_wait(&all, list[i], MESSAGE_WAITING, next_random(&seed) % 500);
	}
	for (unsigned i = 0; i < 1500; i++) {
		struct message *m = list[next_random(&seed) % 2000];
		if (m->state == MESSAGE_WAITING && next_random(&seed) % 3)
			message_move(&all, m, MESSAGE_ACTIVE);
		else
			message_wait(&all, m, MESSAGE_WAITING, next_random(&seed) % 500);
	}
	int64_t last = -1;
	size_t left = all.counts[MESSAGE_WAITING];
	for (struct message *m; (m = message_due(&all, 1000)); left--) {
		ck_assert_int_ge(m->due_ms, last);
		ck_assert_int_eq(message_next_due(&all), m->due_ms);
		last = m->due_ms;
		message_remove(&all, m);
	}
	ck_assert_uint_eq(left, 0);
	ck_assert_int_eq(message_next_due(&all), INT64_MAX);
}
END_TEST

START_TEST(not_due_yet)
{
	struct message *m = add(1);
	message_wait(&all, m, MESSAGE_WAITING, 100);
	ck_assert_ptr_null(message_due(&all, 99));
	ck_assert_ptr_eq(message_due(&all, 100), m);
}
END_TEST

/* A million waiting messages take less than 300 octets each. */
START_TEST(small)
{
	size_t before = mallinfo2().uordblks;
	for (unsigned i = 0; i < MANY; i++)
		message_wait(&all, add(i), MESSAGE_WAITING, i);
	size_t used = mallinfo2().uordblks - before;
	/* The allocator of a sanitizer reports no sizes. */
	ck_assert_uint_lt(used / MANY, EACH_MAX);
	ck_assert(used == 0 || used / MANY > sizeof(struct message));
}
END_TEST

/* Without memory no message is added, and the process continues. */
START_TEST(no_memory)
{
#if !defined(__SANITIZE_ADDRESS__)
	pid_t child = fork();
	if (child == 0) {
		unsigned n = 0;
		setrlimit(RLIMIT_AS, &(struct rlimit){ENOUGH, ENOUGH});
		while (n < PLENTY && add_if_possible(n))
			n++;
		_exit(n > 0 && n < PLENTY && messages_count(&all) == n ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
#endif
}
END_TEST

static void setup(void)
{
	messages_init(&all);
}

static void teardown(void)
{
	messages_free(&all);
}

int main(void)
{
	Suite *suite = suite_create("queue_message");
	TCase *cases = tcase_create("message");
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, every_slot_and_back);
	tcase_add_test(cases, found_by_id);
	tcase_add_loop_test(cases, heap_keeps_its_order, 0, 5);
	tcase_add_test(cases, not_due_yet);
	tcase_add_test(cases, small);
	tcase_add_test(cases, no_memory);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
