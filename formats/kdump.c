/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kdump-compressed dumps: makedumpfile -c/-l/-p/-z, QEMU dump-guest-memory -z/-l/-s.
 *
 *   block 0            disk_dump_header: "KDUMP   ", i32 version, 6 x char[65] utsname, struct timeval, then u32 each:
 *                      status, block_size, sub_hdr_size, bitmap_blocks, max_mapnr, ... (last: nr_cpus)
 *   block 1            kdump_sub_header (struct sub_layout below), then ELF notes; sub_hdr_size blocks in all
 *   block 1 + sub      1st bitmap: the page is memory.                             bitmap_blocks / 2 blocks
 *                      2nd bitmap: the page has a descriptor, in ascending order.  bitmap_blocks / 2 blocks
 *   next               page_desc[]: u64 offset, u32 size, u32 flags, u64 unused
 *   next               page data, unaligned
 *
 * Bits count from the least significant. Old and unfiltered dumps have one bitmap that serves both purposes. Zero
 * pages all point at one stored block. A page in the 1st bitmap only was filtered out; what a full disk cut off has
 * descriptors of zeros. A part of a split dump has everyone's bitmaps and the descriptors of its own PFN range.
 *
 * Everything is in the byte order and the C ABI of the producer, and nothing says which: struct timeval makes `status`
 * lie at 424 (64-bit, and 32-bit with 64-bit time) or 412, and `unsigned long` and the alignment of off_t give the sub
 * header three shapes. Each is tried and the one that makes most sense is taken.
 *
 * makedumpfile diskdump_mod.h, makedumpfile.c write_kdump_header(); QEMU dump/dump.c, include/sysemu/dump.h.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/kdump_layout.h"
#include "formats/unpack.h"
#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	BLOCK_MIN = 4096,
	BLOCK_MAX = 1 << 20,
	NOTES_MAX = 64 << 20,

	DESC_WINDOW = 170,  /* descriptors read at once when pages are read in order: 4 KiB */
	DESC_FEW = 16,

	LEAF_SHIFT = 15,  /* PFNs per leaf of the bitmaps: 4 KiB of each */
	LEAF_WORDS = 1 << (LEAF_SHIFT - 6),
	LEAF_BYTES = LEAF_WORDS * 8,
	RANK_WORDS = 8,  /* words per entry of a leaf's rank table */
	BITMAP_CHUNK = 64,  /* leaves read at once */
};

/* 512 TiB in pages of 4 KiB, and what one may ask a reader to go through. */
static const uint64_t pfn_max = 1ull << 37;

struct head {
	bool be;
	uint32_t version, status, block_size, sub_blocks, bitmap_blocks, max_mapnr;
};

struct sub {
	uint32_t level, split;
	uint64_t phys_base, start, end, max_mapnr;
	uint64_t vmcoreinfo_at, vmcoreinfo_len, note_at, note_len;
};

/* The bitmaps of 32768 PFNs, as words whose lowest bit is the lowest PFN. */
struct leaf {
	uint64_t ram[LEAF_WORDS], stored[LEAF_WORDS];
	uint64_t *lost;  /* stored, but cut off; NULL when none is */
	uint16_t rank[LEAF_WORDS / RANK_WORDS];  /* stored bits of this leaf before each group of words */
};

struct leaf_slot {
	struct leaf *leaf;  /* NULL: no bit set. Address spaces are far larger than the memory in them. */
	uint64_t rank;      /* stored bits in all leaves before */
};

struct kdump {
	struct leaf_slot *leaves;  /* n_leaves, and one more for the rank at the end */
	uint64_t n_leaves, n_pfn;
	uint64_t base;                   /* added to a PFN of the file to make one of the machine */
	bool split;
	uint64_t part_first, part_stop;  /* PFNs this file has descriptors for */
	uint64_t part_rank;              /* stored bits before part_first */
	uint64_t desc_at, n_desc;
};

struct desc {
	uint64_t offset;
	uint32_t size, flags;
};

/* Descriptors [first, first + n) as they are in the file. */
struct desc_window {
	uint64_t first, n;
	uint8_t bytes[DESC_WINDOW * DESC_LEN];
};

struct kdump_reader {
	struct desc_window window;
	uint64_t zero_at;  /* offset of a stored block known to be all zero; 0 is none */
	struct mmw_unpack *unpack;
	uint8_t packed[];  /* block_size bytes */
};

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void note_add(struct mmw_image *img, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note_add(struct mmw_image *img, const char *fmt, ...)
{
	size_t used = strlen(img->note);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(img->note + used, sizeof(img->note) - used, fmt, ap);
	va_end(ap);
}

/* --- the headers ---------------------------------------------------------------------------------------------- */

static int kdump_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	if (head->len < SIGNATURE_LEN)
		return 0;
	if (memcmp(head->base, "KDUMP   ", SIGNATURE_LEN) && memcmp(head->base, "DISKDUMP", SIGNATURE_LEN))
		return 0;
	return 100;
}

