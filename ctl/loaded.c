#include "ctl/loaded.h"

#include <unistd.h>

enum { HOSTNAME_MAX = 256, REPORT_MAX = 16 << 20 };

void loaded_read(const char *file, struct loaded *out)
{
	char hostname[HOSTNAME_MAX] = "localhost";
	*out = (struct loaded){.good = false};
	gethostname(hostname, sizeof(hostname) - 1);
	str_init(&out->report.text, REPORT_MAX);
	struct config_tree *tree = config_read(file, &out->report);
	out->good = tree && config_build(tree, hostname, &out->config, &out->report);
	config_tree_free(tree);
}

void loaded_free(struct loaded *loaded)
{
	config_free(&loaded->config);
	str_free(&loaded->report.text);
}
