/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kdump-compressed dumps: makedumpfile -c/-l/-p/-z, QEMU dump-guest-memory -z/-l/-s; and diskdump's before them.
 *
 *   block 0            disk_dump_header: "KDUMP   ", i32 version, 6 x char[65] utsname, struct timeval, then u32 each:
 *                      status, block_size, sub_hdr_size, bitmap_blocks, max_mapnr, ... (last: nr_cpus)
 *   block 1            kdump_sub_header (kdump_head.c), then ELF notes; sub_hdr_size blocks in all
 *   block 1 + sub      1st bitmap: the page is memory.                             bitmap_blocks / 2 blocks
 *                      2nd bitmap: the page has a descriptor, in ascending order.  bitmap_blocks / 2 blocks
 *   next               page_desc[]: u64 offset, u32 size, u32 flags, u64 unused
 *   next               page data, unaligned
 *
 * Bits count from the least significant. Old and unfiltered dumps have one bitmap that serves both purposes. Zero
 * pages all point at one stored block. A page in the 1st bitmap only was filtered out; what a full disk cut off has
 * descriptors of zeros. A part of a split dump (makedumpfile --split) has everyone's main header and bitmaps, and the
 * descriptors of its own PFN range; --part names the others.
 *
 * Everything is in the byte order and the C ABI of the producer, and nothing says which: struct timeval makes `status`
 * lie at 424 (64-bit, and 32-bit with 64-bit time) or 412, and `unsigned long` and the alignment of off_t give the sub
 * header three shapes. Each is tried and the one that makes most sense is taken.
 *
 * "DISKDUMP" (RHEL 3 and 4) is the same with another sub header, which points at registers in memory, and another meaning
 * of `status`. No such file was at hand: this follows what crash (diskdump.c) and diskdump's own header say.
 *
 * makedumpfile diskdump_mod.h, makedumpfile.c write_kdump_header(); QEMU dump/dump.c, include/sysemu/dump.h.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/kdump_head.h"
#include "formats/unpack.h"
#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	NOTES_MAX = 64 << 20,

	DESC_WINDOW = 170,  /* descriptors read at once when pages are read in order: 4 KiB */
	DESC_FEW = 16,

	COMPARE_CHUNK = 256 << 10,
	MISSING_SHOWN = 3,

	LEAF_SHIFT = 15,  /* PFNs per leaf of the bitmaps: 4 KiB of each */
	LEAF_WORDS = 1 << (LEAF_SHIFT - 6),
	LEAF_BYTES = LEAF_WORDS * 8,
	RANK_WORDS = 8,  /* words per entry of a leaf's rank table */
	BITMAP_CHUNK = 64,  /* leaves read at once */
};

/* 512 TiB in pages of 4 KiB, and what one may ask a reader to go through. */
static const uint64_t pfn_max = 1ull << 37;

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

/* A file and the PFNs [first, stop) it has descriptors for. */
struct part {
	struct mmw_file *file;  /* borrowed from the image */
	uint64_t first, stop;
	uint64_t rank;          /* stored bits before `first` */
	uint64_t desc_at, n_desc;
};

struct kdump {
	struct leaf_slot *leaves;  /* n_leaves, and one more for the rank at the end */
	uint64_t n_leaves, n_pfn;
	uint64_t base;             /* added to a PFN of the file to make one of the machine */
	bool split;
	struct part *parts;        /* ascending; one that has all PFNs when the dump is not split */
	size_t n_parts;
};

struct desc {
	uint64_t offset;
	uint32_t size, flags;
};

/* Descriptors [first, first + n) of a part, as they are in its file. */
struct desc_window {
	const struct part *part;
	uint64_t first, n;
	uint8_t bytes[DESC_WINDOW * DESC_LEN];
};

struct kdump_reader {
	struct desc_window window;
	uint64_t zero_at;  /* offset of a stored block known to be all zero; 0 is none */
	const struct part *zero_part;
	struct mmw_unpack *unpack;
	uint8_t packed[];  /* block_size bytes */
};

static int kdump_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return head->len >= SIGNATURE_LEN && mmw_kdump_signature(head->base) ? 100 : 0;
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