static int parse_head(struct mmw_bytes *b, uint64_t status_at, struct head *h, struct mmw_err *err)
{
	int rc;

	h->be = b->big_endian;
	rc = mmw_bytes_seek(b, MAIN_VERSION, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->version, err);
	rc = rc ? rc : mmw_bytes_seek(b, status_at, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->status, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->block_size, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->sub_blocks, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->bitmap_blocks, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->max_mapnr, err);
	return rc;
}

/* Where the descriptors start. Cannot overflow: 2^33 blocks of at most 2^20 bytes. */
static uint64_t desc_start(const struct head *h)
{
	return (1 + (uint64_t)h->sub_blocks + h->bitmap_blocks) * h->block_size;
}

/* How much sense a reading of the main header makes; 0 is none. */
static int head_score(const struct head *h, uint64_t file_size)
{
	if (h->version > 0xffff || h->block_size < BLOCK_MIN || h->block_size > BLOCK_MAX ||
	    (h->block_size & (h->block_size - 1)) || h->sub_blocks > INT32_MAX ||
	    (uint64_t)h->bitmap_blocks * h->block_size * 8 < h->max_mapnr)
		return 0;
	return 1 + (h->sub_blocks ? 4 : 0) + (desc_start(h) <= file_size ? 4 : 0) + (h->status & ~DH_KNOWN ? 0 : 2) +
	       (h->max_mapnr ? 1 : 0) + (h->version <= 6 ? 1 : 0);
}

/* Read the main header in each byte order and shape; *wide when `status` is where 64-bit machines put it. */
static int read_head(struct mmw_file *f, uint8_t *bytes, struct head *h, bool *wide, struct mmw_err *err)
{
	size_t len = min64(f->size, MAIN_LEN);
	int rc = mmw_file_read(f, 0, bytes, len, err);
	int best = 0;

	if (rc)
		return rc;
	if (len >= SIGNATURE_LEN && !memcmp(bytes, "DISKDUMP", SIGNATURE_LEN))
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "this is a dump of the old diskdump facility "
				"(\"DISKDUMP\", before kdump), which only crash reads");
	if (len < SIGNATURE_LEN || memcmp(bytes, "KDUMP   ", SIGNATURE_LEN))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "no kdump signature");
	for (int shape = 0; shape < 4; shape++) {
		struct mmw_bytes b = mmw_bytes_of(bytes, len, shape & 2, "kdump header");
		struct head try;
		int score;

		rc = parse_head(&b, shape & 1 ? MAIN_STATUS_NARROW : MAIN_STATUS_WIDE, &try, err);
		if (rc)
			return mmw_wrap(err, rc, "truncated");
		score = head_score(&try, f->size);
		if (score > best) {
			best = score;
			*h = try;
			*wide = !(shape & 1);
		}
	}
	if (!best)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "the kdump header makes no sense in any byte order or "
				"word size");
	if (desc_start(h) > f->size)
		return mmw_fail(err, MMW_E_CORRUPT, f->size, "truncated: the kdump headers and bitmaps take %" PRIu64
				" bytes, the file has %" PRIu64, desc_start(h), f->size);
	return 0;
}

/* How many bytes of the sub header a version has. */
static unsigned sub_len(const struct sub_layout *l, uint32_t version)
{
	switch (version) {
	case 0:
		return l->word;
	case 1:
		return l->level + 4;
	case 2:
		return l->end + l->word;
	case 3:
		return l->vmcoreinfo + 8 + l->word;
	case 4:
		return l->note + 8 + l->word;
	case 5:
		return l->erase + 8 + l->word;
	default:
		return l->max64 + 8;
	}
}

/* A word or a quadword at a place that the version may not have, which is then 0. */
static int field(struct mmw_bytes *b, unsigned at, unsigned size, uint64_t *out, struct mmw_err *err)
{
	int rc;

	*out = 0;
	if (at + size > b->len)
		return 0;
	rc = mmw_bytes_seek(b, at, err);
	return rc ? rc : mmw_bytes_word(b, size, out, err);
}

static int parse_sub(struct mmw_file *f, const struct head *h, const struct sub_layout *l, struct sub *s,
		     struct mmw_err *err)
{
	uint8_t bytes[128];
	unsigned len = h->sub_blocks ? sub_len(l, h->version) : 0;
	struct mmw_bytes b = mmw_bytes_of(bytes, len, h->be, "kdump sub header");
	bool wide_pfns = h->version >= 6;
	uint64_t level, split;
	int rc = mmw_file_read(f, h->block_size, bytes, len, err);

