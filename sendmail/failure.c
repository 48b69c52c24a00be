#include "sendmail/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

bool failure_set(struct failure *f, int status, const char *format, ...)
{
	va_list args;

	f->status = status;
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
	return false;
}

int failure_status(int error)
{
	switch (-error) {
	case EACCES:
	case EPERM:
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return EX_CANTCREAT;
	case EIO:
		return EX_IOERR;
	default:
		return EX_TEMPFAIL;
	}
}

const char *failure_reply(int status)
{
	switch (status) {
	case EX_UNAVAILABLE:
		return "552 5.3.4";
	case EX_DATAERR:
	case EX_USAGE:
		return "554 5.6.0";
	case EX_TEMPFAIL:
		return "452 4.3.1";
	default:
		return "451 4.3.0";
	}
}
