/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes inside a wrapper: compressed files, libvirt's save files, and snapshots in qcow2. */
#ifndef MMW_TESTS_WRAP_PACKED_H
#define MMW_TESTS_WRAP_PACKED_H

#include "tests/tools/blob.h"

/*
 * Compressors: `in` in two members (frames, streams, blocks), with what may stand between them. They append to `out`.
 */
void pack_gzip(const void *in, size_t n, struct blob *out);
void pack_zlib(const void *in, size_t n, struct blob *out);  /* one stream, as LiME's compress=1 makes it */
void pack_xz(const void *in, size_t n, struct blob *out);
void pack_zstd(const void *in, size_t n, struct blob *out);
void pack_bzip2(const void *in, size_t n, struct blob *out);
void pack_lz4(const void *in, size_t n, struct blob *out);
void pack_lzop(const void *in, size_t n, struct blob *out);

/* A save file's header and XML; what is inside follows. */
void libvirt_header(bool big_endian, bool finished, struct blob *out);

/* One snapshot's VM state; several share a file. */
struct qcow2_snapshot {
	const char *id, *name;
	const void *state;  /* NULL: a snapshot of the disk only */
	size_t len;
};

struct qcow2_spec {
	unsigned version, cluster_bits;
	bool extended, zstd;
	uint64_t disk_size;
	const struct qcow2_snapshot *snapshots;
	size_t n;
};

/*
 * Clusters in turn: as they are, compressed (one of which ends inside its last sector), and where all is zero, not
 * there or marked as zero (version 3). With extended L2 entries parts of a cluster are left out and marked likewise.
 */
void qcow2_write(const struct qcow2_spec *spec, struct blob *out);

#endif
