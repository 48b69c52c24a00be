#include "common/ipc/snapshot.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/span.h"
#include "t/unit/suite.h"

static struct snapshot *s;

static void setup(void)
{
	s = snapshot_new(64 * 1024);
	ck_assert_ptr_nonnull(s);
}

static void teardown(void)
{
	snapshot_free(s);
}

/* The objects are texts with their own address, as a configuration has addresses of its parts. */
struct text {
	const char *at;
	size_t len;
	char octets[];
};

static bool publish_in(struct snapshot *to, struct span text)
{
	size_t room;
	struct text *object = snapshot_room(to, &room);
	if (room < sizeof(*object) || text.len > room - sizeof(*object))
		return false;
	object->at = object->octets;
	object->len = text.len;
	if (text.len)
		memcpy(object->octets, text.at, text.len);
	snapshot_publish(to, sizeof(*object) + text.len);
	return true;
}

static bool publish(struct span text)
{
	return publish_in(s, text);
}

static struct span current(uint64_t *generation)
{
	const struct text *object = snapshot_current(s, generation);
	return object ? (struct span){object->at, object->len} : (struct span){NULL, 0};
}

static bool reads(struct span want, uint64_t want_generation)
{
	uint64_t generation;
	struct span text = current(&generation);
	return span_equal(text, want) && generation == want_generation && snapshot_generation(s) == want_generation;
}

static int status_of(pid_t pid)
{
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(nothing_then_generations)
{
	ck_assert(reads((struct span){NULL, 0}, 0));
	ck_assert(publish(SPAN("one")));
	uint64_t generation;
	struct span first = current(&generation);
	ck_assert(publish(SPAN("")));
	ck_assert(reads(SPAN(""), 2));
	ck_assert(publish(SPAN("three")));
	ck_assert(reads(SPAN("three"), 3));
	ck_assert_msg(span_equal(first, SPAN("one")), "an old text was overwritten");
}
END_TEST

START_TEST(full_means_full)
{
	char text[960]; /* with its header a multiple of every alignment */
	uint64_t n = 0;
	memset(text, 'z', sizeof(text));
	while (publish((struct span){text, sizeof(text)}))
		n++;
	ck_assert_uint_eq(n, 64 * 1024 / (sizeof(struct text) + sizeof(text)));
	ck_assert(reads((struct span){text, sizeof(text)}, n));
	ck_assert(!publish((struct span){text, SIZE_MAX}));
	ck_assert(reads((struct span){text, sizeof(text)}, n));
	ck_assert(publish(SPAN("8 octets")));
	ck_assert(reads(SPAN("8 octets"), n + 1));
}
END_TEST

START_TEST(exact_fit)
{
	char text[1024 - sizeof(struct text) + 1];
	memset(text, 'e', sizeof(text));
	struct snapshot *small = snapshot_new(1024);
	ck_assert(!publish_in(small, (struct span){text, sizeof(text)}));
	ck_assert(publish_in(small, (struct span){text, sizeof(text) - 1}));
	ck_assert(!publish_in(small, SPAN("")));
	ck_assert_uint_eq(snapshot_generation(small), 1);
	snapshot_free(small);
}
END_TEST

/* Polls: the worker was forked before the text existed. */
START_TEST(workers_see_what_is_published_later)
{
	ck_assert(publish(SPAN("old")));
	pid_t pid = fork();
	if (pid == 0) {
		snapshot_read_only(s);
		if (!reads(SPAN("old"), 1) && !reads(SPAN("new"), 2))
			_exit(1);
		while (snapshot_generation(s) != 2)
			usleep(1000);
		_exit(reads(SPAN("new"), 2) ? 0 : 2);
	}
	ck_assert(publish(SPAN("new")));
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

static char *page_of(struct span text)
{
	return (char *)((uintptr_t)text.at & ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1));
}

/* What a compromised worker may try; 0 = it could not. */
static int try_to_write(char *page, int fd)
{
	if (mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0)
		return 1;
	if (fd != -1 && mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
		return 2;
	if (fd != -1 && (pwrite(fd, "x", 1, 0) != -1 || ftruncate(fd, 0) == 0))
		return 3;
	int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (memory != -1 && pwrite(memory, "x", 1, (off_t)(uintptr_t)page) == 1)
		return 4;
	signal(SIGSEGV, SIG_DFL);
	*(volatile char *)page = 'x';
	return 5;
}

/* The descriptor of the area in this process, or -1: the highest one of a memfd with that name. */
static int find_memfd(void)
{
	int found = -1;
	for (int fd = 3; fd < 64; fd++) {
		char path[32], target[128];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (strstr(target, "mailroot-policy"))
			found = fd;
	}
	return found;
}

START_TEST(workers_cannot_write)
{
	uint64_t generation;
	ck_assert(publish(SPAN("policy")));
	char *page = page_of(current(&generation));
	int kept = dup(find_memfd());
	ck_assert_int_ne(kept, -1);
	pid_t pid = fork();
	if (pid == 0) {
		snapshot_read_only(s);
		_exit(try_to_write(page, kept));
	}
	int status = status_of(pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "status %x", (unsigned)status);
	ck_assert(reads(SPAN("policy"), 1));
	ck_assert(publish(SPAN("the parent still writes")));
	ck_assert(reads(SPAN("the parent still writes"), 2));
	close(kept);
}
END_TEST

START_TEST(workers_hold_no_descriptor)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (find_memfd() == -1)
			_exit(1);
		snapshot_read_only(s);
		_exit(find_memfd() == -1 ? 0 : 2);
	}
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

START_TEST(too_large_is_refused)
{
	ck_assert_ptr_null(snapshot_new((size_t)1 << 32));
	ck_assert_int_eq(errno, EFBIG);
	snapshot_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("snapshot");
	TCase *tc = tcase_create("snapshot");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_then_generations);
	tcase_add_test(tc, full_means_full);
	tcase_add_test(tc, exact_fit);
	tcase_add_test(tc, workers_see_what_is_published_later);
	tcase_add_test(tc, workers_cannot_write);
	tcase_add_test(tc, workers_hold_no_descriptor);
	tcase_add_test(tc, too_large_is_refused);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
