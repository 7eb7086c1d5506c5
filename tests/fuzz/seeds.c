/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "tests/tools/dwwrite.h"
#include "tests/tools/kswrite.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"
#include "tests/tools/wrap_packed.h"
#include "tests/tools/wrap_containers.h"
#include "tests/tools/wrap_qemu.h"
#include "tests/unit/kdump_build.h"

/* --- a kernel in 128 KiB -------------------------------------------------------------------------------------- */

struct tiny {
	const char *layout, *encoding, *extra, *more;
	bool big_endian;
};

static const char vmcoreinfo_page[] =
	"vmcoreinfo-page 3000 {\n"
	"OSRELEASE=6.1.0-tiny\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff81009000\nNUMBER(phys_base)=-16711680\n"
	"NUMBER(pgtable_l5_enabled)=0\nKERNELOFFSET=0\n}\n";

static const char cpu[] = "cpu pc=ffffffff81000000 cr3=19000 cr4=20\n";

static const char vmcoreinfo_note[] =
	"vmcoreinfo OSRELEASE=6.1.0-tiny\nvmcoreinfo PAGESIZE=4096\nvmcoreinfo NUMBER(phys_base)=-16711680\n"
	"vmcoreinfo SYMBOL(init_top_pgt)=ffffffff81009000\nvmcoreinfo SYMBOL(_stext)=ffffffff81000000\n";

static const struct tiny tinies[TINY_KERNELS] = {
	{ "A", "base", "", "", false },
	{ "A", "percpu", "0 A fixed_percpu_data\n", vmcoreinfo_page, false },
	{ "B", "base", "", "", false },
	{ "B", "percpu", "0 A fixed_percpu_data\n", cpu, false },
	{ "C", "base", "@token_table R kallsyms_token_table\n", "", false },
	{ "C", "base", "@token_table R kallsyms_token_table\n", vmcoreinfo_page, true },
	{ "D", "place", "", "", false },
	{ "D", "place", "", vmcoreinfo_note, true },
};

/* The image lies at 10000 and is mapped at ffffffff81000000; its root is the page at its offset 9000. */
void tiny_kernel(unsigned index, struct phys *out)
{
	const struct tiny *t = &tinies[index % TINY_KERNELS];
	char text[4096];

	snprintf(text, sizeof(text),
		 "ram 0 20000\n"
		 "string 11000 \"Linux version 6.1.0-tiny (fuzz) #1\\n\"\n"
		 "u64 1a000: 0-ff0000\nu64 1a008: ffff888000000000\n"
		 "space 19000 4 5000\n"
		 "map ffffffff81000000 1000 -> 10000 1000 text\n"
		 "map ffffffff81001000 f000 -> 11000 1000 rodata\n"
		 "map ffff888000000000 200000 -> 0 2M data\n"
		 "%s"
		 "kallsyms 11100 ffffffff81001100 %s %s {\n"
		 "%s"
		 "ffffffff81000000 T _text\nffffffff81000000 T _stext\n"
		 "fill 100 ffffffff81000010 8 t f\n"
		 "ffffffff81000900 T schedule\nffffffff81001000 D linux_banner\n"
		 "ffffffff81009000 D init_top_pgt\nffffffff8100a000 D phys_base\nffffffff8100a008 D page_offset_base\n"
		 "ffffffff81010000 B _end\n"
		 "}\n", t->more, t->layout, t->encoding, t->extra);
	recipe_text("tiny kernel", text, t->big_endian, out);
}

/* --- what each fuzzer starts from ----------------------------------------------------------------------------- */

static bool elf_seed(unsigned index, struct blob *out)
{
	static const char *const names[] = {
		"elf", "elf-be", "elf32", "elf-xnum", "elf-overlap", "elf-E", "vbox", "kcore", "kcore-old",
	};
	const struct wrap_format *f;
	struct phys p;

	if (index >= mmw_array_len(names))
		return false;
	f = wrap_format_by_name(names[index]);
	recipe_text("elf",
		    "ram 1000 1000\nexcluded 2000 2000\nram 8000 1000\nu64 8000: 77*4\ncpu pc=1 sp=2 cr3=1000 cr4=20\n"
		    "vmcoreinfo OSRELEASE=1\n",
		    f->big_endian, &p);
	f->write(&p, out);
	phys_fini(&p);
	return true;
}

