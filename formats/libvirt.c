/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvirt's save files: virsh save, managedsave, and the memory file of an external snapshot.
 *
 *    0  magic[16]: "LibvirtQemudSave", or "LibvirtQemudPart" while it is being written
 *   16  u32 version (2), u32 length of what follows the header, u32 was the guest running, u32 format, u32 where the
 *       cookie is, u32 unused[14]; in the byte order of the host, so one in which the version is at most 2 is taken
 *   92  the domain's XML, its cookie, padding; then QEMU's stream, packed as `format` says: 0 not, 1 gzip, 2 bzip2, 3 xz,
 *       4 lzop, 5 zstd, 6 not, with offsets that count from this file's start (mapped-ram)
 *
 * What is inside is told by its own start, not by `format`.
 *
 * libvirt src/qemu/qemu_saveimage.h (struct _virQEMUSaveHeader), qemu_saveimage.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/image/build.h"

enum {
	MAGIC = 16,
	HEADER = 92,
	VERSION_MAX = 2,
};

static const char saved[MAGIC + 1] = "LibvirtQemudSave", unfinished[MAGIC + 1] = "LibvirtQemudPart";

static int libvirt_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return head->len >= MAGIC && (!memcmp(head->base, saved, MAGIC) || !memcmp(head->base, unfinished, MAGIC)) ? 100 : 0;
}

static int libvirt_unwrap(struct mmw_file *outer, const struct mmw_unwrap *how, struct mmw_file **inner, struct mmw_err *err)
{
	uint8_t head[HEADER];
	uint32_t version;
	uint64_t len;
	bool be;
	int rc;

	(void)how;
	rc = mmw_file_read(outer, 0, head, sizeof(head), err);
	if (rc)
		return mmw_wrap(err, rc, "the header of a libvirt save");
	be = mmw_get32(head + 16, false) > VERSION_MAX;
	version = mmw_get32(head + 16, be);
	if (!version || version > VERSION_MAX)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s: a libvirt save of version %" PRIu32 "; up to %d is known",
				outer->name, version, VERSION_MAX);
	len = mmw_get32(head + 20, be);
	if (HEADER + len >= outer->size)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: this libvirt save ends before the guest's memory starts (at %"
				PRIu64 ")", outer->name, HEADER + len);
	rc = mmw_file_slice(outer, HEADER + len, UINT64_MAX, inner, err);
	if (rc || memcmp(head, unfinished, MAGIC))
		return rc;
	snprintf((*inner)->note, sizeof((*inner)->note), "libvirt, unfinished");
	snprintf((*inner)->damage, sizeof((*inner)->damage), "libvirt did not finish this save: what was not yet written is "
		 "missing");
	return 0;
}

const struct mmw_format mmw_format_libvirt = {
	.name = "libvirt",
	.summary = "libvirt's virsh save and managedsave, around QEMU's stream",
	.probe = libvirt_probe,
	.unwrap = libvirt_unwrap,
};
