/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking for things in the kernel's own image that no symbol names. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/kernel/bound.h"

enum {
	REACH = 96 << 20,   /* from its text, no kernel's read-only data ends behind this */
	CHUNK = 1 << 20,
	PIECE = 64 << 10,   /* what is not mapped is skipped in such pieces */
	MARK_MAX = 64,
};

void mmw_image_window(const struct mmw_kernel *k, uint64_t *va, uint64_t *len)
{
	uint64_t text;

	*va = *len = 0;
	if (mmw_kernel_symbol_listed(k, "_stext", &text) && mmw_kernel_symbol_listed(k, "_text", &text))
		return;
	*va = text & ~(uint64_t)(CHUNK - 1);
	*len = REACH;
	if (k->arch->image_last - *va < *len)
		*len = k->arch->image_last - *va + 1;
}

/* What cannot be read is zero, and so is what lies behind the end. False when that is all. */
static bool read_chunk(struct mmw_kernel *k, uint64_t va, uint8_t *buf, uint64_t len)
{
	bool any = false;

	for (uint64_t at = 0; at < len; at += PIECE) {
		uint64_t n = len - at < PIECE ? len - at : PIECE;

		if (mmw_vm_read(&k->vm, va + at, buf + at, n, NULL))
			memset(buf + at, 0, n);
		else
			any = true;
	}
	return any;
}

/* One look at a chunk, which `extra` bytes of the next one follow; true ends the search. */
typedef bool look_fn(void *ctx, uint64_t va, const uint8_t *bytes, size_t len, size_t extra);

static bool look_through(struct mmw_kernel *k, uint64_t first, uint64_t len, size_t extra, look_fn *look, void *ctx)
{
	uint8_t *buf = malloc(CHUNK + MARK_MAX);
	bool found = false;

	for (uint64_t at = 0; buf && at < len && !found; at += CHUNK) {
		/* No mark begins with zeros. */
		found = read_chunk(k, first + at, buf, CHUNK + extra) && look(ctx, first + at, buf, CHUNK, extra);
	}
	free(buf);
	return found;
}

/* In the window, either from its start, or from the symbol table on, which is the end of .rodata, and then what is left. */
static bool look_everywhere(struct mmw_kernel *k, bool data_first, size_t extra, look_fn *look, void *ctx)
{
	uint64_t va, len, skip = 0, symbols = (k->ks_pa + k->delta) & ~(uint64_t)(CHUNK - 1);

	mmw_image_window(k, &va, &len);
	if (data_first && symbols > va && symbols - va < len)
		skip = symbols - va;
	return look_through(k, va + skip, len - skip, extra, look, ctx) || look_through(k, va, skip, extra, look, ctx);
}

struct mark {
	const void *bytes;
	size_t len;
	unsigned align;
	bool (*accept)(void *ctx, uint64_t va);
	void *ctx;
	uint64_t *va;
};

static bool look_for_mark(void *ctx, uint64_t va, const uint8_t *bytes, size_t len, size_t extra)
{
	const struct mark *m = ctx;
	const uint8_t *hit = bytes, *end = bytes + len + extra;

	for (; (hit = memmem(hit, end - hit, m->bytes, m->len)); hit++) {
		*m->va = va + (hit - bytes);
		if (*m->va % m->align == 0 && m->accept(m->ctx, *m->va))
			return true;
	}
	return false;
}

bool mmw_image_find(struct mmw_kernel *k, bool data_first, const void *mark, size_t mark_len, unsigned align,
		    bool (*accept)(void *ctx, uint64_t va), void *ctx, uint64_t *va)
{
	struct mark m = { mark, mark_len, align, accept, ctx, va };

	return mark_len <= MARK_MAX && look_everywhere(k, data_first, mark_len - 1, look_for_mark, &m);
}

struct pointed {
	struct mmw_kernel *k;
	const char *mark;
	bool (*accept)(void *ctx, uint64_t va);
	uint64_t before;
};

static bool look_for_pointer(void *ctx, uint64_t va, const uint8_t *bytes, size_t len, size_t extra)
{
	struct pointed *p = ctx;
	bool be = mmw_image_big_endian(p->k->img);
	unsigned word = p->k->arch->word;
	size_t mark_len = strlen(p->mark);
	char start[MARK_MAX];

	(void)va;
	(void)extra;
	for (size_t at = 0; at < len; at += word) {
		uint64_t to = mmw_get_word(bytes + at, word, be);

		if (!to || to & 0xfff || to == p->before)
			continue;
		p->before = to;
		if (!mmw_vm_read(&p->k->vm, to, start, mark_len, NULL) && !memcmp(start, p->mark, mark_len) &&
		    p->accept(p->k, to))
			return true;
	}
	return false;
}

bool mmw_image_find_page(struct mmw_kernel *k, const char *mark, bool (*accept)(void *ctx, uint64_t va))
{
	struct pointed p = { k, mark, accept, 0 };

	return strlen(mark) <= MARK_MAX && look_everywhere(k, true, 0, look_for_pointer, &p);
}