static bool xen_seed(unsigned index, struct blob *out)
{
	struct phys p;

	if (index >= 4)
		return false;
	recipe_text("xen", "ram 1000 3000\nram 8000 1000\nu64 8000: 77*4\ncpu pc=1 sp=2 cr3=1000 cr4=20\n", false, &p);
	wrap_format_by_name(index % 2 ? "xen-pv" : "xen-hvm")->write(&p, out);
	phys_fini(&p);
	if (index >= 2)
		out->len -= 5000;
	return true;
}

static bool lime_seed(unsigned index, struct blob *out)
{
	struct phys p;

	if (index >= 2)
		return false;
	recipe_text("lime", "ram 1000 3000\nram 8000 1000\nu64 8000: 77*4\nu64 2000: 78*4\n", false, &p);
	wrap_format_by_name("lime")->write(&p, out);
	phys_fini(&p);
	/* The first range was cut off: the next header stands where its memory should be. */
	if (index)
		memmove(out->bytes + 2000, out->bytes + 4228, out->len - 4228);
	return true;
}

static bool avml_seed(unsigned index, struct blob *out)
{
	struct phys p;

	if (index >= 4)
		return false;
	recipe_text("avml", "ram 1000 8000\nram 10000 1000\nrandom 3000 2000 5\nu64 10000: 77*4\n", false, &p);
	wrap_format_by_name(index % 2 ? "avml-mixed" : "avml")->write(&p, out);
	phys_fini(&p);
	/* A piece is gone from the middle, so that the next record has to be looked for. */
	if (index >= 2) {
		memmove(out->bytes + 4400, out->bytes + 5000, out->len - 5000);
		out->len -= 600;
	}
	return true;
}

static const char few_pages[] =
	"ram 1000 3000\nexcluded 4000 1000\nram 8000 1000\nu64 8000: 77*4\ncpu pc=ffffffff81000000 cr3=1000 cr4=20\n"
	"cpu pc=1 cr3=2000\n";

static bool chv_seed(unsigned index, struct blob *out)
{
	static const char tail[] =
		"{\"Kvm\":{\"core_regs\":{\"regs\":{\"regs\":[1,2],\"sp\":18446744073709551615,\"pc\":2}},"
		"\"sys_regs\":[{\"id\":6931039826524225793,\"addr\":18446744073709551615}]}}";
	struct phys p;

	if (index >= 2)
		return false;
	recipe_text("chv", index ? "ram 0 2000\n" : few_pages, false, &p);
	wrap_chv(&p, out);
	if (index)
		blob_add(out, tail, sizeof(tail));
	phys_fini(&p);
	return true;
}

static bool dmp_seed(unsigned index, struct blob *out)
{
	static void (*const writers[])(const struct phys *p, struct blob *out) = {
		wrap_dmp, wrap_dmp32, wrap_dmp_bitmap, wrap_dmp_list,
	};
	struct phys p;

	if (index >= mmw_array_len(writers))
		return false;
	recipe_text("dmp", few_pages, false, &p);
	writers[index](&p, out);
	phys_fini(&p);
	return true;
}

static bool vmware_seed(unsigned index, struct blob *out)
{
	static const uint32_t magics[] = { 0xbed2bed2, 0xbed0bed0 };
	struct phys p;

	if (index >= mmw_array_len(magics))
		return false;
	recipe_text("vmware", few_pages, false, &p);
	vmware_write(&p, magics[index], true, out);
	phys_fini(&p);
	return true;
}

/* The machines of wrap_qemu.c, and one that CMOS and a NUMA node tell of. */
static bool qemu_seed(unsigned index, struct blob *out)
{
	static const char *const names[] = { "qemu", "qemu-busy", "qemu-mapped" };
	static const struct qs_block blocks[] = {
		{ "ram-node1", 24 << 20 }, { "ram-node0", 8 << 20 }, { "pc.bios", 8192 },
	};
	static const char recipe[] = "ram 0 5000\nu64 1000: 77*4\nu64 4000: 78*4\n"
				     "cpu pc=1 sp=2 cr0=80000001 cr3=1000 cr4=20\n";
	struct phys p;

	if (index < mmw_array_len(names)) {
		recipe_text("qemu", recipe, false, &p);
		wrap_format_by_name(names[index])->write(&p, out);
		phys_fini(&p);
		return true;
	}
	if (index > mmw_array_len(names))
		return false;
	qs_head(out, "pc-q35-7.2", NULL);
	qs_blocks(out, blocks, mmw_array_len(blocks));
	qs_part(out, QS_PART, QS_RAM);
	qs_word(out, 0x3000, 2, "ram-node0");
	blob_u8(out, 7);
	qs_eos(out);
	qs_cmos(out, 20 << 20, 12 << 20);
	qs_finish(out, qs_cmos_json);
	return true;
}

