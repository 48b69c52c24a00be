#include "common/ipc/counters.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "common/base/hash.h"
#include "common/ipc/page.h"

struct times {
	_Atomic uint64_t buckets[COUNTERS_BOUNDS + 1], sum_ms;
};

struct counters {
	_Atomic uint64_t list; /* hash of counters.def: what the words mean */
	_Atomic uint64_t values[COUNTER_COUNT];
	struct times times[HISTOGRAM_COUNT];
};

static struct counters *own; /* NULL = this process counts nothing */

static const struct {
	const char *name, *help;
} families[] = {
#define FAMILY(family, name, help) [FAMILY_##family] = {name, help},
#include "common/ipc/counters.def"
};

static const struct {
	enum counter_family family;
	const char *labels;
} counters[] = {
#define COUNTER(counter, family, labels) [COUNTER_##counter] = {FAMILY_##family, labels},
#include "common/ipc/counters.def"
};

enum bounds {
#define BOUNDS(bounds, ...) BOUNDS_##bounds,
#include "common/ipc/counters.def"
	BOUNDS_COUNT
};

static const int64_t bounds_ms[BOUNDS_COUNT][COUNTERS_BOUNDS] = {
#define BOUNDS(bounds, ...) [BOUNDS_##bounds] = {__VA_ARGS__},
#include "common/ipc/counters.def"
};

static const struct {
	enum counter_family family;
	const char *labels;
	enum bounds bounds;
} histograms[] = {
#define HISTOGRAM(histogram, family, labels, bounds)                                                                   \
	[HISTOGRAM_##histogram] = {FAMILY_##family, labels, BOUNDS_##bounds},
#include "common/ipc/counters.def"
};

/* All that the words of a page mean. */
static const char list[] = ""
#define COUNTER(counter, family, labels)             "counter " #family " " labels "\n"
#define HISTOGRAM(histogram, family, labels, bounds) "histogram " #family " " labels " " #bounds "\n"
#define BOUNDS(bounds, ...)                          #bounds " " #__VA_ARGS__ "\n"
#include "common/ipc/counters.def"
	;

static uint64_t list_hash(void)
{
	return hash_span(HASH_START, SPAN(list));
}

static struct counters *map(int fd, bool writable)
{
	struct counters *page = page_map(fd, sizeof(struct counters), writable);
	if (!page || atomic_load_explicit(&page->list, memory_order_relaxed) == list_hash())
		return page;
	munmap(page, sizeof(*page));
	return NULL;
}

void counters_map(int fd)
{
	own = map(fd, true);
}

static void add(_Atomic uint64_t *word, uint64_t n)
{
	atomic_fetch_add_explicit(word, n, memory_order_relaxed);
}

void count(enum counter counter)
{
	count_by(counter, 1);
}

void count_by(enum counter counter, uint64_t n)
{
	if (own)
		add(&own->values[counter], n);
}

void count_time(enum histogram histogram, int64_t ms)
{
	const int64_t *bounds = bounds_ms[histograms[histogram].bounds];
	unsigned at = 0;
	if (!own)
		return;
	while (at < COUNTERS_BOUNDS && ms > bounds[at])
		at++;
	add(&own->times[histogram].buckets[at], 1);
	add(&own->times[histogram].sum_ms, ms > 0 ? (uint64_t)ms : 0);
}

int counters_create(int *write_fd, int *read_fd)
{
	int err = page_create("mailroot-counters", sizeof(struct counters), write_fd, read_fd);
	struct counters *page = err ? NULL : page_map(*write_fd, sizeof(*page), true);
	if (!page) /* without the hash no process counts in it */
		return err;
	atomic_store(&page->list, list_hash());
	munmap(page, sizeof(*page));
	return 0;
}

bool counters_fit(int fd)
{
	const struct counters *page = map(fd, false);
	counters_unmap(page);
	return page;
}

void counters_count(int write_fd, enum counter counter)
{
	struct counters *page = map(write_fd, true);
	if (!page)
		return;
	add(&page->values[counter], 1);
	counters_unmap(page);
}

const struct counters *counters_map_read(int fd)
{
	return map(fd, false);
}

void counters_unmap(const struct counters *page)
{
	if (page)
		munmap((void *)(uintptr_t)page, sizeof(*page));
}

static uint64_t read_word(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

uint64_t counters_value(const struct counters *page, enum counter counter)
{
	return read_word(&page->values[counter]);
}

uint64_t counters_bucket(const struct counters *page, enum histogram histogram, unsigned at)
{
	return read_word(&page->times[histogram].buckets[at]);
}

uint64_t counters_sum_ms(const struct counters *page, enum histogram histogram)
{
	return read_word(&page->times[histogram].sum_ms);
}

const char *counters_family_name(enum counter_family family)
{
	return families[family].name;
}

const char *counters_family_help(enum counter_family family)
{
	return families[family].help;
}

enum counter_family counters_family(enum counter counter)
{
	return counters[counter].family;
}

const char *counters_labels(enum counter counter)
{
	return counters[counter].labels;
}

enum counter_family counters_histogram_family(enum histogram histogram)
{
	return histograms[histogram].family;
}

const char *counters_histogram_labels(enum histogram histogram)
{
	return histograms[histogram].labels;
}

int64_t counters_bound_ms(enum histogram histogram, unsigned at)
{
	return bounds_ms[histograms[histogram].bounds][at];
}
