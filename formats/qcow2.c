/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2 disk images with internal snapshots: the VM state that QEMU's savevm put beside the disk, as the stream it is.
 *
 *     0  "QFI" fb, u32 version 2 or 3, u64 backing file, u32, u32 cluster_bits (20), u64 disk size (24), u32 encryption (32),
 *        u32 entries of L1, u64 L1 table, u64 refcounts, u32, u32 snapshots (60), u64 snapshot table (64)
 *        version 3: u64 incompatible features (72): 1 dirty, 2 corrupt, 4 data file, 8 compression type, 16 extended L2;
 *        u64 compatible, u64 autoclear, u32 refcount_order, u32 header length (100), u8 compression 0 zlib, 1 zstd (104)
 *   snapshot (aligned to 8): u64 L1 table, u32 entries of L1, u16 length of id, u16 of name, u32 seconds, u32 nanoseconds,
 *        u64 VM clock, u32 size of VM state, u32 extra length; extra: u64 size of VM state, u64 disk size; id; name
 *   L1   u64: L2 table in bits 9-55
 *   L2   u64: bit 62 compressed, bits 9-55 the cluster, bit 0 (version 3) all zero; 0 not there. A compressed one has its
 *        offset in the lower 62 - (cluster_bits - 8) bits, and the 512-byte sectors behind the first above them.
 *        Extended: a second u64 follows, a bit per 32nd of the cluster that is there, and 32 bits up one that is zero
 *
 * All big endian. A snapshot has its own L1 table. VM state lies in it behind the disk, from the next address on at which
 * an L2 table begins. Memory that savevm did not write is not there and zero: a backing file has no VM state.
 *
 * QEMU docs/interop/qcow2.txt, block/qcow2.h, block/qcow2-snapshot.c.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/unpack.h"
#include "lib/image/build.h"

enum {
	HEADER = 72,
	HEADER_3 = 104,
	CLUSTER_BITS_MIN = 9,
	CLUSTER_BITS_MAX = 21,
	SUBCLUSTERS = 32,
	SECTOR = 512,

	/* QEMU's own limits. */
	SNAPSHOTS_MAX = 65536,
	SNAPSHOT_EXTRA_MAX = 1024,
	L1_MAX = 32 << 20,

	SNAPSHOT_HEAD = 40,
	NAME_SHOWN = 40,

	FEATURE_CORRUPT = 2,
	FEATURE_DATA_FILE = 4,
	FEATURE_EXTENDED_L2 = 16,
	FEATURES_KNOWN = 31,

	L2_SLOTS = 64,   /* pieces of L2 tables that are kept */
	L2_PIECE = 4096,
	CLUSTER_SLOTS = 8,  /* unpacked clusters */
};

static const uint64_t offset_mask = 0x00fffffffffffe00, compressed_flag = 1ull << 62;

/* What was last read of a kind, by the place it has in the file; reads go on at once unless they want the same slot. */
struct slot {
	pthread_mutex_t lock;
	uint64_t at;  /* the place, and 1; 0: nothing */
	uint8_t *bytes;
	struct mmw_unpack *unpack;
};

struct snapshot {
	uint64_t l1_at, state_size, disk_size;
	uint32_t l1_entries, seconds;
	char id[NAME_SHOWN], name[NAME_SHOWN];  /* as much of them as is shown and compared */
};

struct qcow {
	struct mmw_file file;
	struct mmw_file *outer;
	unsigned cluster_bits, l2_bits, entry;  /* entry: bytes of one in an L2 table */
	bool extended, zstd;
	bool zero_flag;          /* version 3 */
	uint32_t n_snapshots;
	uint64_t snapshots_at, disk_size;
	uint64_t state_at;       /* guest address of the VM state's first byte */
	uint64_t *l1;            /* as it is in the file, in our byte order */
	uint32_t n_l1;
	struct slot l2[L2_SLOTS], clusters[CLUSTER_SLOTS];
	unsigned n_ready;        /* slots whose lock was initialised */
	char *name;
};

/* --- the header and the snapshots ----------------------------------------------------------------------------- */

static int check_features(struct qcow *q, uint64_t features, uint8_t compression, struct mmw_err *err)
{
	const char *name = q->outer->name;

	if (features & FEATURE_DATA_FILE)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s keeps its data in another file, which has no VM state", name);
	if (features & ~(uint64_t)FEATURES_KNOWN)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s: qcow2 features 0x%" PRIx64 " are not known here", name,
				features & ~(uint64_t)FEATURES_KNOWN);
	if (compression > 1)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s: qcow2 compression %u is not known here", name, compression);
	q->extended = features & FEATURE_EXTENDED_L2;
	q->zstd = compression == 1;
	/* Marked corrupt: QEMU's finding, of which part it does not say. What is read is checked here as ever. */
	if (features & FEATURE_CORRUPT)
		snprintf(q->file.damage, sizeof(q->file.damage), "QEMU marked this qcow2 file as corrupt: its tables may "
			 "contradict each other");
	return 0;
}

