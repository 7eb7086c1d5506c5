/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that are recognised and not read: what they are, and how to come by something that is. Without this, those
 * whose size is a multiple of a page would pass for raw memory.
 *
 * Marks: crash's ibm_common.h, lkcd_dump_v8.h, sadump.h and xendump.h; s390-tools zdump/df_s390.h; Linux
 * kernel/power/swap.c, include/linux/swap.h; VirtualBox VMM/VMMR3/SSM.cpp; xen docs/specs/libxc-migration-stream;
 * FreeBSD sys/amd64/include/minidump.h; [MS-VHDX]. Not checked against a source: HIBR and its like, illumos, Mach-O.
 */
#include <string.h>

#include "lib/base/vec.h"
#include "lib/image/build.h"

struct known {
	uint32_t offset;
	uint8_t len;
	const char *mark;
	const char *what, *advice;
};

#define MARK(text) sizeof(text) - 1, text

static const char hibernation[] = "a swap area with Linux's hibernation image, a compressed copy of a part of memory";
static const char resume_it[] = "resume it in a virtual machine and dump that";
static const char dump_core[] = "restore it and let `xl dump-core` write an ELF core";
static const char resumed[] = "a hibernation file of Windows that was resumed from";
static const char use_crash[] = "crash reads it";
static const char is_disk[] = "a disk holds no memory; a virtual machine's memory is in a snapshot or a dump of it";

static const struct known table[] = {
	{ 0, MARK("\xa8\x19\x01\x73\x61\x8f\x23\xfd"), "a dump of s390's stand-alone dump tools",
	  "`zgetdump -f elf` makes an ELF core of it" },
	{ 0, MARK("\xa8\x19\x01\x73\x61\x8f\x23\xfe"), "an extended dump of s390's stand-alone dump tools",
	  "`zgetdump -f elf` makes an ELF core of it" },
	{ 0, MARK("\xed\x23\x8f\x61\x73\x01\x19\xa8"), "a dump of LKCD", use_crash },
	{ 0, MARK("\xa8\x19\x01\x73\x61\x8f\x23\xed"), "a dump of LKCD, from a big-endian machine", use_crash },
	{ 0, MARK("\xcd\x23\x8f\x61\x73\x01\x19\xa8"), "a live dump of LKCD", use_crash },
	{ 0, MARK("sadump\0\0"), "a dump of Fujitsu's stand-alone dump (sadump)", "`makedumpfile -c` makes a kdump" },
	{ 0, MARK("\x7fVirtualBox SavedState"), "a saved state of VirtualBox",
	  "restore it and let `VBoxManage debugvm NAME dumpvmcore` write an ELF core" },
	{ 0, MARK("\x14\x20\x28\x01"), "a runtime state of Hyper-V (.vmrs)", "MemProcFS reads it, on Windows" },
	{ 0, MARK("Xen saved domain"), "a domain that Xen's xl saved", dump_core },
	{ 0, MARK("XenSavedDomain\n"), "a domain that XenServer suspended", dump_core },
	{ 0, MARK("LinuxGuestRecord"), "a domain that an old Xen saved", dump_core },
	{ 0, MARK("\xff\xff\xff\xff\xff\xff\xff\xffXENF"), "a stream of Xen's migration", dump_core },
	{ 0xff6, MARK("S1SUSPEND\0"), hibernation, resume_it },
	{ 0x3ff6, MARK("S1SUSPEND\0"), hibernation, resume_it },
	{ 0xfff6, MARK("S1SUSPEND\0"), hibernation, resume_it },
	{ 0xff6, MARK("ULSUSPEND\0"), hibernation, resume_it },
	{ 0xff6, MARK("SWAPSPACE2"), "a swap area", "what was swapped out needs the memory it belongs to" },
	{ 0, MARK("HIBR"), "a hibernation file of Windows", "Hibr2Bin or MemProcFS make raw memory of it" },
	{ 0, MARK("hibr"), "a hibernation file of Windows", "Hibr2Bin or MemProcFS make raw memory of it" },
	{ 0, MARK("RSTR"), resumed, "what is left in it is not all of memory" },
	{ 0, MARK("WAKE"), resumed, "what is left in it is not all of memory" },
	{ 0, MARK("MDMP\x93\xa7"), "a Windows minidump", "it holds a process's memory, not a machine's" },
	{ 0, MARK("\xcf\xfa\xed\xfe"), "a Mach-O file, as macOS's core files are", "lldb reads those" },
	{ 0, MARK("minidump FreeBSD/"), "a minidump of FreeBSD", "kgdb reads it" },
	{ 0, MARK("FreeBSD Kernel Dump"), "a dump of FreeBSD", "savecore extracts it, kgdb reads it" },
	{ 0, MARK("\xed\xc8\xfe\xde"), "a crash dump of illumos or Solaris", "mdb reads it" },
	{ 0, MARK("EVF\x09\x0d\x0a\xff\0"), "an evidence file of EnCase", "libewf's ewfexport makes raw memory of it" },
	{ 0, MARK("PK\x03\x04"), "a zip archive, which AFF4 images are as well", "extract the image" },
	{ 0, MARK("KDMV"), "a virtual disk of VMware", is_disk },
	{ 0, MARK("vhdxfile"), "a virtual disk of Hyper-V", is_disk },
	{ 0, MARK("conectix"), "a virtual disk of Hyper-V", is_disk },
	{ 0, MARK("<<< "), "a virtual disk of VirtualBox", is_disk },
};

static const struct known *find(const struct mmw_bytes *head)
{
	for (size_t i = 0; i < mmw_array_len(table); i++)
		if (mmw_fits(table[i].offset, table[i].len, head->len) &&
		    !memcmp(head->base + table[i].offset, table[i].mark, table[i].len))
			return &table[i];
	return NULL;
}

/* Less than any reader: who reads it, knows it better. */
static int known_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return find(head) ? 10 : 0;
}

static int known_open(struct mmw_image *img, struct mmw_err *err)
{
	uint8_t head[MMW_PROBE_HEAD];
	size_t len = img->file->size < sizeof(head) ? img->file->size : sizeof(head);
	struct mmw_bytes b = mmw_bytes_of(head, len, false, img->name);
	const struct known *k;
	int rc = mmw_file_read(img->file, 0, head, len, err);

	if (rc)
		return rc;
	k = find(&b);
	if (!k)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "it bears no mark of the formats that are only recognised");
	return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "this is %s, which is recognised but not read; %s (if it is raw "
			"memory all the same: --image-format raw)", k->what, k->advice);
}

const struct mmw_format mmw_format_known = {
	.name = "known",
	.summary = "other formats, which are named and not read",
	.probe = known_probe,
	.open = known_open,
};