static bool kdump_seed(unsigned index, struct blob *out)
{
	struct kd_image img;

	if (kd_sample(7 * index, &img))
		return false;
	blob_add(out, img.bytes, img.len);
	kd_free(&img);
	return true;
}

static bool flattened_seed(unsigned index, struct blob *out)
{
	struct blob inner = { 0 };
	struct kd_stream s;

	if (index >= 12 || !(index % 2 ? elf_seed(index / 2, &inner) : kdump_seed(index, &inner)))
		return false;
	if (kd_flatten(inner.bytes, inner.len, 500 + 1000 * index, (enum kd_order)(index % 3), &s))
		die("no memory for a seed");
	blob_add(out, s.bytes, s.len);
	kd_stream_free(&s);
	blob_fini(&inner);
	return true;
}

typedef void packer(const void *in, size_t n, struct blob *out);

static bool packed_seed(packer *pack, unsigned index, struct blob *out)
{
	struct blob inner = { 0 };

	if (index >= 3 || !(index == 2 ? lime_seed(0, &inner) : elf_seed(5 * index, &inner)))
		return false;
	pack(inner.bytes, inner.len, out);
	blob_fini(&inner);
	return true;
}

static bool gzip_seed(unsigned index, struct blob *out)
{
	return packed_seed(index < 3 ? pack_gzip : pack_zlib, index < 3 ? index : index - 3, out);
}

static bool xz_seed(unsigned index, struct blob *out)
{
	return packed_seed(pack_xz, index, out);
}

static bool zstd_seed(unsigned index, struct blob *out)
{
	return packed_seed(pack_zstd, index, out);
}

static bool bzip2_seed(unsigned index, struct blob *out)
{
	return packed_seed(pack_bzip2, index, out);
}

static bool lz4_seed(unsigned index, struct blob *out)
{
	return packed_seed(pack_lz4, index, out);
}

static bool lzop_seed(unsigned index, struct blob *out)
{
	return packed_seed(pack_lzop, index, out);
}

static bool libvirt_seed(unsigned index, struct blob *out)
{
	static packer *const packers[] = { pack_gzip, pack_xz, pack_lzop, pack_zstd };

	if (index >= 6)
		return false;
	libvirt_header(index & 1, index < 4, out);
	return packed_seed(packers[index % 4], index / 2, out);
}

/* Every shape of it, with two snapshots in every second. */
static bool qcow2_seed(unsigned index, struct blob *out)
{
	static const struct qcow2_spec specs[] = {
		{ .version = 2, .cluster_bits = 9 },
		{ .version = 3, .cluster_bits = 9 },
		{ .version = 3, .cluster_bits = 9, .zstd = true },
		{ .version = 3, .cluster_bits = 14, .extended = true },
	};
	struct blob inner = { 0 };
	struct qcow2_snapshot snapshots[] = { { "1", "one" }, { "2", "two" } };
	struct qcow2_spec spec;

	if (index >= 2 * mmw_array_len(specs) || !elf_seed(index % 2 * 5, &inner))
		return false;
	spec = specs[index / 2];
	snapshots[1].state = inner.bytes;
	snapshots[1].len = inner.len;
	spec.snapshots = snapshots + (index & 1);
	spec.n = 2 - (index & 1);
	spec.disk_size = 40000;
	qcow2_write(&spec, out);
	blob_fini(&inner);
	return true;
}