static int take_areas(struct mmw_image *img, const struct kdump_sub *s, struct mmw_err *err)
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
static int take_notes(struct mmw_image *img, const struct kdump_sub *s, struct mmw_err *err)
{
	int rc = take_areas(img, s, err);

	if (rc != -MMW_E_CORRUPT)
		return rc;
	mmw_image_note_add(img, ", notes damaged");
	return 0;
}

static void describe(struct mmw_image *img, const struct kdump_head *h, const struct kdump_sub *s)
{
	const char *codec = h->status & DH_ZLIB ? "zlib" : h->status & DH_LZO ? "lzo" :
			    h->status & DH_SNAPPY ? "snappy" : h->status & DH_ZSTD ? "zstd" : "uncompressed";

	if (h->disk)
		codec = h->status & DISK_COMPRESSED ? "zlib" : "uncompressed";
	snprintf(img->note, sizeof(img->note), "%sversion %" PRIu32 ", %s", h->disk ? "diskdump " : "", h->version, codec);
	if (h->version >= 1 && !h->disk)
		mmw_image_note_add(img, ", level %" PRIu32, s->level);
	if (mmw_kdump_is_incomplete(h))
		mmw_image_note_add(img, ", incomplete");
}

/* --- the bitmaps ---------------------------------------------------------------------------------------------- */

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

/* The first part that ends above `pfn`, or n_parts. */
static size_t part_after(const struct kdump *k, uint64_t pfn)
{
	size_t lo = 0, hi = k->n_parts;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->parts[mid].stop <= pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Which of the 64 PFNs from `pfn` on lie in a part that is there. */
static uint64_t parts_word(const struct kdump *k, uint64_t pfn)
{
	uint64_t word = 0;

	if (!k->split)
		return UINT64_MAX;
	for (size_t i = part_after(k, pfn); i < k->n_parts && k->parts[i].first < pfn + 64; i++)
		word |= range_mask(pfn, k->parts[i].first, k->parts[i].stop);
	return word;
}

/* Which of the 64 PFNs from `pfn` on are in one state. */
static uint64_t state_word(const struct kdump *k, uint64_t pfn, enum mmw_state state)
{
	const struct leaf *l = k->leaves[pfn >> LEAF_SHIFT].leaf;
	unsigned word = (pfn >> 6) % LEAF_WORDS;
	uint64_t there;

	if (!l)
		return 0;
	if (state == MMW_EXCLUDED)
		return l->ram[word] & ~l->stored[word];
	there = parts_word(k, pfn) & ~(l->lost ? l->lost[word] : 0);
	return l->stored[word] & (state == MMW_STORED ? there : ~there);
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
	uint64_t skip = first * LEAF_BYTES, len = mmw_min64(n * LEAF_BYTES, (k->n_pfn + 7) / 8 - skip);
	uint8_t *ram = buf, *stored = ram_at == stored_at ? ram : buf + BITMAP_CHUNK * LEAF_BYTES;
	int rc = mmw_file_read(f, ram_at + skip, ram, len, err);

	memset(ram + len, 0, n * LEAF_BYTES - len);
	if (!rc && stored != ram) {
		rc = mmw_file_read(f, stored_at + skip, stored, len, err);
		memset(stored + len, 0, n * LEAF_BYTES - len);
	}
	for (uint64_t i = 0; !rc && i < n; i++, ram += LEAF_BYTES, stored += LEAF_BYTES) {
		if (mmw_all_zero(ram, LEAF_BYTES) && mmw_all_zero(stored, LEAF_BYTES))
			k->leaves[first + i + 1].rank = k->leaves[first + i].rank;
		else
			rc = add_leaf(k, first + i, ram, stored, err);
	}
	return rc;
}

static int load_bitmaps(struct kdump *k, struct mmw_file *f, const struct kdump_head *h, struct mmw_err *err)
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
		uint64_t n = mmw_min64(BITMAP_CHUNK, k->n_leaves - i);

		rc = load_chunk(k, f, at, two ? at + len / 2 : at, i, n, buf, err);
	}
	free(buf);
	return mmw_wrap(err, rc, "kdump bitmaps");
}

