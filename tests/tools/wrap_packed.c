/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/tools/wrap_packed.h"

#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
	LZOP_BLOCK = 3000,
	XZ_BLOCK = 8192,
};

/* Append what `pack` makes of each half. */
static void halves(const void *in, size_t n, void (*pack)(const void *in, size_t n, struct blob *out), struct blob *out)
{
	pack(in, n / 2, out);
	pack((const uint8_t *)in + n / 2, n - n / 2, out);
}

static uint8_t *room(struct blob *out, size_t n)
{
	size_t at = out->len;

	blob_add(out, NULL, n);
	return out->bytes + at;
}

/* window as deflateInit2 takes it: +16 for gzip, negative for bare deflate. */
static void deflate_as(const void *in, size_t n, int window, struct blob *out)
{
	z_stream z = { .next_in = (Bytef *)in, .avail_in = (uInt)n };
	size_t at = out->len, cap = n + n / 8 + 1024;

	if (deflateInit2(&z, 6, Z_DEFLATED, window, 5, Z_DEFAULT_STRATEGY) != Z_OK)
		die("deflate");
	z.next_out = room(out, cap);
	z.avail_out = (uInt)cap;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		die("deflate");
	out->len = at + z.total_out;
	deflateEnd(&z);
}

static void gzip_member(const void *in, size_t n, struct blob *out)
{
	deflate_as(in, n, 15 + 16, out);
}

void pack_gzip(const void *in, size_t n, struct blob *out)
{
	halves(in, n, gzip_member, out);
	blob_add(out, NULL, 100);  /* a tape's last block */
}

void pack_zlib(const void *in, size_t n, struct blob *out)
{
	deflate_as(in, n, 11, out);
}

/* Blocks that say how long they are, as xz -T writes them. */
static void xz_stream(const void *in, size_t n, struct blob *out)
{
	lzma_mt mt = { .threads = 1, .block_size = XZ_BLOCK, .preset = 0, .check = LZMA_CHECK_CRC64 };
	lzma_stream z = LZMA_STREAM_INIT;
	size_t at = out->len, cap = lzma_stream_buffer_bound(n) + n / XZ_BLOCK * 128 + 1024;

	if (lzma_stream_encoder_mt(&z, &mt) != LZMA_OK)
		die("xz");
	z.next_in = in;
	z.avail_in = n;
	z.next_out = room(out, cap);
	z.avail_out = cap;
	while (lzma_code(&z, LZMA_FINISH) == LZMA_OK)
		;
	if (z.avail_in)
		die("xz");
	out->len = at + z.total_out;
	lzma_end(&z);
}

void pack_xz(const void *in, size_t n, struct blob *out)
{
	xz_stream(in, n / 2, out);
	blob_add(out, NULL, 8);  /* padding */
	xz_stream((const uint8_t *)in + n / 2, n - n / 2, out);
}

static void zstd_frame(const void *in, size_t n, struct blob *out)
{
	size_t at = out->len, cap = ZSTD_compressBound(n), len = ZSTD_compress(room(out, cap), cap, in, n, 1);

	if (ZSTD_isError(len))
		die("zstd");
	out->len = at + len;
}

/* A skippable frame before each one, as pzstd does. */
static void zstd_skip(const void *in, size_t n, struct blob *out)
{
	blob_uint(out, 0x184d2a50, 4, false);
	blob_uint(out, 4, 4, false);
	blob_uint(out, n, 4, false);
	zstd_frame(in, n, out);
}

void pack_zstd(const void *in, size_t n, struct blob *out)
{
	halves(in, n, zstd_skip, out);
}

static void bzip2_stream(const void *in, size_t n, struct blob *out)
{
	unsigned len = (unsigned)(n + n / 100 + 600);
	size_t at = out->len;

	if (BZ2_bzBuffToBuffCompress((char *)room(out, len), &len, (char *)in, (unsigned)n, 1, 0, 0) != BZ_OK)
		die("bzip2");
	out->len = at + len;
}

void pack_bzip2(const void *in, size_t n, struct blob *out)
{
	halves(in, n, bzip2_stream, out);
}

static void lz4_frame(const void *in, size_t n, struct blob *out)
{
	LZ4F_preferences_t prefs = {
		.frameInfo = { .contentChecksumFlag = LZ4F_contentChecksumEnabled, .contentSize = n },
	};
	size_t at = out->len, cap = LZ4F_compressFrameBound(n, &prefs);
	size_t len = LZ4F_compressFrame(room(out, cap), cap, in, n, &prefs);

	if (LZ4F_isError(len))
		die("lz4");
	out->len = at + len;
}

void pack_lz4(const void *in, size_t n, struct blob *out)
{
	halves(in, n, lz4_frame, out);
}

