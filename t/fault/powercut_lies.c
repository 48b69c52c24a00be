/* What a careless server does: each flush succeeds and does nothing. powercut.py --lies loads it (preload.py), and must
 * find losses. */
int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int syncfs(int fd)
{
	(void)fd;
	return 0;
}
