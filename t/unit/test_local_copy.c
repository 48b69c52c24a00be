#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "delivery/local/copy.h"
#include "t/unit/suite.h"

static const char id[] = "00000000AAAAAAAAAAAAAAAA";
#define BODY "Received: x\r\nSubject: y\r\n\r\n.text \xff\r\n"
#define HEAD "x-sender: a@example.com\r\nx-receiver: b@example.com\r\nx-receiver: c@example.org\r\n"

struct fixture {
	char base[64], folder[128], standard[128];
	struct config_local_domain domains[2];
	struct config_server server;
	struct address rcpts[2];
	struct envelope envelope;
	struct arena arena;
	struct outcomes outcomes;
	struct copy_job job;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->base, "/tmp/mailroot-copy-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->base));
	snprintf(f->folder, sizeof(f->folder), "%s/sales", f->base);
	snprintf(f->standard, sizeof(f->standard), "%s/drop", f->base);
	ck_assert(mkdir(f->folder, 0755) == 0 && mkdir(f->standard, 0755) == 0);
	f->domains[0] = (struct config_local_domain){.name = "example.com"};
	f->domains[1] = (struct config_local_domain){.name = "example.org", .drop_dir = f->folder};
	f->server.dir = f->base;
	f->server.local_domains = f->domains;
	f->server.local_domain_count = 2;
	f->rcpts[0].text = SPAN("b@example.com");
	f->rcpts[1].text = SPAN("c@example.org");
	f->envelope = (struct envelope){.sender = {.text = SPAN("a@example.com")},
					.rcpts = f->rcpts,
					.rcpt_count = 2,
					.body_at = sizeof(HEAD) - 1};
	arena_init(&f->arena, OUTCOME_ARENA_MAX);
	int fd = memfd_create("message", 0);
	ck_assert_int_eq(fd_write_all(fd, SPAN(HEAD BODY)), 0);
	f->job = (struct copy_job){.server = &f->server,
				   .id = span_of(id),
				   .folder = span_of(f->folder),
				   .message = fd,
				   .size = sizeof(HEAD BODY) - 1,
				   .envelope = &f->envelope};
}

static void tear_down(struct fixture *f)
{
	char command[128];
	close(f->job.message);
	arena_free(&f->arena);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->base);
	ck_assert_int_eq(system(command), 0);
}

static const struct outcome *copy(struct fixture *f, const char *bitmap)
{
	ck_assert(outcomes_select(&f->outcomes, &f->arena, &f->envelope, (struct span){bitmap, 1}));
	copy_deliver(&f->job, &f->outcomes);
	ck_assert_uint_eq(outcomes_open(&f->outcomes), 0);
	return f->outcomes.rcpts[0].outcome;
}