	rc = rc ? rc : field(&b, 0, l->word, &s->phys_base, err);
	rc = rc ? rc : field(&b, l->level, 4, &level, err);
	rc = rc ? rc : field(&b, l->split, 4, &split, err);
	rc = rc ? rc : field(&b, wide_pfns ? l->start64 : l->start, wide_pfns ? 8 : l->word, &s->start, err);
	rc = rc ? rc : field(&b, wide_pfns ? l->end64 : l->end, wide_pfns ? 8 : l->word, &s->end, err);
	rc = rc ? rc : field(&b, l->vmcoreinfo, 8, &s->vmcoreinfo_at, err);
	rc = rc ? rc : field(&b, l->vmcoreinfo + 8, l->word, &s->vmcoreinfo_len, err);
	rc = rc ? rc : field(&b, l->note, 8, &s->note_at, err);
	rc = rc ? rc : field(&b, l->note + 8, l->word, &s->note_len, err);
	rc = rc ? rc : field(&b, l->max64, 8, &s->max_mapnr, err);
	if (rc)
		return mmw_wrap(err, rc, "kdump sub header");
	s->level = level;
	s->split = split;
	return 0;
}

/* An area of the sub header's blocks, behind the sub header: 2 when it is there, 1 when there is none, 0 for junk. */
static int area_score(const struct head *h, uint64_t at, uint64_t len)
{
	uint64_t stop = (1 + (uint64_t)h->sub_blocks) * h->block_size;

	if (!at && !len)
		return 1;
	return at > h->block_size && mmw_fits(at, len, stop) ? 2 : 0;
}

static int sub_score(const struct head *h, const struct sub *s)
{
	int score = 1;

	if (h->version >= 2 && s->split <= 1)
		score++;
	if (h->version >= 3)
		score += area_score(h, s->vmcoreinfo_at, s->vmcoreinfo_len);
	if (h->version >= 4)
		score += area_score(h, s->note_at, s->note_len);
	if (h->version >= 6 && min64(s->max_mapnr, UINT32_MAX) == h->max_mapnr)
		score += 2;
	return score;
}

static int read_sub(struct mmw_file *f, const struct head *h, bool wide, struct sub *s, struct mmw_err *err)
{
	/* A wide main header with a narrow sub header: a 32-bit machine with 64-bit time. */
	const struct sub_layout *const layouts[] = { wide ? &sub_wide : &sub_packed, &sub_padded };
	int best = 0;

	for (size_t i = 0; i < mmw_array_len(layouts); i++) {
		struct sub try = { 0 };
		int rc = parse_sub(f, h, layouts[i], &try, err);
		int score;

		if (rc)
			return rc;
		score = sub_score(h, &try);
		if (score > best) {
			best = score;
			*s = try;
		}
	}
	return 0;
}

/* --- what the headers say of the machine ---------------------------------------------------------------------- */

static const char *utsname_field(const uint8_t *main_header, unsigned index, char out[UTSNAME_FIELD + 1])
{
	memcpy(out, main_header + MAIN_UTSNAME + index * UTSNAME_FIELD, UTSNAME_FIELD);
	out[UTSNAME_FIELD] = '\0';
	return out;
}

/* ELF's number for a utsname.machine; 0 for one that says nothing. QEMU writes "Unknown", and "S390X". */
static uint16_t machine_of(const char *name)
{
	static const struct {
		const char *prefix;
		uint16_t machine;
	} known[] = {
		{ "x86_64", EM_X86_64 }, { "aarch64", EM_AARCH64 }, { "arm", EM_ARM }, { "riscv", EM_RISCV },
		{ "s390", EM_S390 }, { "ppc64", EM_PPC64 }, { "ppc", EM_PPC }, { "loongarch", 258 /* EM_LOONGARCH */ },
		{ "mips", EM_MIPS }, { "ia64", EM_IA_64 }, { "sparc64", EM_SPARCV9 }, { "alpha", EM_ALPHA },
	};

	if (name[0] == 'i' && name[1] >= '3' && name[1] <= '6' && !strcmp(name + 2, "86"))
		return EM_386;
	for (size_t i = 0; i < mmw_array_len(known); i++)
		if (!strncasecmp(name, known[i].prefix, strlen(known[i].prefix)))
			return known[i].machine;
	return 0;
}

static int read_area(struct mmw_file *f, uint64_t at, uint64_t len, uint8_t **out, struct mmw_err *err)
{
	int rc;

	if (len > NOTES_MAX || !mmw_fits(at, len, f->size))
		return mmw_fail(err, MMW_E_CORRUPT, at, "%" PRIu64 " bytes of notes at offset %" PRIu64
				" do not fit the file", len, at);
	*out = malloc(len);
	if (!*out)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %" PRIu64 " bytes of notes", len);
	rc = mmw_file_read(f, at, *out, len, err);
	if (rc)
		free(*out);
	return rc;
}