static int read_header(struct qcow *q, struct mmw_err *err)
{
	uint8_t h[HEADER_3 + 1] = { 0 };
	size_t have = q->outer->size < sizeof(h) ? q->outer->size : sizeof(h);
	int rc = mmw_file_read(q->outer, 0, h, have, err);
	uint32_t version = mmw_get32(h + 4, true);

	if (rc)
		return rc;
	if (have < HEADER || memcmp(h, "QFI\xfb", 4) || (version != 2 && version != 3) || (version == 3 && have < HEADER_3))
		return mmw_fail(err, have < HEADER_3 ? MMW_E_CORRUPT : MMW_E_UNSUPPORTED, 0, "%s: a qcow file of version %" PRIu32
				"%s; 2 and 3 are known", q->outer->name, version, have < HEADER_3 ? " (truncated)" : "");
	q->cluster_bits = mmw_get32(h + 20, true);
	q->disk_size = mmw_get64(h + 24, true);
	q->n_snapshots = mmw_get32(h + 60, true);
	q->snapshots_at = mmw_get64(h + 64, true);
	q->zero_flag = version == 3;
	if (mmw_get32(h + 32, true))
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s is encrypted, and so is the VM state in it", q->outer->name);
	if (version == 3)
		rc = check_features(q, mmw_get64(h + 72, true), mmw_get32(h + 100, true) > HEADER_3 ? h[HEADER_3] : 0, err);
	if (!rc && (q->cluster_bits < CLUSTER_BITS_MIN || q->cluster_bits > CLUSTER_BITS_MAX ||
		    (q->extended && q->cluster_bits < 14) || q->n_snapshots > SNAPSHOTS_MAX))
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "%s: a qcow2 header with clusters of 2^%u bytes and %" PRIu32 " snapshots",
			      q->outer->name, q->cluster_bits, q->n_snapshots);
	q->entry = q->extended ? 16 : 8;
	q->l2_bits = q->cluster_bits - (q->extended ? 4 : 3);
	return rc;
}

