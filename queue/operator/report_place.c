/* Where the queue keeps mail: file systems and their room, and the badmail folder. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "common/ipc/rows.h"
#include "queue/operator/report.h"

/* So many file systems are reported; the spool and badmail come first. */
enum { FILE_SYSTEMS_MAX = 64, NUMBER_MAX = 24 };

void report_disk(const struct queue *q, struct str *to)
{
	struct statvfs disk;
	if (fstatvfs(q->store.new_fd, &disk))
		return;
	report_fact(to, "disk_free", (size_t)disk.f_bavail * disk.f_frsize);
	report_fact(to, "disk_size", (size_t)disk.f_blocks * disk.f_frsize);
	report_fact(to, "disk_free_inodes", (size_t)disk.f_favail);
	report_fact(to, "disk_inodes", (size_t)disk.f_files);
}

struct file_systems {
	dev_t seen[FILE_SYSTEMS_MAX];
	size_t n;
	struct str *to;
};

static bool is_new(struct file_systems *all, dev_t device)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->seen[i] == device)
			return false;
	}
	if (all->n == FILE_SYSTEMS_MAX)
		return false;
	all->seen[all->n++] = device;
	return true;
}

static void report_file_system(struct file_systems *all, const char *folder)
{
	char numbers[4][NUMBER_MAX];
	struct span cells[5] = {span_of(folder)};
	struct statvfs disk;
	struct stat st;
	if (stat(folder, &st) || !is_new(all, st.st_dev) || statvfs(folder, &disk))
		return;
	const uint64_t values[4] = {(uint64_t)disk.f_bavail * disk.f_frsize, (uint64_t)disk.f_blocks * disk.f_frsize,
				    (uint64_t)disk.f_favail, (uint64_t)disk.f_files};
	for (size_t i = 0; i < 4; i++) {
		snprintf(numbers[i], NUMBER_MAX, "%" PRIu64, values[i]);
		cells[i + 1] = span_of(numbers[i]);
	}
	report_cells(all->to, ROW_FILE_SYSTEM, cells, 5);
}

void report_file_systems(const struct queue *q, struct str *to)
{
	struct file_systems all = {.to = to};
	report_file_system(&all, queue_server(q)->dir);
	report_file_system(&all, queue_server(q)->badmail_dir);
	for (size_t i = 0; i < q->drops.n; i++)
		report_file_system(&all, q->drops.at[i].path);
}

void report_badmail(const struct queue *q, struct str *to)
{
	const struct badmail_found *found = &q->badmail;
	if (!found->known)
		return;
	report_fact(to, "badmail_messages", found->messages);
	int64_t age_ms = q->wall_ms > found->newest_ms ? q->wall_ms - found->newest_ms : 0;
	if (found->messages)
		report_fact(to, "badmail_newest_s", (size_t)(age_ms / 1000));
}