static int take_areas(struct mmw_image *img, const struct sub *s, struct mmw_err *err)
{
	uint8_t *bytes;
	int rc = 0;

	if (s->vmcoreinfo_at && s->vmcoreinfo_len) {
		rc = read_area(img->file, s->vmcoreinfo_at, s->vmcoreinfo_len, &bytes, err);
		if (rc)
			return rc;
		rc = mmw_image_set_vmcoreinfo(img, bytes, s->vmcoreinfo_len, err);
		free(bytes);
	}
	if (!rc && s->note_at && s->note_len) {
		struct mmw_bytes b;

		rc = read_area(img->file, s->note_at, s->note_len, &bytes, err);
		if (rc)
			return rc;
		b = mmw_bytes_of(bytes, s->note_len, img->big_endian, "kdump notes");
		rc = mmw_image_add_notes(img, &b, err);
		free(bytes);
	}
	return rc;
}

/* Damaged notes cost what they say, not the memory behind them. */
static int take_notes(struct mmw_image *img, const struct sub *s, struct mmw_err *err)
{
	int rc = take_areas(img, s, err);

	if (rc != -MMW_E_CORRUPT)
		return rc;
	note_add(img, ", notes damaged");
	return 0;
}

static void describe(struct mmw_image *img, const struct head *h, const struct sub *s)
{
	const char *codec = h->status & DH_ZLIB ? "zlib" : h->status & DH_LZO ? "lzo" :
			    h->status & DH_SNAPPY ? "snappy" : h->status & DH_ZSTD ? "zstd" : "uncompressed";

	snprintf(img->note, sizeof(img->note), "version %" PRIu32 ", %s", h->version, codec);
	if (h->version >= 1)
		note_add(img, ", level %" PRIu32, s->level);
	if (h->status & DH_INCOMPLETE)
		note_add(img, ", incomplete");
	if (h->version >= 2 && s->split)
		note_add(img, ", part of a split dump");
}

/* --- the bitmaps ---------------------------------------------------------------------------------------------- */

static bool all_zero(const uint8_t *p, size_t len)
{
	return !p[0] && !memcmp(p, p + 1, len - 1);
}

/* Stored bits before `pfn`, which may be the end. */
static uint64_t rank_of(const struct kdump *k, uint64_t pfn)
{
	const struct leaf_slot *slot = &k->leaves[pfn >> LEAF_SHIFT];
	unsigned word = (pfn >> 6) % LEAF_WORDS, group = word / RANK_WORDS;
	uint64_t rank = slot->rank;

	if (!slot->leaf)
		return rank;
	rank += slot->leaf->rank[group];
	for (unsigned i = group * RANK_WORDS; i < word; i++)
		rank += __builtin_popcountll(slot->leaf->stored[i]);
	return rank + __builtin_popcountll(slot->leaf->stored[word] & ((1ull << (pfn & 63)) - 1));
}

static bool bit_at(const uint64_t *words, uint64_t pfn)
{
	return words[(pfn >> 6) % LEAF_WORDS] >> (pfn & 63) & 1;
}

/* The bits of 64 PFNs from `pfn` on that lie in [first, stop). */
static uint64_t range_mask(uint64_t pfn, uint64_t first, uint64_t stop)
{
	uint64_t mask = UINT64_MAX;

	if (first >= pfn + 64 || stop <= pfn)
		return 0;
	if (first > pfn)
		mask &= UINT64_MAX << (first - pfn);
	if (stop < pfn + 64)
		mask &= UINT64_MAX >> (pfn + 64 - stop);
	return mask;
}

/* Which of the 64 PFNs from `pfn` on are in one state. */
static uint64_t state_word(const struct kdump *k, uint64_t pfn, enum mmw_state state)
{
	const struct leaf *l = k->leaves[pfn >> LEAF_SHIFT].leaf;
	unsigned word = (pfn >> 6) % LEAF_WORDS;
	uint64_t lost;

	if (!l)
		return 0;
	if (state == MMW_EXCLUDED)
		return l->ram[word] & ~l->stored[word];
	lost = l->lost ? l->lost[word] : 0;
	return l->stored[word] & range_mask(pfn, k->part_first, k->part_stop) & (state == MMW_STORED ? ~lost : lost);
}