/* As lzop does with this much: the unpacked bytes' Adler-32, and with `all` every other checksum. */
static void lzop_block(const uint8_t *in, size_t n, bool all, struct blob *out)
{
	uint8_t *packed = xrealloc(NULL, n + n / 16 + 64 + 3), *work = xrealloc(NULL, LZO1X_1_MEM_COMPRESS);
	lzo_uint len = 0;

	if (lzo1x_1_compress(in, n, packed, &len, work) != LZO_E_OK)
		die("lzo");
	blob_uint(out, n, 4, true);
	blob_uint(out, len < n ? len : n, 4, true);
	blob_uint(out, adler32(1, in, (uInt)n), 4, true);
	if (all)
		blob_uint(out, crc32(0, in, (uInt)n), 4, true);
	if (all && len < n) {
		blob_uint(out, adler32(1, packed, (uInt)len), 4, true);
		blob_uint(out, crc32(0, packed, (uInt)len), 4, true);
	}
	blob_add(out, len < n ? packed : in, len < n ? len : n);
	free(packed);
	free(work);
}

static void lzop_member(const void *in, size_t n, bool all, struct blob *out)
{
	size_t head;

	if (lzo_init() != LZO_E_OK)
		die("lzo");
	blob_add(out, "\x89LZO\0\r\n\x1a\n", 9);
	head = out->len;
	blob_uint(out, 0x1040, 2, true);
	blob_uint(out, 0x20a0, 2, true);
	blob_uint(out, 0x0940, 2, true);
	blob_u8(out, 1);
	blob_u8(out, 5);
	blob_uint(out, all ? 0x1343 : 0x1, 4, true);
	blob_add(out, NULL, 12);
	blob_u8(out, 4);
	blob_add(out, "name", 4);
	blob_uint(out, all ? crc32(0, out->bytes + head, (uInt)(out->len - head)) :
		  adler32(1, out->bytes + head, (uInt)(out->len - head)), 4, true);
	/* An extra field, whose checksum is of its length too. */
	if (all) {
		head = blob_uint(out, 3, 4, true);
		blob_add(out, "abc", 3);
		blob_uint(out, crc32(0, out->bytes + head, 7), 4, true);
	}
	for (size_t at = 0; at < n; at += LZOP_BLOCK)
		lzop_block((const uint8_t *)in + at, n - at < LZOP_BLOCK ? n - at : LZOP_BLOCK, all, out);
	blob_uint(out, 0, 4, true);
}

void pack_lzop(const void *in, size_t n, struct blob *out)
{
	lzop_member(in, n / 2, false, out);
	lzop_member((const uint8_t *)in + n / 2, n - n / 2, true, out);
}

void libvirt_header(bool big_endian, bool finished, struct blob *out)
{
	static const char xml[] = "<domain type='qemu'><name>guest</name></domain>";
	size_t at = out->len;

	blob_add(out, finished ? "LibvirtQemudSave" : "LibvirtQemudPart", 16);
	blob_uint(out, 2, 4, big_endian);
	blob_uint(out, sizeof(xml) + 50, 4, big_endian);
	blob_pad_to(out, at + 92);
	blob_add(out, xml, sizeof(xml));
	blob_add(out, NULL, 50);
}

/* --- qcow2 ---------------------------------------------------------------------------------------------------- */

enum { SUBCLUSTERS = 32 };

struct qcow2 {
	const struct qcow2_spec *spec;
	struct blob *out;
	size_t cluster, l2_entries, entry;
	unsigned turn;  /* how the last cluster was written */
};

