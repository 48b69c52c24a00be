/*
 * Any text as a configuration. Either errors are reported, or the canonical text, with its origins, and the output of
 * config show, which is a configuration itself, have the same meaning.
 */
#include <string.h>

#include "common/config/config.h"
#include "t/fuzz/must.h"

enum { SHOWN_MAX = 64 << 20 };

static void show(const struct config *config, struct str *to)
{
	str_init(to, SHOWN_MAX);
	config_show(config, to);
	MUST(!to->failed);
}

static void check_reads_again(const struct str *shown, size_t servers)
{
	struct config_report report = {0};
	struct config config;
	str_init(&report.text, SHOWN_MAX);
	struct config_tree *tree = config_read_text("again", str_span(shown), &report);
	MUST(config_build(tree, "host.example.com", &config, &report));
	MUST(config.server_count == servers);
	config_free(&config);
	config_tree_free(tree);
	str_free(&report.text);
}

static void check_child(const struct config_tree *tree, const struct str *shown)
{
	struct config config;
	struct str canonical, again;
	str_init(&canonical, SHOWN_MAX);
	config_tree_write(tree, "host.example.com", NULL, (unsigned)ROLE_ALL, &canonical);
	MUST(config_parse_canonical(str_span(&canonical), &config));
	show(&config, &again);
	MUST(!strcmp(str_text(shown), str_text(&again)));
	config_free(&config);
	str_free(&canonical);
	str_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_report report = {0};
	struct config config;
	struct str shown;
	str_init(&report.text, SHOWN_MAX);
	struct config_tree *tree = config_read_text("fuzz", (struct span){(const char *)data, size}, &report);
	MUST(tree);
	bool good = config_build(tree, "host.example.com", &config, &report);
	MUST(good == !report.errors);
	MUST(good || report.text.len);
	if (good) {
		show(&config, &shown);
		check_child(tree, &shown);
		check_reads_again(&shown, config.server_count);
		str_free(&shown);
	}
	config_free(&config);
	config_tree_free(tree);
	config_parse_canonical((struct span){(const char *)data, size}, &config);
	config_free(&config);
	str_free(&report.text);
	return 0;
}
