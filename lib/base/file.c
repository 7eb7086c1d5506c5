/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"

struct plain_file {
	struct mmw_file file;
	int fd;
	char name[];
};

static int plain_read(struct mmw_file *f, uint64_t off, void *buf, size_t len, struct mmw_err *err)
{
	struct plain_file *p = (struct plain_file *)f;
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(p->fd, (char *)buf + done, len - done, (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mmw_fail_sys(err, "%s: read at offset %llu", f->name, (unsigned long long)(off + done));
		if (n == 0)
			return mmw_fail(err, MMW_E_CORRUPT, off + done, "%s: the file ended at offset %llu while it was read",
					f->name, (unsigned long long)(off + done));
		done += n;
	}
	return 0;
}

/* lseek moves the descriptor's own offset, which pread does not use. */
static void plain_data(struct mmw_file *f, uint64_t off, uint64_t *start, uint64_t *end)
{
	struct plain_file *p = (struct plain_file *)f;
	off_t data = lseek(p->fd, (off_t)off, SEEK_DATA), hole;

	*start = off;
	*end = f->size;
	if (data < 0) {
		if (errno == ENXIO)
			*start = f->size;
		return;
	}
	hole = lseek(p->fd, data, SEEK_HOLE);
	*start = data;
	if (hole > data)
		*end = hole;
}

static void plain_close(struct mmw_file *f)
{
	struct plain_file *p = (struct plain_file *)f;

	close(p->fd);
	free(p);
}

/* The size of what fd names, or a refusal in words. */
static int plain_size(int fd, const char *path, uint64_t *out, struct mmw_err *err)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0)
		return mmw_fail_sys(err, "%s", path);
	if (S_ISDIR(st.st_mode))
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s is a directory", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s is no regular file", path);
	end = S_ISBLK(st.st_mode) ? lseek(fd, 0, SEEK_END) : st.st_size;
	if (end < 0)
		return mmw_fail_sys(err, "%s", path);
	if (end == 0)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s is empty", path);
	*out = end;
	return 0;
}

int mmw_file_of_fd(int fd, const char *name, uint64_t size, struct mmw_file **out, struct mmw_err *err)
{
	size_t name_len = strlen(name) + 1;
	struct plain_file *p = malloc(sizeof(*p) + name_len);

	if (!p)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", name);
	memcpy(p->name, name, name_len);
	p->fd = fd;
	p->file = (struct mmw_file){ .size = size, .name = p->name, .read = plain_read, .close = plain_close,
				     .data = plain_data };
	*out = &p->file;
	return 0;
}

int mmw_file_open(const char *path, struct mmw_file **out, struct mmw_err *err)
{
	uint64_t size = 0;
	int fd, rc;

	/* O_NONBLOCK: a FIFO without a writer must not hang us before it can be refused. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return mmw_fail_sys(err, "%s", path);
	rc = plain_size(fd, path, &size, err);
	rc = rc ? rc : mmw_file_of_fd(fd, path, size, out, err);
	if (rc)
		close(fd);
	return rc;
}

struct slice {
	struct mmw_file file;
	struct mmw_file *outer;
	uint64_t off;
};

static int slice_read(struct mmw_file *f, uint64_t off, void *buf, size_t len, struct mmw_err *err)
{
	struct slice *s = (struct slice *)f;

	return mmw_file_read(s->outer, s->off + off, buf, len, err);
}

static void slice_data(struct mmw_file *f, uint64_t off, uint64_t *start, uint64_t *end)
{
	struct slice *s = (struct slice *)f;

	mmw_file_data(s->outer, s->off + off, start, end);
	*start -= s->off;
	*end -= s->off;
}

static void slice_close(struct mmw_file *f)
{
	struct slice *s = (struct slice *)f;

	mmw_file_close(s->outer);
	free(s);
}

int mmw_file_slice(struct mmw_file *outer, uint64_t off, uint64_t len, struct mmw_file **out, struct mmw_err *err)
{
	struct slice *s;

	if (off >= outer->size)
		return mmw_fail(err, MMW_E_CORRUPT, off, "%s: offset %llu lies past its end at %llu", outer->name,
				(unsigned long long)off, (unsigned long long)outer->size);
	s = malloc(sizeof(*s));
	if (!s)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %s", outer->name);
	if (len > outer->size - off)
		len = outer->size - off;
	s->file = (struct mmw_file){ .size = len, .name = outer->name, .origin = outer->origin + off,
				     .read = slice_read, .close = slice_close, .data = slice_data };
	if (len == outer->size - off) {
		s->file.missing = outer->missing;
		memcpy(s->file.damage, outer->damage, sizeof(s->file.damage));
	}
	s->outer = outer;
	s->off = off;
	*out = &s->file;
	return 0;
}

struct memory_file {
	struct mmw_file file;
	const uint8_t *bytes;
};

static int memory_read(struct mmw_file *f, uint64_t off, void *buf, size_t len, struct mmw_err *err)
{
	(void)err;  /* mmw_file_read has checked the range */
	memcpy(buf, ((struct memory_file *)f)->bytes + off, len);
	return 0;
}

static void memory_close(struct mmw_file *f)
{
	free(f);
}

int mmw_file_memory(const void *bytes, size_t len, const char *name, struct mmw_file **out, struct mmw_err *err)
{
	struct memory_file *m = malloc(sizeof(*m));

	if (!m)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %s", name);
	m->bytes = bytes;
	m->file = (struct mmw_file){ .size = len, .name = name, .read = memory_read, .close = memory_close };
	*out = &m->file;
	return 0;
}

int mmw_file_read(struct mmw_file *f, uint64_t off, void *buf, size_t len, struct mmw_err *err)
{
	if (!mmw_fits(off, len, f->size))
		return mmw_fail(err, MMW_E_CORRUPT, off, "%s: %zu bytes at offset %llu lie past its end at %llu (truncated?)",
				f->name, len, (unsigned long long)off, (unsigned long long)f->size);
	return len ? f->read(f, off, buf, len, err) : 0;
}

void mmw_file_data(struct mmw_file *f, uint64_t off, uint64_t *start, uint64_t *end)
{
	*start = off < f->size ? off : f->size;
	*end = f->size;
	if (!f->data || off >= f->size)
		return;
	f->data(f, off, start, end);
	if (*start > f->size)
		*start = f->size;
	if (*end > f->size)
		*end = f->size;
}

void mmw_file_close(struct mmw_file *f)
{
	if (f)
		f->close(f);
}