/* Fill the leaf of 32768 PFNs from its bytes in the two bitmaps, whatever lies past the last PFN cut off. */
static int add_leaf(struct kdump *k, uint64_t index, const uint8_t *ram, const uint8_t *stored, struct mmw_err *err)
{
	struct leaf *l = calloc(1, sizeof(*l));
	uint64_t pfn = index << LEAF_SHIFT, rank = k->leaves[index].rank;

	if (!l)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the bitmaps of %" PRIu64 " pages", k->n_pfn);
	k->leaves[index].leaf = l;
	for (unsigned i = 0; i < LEAF_WORDS; i++, pfn += 64) {
		uint64_t mask = range_mask(pfn, 0, k->n_pfn);

		l->ram[i] = mmw_get64(ram + i * 8, false) & mask;
		l->stored[i] = mmw_get64(stored + i * 8, false) & mask;
		if (i % RANK_WORDS == 0)
			l->rank[i / RANK_WORDS] = rank - k->leaves[index].rank;
		rank += __builtin_popcountll(l->stored[i]);
	}
	k->leaves[index + 1].rank = rank;
	return 0;
}

/* Leaves [first, first + n): their bytes of the two bitmaps are read into buf. */
static int load_chunk(struct kdump *k, struct mmw_file *f, uint64_t ram_at, uint64_t stored_at, uint64_t first,
		      uint64_t n, uint8_t *buf, struct mmw_err *err)
{
	uint64_t skip = first * LEAF_BYTES, len = min64(n * LEAF_BYTES, (k->n_pfn + 7) / 8 - skip);
	uint8_t *ram = buf, *stored = ram_at == stored_at ? ram : buf + BITMAP_CHUNK * LEAF_BYTES;
	int rc = mmw_file_read(f, ram_at + skip, ram, len, err);

	memset(ram + len, 0, n * LEAF_BYTES - len);
	if (!rc && stored != ram) {
		rc = mmw_file_read(f, stored_at + skip, stored, len, err);
		memset(stored + len, 0, n * LEAF_BYTES - len);
	}
	for (uint64_t i = 0; !rc && i < n; i++, ram += LEAF_BYTES, stored += LEAF_BYTES) {
		if (all_zero(ram, LEAF_BYTES) && all_zero(stored, LEAF_BYTES))
			k->leaves[first + i + 1].rank = k->leaves[first + i].rank;
		else
			rc = add_leaf(k, first + i, ram, stored, err);
	}
	return rc;
}

static int load_bitmaps(struct kdump *k, struct mmw_file *f, const struct head *h, struct mmw_err *err)
{
	uint64_t at = (1 + (uint64_t)h->sub_blocks) * h->block_size;
	uint64_t len = (uint64_t)h->bitmap_blocks * h->block_size, blocks_each;
	uint8_t *buf;
	bool two;
	int rc = 0;

	if (k->n_pfn > len * 8)
		return mmw_fail(err, MMW_E_CORRUPT, at, "the kdump bitmap of %" PRIu64 " bytes is too small "
				"for %" PRIu64 " pages", len, k->n_pfn);
	if (k->n_pfn > pfn_max)
		return mmw_fail(err, MMW_E_LIMIT, 0, "the dump claims %" PRIu64 " pages of address space, more than "
				"any machine has", k->n_pfn);
	blocks_each = ((k->n_pfn + 7) / 8 + h->block_size - 1) / h->block_size;
	two = h->bitmap_blocks >= 2 * blocks_each;
	k->n_leaves = (k->n_pfn + (1 << LEAF_SHIFT) - 1) >> LEAF_SHIFT;
	k->leaves = calloc(k->n_leaves + 1, sizeof(*k->leaves));
	buf = malloc(2 * BITMAP_CHUNK * LEAF_BYTES);
	if (!k->leaves || !buf)
		rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the bitmaps of %" PRIu64 " pages", k->n_pfn);
	for (uint64_t i = 0; !rc && i < k->n_leaves; i += BITMAP_CHUNK) {
		uint64_t n = min64(BITMAP_CHUNK, k->n_leaves - i);

		rc = load_chunk(k, f, at, two ? at + len / 2 : at, i, n, buf, err);
	}
	free(buf);
	return mmw_wrap(err, rc, "kdump bitmaps");
}

/* The first PFN from `pfn` on that is in any state, or n_pfn. */
static uint64_t first_known(const struct kdump *k, uint64_t pfn)
{
	uint64_t skip = UINT64_MAX << (pfn & 63);

	for (pfn &= ~63ull; pfn < k->n_pfn; pfn += 64, skip = UINT64_MAX) {
		uint64_t word;

		if (!k->leaves[pfn >> LEAF_SHIFT].leaf) {
			pfn |= (1 << LEAF_SHIFT) - 64;
			continue;
		}
		word = state_word(k, pfn, MMW_STORED) | state_word(k, pfn, MMW_EXCLUDED) |
		       state_word(k, pfn, MMW_TRUNCATED);
		if (word & skip)
			return pfn + __builtin_ctzll(word & skip);
	}
	return k->n_pfn;
}