static int read_name(struct mmw_file *f, uint64_t at, size_t len, char *out, struct mmw_err *err)
{
	size_t n = len < NAME_SHOWN - 1 ? len : NAME_SHOWN - 1;
	int rc = mmw_file_read(f, at, out, n, err);

	out[n] = '\0';
	for (size_t i = 0; !rc && i < n; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			out[i] = '?';
	return rc;
}

/* The snapshot at `*at`, which moves on to the next. */
static int read_snapshot(struct qcow *q, uint64_t *at, struct snapshot *out, struct mmw_err *err)
{
	uint8_t h[SNAPSHOT_HEAD + 16] = { 0 };
	uint64_t size = q->outer->size;
	uint32_t id, name, extra = 0;
	int rc = mmw_fits(*at, SNAPSHOT_HEAD, size) ? mmw_file_read(q->outer, *at, h, SNAPSHOT_HEAD, err) : -MMW_E_CORRUPT;

	if (!rc)
		extra = mmw_get32(h + 36, true);
	if (!rc && (extra > SNAPSHOT_EXTRA_MAX || !mmw_fits(*at + SNAPSHOT_HEAD, extra, size)))
		rc = -MMW_E_CORRUPT;
	if (rc)
		return mmw_fail(err, -rc, 0, "%s: the table of snapshots runs out of the file", q->outer->name);
	rc = mmw_file_read(q->outer, *at + SNAPSHOT_HEAD, h + SNAPSHOT_HEAD, extra < 16 ? extra : 16, err);
	if (rc)
		return rc;
	id = mmw_get16(h + 12, true);
	name = mmw_get16(h + 14, true);
	*out = (struct snapshot){
		.l1_at = mmw_get64(h, true), .l1_entries = mmw_get32(h + 8, true), .seconds = mmw_get32(h + 16, true),
		.state_size = extra >= 8 ? mmw_get64(h + SNAPSHOT_HEAD, true) : mmw_get32(h + 32, true),
		.disk_size = extra >= 16 ? mmw_get64(h + SNAPSHOT_HEAD + 8, true) : q->disk_size,
	};
	*at += SNAPSHOT_HEAD + extra;
	rc = read_name(q->outer, *at, id, out->id, err);
	rc = rc ? rc : read_name(q->outer, *at + id, name, out->name, err);
	*at = (*at + id + name + 7) & ~(uint64_t)7;
	return rc;
}

static bool is_named(const struct snapshot *s, const char *wanted)
{
	return !strncmp(s->name, wanted, NAME_SHOWN - 1) || !strcmp(s->id, wanted);
}

/* " 1 'before' (2026-11-20 12:00 UTC, 245 MiB);" at the end of `text`, if there is room. */
static void list_one(const struct snapshot *s, char *text, size_t size)
{
	time_t when = s->seconds;
	size_t used = strlen(text);
	char date[32] = "";
	struct tm tm;
	int n;

	if (gmtime_r(&when, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm);
	n = snprintf(text + used, size - used, "%s %s '%s' (%s UTC, %" PRIu64 " KiB)", used ? "," : "", s->id, s->name, date,
		     s->state_size >> 10);
	if (n < 0 || (size_t)n >= size - used)
		text[used] = '\0';
}

/* The snapshot that was asked for, or the only one that has VM state. */
static int choose(struct qcow *q, const char *wanted, struct snapshot *out, struct mmw_err *err)
{
	uint64_t at = q->snapshots_at;
	uint32_t found = 0, named = 0;
	char list[200] = "";
	struct snapshot s;
	int rc = 0;

	for (uint32_t i = 0; i < q->n_snapshots; i++) {
		rc = read_snapshot(q, &at, &s, err);
		if (rc)
			return rc;
		if (wanted && !is_named(&s, wanted))
			continue;
		named++;
		if (!s.state_size)
			continue;
		list_one(&s, list, sizeof(list));
		*out = s;
		found++;
	}
	if (found == 1)
		return 0;
	if (found)
		return mmw_fail(err, MMW_E_ARG, 0, "%s holds %" PRIu32 " snapshots with VM state%s:%s; --snapshot NAME%s chooses",
				q->outer->name, found, wanted ? " of this name" : "", list, wanted ? " or id" : "");
	if (wanted)
		return mmw_fail(err, named ? MMW_E_UNSUPPORTED : MMW_E_ARG, 0, "%s: %s '%s'%s", q->outer->name,
				named ? "snapshot" : "there is no snapshot", wanted,
				named ? " is of the disk only: it has no VM state" : " (qemu-img snapshot -l lists them)");
	return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s is a disk image, and %s: there is no memory in it", q->outer->name,
			q->n_snapshots ? "its snapshots are of the disk only" : "has no snapshots");
}

static int read_l1(struct qcow *q, const struct snapshot *s, struct mmw_err *err)
{
	uint64_t len = (uint64_t)s->l1_entries * 8;
	int rc;

	if (len > L1_MAX || !mmw_fits(s->l1_at, len, q->outer->size))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: the L1 table of snapshot '%s' runs out of the file", q->outer->name,
				s->name);
	q->l1 = malloc(len ? len : 1);
	if (!q->l1)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the tables of %s", q->outer->name);
	rc = mmw_file_read(q->outer, s->l1_at, q->l1, len, err);
	for (uint32_t i = 0; !rc && i < s->l1_entries; i++)
		q->l1[i] = mmw_get64(&q->l1[i], true);
	q->n_l1 = s->l1_entries;
	return rc;
}

/*
 * Where VM state begins, and that the tables could reach all of it. What is not there is zero and takes no room, so the file
 * does not limit it: how much there may be is the same question as with a compressed file.
 */
static int place_state(struct qcow *q, const struct snapshot *s, uint64_t max, struct mmw_err *err)
{
	unsigned l1_shift = q->cluster_bits + q->l2_bits;
	uint64_t first = (s->disk_size >> l1_shift) + !!(s->disk_size & ((1ull << l1_shift) - 1));

	if (first >= q->n_l1 || s->state_size > (uint64_t)(q->n_l1 - first) << l1_shift)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: snapshot '%s' claims %" PRIu64 " bytes of VM state, for which its "
				"L1 table has no entries", q->outer->name, s->name, s->state_size);
	if (s->state_size > max && s->state_size > q->outer->size)
		return mmw_fail(err, MMW_E_LIMIT, 0, "%s: snapshot '%s' has more than 0x%" PRIx64 " bytes of VM state (--max-expand "
				"raises this limit)", q->outer->name, s->name, max);
	q->state_at = first << l1_shift;
	q->file.size = s->state_size;
	return 0;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static int bad_cluster(const struct qcow *q, uint64_t off, const char *why, struct mmw_err *err)
{
	return mmw_fail(err, MMW_E_CORRUPT, off, "%s: the cluster at offset 0x%" PRIx64 " of the VM state %s", q->outer->name,
			off >> q->cluster_bits << q->cluster_bits, why);
}