/* A byte that says word size and byte order, then tables. */
static bool kallsyms_seed(unsigned index, struct blob *out)
{
	enum mmw_kallsyms_encoding e = index % 4 == 3 ? MMW_KALLSYMS_PLACE : index & 4 ? MMW_KALLSYMS_PERCPU :
		MMW_KALLSYMS_BASE;
	struct ks_spec s = ks_spec_of((char)('A' + index % 4), e);
	struct blob b = { 0 };
	size_t at[KS_PARTS];
	char name[16];

	if (index >= 16)
		return false;
	s.big_endian = index & 8;
	s.word = index & 4 ? 8 : 4;
	s.va = s.word == 8 ? 0xffffffff81000000 : 0xc0100000;
	for (unsigned i = 0; i < 260; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		ks_add(&s, s.va - 0x10000 + 4 * i, 'T', name);
	}
	ks_build(&s, &b, at);
	blob_u8(out, (s.word == 8) | s.big_endian << 1);
	blob_add(out, b.bytes, b.len);
	blob_fini(&b);
	ks_spec_fini(&s);
	return true;
}

/* Which kernel, and a patch that changes nothing. */
static bool kernel_seed(unsigned index, struct blob *out)
{
	if (index >= 4 * TINY_KERNELS)
		return false;
	blob_u8(out, (uint8_t)index);
	blob_add(out, "\0\0\1\0\0", 5);
	return true;
}

/* A window, an offset, a length, bytes: a word of each window set to something. */
static bool mm_seed(unsigned index, struct blob *out)
{
	static const uint64_t values[] = { 0, 1, 0xffffea0000000148, 0xffffffff81051100, 0xf0000000, UINT64_MAX };

	if (index >= 48)
		return false;
	blob_u8(out, (uint8_t)(index % 8));
	blob_uint(out, 8 * (index / 8), 2, false);
	blob_u8(out, 8);
	blob_uint(out, values[index / 8], 8, false);
	return true;
}

/* The same with what struct pages, lists and trees of this machine are made of. */
static bool frames_seed(unsigned index, struct blob *out)
{
	static const uint64_t values[] = { 0, 1, 0xffffea0000004801, 0xffffffff81062040, 0xf5000000f4000000,
					   UINT64_MAX };
	static const uint16_t places[] = { 0x00, 0x08, 0x30, 0x40, 0x400, 0x410, 0x10, 0x800 };

	if (index >= 48)
		return false;
	blob_u8(out, (uint8_t)(index % 8));
	blob_uint(out, places[index / 6], 2, false);
	blob_u8(out, 8);
	blob_uint(out, values[index % 6], 8, false);
	return true;
}

/* The machine, then the same with what caches, tracks and handles of stacks are made of. */
static bool traces_seed(unsigned index, struct blob *out)
{
	static const uint64_t values[] = { 0, 1, 0x00000003aaaa1111, 0x0004000004000001, 0xffff888000160000,
					   UINT64_MAX };
	static const uint16_t places[] = { 0x00, 0x08, 0x10, 0x18, 0x40, 0x48, 0x80, 0x308 };

	if (index >= 48)
		return false;
	blob_u8(out, (uint8_t)(index % 2));
	blob_u8(out, (uint8_t)(index / 2 % 8));
	blob_uint(out, places[index / 6], 2, false);
	blob_u8(out, 8);
	blob_uint(out, values[index % 6], 8, false);
	return true;
}

/* The machine, then the same with what sections and nodes are made of. */
static bool memmap_seed(unsigned index, struct blob *out)
{
	static const uint64_t values[] = { 0, 1, 0xffffea000000000f, 0xffff888000060000, 0xffff888000300007,
					   UINT64_MAX };

	if (index >= 24)
		return false;
	blob_u8(out, (uint8_t)(index % 2));
	blob_u8(out, (uint8_t)(index / 2 % 8));
	blob_uint(out, 8 * (index / 8), 2, false);
	blob_u8(out, 8);
	blob_uint(out, values[index / 4], 8, false);
	return true;
}

/* Levels, byte order and root; then page, index, and an entry each. */
static bool walk_seed(unsigned index, struct blob *out)
{
	static const uint64_t flags[] = { 0x67, 0x63, 0xe7, 0x1e3, 0x8000000000000161, 0x160, 0x60, 0x1000 };

	if (index >= 48)
		return false;
	/* From 16 on every architecture in turn, each in two of its geometries. */
	blob_u8(out, (uint8_t)(index < 16 ? index : 0x20 | index));
	if (index >= 16) {
		blob_u8(out, (uint8_t)(index / 2));
		blob_u8(out, index & 1);
		blob_u8(out, (uint8_t)(index * 5));
	}
	for (unsigned i = 0; i < 12; i++) {
		blob_u8(out, (uint8_t)(i + index) % 4);
		blob_uint(out, i * 43 % 512, 2, false);
		blob_uint(out, (uint64_t)((i + 1) % 5) << 12 | flags[(i * (index + 1)) % 8], 8, false);
	}
	return true;
}