/* Which of the 64 PFNs from `pfn` on are in any state. */
static uint64_t known_word(const struct kdump *k, uint64_t pfn)
{
	const struct leaf *l = k->leaves[pfn >> LEAF_SHIFT].leaf;
	unsigned word = (pfn >> 6) % LEAF_WORDS;

	return l->ram[word] | l->stored[word];
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
		word = known_word(k, pfn);
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

	pfn = first_known(k, pfn > k->base ? mmw_min64(pfn - k->base, k->n_pfn) : 0);
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

static int fill_window(const struct part *part, struct desc_window *w, uint64_t index, struct mmw_err *err)
{
	uint64_t at = part->desc_at + index * DESC_LEN;
	/* Reading in order: worth a large read. */
	bool onward = part == w->part && index - w->first < w->n + DESC_WINDOW;
	uint64_t n = mmw_min64(part->n_desc - index, onward ? DESC_WINDOW : DESC_FEW);
	int rc;

	w->n = 0;
	rc = mmw_file_read(part->file, at, w->bytes, n * DESC_LEN, NULL);
	if (rc) {
		n = 1;
		rc = mmw_file_read(part->file, at, w->bytes, DESC_LEN, err);
		if (rc)
			return mmw_wrap(err, rc, "page descriptor %" PRIu64, index);
	}
	w->part = part;
	w->first = index;
	w->n = n;
	return 0;
}

static int get_desc(const struct part *part, struct desc_window *w, bool be, uint64_t index, struct desc *out,
		    struct mmw_err *err)
{
	const uint8_t *p;

	if (part != w->part || index - w->first >= w->n) {
		int rc = fill_window(part, w, index, err);

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
static bool is_damaged(const struct part *part, const struct kdump_head *h, struct desc_window *w)
{
	struct desc d;

	if (mmw_kdump_is_incomplete(h))
		return true;
	for (uint64_t i = part->n_desc > DESC_WINDOW ? part->n_desc - DESC_WINDOW : 0; i < part->n_desc; i++)
		if (get_desc(part, w, h->be, i, &d, NULL) || desc_lost(&d, part->file->size))
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
static int find_lost(struct kdump *k, const struct part *part, bool be, struct desc_window *w, bool *any, struct mmw_err *err)
{
	uint64_t index = 0, pfn = part->first;
	struct desc d;

	while ((pfn = first_known(k, pfn)) < part->stop) {
		struct leaf *l = k->leaves[pfn >> LEAF_SHIFT].leaf;
		int rc;

		if (bit_at(l->stored, pfn)) {
			rc = get_desc(part, w, be, index++, &d, NULL);
			if (rc && rc != -MMW_E_CORRUPT && rc != -MMW_E_TRUNCATED)
				return mmw_fail(err, -rc, 0, "reading the page descriptors failed");
			if (rc || desc_lost(&d, part->file->size)) {
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

static int check_damage(struct mmw_image *img, const struct kdump_head *h, struct mmw_err *err)
{
	struct kdump *k = img->priv;
	struct desc_window *w = calloc(1, sizeof(*w));
	bool any = false;
	int rc = 0;

	if (!w)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to look at the page descriptors");
	for (size_t i = 0; !rc && i < k->n_parts; i++)
		if (is_damaged(&k->parts[i], h, w))
			rc = find_lost(k, &k->parts[i], h->be, w, &any, err);
	if (any && !mmw_kdump_is_incomplete(h))
		mmw_image_note_add(img, ", truncated");
	free(w);
	return rc;
}

/* --- the parts of a split dump --------------------------------------------------------------------------------- */

/* Is this a part of the same dump? Then all but the sub header is the first one's, byte for byte, up to the descriptors. */
static int same_dump(struct mmw_file *one, struct mmw_file *other, const struct kdump_head *h, struct mmw_err *err)
{
	/* Of an empty part the padding behind the bitmaps is missing. */
	uint64_t stop = mmw_min64(mmw_kdump_desc_start(h), mmw_min64(one->size, other->size)), rest = h->block_size + KDUMP_SUB_LEN;
	uint8_t *buf = malloc(2 * COMPARE_CHUNK);
	bool same = true;
	int rc = 0;

	if (!buf)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to compare %s", other->name);
	for (uint64_t at = 0, n; !rc && same && at < stop; at = at ? at + n : rest) {
		n = at ? mmw_min64(stop - at, COMPARE_CHUNK) : MAIN_LEN;
		rc = mmw_file_read(one, at, buf, n, err);
		rc = rc ? rc : mmw_file_read(other, at, buf + COMPARE_CHUNK, n, err);
		same = !rc && !memcmp(buf, buf + COMPARE_CHUNK, n);
	}
	free(buf);
	return rc || same ? rc : mmw_fail(err, MMW_E_ARG, 0, "%s is a part of another dump: its header, notes or bitmaps differ",
					  other->name);
}

/* The PFNs that a file says it has; a dump that is not split has all of them. */
static int add_part(struct kdump *k, struct mmw_file *f, const struct kdump_head *h, const struct kdump_sub *s, struct mmw_err *err)
{
	struct part *part = &k->parts[k->n_parts];

	*part = (struct part){ f, 0, k->n_pfn };
	if (h->version >= 2 && s->split) {
		if (s->start > s->end || s->end > k->n_pfn)
			return mmw_fail(err, MMW_E_CORRUPT, 0, "this part of a split dump claims PFNs 0x%" PRIx64
					" to 0x%" PRIx64 " of 0x%" PRIx64, s->start, s->end, k->n_pfn);
		k->split = true;
		part->first = s->start;
		part->stop = s->end;
	}
	part->rank = rank_of(k, part->first);
	part->n_desc = rank_of(k, part->stop) - part->rank;
	part->desc_at = mmw_kdump_desc_start(h);
	/* An empty one has nothing to find, and would spoil the order. */
	k->n_parts += part->first < part->stop || !k->split;
	return 0;
}

static int add_other(struct kdump *k, struct mmw_image *img, const struct mmw_part *other, const struct kdump_head *first,
		     struct mmw_err *err)
{
	struct mmw_file *f = other->file;
	uint8_t bytes[MAIN_LEN];
	struct kdump_head h = { 0 };
	struct kdump_sub s = { 0 };
	bool wide = false;
	int rc;

	if (other->has_base)
		return mmw_fail(err, MMW_E_ARG, 0, "%s has addresses of its own: @PA does not go with it", f->name);
	rc = mmw_kdump_read_head(f, bytes, &h, &wide, err);
	rc = rc ? rc : mmw_kdump_read_sub(f, &h, wide, &s, err);
	if (!rc && (h.version < 2 || !s.split))
		rc = mmw_fail(err, MMW_E_ARG, 0, "it is no part of a split dump");
	if (rc)
		return mmw_wrap(err, rc, "%s", f->name);
	rc = same_dump(img->file, f, first, err);
	return rc ? rc : mmw_wrap(err, add_part(k, f, first, &s, err), "%s", f->name);
}

static int by_first(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* What no part has, in PFNs as the parts count them. */
static void note_missing(struct mmw_image *img, const struct kdump *k)
{
	uint64_t at = 0;
	unsigned n = 0;

	for (size_t i = 0; i <= k->n_parts; i++) {
		uint64_t stop = i < k->n_parts ? k->parts[i].first : k->n_pfn;

		if (at < stop && rank_of(k, stop) > rank_of(k, at) && n++ < MISSING_SHOWN)
			mmw_image_note_add(img, "%s 0x%" PRIx64 "-0x%" PRIx64, n == 1 ? ", missing the parts with PFNs" : ",", at,
					   stop - 1);
		if (i < k->n_parts)
			at = k->parts[i].stop;
	}
	img->lacks_parts = n > 0;
	if (n)
		mmw_image_note_add(img, "%s: give them with --part", n > MISSING_SHOWN ? " and more" : "");
}

static int take_parts(struct mmw_image *img, const struct kdump_head *h, const struct kdump_sub *s, struct mmw_err *err)
{
	struct kdump *k = img->priv;
	int rc;

	k->parts = calloc(1 + img->n_parts, sizeof(*k->parts));
	if (!k->parts)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu parts", img->n_parts);
	rc = add_part(k, img->file, h, s, err);
	if (!rc && !k->split && img->n_parts)
		rc = mmw_fail(err, MMW_E_ARG, 0, "this dump is whole and not split: --part does not go with it");
	for (size_t i = 0; !rc && i < img->n_parts; i++)
		rc = add_other(k, img, &img->parts[i], h, err);
	if (rc)
		return rc;
	qsort(k->parts, k->n_parts, sizeof(*k->parts), by_first);
	for (size_t i = 1; i < k->n_parts; i++)
		if (k->parts[i].first < k->parts[i - 1].stop)
			return mmw_fail(err, MMW_E_ARG, 0, "%s and %s both have PFN 0x%" PRIx64 ": the same part twice?",
					k->parts[i - 1].file->name, k->parts[i].file->name, k->parts[i].first);
	if (k->split) {
		mmw_image_note_add(img, ", %zu part%s of a split dump", 1 + img->n_parts, img->n_parts ? "s" : "");
		note_missing(img, k);
	}
	return 0;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

/*
 * makedumpfile counts PFNs of 32-bit ARM from the start of memory, QEMU from 0. QEMU leaves the kernel release empty,
 * and a file that knows memory below phys_base cannot count from 0.
 */
static uint64_t pfn_base(const struct kdump *k, const struct mmw_image *img, const struct kdump_sub *s, const char *release)
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
	struct kdump_head h = { 0 };
	struct kdump_sub s = { 0 };
	bool wide = false;
	struct kdump *k;
	int rc = mmw_kdump_read_head(img->file, bytes, &h, &wide, err);

	rc = rc ? rc : mmw_kdump_read_sub(img->file, &h, wide, &s, err);
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
	rc = rc ? rc : take_parts(img, &h, &s, err);
	rc = rc ? rc : check_damage(img, &h, err);
	if (!rc)
		k->base = pfn_base(k, img, &s, utsname_field(bytes, 2, text));
	if (!rc && k->base)
		mmw_image_note_add(img, ", counted from 0x%" PRIx64, s.phys_base);
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
	free(k->parts);
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

static int check_desc(const struct mmw_image *img, const struct part *part, const struct desc *d, uint64_t pa,
		      struct mmw_err *err)
{
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
	else if (d->offset < part->desc_at)
		what = "points into the headers";
	if (what)
		return mmw_fail(err, MMW_E_CORRUPT, pa, "the descriptor of physical 0x%" PRIx64 " %s: offset %" PRIu64
				", size %" PRIu32 ", flags 0x%" PRIx32, pa, what, d->offset, d->size, d->flags);
	if (!mmw_fits(d->offset, d->size, part->file->size))
		return mmw_fail(err, MMW_E_TRUNCATED, pa, "physical 0x%" PRIx64 " lies past the end of the truncated "
				"file: %" PRIu32 " bytes at offset %" PRIu64, pa, d->size, d->offset);
	return 0;
}

/* A block stored as it is. Dumps keep one block of zeros that half their pages point at: know it by its place. */
static int read_stored(const struct mmw_image *img, struct kdump_reader *r, const struct part *part, const struct desc *d,
		       uint8_t *buf, struct mmw_err *err)
{
	int rc;

	if (d->offset == r->zero_at && part == r->zero_part) {
		memset(buf, 0, img->block_size);
		return 0;
	}
	rc = mmw_file_read(part->file, d->offset, buf, d->size, err);
	if (!rc && mmw_all_zero(buf, d->size)) {
		r->zero_at = d->offset;
		r->zero_part = part;
	}
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

static int read_data(const struct mmw_image *img, struct kdump_reader *r, const struct part *part, const struct desc *d,
		     uint64_t pa, uint8_t *buf, struct mmw_err *err)
{
	int rc;

	if (!d->flags)
		return read_stored(img, r, part, d, buf, err);
	rc = mmw_file_read(part->file, d->offset, r->packed, d->size, err);
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
	const struct part *part;
	struct desc d;
	size_t i;
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
	i = part_after(k, pfn);
	part = &k->parts[i];
	if (i == k->n_parts || pfn < part->first)
		return mmw_fail(err, MMW_E_TRUNCATED, pa, "physical 0x%" PRIx64 " is in another part of this split dump (--part)",
				pa);
	rc = get_desc(part, &r->window, img->big_endian, rank_of(k, pfn) - part->rank, &d, err);
	if (!rc)
		rc = check_desc(img, part, &d, pa, err);
	if (!rc)
		rc = read_data(img, r, part, &d, pa, buf, err);
	if (rc && err)
		err->addr = pa;
	return rc;
}

const struct mmw_format mmw_format_kdump = {
	.name = "kdump",
	.summary = "kdump-compressed dump: makedumpfile, QEMU dump-guest-memory -z/-l/-s; parts of a split one",
	.probe = kdump_probe,
	.takes_parts = true,
	.open = kdump_open,
	.read_block = kdump_read_block,
	.next_extent = kdump_next_extent,
	.reader_open = kdump_reader_open,
	.reader_close = kdump_reader_close,
	.close = kdump_close,
};