/* The L2 entry for `off` of the VM state: its cluster, and which parts of it are there (extended entries). */
static int find_entry(struct qcow *q, uint64_t off, uint64_t *entry, uint64_t *parts, struct mmw_err *err)
{
	uint64_t index = (q->state_at + off) >> q->cluster_bits;
	uint64_t table = q->l1[index >> q->l2_bits] & offset_mask;
	uint64_t at = table + (index & ((1ull << q->l2_bits) - 1)) * q->entry, piece, len = L2_PIECE;
	struct slot *slot;
	int rc = 0;

	*entry = *parts = 0;
	if (!table)
		return 0;
	if (table & ((1ull << q->cluster_bits) - 1) || !mmw_fits(at, q->entry, q->outer->size))
		return bad_cluster(q, off, "has its L2 table outside of the file", err);
	piece = at / L2_PIECE * L2_PIECE;
	if (len > q->outer->size - piece)
		len = q->outer->size - piece;
	slot = &q->l2[piece / L2_PIECE % L2_SLOTS];
	pthread_mutex_lock(&slot->lock);
	if (slot->at != piece + 1) {
		slot->at = 0;
		rc = mmw_file_read(q->outer, piece, slot->bytes, len, err);
		slot->at = rc ? 0 : piece + 1;
	}
	if (!rc) {
		*entry = mmw_get64(slot->bytes + (at - piece), true);
		*parts = q->extended ? mmw_get64(slot->bytes + (at - piece) + 8, true) : 0;
	}
	pthread_mutex_unlock(&slot->lock);
	return rc;
}

/* Unpack a compressed cluster into the slot, whose lock is held. */
static int unpack_cluster(struct qcow *q, struct slot *slot, uint64_t entry, struct mmw_err *err)
{
	unsigned bits = 62 - (q->cluster_bits - 8);
	uint64_t at = entry & ((1ull << bits) - 1), sectors = (entry & (compressed_flag - 1)) >> bits;
	uint64_t len = (sectors + 1) * SECTOR - at % SECTOR;
	uint8_t *packed;
	int rc;

	if (at >= q->outer->size)
		return -MMW_E_CORRUPT;
	/* The last sector of the file need not be whole. */
	if (len > q->outer->size - at)
		len = q->outer->size - at;
	if (!slot->bytes)
		slot->bytes = malloc(1ull << q->cluster_bits);
	if (!slot->unpack)
		slot->unpack = mmw_unpack_open();
	packed = malloc(len);
	rc = slot->bytes && slot->unpack && packed ? 0 : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a cluster");
	rc = rc ? rc : mmw_file_read(q->outer, at, packed, len, err);
	rc = rc ? rc : mmw_unpack(slot->unpack, q->zstd ? MMW_CODEC_ZSTD_FRAME : MMW_CODEC_DEFLATE, packed, len, slot->bytes,
				  1ull << q->cluster_bits, err);
	free(packed);
	return rc;
}

static int read_compressed(struct qcow *q, uint64_t entry, uint64_t off, uint8_t *buf, size_t len, struct mmw_err *err)
{
	uint64_t at = entry & (compressed_flag - 1);
	struct slot *slot = &q->clusters[at / SECTOR % CLUSTER_SLOTS];
	int rc = 0;

	pthread_mutex_lock(&slot->lock);
	if (slot->at != at + 1) {
		slot->at = 0;
		rc = unpack_cluster(q, slot, entry, err);
		slot->at = rc ? 0 : at + 1;
	}
	if (!rc)
		memcpy(buf, slot->bytes + off % (1ull << q->cluster_bits), len);
	pthread_mutex_unlock(&slot->lock);
	return rc == -MMW_E_CORRUPT ? bad_cluster(q, off, "does not decompress", err) : rc;
}

/* What kind of bytes are at `off`, and how far they go within the cluster. */
static bool is_stored(const struct qcow *q, uint64_t entry, uint64_t parts, uint64_t off, uint64_t *left)
{
	uint64_t cluster = 1ull << q->cluster_bits, piece = q->extended ? cluster / SUBCLUSTERS : cluster;
	unsigned i = (unsigned)(off % cluster / piece);

	*left = piece - off % piece;
	if (!q->extended)
		return entry & offset_mask && !(q->zero_flag && entry & 1);
	return entry & offset_mask && parts >> i & 1 && !(parts >> (SUBCLUSTERS + i) & 1);
}