/* The first PFN from `pfn` on that is not in this state. */
static uint64_t run_stop(const struct kdump *k, uint64_t pfn, enum mmw_state state)
{
	uint64_t skip = UINT64_MAX << (pfn & 63);

	for (pfn &= ~63ull; pfn < k->n_pfn; pfn += 64, skip = UINT64_MAX) {
		uint64_t out = ~state_word(k, pfn, state) & skip;

		if (out)
			return pfn + __builtin_ctzll(out);
	}
	return k->n_pfn;
}

static int kdump_next_extent(const struct mmw_image *img, uint64_t from, struct mmw_extent *out)
{
	const struct kdump *k = img->priv;
	uint64_t size = img->block_size, pfn = from / size, stop;

	pfn = first_known(k, pfn > k->base ? min64(pfn - k->base, k->n_pfn) : 0);
	if (pfn == k->n_pfn)
		return 0;
	out->state = MMW_STORED;
	while (!(state_word(k, pfn & ~63ull, out->state) >> (pfn & 63) & 1))
		out->state++;
	stop = run_stop(k, pfn, out->state);
	out->pa = (pfn + k->base) * size;
	if (out->pa < from)
		out->pa = from;
	out->len = (stop + k->base) * size - out->pa;
	return 1;
}

/* --- page descriptors ----------------------------------------------------------------------------------------- */

static int fill_window(const struct kdump *k, struct mmw_file *f, struct desc_window *w, uint64_t index,
		       struct mmw_err *err)
{
	uint64_t at = k->desc_at + index * DESC_LEN;
	bool onward = index - w->first < w->n + DESC_WINDOW;  /* reading in order: worth a large read */
	uint64_t n = min64(k->n_desc - index, onward ? DESC_WINDOW : DESC_FEW);
	int rc;

	w->n = 0;
	rc = mmw_file_read(f, at, w->bytes, n * DESC_LEN, NULL);
	if (rc) {
		n = 1;
		rc = mmw_file_read(f, at, w->bytes, DESC_LEN, err);
		if (rc)
			return mmw_wrap(err, rc, "page descriptor %" PRIu64, index);
	}
	w->first = index;
	w->n = n;
	return 0;
}

static int get_desc(const struct kdump *k, struct mmw_file *f, struct desc_window *w, bool be, uint64_t index,
		    struct desc *out, struct mmw_err *err)
{
	const uint8_t *p;

	if (index - w->first >= w->n) {
		int rc = fill_window(k, f, w, index, err);

		if (rc)
			return rc;
	}
	p = w->bytes + (index - w->first) * DESC_LEN;
	*out = (struct desc){ mmw_get64(p, be), mmw_get32(p + 8, be), mmw_get32(p + 12, be) };
	return 0;
}

/* The page's data is not in the file: it was never written, or the file was cut. */
static bool desc_lost(const struct desc *d, uint64_t file_size)
{
	return (!d->offset && !d->size) || !mmw_fits(d->offset, d->size, file_size);
}

/* The dump says so, or the last descriptors show it. */
static bool is_damaged(const struct kdump *k, const struct mmw_image *img, const struct head *h, struct desc_window *w)
{
	struct desc d;

	if (h->status & DH_INCOMPLETE)
		return true;
	for (uint64_t i = k->n_desc > DESC_WINDOW ? k->n_desc - DESC_WINDOW : 0; i < k->n_desc; i++)
		if (get_desc(k, img->file, w, img->big_endian, i, &d, NULL) || desc_lost(&d, img->file->size))
			return true;
	return false;
}

static int mark_lost(struct leaf *l, uint64_t pfn, struct mmw_err *err)
{
	if (!l->lost)
		l->lost = calloc(LEAF_WORDS, sizeof(*l->lost));
	if (!l->lost)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the map of lost pages");
	l->lost[(pfn >> 6) % LEAF_WORDS] |= 1ull << (pfn & 63);
	return 0;
}

/* Only in a damaged dump, whose extents could not tell otherwise: look at every descriptor. */
static int find_lost(struct kdump *k, const struct mmw_image *img, struct desc_window *w, bool *any,
		     struct mmw_err *err)
{
	uint64_t index = 0, pfn = k->part_first;
	struct desc d;

	while ((pfn = first_known(k, pfn)) < k->part_stop) {
		struct leaf *l = k->leaves[pfn >> LEAF_SHIFT].leaf;
		int rc;

		if (bit_at(l->stored, pfn)) {
			rc = get_desc(k, img->file, w, img->big_endian, index++, &d, NULL);
			if (rc && rc != -MMW_E_CORRUPT)
				return mmw_fail(err, -rc, 0, "reading the page descriptors failed");
			if (rc || desc_lost(&d, img->file->size)) {
				*any = true;
				rc = mark_lost(l, pfn, err);
				if (rc)
					return rc;
			}
		}
		pfn++;
	}
	return 0;
}