static void expect_file(const struct fixture *f, const char *name, const char *content)
{
	char path[256];
	struct str text;
	struct stat st;
	str_init(&text, 100000);
	snprintf(path, sizeof(path), "%.*s/%s", SPAN_ARGS(f->job.folder), name);
	int fd = open(path, O_RDONLY);
	ck_assert_msg(fd >= 0, "%s", path);
	ck_assert_int_eq(fd_read_all(fd, &text), 0);
	ck_assert_str_eq(str_text(&text), content);
	ck_assert(fstat(fd, &st) == 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	close(fd);
	str_free(&text);
}

/* A message with Return-Path and BODY. */
static void set_body(struct fixture *f, const char *body)
{
	close(f->job.message);
	f->job.message = memfd_create("message", 0);
	ck_assert_int_eq(fd_write_all(f->job.message, SPAN(HEAD)), 0);
	ck_assert_int_eq(fd_write_all(f->job.message, span_of(body)), 0);
	f->job.size = sizeof(HEAD) - 1 + strlen(body);
	f->job.return_path = true;
}

static int count_files(const char *folder)
{
	char command[256];
	int count = -1;
	snprintf(command, sizeof(command), "ls -A '%s' | wc -l", folder);
	FILE *out = popen(command, "r");
	ck_assert_int_eq(fscanf(out, "%d", &count), 1);
	pclose(out);
	return count;
}

START_TEST(only_the_recipients_of_the_job)
{
	struct fixture f;
	umask(022);
	set_up(&f);
	const struct outcome *o = copy(&f, "\x02");
	ck_assert_int_eq(o->event, JOURNAL_DELIVERED);
	expect_file(&f, "00000000AAAAAAAAAAAAAAAA.eml",
		    "x-sender: a@example.com\r\nx-receiver: c@example.org\r\n" BODY);
	ck_assert_int_eq(count_files(f.folder), 1);
	tear_down(&f);
}
END_TEST

/* The same job twice, as after a crash before the verdict: one file. */
START_TEST(twice_is_once)
{
	struct fixture f;
	umask(022);
	set_up(&f);
	ck_assert_int_eq(copy(&f, "\x03")->event, JOURNAL_DELIVERED);
	ck_assert_int_eq(copy(&f, "\x03")->event, JOURNAL_DELIVERED);
	ck_assert_int_eq(count_files(f.folder), 1);
	expect_file(&f, "00000000AAAAAAAAAAAAAAAA.eml", HEAD BODY);
	tear_down(&f);
}
END_TEST

/* Other recipients of the same message: another file, and again each once. */
START_TEST(another_name)
{
	struct fixture f;
	umask(022);
	set_up(&f);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(copy(&f, "\x01")->event, JOURNAL_DELIVERED);
		ck_assert_int_eq(copy(&f, "\x02")->event, JOURNAL_DELIVERED);
	}
	ck_assert_int_eq(count_files(f.folder), 2);
	expect_file(&f, "00000000AAAAAAAAAAAAAAAA-2.eml",
		    "x-sender: a@example.com\r\nx-receiver: c@example.org\r\n" BODY);
	tear_down(&f);
}
END_TEST

#define ENVELOPE "x-sender: a@example.com\r\nx-receiver: b@example.com\r\nReturn-Path: <a@example.com>\r\n"

static const struct {
	const char *body, *content;
} return_paths[] = {
	{BODY, ENVELOPE BODY},
	{"", ENVELOPE},
	{"Return-Path: <q>", ENVELOPE},
	{"Received: x\r\nreturn-PATH : <q>\r\n\tfolded\r\nA: b\r\nReturn-Path:\r\n\r\nReturn-Path: <kept>\r\n",
	 ENVELOPE "Received: x\r\nA: b\r\n\r\nReturn-Path: <kept>\r\n"},
	{"Return-Path: <q>\r\n\r\n", ENVELOPE "\r\n"},
	{"X-Return-Path: <q>\r\nno field\r\nReturn-Path: <r>\r\n",
	 ENVELOPE "X-Return-Path: <q>\r\nno field\r\nReturn-Path: <r>\r\n"},
};

START_TEST(return_path_is_ours_alone)
{
	struct fixture f;
	umask(022);
	set_up(&f);
	set_body(&f, return_paths[_i].body);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(copy(&f, "\x01")->event, JOURNAL_DELIVERED);
	ck_assert_int_eq(count_files(f.folder), 1);
	expect_file(&f, "00000000AAAAAAAAAAAAAAAA.eml", return_paths[_i].content);
	tear_down(&f);
}
END_TEST

START_TEST(return_path_of_the_null_sender)
{
	struct fixture f;
	umask(022);
	set_up(&f);
	set_body(&f, BODY);
	f.envelope.sender = (struct address){.text = {NULL, 0}};
	ck_assert_int_eq(copy(&f, "\x01")->event, JOURNAL_DELIVERED);
	expect_file(&f, "00000000AAAAAAAAAAAAAAAA.eml",
		    "x-sender: <>\r\nx-receiver: b@example.com\r\nReturn-Path: <>\r\n" BODY);
	tear_down(&f);
}
END_TEST

/* A field at the end of the searched part stays whole, at whichever octet that part ends. */
START_TEST(return_path_at_the_bound)
{
	static const char field[] = "Return-Path: <q>\r\n folded\r\n", rest[] = "B: c\r\n\r\ntext\r\n";
	enum { BOUND = 64 * 1024 };
	for (size_t beyond = 0; beyond <= sizeof(field) + 3; beyond++) {
		struct fixture f;
		char body[BOUND + 200], content[BOUND + 400];
		size_t filler = BOUND - (sizeof(field) - 1) - 1 + beyond;
		snprintf(body, sizeof(body), "A:%0*d\r\n%s%s", (int)filler - 4, 0, field, rest);
		umask(022);
		set_up(&f);
		set_body(&f, body);
		snprintf(content, sizeof(content), "%sA:%0*d\r\n%s%s", ENVELOPE, (int)filler - 4, 0,
			 beyond ? field : "", rest);
		ck_assert_int_eq(copy(&f, "\x01")->event, JOURNAL_DELIVERED);
		expect_file(&f, "00000000AAAAAAAAAAAAAAAA.eml", content);
		tear_down(&f);
	}
}
END_TEST

