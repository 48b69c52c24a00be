#include "common/tls/authorities.h"

#include <stddef.h>
#include <unistd.h>

/* All authorities in one file: a jail could not read a folder. */
static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
				      "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

const char *authorities_path(void)
{
	for (size_t i = 0; i < sizeof(bundles) / sizeof(*bundles); i++)
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	return NULL;
}

const char *authorities_usual(void)
{
	return bundles[0];
}