static int check_damage(struct mmw_image *img, const struct head *h, struct mmw_err *err)
{
	struct kdump *k = img->priv;
	struct desc_window *w = calloc(1, sizeof(*w));
	bool any = false;
	int rc = 0;

	if (!w)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to look at the page descriptors");
	if (is_damaged(k, img, h, w))
		rc = find_lost(k, img, w, &any, err);
	if (any && !(h->status & DH_INCOMPLETE))
		note_add(img, ", truncated");
	free(w);
	return rc;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static int take_part(struct kdump *k, const struct head *h, const struct sub *s, struct mmw_err *err)
{
	k->part_stop = k->n_pfn;
	if (h->version >= 2 && s->split) {
		if (s->start > s->end || s->end > k->n_pfn)
			return mmw_fail(err, MMW_E_CORRUPT, 0, "this part of a split dump claims PFNs 0x%" PRIx64
					" to 0x%" PRIx64 " of 0x%" PRIx64, s->start, s->end, k->n_pfn);
		k->split = true;
		k->part_first = s->start;
		k->part_stop = s->end;
	}
	k->part_rank = rank_of(k, k->part_first);
	k->n_desc = rank_of(k, k->part_stop) - k->part_rank;
	k->desc_at = desc_start(h);
	return 0;
}

/*
 * makedumpfile counts PFNs of 32-bit ARM from the start of memory, QEMU from 0. QEMU leaves the kernel release empty,
 * and a file that knows memory below phys_base cannot count from 0.
 */
static uint64_t pfn_base(const struct kdump *k, const struct mmw_image *img, const struct sub *s, const char *release)
{
	uint64_t base = s->phys_base / img->block_size;

	if (img->machine != EM_ARM || !release[0] || s->phys_base % img->block_size || s->phys_base > UINT32_MAX)
		return 0;
	return first_known(k, 0) < base ? base : 0;
}

static int kdump_open(struct mmw_image *img, struct mmw_err *err)
{
	char text[UTSNAME_FIELD + 1];
	uint8_t bytes[MAIN_LEN];
	struct head h = { 0 };
	struct sub s = { 0 };
	bool wide = false;
	struct kdump *k;
	int rc = read_head(img->file, bytes, &h, &wide, err);

	rc = rc ? rc : read_sub(img->file, &h, wide, &s, err);
	if (rc)
		return rc;
	k = img->priv = calloc(1, sizeof(*k));
	if (!k)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a kdump image");
	img->block_size = h.block_size;
	img->big_endian = h.be;
	img->machine = machine_of(utsname_field(bytes, 4, text));
	describe(img, &h, &s);
	rc = take_notes(img, &s, err);
	k->n_pfn = h.version >= 6 && s.max_mapnr ? s.max_mapnr : h.max_mapnr;
	rc = rc ? rc : load_bitmaps(k, img->file, &h, err);
	rc = rc ? rc : take_part(k, &h, &s, err);
	rc = rc ? rc : check_damage(img, &h, err);
	if (!rc)
		k->base = pfn_base(k, img, &s, utsname_field(bytes, 2, text));
	if (!rc && k->base)
		note_add(img, ", counted from 0x%" PRIx64, s.phys_base);
	return rc;
}

static void kdump_close(struct mmw_image *img)
{
	struct kdump *k = img->priv;

	if (!k)
		return;
	for (uint64_t i = 0; k->leaves && i < k->n_leaves; i++) {
		if (k->leaves[i].leaf)
			free(k->leaves[i].leaf->lost);
		free(k->leaves[i].leaf);
	}
	free(k->leaves);
	free(k);
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static int kdump_reader_open(const struct mmw_image *img, void **priv, struct mmw_err *err)
{
	struct kdump_reader *r = calloc(1, sizeof(*r) + img->block_size);

	if (r)
		r->unpack = mmw_unpack_open();
	if (!r || !r->unpack) {
		free(r);
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a kdump reader");
	}
	*priv = r;
	return 0;
}

static void kdump_reader_close(void *priv)
{
	struct kdump_reader *r = priv;

	mmw_unpack_close(r->unpack);
	free(r);
}

static int check_desc(const struct mmw_image *img, const struct desc *d, uint64_t pa, struct mmw_err *err)
{
	const struct kdump *k = img->priv;
	const char *what = NULL;

	if (!d->offset && !d->size)
		return mmw_fail(err, MMW_E_TRUNCATED, pa, "physical 0x%" PRIx64 " was never written: the dump is "
				"incomplete", pa);
	if (d->flags && d->flags != DH_ZLIB && d->flags != DH_LZO && d->flags != DH_SNAPPY && d->flags != DH_ZSTD)
		what = "has unknown flags";
	else if (d->size > img->block_size || !d->size)
		what = "has an impossible size";
	else if ((d->size == img->block_size) != (d->flags == 0))
		what = "has a size that contradicts its flags";
	else if (d->offset < k->desc_at)
		what = "points into the headers";
	if (what)
		return mmw_fail(err, MMW_E_CORRUPT, pa, "the descriptor of physical 0x%" PRIx64 " %s: offset %" PRIu64
				", size %" PRIu32 ", flags 0x%" PRIx32, pa, what, d->offset, d->size, d->flags);
	if (!mmw_fits(d->offset, d->size, img->file->size))
		return mmw_fail(err, MMW_E_TRUNCATED, pa, "physical 0x%" PRIx64 " lies past the end of the truncated "
				"file: %" PRIu32 " bytes at offset %" PRIu64, pa, d->size, d->offset);
	return 0;
}

/* A block stored as it is. Dumps keep one block of zeros that half their pages point at: know it by its place. */
static int read_stored(const struct mmw_image *img, struct kdump_reader *r, const struct desc *d, uint8_t *buf,
		       struct mmw_err *err)
{
	int rc;

	if (d->offset == r->zero_at) {
		memset(buf, 0, img->block_size);
		return 0;
	}
	rc = mmw_file_read(img->file, d->offset, buf, d->size, err);
	if (!rc && all_zero(buf, d->size))
		r->zero_at = d->offset;
	return rc;
}

/* Of flags that check_desc() has let through. */
static enum mmw_codec codec_of(uint32_t flags)
{
	switch (flags) {
	case DH_ZLIB:
		return MMW_CODEC_ZLIB;
	case DH_LZO:
		return MMW_CODEC_LZO;
	case DH_SNAPPY:
		return MMW_CODEC_SNAPPY;
	default:
		return MMW_CODEC_ZSTD;
	}
}

static int read_data(const struct mmw_image *img, struct kdump_reader *r, const struct desc *d, uint64_t pa,
		     uint8_t *buf, struct mmw_err *err)
{
	int rc;

	if (!d->flags)
		return read_stored(img, r, d, buf, err);
	rc = mmw_file_read(img->file, d->offset, r->packed, d->size, err);
	if (rc)
		return rc;
	rc = mmw_unpack(r->unpack, codec_of(d->flags), r->packed, d->size, buf, img->block_size, err);
	if (rc)
		return mmw_wrap(err, rc, "physical 0x%" PRIx64 ", offset %" PRIu64 ", flags 0x%" PRIx32, pa, d->offset,
				d->flags);
	return 0;
}

static int kdump_read_block(const struct mmw_image *img, void *priv, uint64_t block, void *buf, struct mmw_err *err)
{
	const struct kdump *k = img->priv;
	struct kdump_reader *r = priv;
	uint64_t pa = block * img->block_size, pfn = block - k->base;
	const struct leaf *l = NULL;
	struct desc d;
	int rc;

	if (block >= k->base && pfn < k->n_pfn)
		l = k->leaves[pfn >> LEAF_SHIFT].leaf;
	if (!l || !(bit_at(l->stored, pfn) || bit_at(l->ram, pfn)))
		return mmw_fail(err, MMW_E_NODATA, pa, "physical 0x%" PRIx64 " is not in the image", pa);
	if (!bit_at(l->stored, pfn))
		return mmw_fail(err, MMW_E_EXCLUDED, pa, "physical 0x%" PRIx64 " was left out by the dumper", pa);
	if (l->lost && bit_at(l->lost, pfn))
		return mmw_fail(err, MMW_E_TRUNCATED, pa, "physical 0x%" PRIx64 " is not in the file: the dump is incomplete or "
				"truncated", pa);
	if (pfn < k->part_first || pfn >= k->part_stop)
		return mmw_fail(err, MMW_E_NODATA, pa, "physical 0x%" PRIx64 " is in another part of this split "
				"dump", pa);
	rc = get_desc(k, img->file, &r->window, img->big_endian, rank_of(k, pfn) - k->part_rank, &d, err);
	if (!rc)
		rc = check_desc(img, &d, pa, err);
	if (!rc)
		rc = read_data(img, r, &d, pa, buf, err);
	if (rc && err)
		err->addr = pa;
	return rc;
}

const struct mmw_format mmw_format_kdump = {
	.name = "kdump",
	.summary = "kdump-compressed dump: makedumpfile, QEMU dump-guest-memory -z/-l/-s",
	.probe = kdump_probe,
	.open = kdump_open,
	.read_block = kdump_read_block,
	.next_extent = kdump_next_extent,
	.reader_open = kdump_reader_open,
	.reader_close = kdump_reader_close,
	.close = kdump_close,
};