/* Word size, byte order, with a table laid over it or without; then bytes that spoil the table. */
static bool ksymtab_seed(unsigned index, struct blob *out)
{
	if (index >= 8)
		return false;
	blob_u8(out, (uint8_t)index);
	for (unsigned i = 0; i < index; i++)
		blob_u8(out, (uint8_t)(i * 31));
	return true;
}

static bool notes_seed(unsigned index, struct blob *out)
{
	struct phys p = { .big_endian = index & 1, .n_cpus = 1 + index / 2 };

	if (index == 6 || index == 7) {
		/* VirtualBox's and /proc/kcore's, out of the files they are in. */
		struct blob file = { 0 };
		uint64_t at;

		p.big_endian = false;
		phys_add(&p, 0x1000, 0x1000, PHYS_STORED);
		wrap_format_by_name(index == 6 ? "vbox" : "kcore")->write(&p, &file);
		at = mmw_get64(file.bytes + 64 + 8, false);
		blob_u8(out, index == 6 ? 2 : 0x82);
		blob_add(out, file.bytes + at, mmw_get64(file.bytes + 64 + 32, false));
		blob_fini(&file);
		phys_fini(&p);
		return true;
	}
	if (index >= 6)
		return false;
	for (size_t i = 0; i < p.n_cpus; i++)
		p.cpus[i] = (struct phys_cpu){ .pc = 1, .cr3 = 0x1000, .cr4 = 0x20, .qemu = index & 2 };
	blob_add(&p.vmcoreinfo, "OSRELEASE=1\n", 12);
	blob_u8(out, (uint8_t)(index & 1));
	wrap_notes(&p, out);
	phys_fini(&p);
	return true;
}

static bool vmcoreinfo_seed(unsigned index, struct blob *out)
{
	static const char *const texts[] = {
		"OSRELEASE=6.1\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff81000000\nNUMBER(phys_base)=-1048576\n"
		"NUMBER(x)=0x1000\nKERNELOFFSET=1f000000\n",
		"A=\n=B\n\n\nNUMBER()=1\nSYMBOL(=\nNUMBER(phys_base)=\n",
	};

	if (index >= mmw_array_len(texts))
		return false;
	blob_add(out, texts[index], strlen(texts[index]));
	return true;
}

static bool symtab_seed(unsigned index, struct blob *out)
{
	static const char text[] =
		"0 D pcpu\n1000 T _text\n1000 t same\n  w none\n3000 b twice\nc000 t i\t[mod]\n2000 t twice\r\n";

	if (index >= 2)
		return false;
	blob_add(out, text, sizeof(text) - 1 - 12 * index);
	return true;
}

/* include/uapi/linux/btf.h: an int, a pointer to it, a struct of both, and an enumeration. */
static bool btf_seed(unsigned index, struct blob *out)
{
	static const char strings[] = "\0int\0node\0next\0value\0color\0RED\0BLUE";
	static const uint32_t types[] = {
		1, 1 << 24, 4, 1 << 24 | 32,
		0, 2 << 24, 3,
		5, 4 << 24 | 2, 16, 10, 2, 0, 15, 1, 64,
		21, 6 << 24 | 2, 4, 27, 0, 31, 1,
	};
	bool be = index & 1;

	if (index >= 2)
		return false;
	blob_uint(out, 0xeb9f, 2, be);
	blob_u8(out, 1);
	blob_u8(out, 0);
	blob_uint(out, 24, 4, be);
	blob_uint(out, 0, 4, be);
	blob_uint(out, sizeof(types), 4, be);
	blob_uint(out, sizeof(types), 4, be);
	blob_uint(out, sizeof(strings), 4, be);
	for (size_t i = 0; i < mmw_array_len(types); i++)
		blob_uint(out, types[i], 4, be);
	blob_add(out, strings, sizeof(strings));
	return true;
}