/* Up to `len` bytes at `off`, as far as its cluster or part of a cluster goes; returns how many, or a failure. */
static int64_t read_some(struct qcow *q, uint64_t off, uint8_t *buf, size_t len, struct mmw_err *err)
{
	uint64_t cluster = 1ull << q->cluster_bits, entry, parts, left = cluster - off % cluster, at;
	int rc = find_entry(q, off, &entry, &parts, err);

	if (rc)
		return rc;
	if (entry & compressed_flag) {
		len = left < len ? left : len;
		rc = read_compressed(q, entry, off, buf, len, err);
	} else if (!is_stored(q, entry, parts, off, &left)) {
		len = left < len ? left : len;
		memset(buf, 0, len);
	} else {
		len = left < len ? left : len;
		at = (entry & offset_mask) + off % cluster;
		if (entry & offset_mask & (cluster - 1))
			return bad_cluster(q, off, "is not where clusters are", err);
		if (!mmw_fits(at, len, q->outer->size))
			return bad_cluster(q, off, "lies past the end of the file (truncated?)", err);
		rc = mmw_file_read(q->outer, at, buf, len, err);
	}
	return rc ? rc : (int64_t)len;
}

static int qcow_read(struct mmw_file *f, uint64_t off, void *buf, size_t len, struct mmw_err *err)
{
	uint8_t *to = buf;

	while (len) {
		int64_t n = read_some((struct qcow *)f, off, to, len, err);

		if (n < 0)
			return (int)n;
		off += n;
		to += n;
		len -= n;
	}
	return 0;
}

/* --- the format ----------------------------------------------------------------------------------------------- */

static struct slot *slot_at(struct qcow *q, unsigned i)
{
	return i < L2_SLOTS ? &q->l2[i] : &q->clusters[i - L2_SLOTS];
}

static void release(struct qcow *q)
{
	for (unsigned i = 0; i < q->n_ready; i++) {
		struct slot *s = slot_at(q, i);

		pthread_mutex_destroy(&s->lock);
		mmw_unpack_close(s->unpack);
		free(s->bytes);
	}
	free(q->l1);
	free(q->name);
	free(q);
}

static void qcow_close(struct mmw_file *f)
{
	struct qcow *q = (struct qcow *)f;

	mmw_file_close(q->outer);
	release(q);
}

static int make_slots(struct qcow *q, struct mmw_err *err)
{
	for (; q->n_ready < L2_SLOTS + CLUSTER_SLOTS; q->n_ready++)
		if (pthread_mutex_init(&slot_at(q, q->n_ready)->lock, NULL))
			return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", q->outer->name);
	for (unsigned i = 0; i < L2_SLOTS; i++) {
		q->l2[i].bytes = malloc(L2_PIECE);
		if (!q->l2[i].bytes)
			return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", q->outer->name);
	}
	return 0;
}

static int open_state(struct qcow *q, const struct mmw_unwrap *how, struct mmw_err *err)
{
	struct snapshot s = { 0 };
	int rc = read_header(q, err);

	rc = rc ? rc : choose(q, how->snapshot, &s, err);
	rc = rc ? rc : read_l1(q, &s, err);
	rc = rc ? rc : place_state(q, &s, how->max_expand, err);
	rc = rc ? rc : make_slots(q, err);
	if (!rc && asprintf(&q->name, "%s (snapshot '%s')", q->outer->name, s.name) < 0) {
		q->name = NULL;
		rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", q->outer->name);
	}
	q->file.name = q->name;
	snprintf(q->file.note, sizeof(q->file.note), "qcow2 snapshot %s '%s'", s.id, s.name);
	return rc;
}

static int qcow2_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return head->len >= 8 && !memcmp(head->base, "QFI\xfb", 4) ? 100 : 0;
}

static int qcow2_unwrap(struct mmw_file *outer, const struct mmw_unwrap *how, struct mmw_file **inner, struct mmw_err *err)
{
	struct qcow *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", outer->name);
	q->outer = outer;
	q->file.read = qcow_read;
	q->file.close = qcow_close;
	rc = open_state(q, how, err);
	if (rc)
		release(q);
	else
		*inner = &q->file;
	return rc;
}

const struct mmw_format mmw_format_qcow2 = {
	.name = "qcow2",
	.summary = "a qcow2 disk's internal snapshot: the VM state of savevm",
	.probe = qcow2_probe,
	.unwrap = qcow2_unwrap,
	.takes_snapshot = true,
};