START_TEST(names_run_out)
{
	struct fixture f;
	char path[256];
	set_up(&f);
	for (int i = 1; i <= 9; i++) {
		char number[8] = "";
		if (i > 1)
			snprintf(number, sizeof(number), "-%d", i);
		snprintf(path, sizeof(path), "%s/%s%s.eml", f.folder, id, number);
		ck_assert(symlink("/etc/passwd", path) == 0);
	}
	ck_assert_int_eq(copy(&f, "\x01")->event, JOURNAL_DELAYED);
	ck_assert_int_eq(count_files(f.folder), 9);
	tear_down(&f);
}
END_TEST

/* Files that a dead worker left do not prevent the copy. */
START_TEST(leftover)
{
	struct fixture f;
	char path[256];
	umask(022);
	set_up(&f);
	snprintf(path, sizeof(path), "%s/.%s.eml", f.folder, id);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert(fd_write_all(fd, SPAN("half")) == 0);
	close(fd);
	ck_assert_int_eq(copy(&f, "\x03")->event, JOURNAL_DELIVERED);
	ck_assert_int_eq(count_files(f.folder), 1);
	tear_down(&f);
}
END_TEST

START_TEST(standard_folder)
{
	struct fixture f;
	umask(022);
	set_up(&f);
	f.job.folder = span_of(f.standard);
	ck_assert_int_eq(copy(&f, "\x01")->event, JOURNAL_DELIVERED);
	ck_assert_int_eq(count_files(f.standard), 1);
	tear_down(&f);
}
END_TEST

static void expect_delayed(struct fixture *f, const char *folder, const char *text)
{
	f->job.folder = span_of(folder);
	const struct outcome *o = copy(f, "\x01");
	ck_assert_int_eq(o->event, JOURNAL_DELAYED);
	ck_assert_msg(memmem(o->text.at, o->text.len, text, strlen(text)) != NULL, "%.*s", SPAN_ARGS(o->text));
}

START_TEST(no_such_folder)
{
	struct fixture f;
	char link[256];
	set_up(&f);
	expect_delayed(&f, "/tmp", "not a drop folder");
	expect_delayed(&f, "", "not a drop folder");
	snprintf(link, sizeof(link), "%s/../sales", f.folder);
	expect_delayed(&f, link, "not a drop folder");
	ck_assert(rmdir(f.folder) == 0);
	expect_delayed(&f, f.folder, "No such file");
	ck_assert(symlink(f.standard, f.folder) == 0);
	expect_delayed(&f, f.folder, "symbolic link");
	ck_assert_int_eq(count_files(f.standard), 0);
	tear_down(&f);
}
END_TEST

/* A message that is shorter than its name says is never delivered as complete. */
START_TEST(short_message)
{
	struct fixture f;
	set_up(&f);
	f.job.size++;
	ck_assert_int_eq(copy(&f, "\x01")->event, JOURNAL_DELAYED);
	ck_assert_int_eq(count_files(f.folder), 0);
	tear_down(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("copy");
	TCase *all = tcase_create("all");
	tcase_add_test(all, only_the_recipients_of_the_job);
	tcase_add_test(all, twice_is_once);
	tcase_add_test(all, another_name);
	tcase_add_loop_test(all, return_path_is_ours_alone, 0, sizeof(return_paths) / sizeof(return_paths[0]));
	tcase_add_test(all, return_path_of_the_null_sender);
	tcase_add_test(all, return_path_at_the_bound);
	tcase_add_test(all, names_run_out);
	tcase_add_test(all, leftover);
	tcase_add_test(all, standard_folder);
	tcase_add_test(all, no_such_folder);
	tcase_add_test(all, short_message);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