/* Machine and flags, a place, then a little of everything that the reading of code follows. */
static bool disas_seed(unsigned index, struct blob *out)
{
	static const uint8_t x86[] = {
		0x48, 0x8b, 0x05, 0xd9, 0xfd, 0x03, 0x00, 0x48, 0x8b, 0x40, 0x10, 0x65, 0x8b, 0x04, 0x25, 0x08, 0x0a,
		0x00, 0x00, 0x74, 0x06, 0xe8, 0xc6, 0x8c, 0x00, 0x00, 0xc3, 0x48, 0x83, 0xc7, 0x08, 0x75, 0xe3, 0x31,
		0xdb, 0x0f, 0x0b, 0x48, 0xc7, 0xc7, 0x00, 0x00, 0x04, 0x81, 0xeb, 0xf7, 0xe0, 0xfe, 0x0f, 0xb9, 0xcc,
		0xc2, 0x08, 0x00, 0x06,
	};
	static const uint32_t arm64[] = {
		0xb0000001, 0x91133c21, 0xf9400822, 0x97fffffd, 0x58000083, 0xb4000043, 0xd65f03c0, 0xd2824680,
		0xf2b579a0, 0x14000000, 0x54ffff21, 0x3607ffe0, 0xa9bf7bfd, 0xb8e00020, 0x88e57c62, 0xc8a07c41,
		0x48607c82, 0xffffffff,
	};
	static const uint32_t arm[] = {
		0xe3003010, 0xe3403040, 0xe5932008, 0xe59f1004, 0xebfffffa, 0xe12fff1e, 0x00400004, 0x08bd8010,
		0x0a000000, 0xe1a0f00e, 0xe24c207b, 0x68184b01, 0xbf004770, 0xf7ffb510, 0xf000fffe,
	};

	if (index >= 32)
		return false;
	blob_u8(out, (uint8_t)index);
	blob_u8(out, (uint8_t)(index * 37));
	if (!(index & 3) || (index & 3) == 3) {
		blob_add(out, x86, sizeof(x86));
		return true;
	}
	for (size_t i = 0; i < ((index & 3) == 1 ? mmw_array_len(arm64) : mmw_array_len(arm)); i++)
		blob_uint(out, (index & 3) == 1 ? arm64[i] : arm[i], 4, false);
	return true;
}

/* A file for each way to write DWARF that the unit test knows. */
static bool dwarf_seed(unsigned index, struct blob *out)
{
	struct dw_spec spec;

	if (!dw_spec_at(index, &spec))
		return false;
	dw_model(&spec, out);
	return true;
}

bool fuzz_seed(const char *fuzzer, unsigned index, struct blob *out)
{
	static const struct {
		const char *name;
		bool (*make)(unsigned index, struct blob *out);
	} makers[] = {
		{ "avml", avml_seed },
		{ "btf", btf_seed },
		{ "bzip2", bzip2_seed },
		{ "chv", chv_seed },
		{ "disas", disas_seed },
		{ "dmp", dmp_seed },
		{ "dwarf", dwarf_seed },
		{ "elf", elf_seed },
		{ "flattened", flattened_seed },
		{ "frames", frames_seed },
		{ "gzip", gzip_seed },
		{ "kallsyms", kallsyms_seed },
		{ "kdump", kdump_seed },
		{ "kernel", kernel_seed },
		{ "libvirt", libvirt_seed },
		{ "lime", lime_seed },
		{ "lz4", lz4_seed },
		{ "lzop", lzop_seed },
		{ "memmap", memmap_seed },
		{ "mm", mm_seed }, { "module", mm_seed }, { "zoneinfo", mm_seed },
		{ "page", mm_seed },
		{ "notes", notes_seed },
		{ "qcow2", qcow2_seed },
		{ "qemu", qemu_seed },
		{ "symtab", symtab_seed },
		{ "traces", traces_seed },
		{ "vmcoreinfo", vmcoreinfo_seed },
		{ "vmware", vmware_seed },
		{ "walk", walk_seed },
		{ "xen", xen_seed },
		{ "xz", xz_seed },
		{ "zstd", zstd_seed },
		{ "ksymtab", ksymtab_seed },
	};

	for (size_t i = 0; i < mmw_array_len(makers); i++)
		if (!strcmp(makers[i].name, fuzzer))
			return makers[i].make(index, out);
	return false;
}
