/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"

enum { PIECE = 4096 };  /* what becomes a hole when all of it is zero: a file system's block, mostly */

struct mmw_spool {
	int fd;
	uint64_t size;
	char *dir;
	char name[];
};

/* A file without a name in `dir`. Not every file system makes those; then it has one for a moment. */
static int nameless(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *path;

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	if (asprintf(&path, "%s/mmwalk-XXXXXX", dir) < 0) {
		errno = ENOMEM;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

/* The folder that $TMPDIR names is taken or nothing: who sets it has a reason. */
static int open_somewhere(const char **dir, struct mmw_err *err)
{
	const char *places[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	int fd = -1;

	for (size_t i = places[0] && places[0][0] ? 0 : 1; fd < 0 && i < 3; i++) {
		*dir = places[i];
		fd = nameless(*dir);
		if (!i)
			break;
	}
	return fd < 0 ? mmw_fail_sys(err, "no temporary file in %s (TMPDIR names another folder)", *dir) : fd;
}

int mmw_spool_open(const char *name, struct mmw_spool **out, struct mmw_err *err)
{
	struct mmw_spool *s = calloc(1, sizeof(*s) + strlen(name) + 1);
	const char *dir = NULL;
	int rc;

	if (!s)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %s", name);
	strcpy(s->name, name);
	s->fd = open_somewhere(&dir, err);
	rc = s->fd < 0 ? s->fd : 0;
	if (!rc && !(s->dir = strdup(dir)))
		rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %s", name);
	if (rc)
		mmw_spool_drop(s);
	else
		*out = s;
	return rc;
}

static int write_at(struct mmw_spool *s, const uint8_t *p, size_t len, uint64_t off, struct mmw_err *err)
{
	while (len) {
		ssize_t n = pwrite(s->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n ? errno : ENOSPC;
			return mmw_fail_sys(err, "%s: a temporary file in %s holds %" PRIu64 " bytes of it and no more "
					    "(TMPDIR names a folder with more room)", s->name, s->dir, off);
		}
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* The bytes up to the next piece of the file, or to the end of what there is. */
static size_t piece_at(uint64_t off, size_t left)
{
	size_t n = PIECE - off % PIECE;

	return n < left ? n : left;
}

int mmw_spool_write(struct mmw_spool *s, const void *bytes, size_t len, struct mmw_err *err)
{
	const uint8_t *p = bytes;
	int rc = 0;

	if (!mmw_fits(s->size, len, INT64_MAX))
		return mmw_fail(err, MMW_E_LIMIT, 0, "%s: no file is that large", s->name);
	while (!rc && len) {
		size_t n = piece_at(s->size, len), more;

		if (!mmw_all_zero(p, n)) {
			while (n < len && (more = piece_at(s->size + n, len - n)) && !mmw_all_zero(p + n, more))
				n += more;
			rc = write_at(s, p, n, s->size, err);
		}
		p += n;
		len -= n;
		s->size += n;
	}
	return rc;
}

uint64_t mmw_spool_size(const struct mmw_spool *s)
{
	return s->size;
}

int mmw_spool_finish(struct mmw_spool *s, struct mmw_file **out, struct mmw_err *err)
{
	int rc;

	if (ftruncate(s->fd, (off_t)s->size))
		rc = mmw_fail_sys(err, "%s: a temporary file in %s of %" PRIu64 " bytes", s->name, s->dir, s->size);
	else
		rc = mmw_file_of_fd(s->fd, s->name, s->size, out, err);
	if (!rc)
		s->fd = -1;
	mmw_spool_drop(s);
	return rc;
}

void mmw_spool_drop(struct mmw_spool *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->dir);
	free(s);
}
