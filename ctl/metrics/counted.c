#include "ctl/metrics/counted.h"

static void begin_sample(struct exposition *x, const char *suffix, const char *server, const char *labels)
{
	exposition_sample(x, suffix);
	exposition_label(x, "server", span_of(server));
	exposition_labels(x, labels);
}

static void write_counter(const struct scrape *scrape, enum counter counter, struct exposition *x)
{
	for (size_t i = 0; i < scrape->service.server_count; i++) {
		if (!scrape->pages[i])
			continue;
		begin_sample(x, "", scrape->service.servers[i].name, counters_labels(counter));
		exposition_number(x, counters_value(scrape->pages[i], counter));
	}
}

/* Buckets count all times up to their bound. The page changes meanwhile, so each of its words is read once. */
static void write_times(const struct counters *page, const char *server, enum histogram histogram, struct exposition *x)
{
	const char *labels = counters_histogram_labels(histogram);
	char bound[EXPOSITION_SECONDS_MAX];
	uint64_t sum_ms = counters_sum_ms(page, histogram), n = 0;
	for (unsigned at = 0; at <= COUNTERS_BOUNDS; at++) {
		const char *le = at < COUNTERS_BOUNDS
					 ? exposition_bound((uint64_t)counters_bound_ms(histogram, at), bound)
					 : "+Inf";
		n += counters_bucket(page, histogram, at);
		begin_sample(x, "_bucket", server, labels);
		exposition_label(x, "le", span_of(le));
		exposition_number(x, n);
	}
	begin_sample(x, "_sum", server, labels);
	exposition_seconds(x, sum_ms);
	begin_sample(x, "_count", server, labels);
	exposition_number(x, n);
}

static void write_histogram(const struct scrape *scrape, enum histogram histogram, struct exposition *x)
{
	for (size_t i = 0; i < scrape->service.server_count; i++) {
		if (scrape->pages[i])
			write_times(scrape->pages[i], scrape->service.servers[i].name, histogram, x);
	}
}

static bool is_histogram(enum counter_family family)
{
	for (enum histogram i = 0; i < HISTOGRAM_COUNT; i++) {
		if (counters_histogram_family(i) == family)
			return true;
	}
	return false;
}

void counted_write(const struct scrape *scrape, struct exposition *x)
{
	for (enum counter_family family = 0; family < FAMILY_COUNT; family++) {
		exposition_family(x, counters_family_name(family),
				  is_histogram(family) ? EXPOSITION_HISTOGRAM : EXPOSITION_COUNTER,
				  counters_family_help(family));
		for (enum counter i = 0; i < COUNTER_COUNT; i++) {
			if (counters_family(i) == family)
				write_counter(scrape, i, x);
		}
		for (enum histogram i = 0; i < HISTOGRAM_COUNT; i++) {
			if (counters_histogram_family(i) == family)
				write_histogram(scrape, i, x);
		}
	}
}
