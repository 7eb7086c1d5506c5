/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an image: one reader per thread, with two caches.
 *
 * Data blocks: direct-mapped by a hash of the block number. Page tables: a hash with chained slots, oldest evicted
 * first, so that a walk's few live tables stay put while others come. Failures are never cached.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	DATA_CACHE_BYTES = 4 << 20,
	TABLE_SLOTS = 8192,
	TABLE_BUCKETS = 8192,
	TABLE_CHUNK = 64,      /* tables allocated at a time */
	TABLE_CACHE_BYTES = 64 << 20,
	WINDOW_BYTES = 64 << 10,  /* read at once where reads follow each other: a syscall costs as much as copying a page */
	NO_SLOT = UINT32_MAX,
};

struct table_slot {
	uint64_t pa;
	uint32_t size;
	uint32_t next;  /* in its bucket */
	uint8_t *bytes;
};

struct mmw_reader {
	const struct mmw_image *img;
	void *priv;

	uint64_t *block_of;  /* data slot -> block number + 1; 0 is empty */
	uint8_t *blocks;
	size_t n_blocks;

	struct table_slot *tables;
	uint32_t *buckets;
	uint32_t used, limit, evict;
	uint64_t evictions;
	uint32_t table_size;  /* what each slot's storage holds */
	uint8_t **chunks;
	size_t n_chunks;

	size_t hint;  /* the extent the last read was in */
	/* Plain extents: what was read ahead, and where the last small read ended. */
	uint8_t *window;
	uint64_t window_pa, last_end;
	size_t window_len;
};

const struct mmw_image *mmw_reader_image(const struct mmw_reader *r)
{
	return r->img;
}