static bool all_zero(const uint8_t *p, size_t n)
{
	return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

/* The cluster as it is, at a cluster's place; what is all zero of an extended one is left out. */
static void put_plain(struct qcow2 *q, const uint8_t *bytes, uint64_t *entry, uint64_t *parts)
{
	size_t part = q->cluster / SUBCLUSTERS;

	blob_align(q->out, q->cluster);
	*entry = 1ull << 63 | blob_add(q->out, bytes, q->cluster);
	for (unsigned i = 0; q->spec->extended && i < SUBCLUSTERS; i++) {
		uint8_t *p = q->out->bytes + (*entry & ~(1ull << 63)) + i * part;

		if (!all_zero(p, part)) {
			*parts |= 1ull << i;
			continue;
		}
		/* Not there, or there and zero all the same: what is stored must not be read then. */
		*parts |= i % 3 == 1 ? 1ull << (32 + i) : i % 3 == 2 ? 0x100000001ull << i : 0;
		memset(p, 0xa5, part);
	}
}

static bool put_packed(struct qcow2 *q, const uint8_t *bytes, uint64_t *entry)
{
	unsigned bits = 62 - (q->spec->cluster_bits - 8);
	struct blob packed = { 0 };
	size_t at;

	if (q->spec->zstd)
		zstd_frame(bytes, q->cluster, &packed);
	else
		deflate_as(bytes, q->cluster, -12, &packed);
	if (packed.len < q->cluster) {
		at = blob_add(q->out, packed.bytes, packed.len);
		*entry = 1ull << 62 | ((at + packed.len - 1) / 512 - at / 512) << bits | at;
	}
	blob_fini(&packed);
	return *entry;
}

static void put_cluster(struct qcow2 *q, const uint8_t *bytes, uint64_t *entry, uint64_t *parts)
{
	if (all_zero(bytes, q->cluster)) {
		if (q->spec->version > 2 && q->turn++ % 2)
			*(q->spec->extended ? parts : entry) = q->spec->extended ? 0xffffffffull << 32 : 1;
		return;
	}
	if (q->turn++ % 3 == 0 || !put_packed(q, bytes, entry))
		put_plain(q, bytes, entry, parts);
}

/* The L2 table for `n` clusters from `bytes` on; returns where it is. */
static uint64_t put_l2(struct qcow2 *q, const uint8_t *bytes, size_t n)
{
	struct blob table = { 0 };
	uint64_t at;

	for (size_t i = 0; i < n; i++) {
		uint64_t entry = 0, parts = 0;

		put_cluster(q, bytes + i * q->cluster, &entry, &parts);
		blob_uint(&table, entry, 8, true);
		if (q->spec->extended)
			blob_uint(&table, parts, 8, true);
	}
	blob_pad_to(&table, q->cluster);
	blob_align(q->out, q->cluster);
	at = blob_add(q->out, table.bytes, table.len);
	blob_fini(&table);
	return at;
}

/* A snapshot's L1 table: nothing for the disk, then the VM state. */
static uint64_t put_l1(struct qcow2 *q, const struct qcow2_snapshot *s, uint32_t *entries)
{
	size_t span = q->cluster * q->l2_entries, first = (q->spec->disk_size + span - 1) / span;
	struct blob state = { 0 }, table = { 0 };
	uint64_t at;

	if (s->len)
		blob_add(&state, s->state, s->len);
	blob_pad_to(&state, (s->len + q->cluster - 1) / q->cluster * q->cluster);
	blob_pad_to(&table, first * 8);
	for (size_t done = 0; done < state.len; done += span) {
		size_t n = state.len - done < span ? state.len - done : span;

		at = put_l2(q, state.bytes + done, n / q->cluster);
		blob_uint(&table, 1ull << 63 | at, 8, true);
	}
	blob_align(q->out, q->cluster);
	*entries = (uint32_t)(table.len / 8);
	at = blob_add(q->out, table.bytes, table.len);
	blob_fini(&state);
	blob_fini(&table);
	return at;
}

static void put_snapshot(const struct qcow2_spec *spec, const struct qcow2_snapshot *s, uint64_t l1, uint32_t entries,
			 struct blob *out)
{
	bool large = spec->version > 2;

	blob_align(out, 8);
	blob_uint(out, l1, 8, true);
	blob_uint(out, entries, 4, true);
	blob_uint(out, strlen(s->id), 2, true);
	blob_uint(out, strlen(s->name), 2, true);
	blob_uint(out, 1763640000, 4, true);  /* 2025-11-20 12:00 UTC */
	blob_uint(out, 0, 4, true);
	blob_uint(out, 0, 8, true);
	blob_uint(out, large ? 0 : s->len, 4, true);
	blob_uint(out, large ? 16 : 0, 4, true);
	if (large) {
		blob_uint(out, s->len, 8, true);
		blob_uint(out, spec->disk_size, 8, true);
	}
	blob_add(out, s->id, strlen(s->id));
	blob_add(out, s->name, strlen(s->name));
}

void qcow2_write(const struct qcow2_spec *spec, struct blob *out)
{
	struct qcow2 q = {
		.spec = spec, .out = out,
		.cluster = (size_t)1 << spec->cluster_bits, .entry = spec->extended ? 16 : 8,
	};
	uint64_t *l1 = xrealloc(NULL, (spec->n + 1) * sizeof(*l1));
	uint32_t *entries = xrealloc(NULL, (spec->n + 1) * sizeof(*entries));

	q.l2_entries = q.cluster / q.entry;
	blob_add(out, "QFI\xfb", 4);
	blob_uint(out, spec->version, 4, true);
	blob_pad_to(out, spec->version > 2 ? 112 : 72);
	blob_put(out, 20, spec->cluster_bits, 4, true);
	blob_put(out, 24, spec->disk_size, 8, true);
	blob_put(out, 60, spec->n, 4, true);
	if (spec->version > 2) {
		blob_put(out, 72, (spec->zstd ? 8 : 0) | (spec->extended ? 16 : 0), 8, true);
		blob_put(out, 100, 112, 4, true);
		blob_put(out, 104, spec->zstd, 1, true);
	}
	for (size_t i = 0; i < spec->n; i++)
		l1[i] = put_l1(&q, &spec->snapshots[i], &entries[i]);
	blob_align(out, 8);
	blob_put(out, 64, out->len, 8, true);
	for (size_t i = 0; i < spec->n; i++)
		put_snapshot(spec, &spec->snapshots[i], l1[i], entries[i], out);
	free(l1);
	free(entries);
}
