#include "common/dns/txt.h"

bool txt_join(struct span rdata, struct str *to)
{
	while (rdata.len) {
		size_t len = (unsigned char)rdata.at[0];
		if (len >= rdata.len)
			return false;
		str_append(to, (struct span){rdata.at + 1, len});
		rdata = span_skip(rdata, len + 1);
	}
	return !to->failed;
}