int mmw_reader_open(const struct mmw_image *img, struct mmw_reader **out, struct mmw_err *err)
{
	const struct mmw_format *fmt = img->format;
	struct mmw_reader *r = calloc(1, sizeof(*r));
	int rc = 0;

	if (!r)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a reader");
	r->img = img;
	r->n_blocks = DATA_CACHE_BYTES / img->block_size;
	if (r->n_blocks < 16)
		r->n_blocks = 16;
	r->block_of = calloc(r->n_blocks, sizeof(*r->block_of));
	r->blocks = malloc(r->n_blocks * img->block_size);
	r->window = malloc(WINDOW_BYTES);
	r->last_end = UINT64_MAX;
	if (!r->block_of || !r->blocks || !r->window)
		rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a reader's cache");
	if (!rc && fmt && fmt->reader_open)
		rc = fmt->reader_open(img, &r->priv, err);
	if (rc) {
		mmw_reader_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

void mmw_reader_close(struct mmw_reader *r)
{
	if (!r)
		return;
	if (r->priv)
		r->img->format->reader_close(r->priv);
	for (size_t i = 0; i < r->n_chunks; i++)
		free(r->chunks[i]);
	free(r->chunks);
	free(r->tables);
	free(r->buckets);
	free(r->block_of);
	free(r->blocks);
	free(r->window);
	free(r);
}

/* --- plain file extents --------------------------------------------------------------------------------------- */

static int absent(const struct mmw_image *img, uint64_t pa, struct mmw_err *err)
{
	return mmw_fail(err, MMW_E_NODATA, pa, "physical 0x%llx is not in the image%s", (unsigned long long)pa,
			img->absent_or_zero ? " (or was zero: this format does not tell)" : "");
}

static int not_stored(const struct mmw_image *img, uint64_t pa, enum mmw_state state, struct mmw_err *err)
{
	if (state == MMW_EXCLUDED)
		return mmw_fail(err, MMW_E_EXCLUDED, pa, "physical 0x%llx was left out by the dumper%s", (unsigned long long)pa,
				img->excluded_or_zero ? " (or was zero: this format does not tell)" : "");
	return mmw_fail(err, MMW_E_TRUNCATED, pa, "physical 0x%llx lies past the end of the truncated file",
			(unsigned long long)pa);
}

static const struct mmw_file_extent *find_extent(struct mmw_reader *r, uint64_t pa)
{
	const struct mmw_image *img = r->img;
	size_t lo = 0, hi = img->n_ext;

	if (r->hint < hi && pa - img->ext[r->hint].pa < img->ext[r->hint].len)
		return &img->ext[r->hint];
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct mmw_file_extent *e = &img->ext[mid];

		if (pa < e->pa) {
			hi = mid;
		} else if (pa - e->pa >= e->len) {
			lo = mid + 1;
		} else {
			r->hint = mid;
			return e;
		}
	}
	return NULL;
}

/* n bytes at `in` of an extent that a file has. A read that starts where the last one ended is worth more than it asks for. */
static int read_file(struct mmw_reader *r, const struct mmw_file_extent *e, uint64_t in, uint8_t *buf, size_t n,
		     struct mmw_err *err)
{
	uint64_t pa = e->pa + in;
	bool onward = pa == r->last_end;
	size_t ahead;

	if (n > WINDOW_BYTES / 4)
		return mmw_file_read(e->file, e->off + in, buf, n, err);
	r->last_end = pa + n;
	if (pa - r->window_pa < r->window_len && n <= r->window_len - (pa - r->window_pa)) {
		memcpy(buf, r->window + (pa - r->window_pa), n);
		return 0;
	}
	ahead = e->len - in < WINDOW_BYTES ? e->len - in : WINDOW_BYTES;
	r->window_len = 0;
	if (!onward || mmw_file_read(e->file, e->off + in, r->window, ahead, NULL))
		return mmw_file_read(e->file, e->off + in, buf, n, err);
	r->window_pa = pa;
	r->window_len = ahead;
	memcpy(buf, r->window, n);
	return 0;
}

/* [in, in + n) of an extent that is stored. */
static int read_stored(struct mmw_reader *r, const struct mmw_file_extent *e, uint64_t in, uint8_t *buf, size_t n,
		       struct mmw_err *err)
{
	uint64_t off = e->off + in;
	int rc;

	if (e->file)
		return read_file(r, e, in, buf, n, err);
	if (!e->packed) {
		memset(buf, 0, n);
		return 0;
	}
	rc = r->img->format->read_packed(r->img, r->priv, off, buf, n, err);
	if (rc && err)
		err->addr = e->pa + in + (err->addr - off);
	return rc;
}

static int read_extents(struct mmw_reader *r, uint64_t pa, uint8_t *buf, size_t len, struct mmw_err *err)
{
	while (len) {
		const struct mmw_file_extent *e = find_extent(r, pa);
		uint64_t in;
		size_t n;
		int rc;

		if (!e)
			return absent(r->img, pa, err);
		if (e->state != MMW_STORED)
			return not_stored(r->img, pa, e->state, err);
		in = pa - e->pa;
		n = e->len - in < len ? e->len - in : len;
		rc = read_stored(r, e, in, buf, n, err);
		if (rc)
			return rc;
		pa += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/* --- data blocks ---------------------------------------------------------------------------------------------- */

static int read_block(struct mmw_reader *r, uint64_t block, uint8_t *buf, struct mmw_err *err)
{
	const struct mmw_image *img = r->img;

	if (img->format && img->format->read_block)
		return img->format->read_block(img, r->priv, block, buf, err);
	return read_extents(r, block * img->block_size, buf, img->block_size, err);
}

static int cached_block(struct mmw_reader *r, uint64_t block, const uint8_t **out, struct mmw_err *err)
{
	size_t slot = (block * 0x9e3779b97f4a7c15u >> 20) % r->n_blocks;
	uint8_t *bytes = r->blocks + slot * r->img->block_size;

	if (r->block_of[slot] != block + 1) {
		int rc;

		r->block_of[slot] = 0;
		rc = read_block(r, block, bytes, err);
		if (rc)
			return rc;
		r->block_of[slot] = block + 1;
	}
	*out = bytes;
	return 0;
}

/* Decoding is what costs here, so whole blocks go through the cache as well: the next reader of them is near. */
static int read_blocks(struct mmw_reader *r, uint64_t pa, uint8_t *buf, size_t len, struct mmw_err *err)
{
	uint32_t size = r->img->block_size;

	while (len) {
		uint32_t in = pa % size;
		size_t n = size - in < len ? size - in : len;
		const uint8_t *bytes;
		int rc = cached_block(r, pa / size, &bytes, err);

		if (rc)
			return rc;
		memcpy(buf, bytes + in, n);
		pa += n;
		buf += n;
		len -= n;
	}
	return 0;
}

int mmw_read(struct mmw_reader *r, uint64_t pa, void *buf, size_t len, struct mmw_err *err)
{
	bool plain = !r->img->format || !r->img->format->read_block;

	if (len && pa > UINT64_MAX - (len - 1))
		return absent(r->img, UINT64_MAX, err);
	if (plain) {
		uint32_t size = r->img->block_size;
		const uint8_t *bytes;

		/* A block that is only partly stored has no cache entry; its stored part is read directly. */
		if (len < size && pa / size == (pa + len - 1) / size && !cached_block(r, pa / size, &bytes, NULL)) {
			memcpy(buf, bytes + pa % size, len);
			return 0;
		}
		return read_extents(r, pa, buf, len, err);
	}
	return read_blocks(r, pa, buf, len, err);
}

/* --- page tables ---------------------------------------------------------------------------------------------- */

static uint32_t bucket_of(uint64_t pa)
{
	return (pa >> 3) * 0x9e3779b97f4a7c15u >> 51;  /* 13 bits: TABLE_BUCKETS */
}

static int tables_init(struct mmw_reader *r, size_t size, struct mmw_err *err)
{
	r->tables = calloc(TABLE_SLOTS, sizeof(*r->tables));
	r->buckets = malloc(TABLE_BUCKETS * sizeof(*r->buckets));
	r->chunks = calloc(TABLE_SLOTS / TABLE_CHUNK, sizeof(*r->chunks));
	if (!r->tables || !r->buckets || !r->chunks)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the table cache");
	memset(r->buckets, 0xff, TABLE_BUCKETS * sizeof(*r->buckets));
	r->table_size = size > 4096 ? 65536 : 4096;
	r->limit = TABLE_CACHE_BYTES / r->table_size;
	if (r->limit > TABLE_SLOTS)
		r->limit = TABLE_SLOTS;
	return 0;
}

/* Start over with larger slots: only when one reader walks tables of two granules, so it may be slow. */
static void tables_reset(struct mmw_reader *r)
{
	for (size_t i = 0; i < r->n_chunks; i++)
		free(r->chunks[i]);
	free(r->chunks);
	free(r->tables);
	free(r->buckets);
	r->chunks = NULL;
	r->tables = NULL;
	r->buckets = NULL;
	r->n_chunks = 0;
	r->used = r->evict = 0;
	r->evictions++;
}

static void unlink_slot(struct mmw_reader *r, uint32_t slot)
{
	uint32_t *at = &r->buckets[bucket_of(r->tables[slot].pa)];

	while (*at != NO_SLOT && *at != slot)
		at = &r->tables[*at].next;
	if (*at == slot)
		*at = r->tables[slot].next;
}

/* A slot to fill: a fresh one while there are any, else the oldest. It is in no bucket. */
static int take_slot(struct mmw_reader *r, uint32_t *out, struct mmw_err *err)
{
	if (r->used < r->limit) {
		uint32_t slot = r->used;

		if (slot % TABLE_CHUNK == 0) {
			uint8_t *chunk = malloc((size_t)TABLE_CHUNK * r->table_size);

			if (!chunk)
				return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the table cache");
			r->chunks[r->n_chunks++] = chunk;
		}
		r->tables[slot].bytes = r->chunks[slot / TABLE_CHUNK] + (size_t)(slot % TABLE_CHUNK) * r->table_size;
		r->used++;
		*out = slot;
		return 0;
	}
	r->evictions++;
	*out = r->evict;
	r->evict = (r->evict + 1) % r->limit;
	if (r->tables[*out].size)
		unlink_slot(r, *out);
	return 0;
}

int mmw_read_table(struct mmw_reader *r, uint64_t pa, size_t size, const uint8_t **out, struct mmw_err *err)
{
	uint32_t slot, b = bucket_of(pa);
	struct table_slot *t;
	int rc;

	if (r->tables && size > r->table_size)
		tables_reset(r);
	if (!r->tables) {
		rc = tables_init(r, size, err);
		if (rc) {
			tables_reset(r);
			return rc;
		}
	}
	for (slot = r->buckets[b]; slot != NO_SLOT; slot = r->tables[slot].next) {
		if (r->tables[slot].pa == pa && r->tables[slot].size == size) {
			*out = r->tables[slot].bytes;
			return 0;
		}
	}
	rc = take_slot(r, &slot, err);
	if (rc)
		return rc;
	t = &r->tables[slot];
	t->size = 0;
	rc = mmw_read(r, pa, t->bytes, size, err);
	if (rc) {
		/* The slot stays out of every bucket and is the next to be reused. */
		if (r->used == slot + 1 && slot % TABLE_CHUNK)
			r->used--;
		return rc;
	}
	t->pa = pa;
	t->size = size;
	t->next = r->buckets[b];
	r->buckets[b] = slot;
	*out = t->bytes;
	return 0;
}

uint64_t mmw_reader_evictions(const struct mmw_reader *r)
{
	return r->evictions;
}
