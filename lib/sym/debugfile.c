/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/debugfile.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"

enum {
	PATH_LEN = 4096,
	BANNER_MAX = 1024,
	NOTES_MAX = 1 << 20,        /* bytes of one section or segment of notes */
	SYMTAB_MAX = 1 << 30,
	RATIO_DEFLATE = 1100,       /* deflate makes at most 1032 bytes of one */
	RATIO_ZSTD = 1 << 16,       /* an RLE block of zstd makes 128 KiB of four */
	ZHEAD_LEN = 12,             /* of a .zdebug_ section: "ZLIB", and its length, big endian */
	MAGIC_LEN = 0x206,
};

static const uint64_t unpacked_max = 1ull << 33;
static const char default_root[] = "/usr/lib/debug";

struct mmw_debugsect {
	struct elf_file *elf;
	const char *name;
	GElf_Shdr sh;
	uint64_t size;     /* once it was asked for: of its content */
	uint8_t *unpacked; /* the content of a compressed one */
};

struct elf_file {
	char *path;
	int fd;
	uint64_t size;
	Elf *elf;
	GElf_Ehdr eh;
	bool be;
	struct mmw_debugsect *sects;
	size_t n;
	uint8_t build_id[MMW_BUILD_ID_MAX];
	size_t build_id_len;
};

struct mmw_debugfile {
	struct elf_file *main, *dwarf;  /* dwarf may be main, or NULL */
	struct mmw_debugfile_info info;
	struct mmw_debugsym *syms;
	char *names;                    /* of the symbols */
	size_t n_syms;
};

/* --- one ELF file --------------------------------------------------------------------------------------------- */

static int read_at(const struct elf_file *e, uint64_t off, void *buf, size_t len, struct mmw_err *err)
{
	size_t done = 0;

	if (!mmw_fits(off, len, e->size))
		return mmw_fail(err, MMW_E_CORRUPT, off, "%s: %zu bytes at offset %" PRIu64
				" lie past its end (truncated?)", e->path, len, off);
	while (done < len) {
		ssize_t n = pread(e->fd, (char *)buf + done, len - done, (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mmw_fail_sys(err, "%s: read at offset %" PRIu64, e->path, off + done);
		if (!n)
			return mmw_fail(err, MMW_E_CORRUPT, off, "%s: the file ended while it was read", e->path);
		done += (size_t)n;
	}
	return 0;
}

static void elf_file_close(struct elf_file *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n; i++)
		free(e->sects[i].unpacked);
	free(e->sects);
	elf_end(e->elf);
	if (e->fd >= 0)
		close(e->fd);
	free(e->path);
	free(e);
}

/* What people give instead of a vmlinux. */
static int not_elf(const struct elf_file *e, const uint8_t *p, size_t len, struct mmw_err *err)
{
	static const struct {
		const char *magic, *what;
		uint16_t at, len;
	} known[] = {
		{ "HdrS", "a bzImage, which has neither symbols nor types: its vmlinux is needed", 0x202, 4 },
		{ "ARM\x64", "an arm64 Image, which has neither symbols nor types: its vmlinux is needed", 0x38, 4 },
		{ "RSC\x05", "a riscv Image, which has neither symbols nor types: its vmlinux is needed", 0x38, 4 },
		{ "\x1f\x8b", "compressed with gzip: unpack it first", 0, 2 },
		{ "\xfd" "7zXZ", "compressed with xz: unpack it first", 0, 5 },
		{ "\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first", 0, 4 },
		{ "!<arch>\n", "an archive (a package?): unpack it first", 0, 8 },
	};

	for (size_t i = 0; i < mmw_array_len(known); i++)
		if (mmw_fits(known[i].at, known[i].len, len) && !memcmp(p + known[i].at, known[i].magic, known[i].len))
			return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s is %s", e->path, known[i].what);
	return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s is no ELF file", e->path);
}

/* A table of headers must be inside; its entries must have the size that the class prescribes. */
static bool table_inside(const struct elf_file *e, uint64_t off, uint64_t n, unsigned entry, unsigned want)
{
	return !n || (entry == want && off && mmw_fits(off, n * want, e->size));
}

/* Of the header, what libelf will believe. Section 0 has the counts that do not fit into 16 bits. */
static int check_header(struct elf_file *e, struct mmw_err *err)
{
	uint8_t h[MAGIC_LEN] = { 0 }, s[64];
	size_t len = e->size < sizeof(h) ? e->size : sizeof(h);
	unsigned word, shent, phent;
	uint64_t shoff, phoff, shnum, phnum, at;
	int rc = read_at(e, 0, h, len, err);

	if (rc)
		return rc;
	if (memcmp(h, ELFMAG, SELFMAG))
		return not_elf(e, h, len, err);
	word = h[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	e->be = h[EI_DATA] == ELFDATA2MSB;
	if ((h[EI_CLASS] != ELFCLASS32 && h[EI_CLASS] != ELFCLASS64) || (!e->be && h[EI_DATA] != ELFDATA2LSB) ||
	    h[EI_VERSION] != EV_CURRENT || len < (word == 8 ? 64u : 52u))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: its ELF header is damaged", e->path);
	at = 24 + word;  /* e_phoff, e_shoff, e_flags, then 16-bit words */
	phoff = mmw_get_word(h + at, word, e->be);
	shoff = mmw_get_word(h + at + word, word, e->be);
	at += 2 * word + 4;
	phent = mmw_get16(h + at + 2, e->be);
	phnum = mmw_get16(h + at + 4, e->be);
	shent = mmw_get16(h + at + 6, e->be);
	shnum = mmw_get16(h + at + 8, e->be);
	if (!shoff || (shnum && shnum >= SHN_LORESERVE))
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s has no table of sections", e->path);
	if (!shnum || phnum == PN_XNUM) {
		rc = read_at(e, shoff, s, word == 8 ? 64 : 40, err);
		if (rc)
			return mmw_wrap(err, rc, "section headers");
		shnum = shnum ? shnum : mmw_get_word(s + (word == 8 ? 32 : 20), word, e->be);
		phnum = phnum == PN_XNUM ? mmw_get32(s + (word == 8 ? 44 : 28), e->be) : phnum;
	}
	if (!shnum || shnum > UINT32_MAX || !table_inside(e, shoff, shnum, shent, word == 8 ? 64 : 40) ||
	    !table_inside(e, phoff, phnum, phent, word == 8 ? 56 : 32))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: its tables of headers lie past its end (truncated?)",
				e->path);
	return 0;
}

static int elf_failed(const struct elf_file *e, struct mmw_err *err)
{
	return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: %s", e->path, elf_errmsg(-1));
}

static int list_sections(struct elf_file *e, struct mmw_err *err)
{
	size_t n, strndx;

	if (!gelf_getehdr(e->elf, &e->eh) || elf_getshdrnum(e->elf, &n) || elf_getshdrstrndx(e->elf, &strndx))
		return elf_failed(e, err);
	e->sects = calloc(n ? n : 1, sizeof(*e->sects));
	if (!e->sects)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu sections", n);
	for (; e->n < n; e->n++) {
		struct mmw_debugsect *s = &e->sects[e->n];
		Elf_Scn *scn = elf_getscn(e->elf, e->n);

		s->elf = e;
		if (!scn || !gelf_getshdr(scn, &s->sh))
			return elf_failed(e, err);
		/* The names' own section may not be one, or lie outside. */
		s->name = e->n ? elf_strptr(e->elf, strndx, s->sh.sh_name) : "";
		s->name = s->name ? s->name : "";
	}
	return 0;
}

static bool has_bytes(const struct mmw_debugsect *s)
{
	return s->sh.sh_type != SHT_NOBITS && s->sh.sh_type != SHT_NULL && s->sh.sh_size;
}

static bool holds(const struct mmw_debugsect *s)
{
	return has_bytes(s) && mmw_fits(s->sh.sh_offset, s->sh.sh_size, s->elf->size);
}

/* elf.h, "Note entries": name length, descriptor length, type; both padded. */
static bool build_id_in(struct elf_file *e, const uint8_t *p, size_t len, unsigned align)
{
	struct mmw_bytes b = mmw_bytes_of(p, len, e->be, "notes");
	const uint8_t *name, *desc;
	uint32_t namesz, descsz, type;

	while (!mmw_bytes_u32(&b, &namesz, NULL) && !mmw_bytes_u32(&b, &descsz, NULL) &&
	       !mmw_bytes_u32(&b, &type, NULL) && !mmw_bytes_take(&b, namesz, &name, NULL) &&
	       !mmw_bytes_skip(&b, -b.pos & (align - 1), NULL) &&
	       !mmw_bytes_take(&b, descsz, &desc, NULL)) {
		if (namesz == 4 && !memcmp(name, "GNU", 4) && type == NT_GNU_BUILD_ID && descsz &&
		    descsz <= MMW_BUILD_ID_MAX) {
			memcpy(e->build_id, desc, descsz);
			e->build_id_len = descsz;
			return true;
		}
		if (mmw_bytes_skip(&b, -b.pos & (align - 1), NULL))
			break;
	}
	return false;
}

static bool build_id_at(struct elf_file *e, uint64_t off, uint64_t len, uint64_t align)
{
	uint8_t *p = len && len <= NOTES_MAX && mmw_fits(off, len, e->size) ? malloc(len) : NULL;
	bool found = p && !read_at(e, off, p, len, NULL) && build_id_in(e, p, len, align == 8 ? 8 : 4);

	free(p);
	return found;
}

/* Sections first: the segments of a .debug file are where its notes were. */
static void find_build_id(struct elf_file *e)
{
	size_t n;

	for (size_t i = 0; i < e->n; i++)
		if (e->sects[i].sh.sh_type == SHT_NOTE &&
		    build_id_at(e, e->sects[i].sh.sh_offset, e->sects[i].sh.sh_size, e->sects[i].sh.sh_addralign))
			return;
	if (elf_getphdrnum(e->elf, &n))
		return;
	for (size_t i = 0; i < n && i < INT32_MAX; i++) {
		GElf_Phdr ph;

		if (gelf_getphdr(e->elf, (int)i, &ph) && ph.p_type == PT_NOTE &&
		    build_id_at(e, ph.p_offset, ph.p_filesz, ph.p_align))
			return;
	}
}

static int open_fd(struct elf_file *e, struct mmw_err *err)
{
	struct stat st;

	/* O_NONBLOCK: a FIFO without a writer must not hang us before it can be refused. */
	e->fd = open(e->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (e->fd < 0 || fstat(e->fd, &st) < 0)
		return mmw_fail_sys(err, "%s", e->path);
	if (!S_ISREG(st.st_mode))
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s is no regular file", e->path);
	if (!st.st_size)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s is empty", e->path);
	e->size = (uint64_t)st.st_size;
	return 0;
}

static int open_elf(struct elf_file *e, struct mmw_err *err)
{
	int rc = open_fd(e, err);

	rc = rc ? rc : check_header(e, err);
	if (rc)
		return rc;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "libelf is too old");
	e->elf = elf_begin(e->fd, ELF_C_READ, NULL);
	if (!e->elf || elf_kind(e->elf) != ELF_K_ELF)
		return elf_failed(e, err);
	rc = list_sections(e, err);
	if (rc)
		return rc;
	if (e->eh.e_type != ET_EXEC && e->eh.e_type != ET_DYN)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s is %s, not a linked vmlinux", e->path,
				e->eh.e_type == ET_CORE ? "a core (a memory image?)" : e->eh.e_type == ET_REL ?
				"a relocatable object (a module?)" : "an ELF file of an unknown type");
	find_build_id(e);
	return 0;
}

static int elf_file_open(const char *path, struct elf_file **out, struct mmw_err *err)
{
	struct elf_file *e = calloc(1, sizeof(*e));
	int rc;

	if (e)
		e->fd = -1;
	if (e)
		e->path = strdup(path);
	rc = e && e->path ? open_elf(e, err) : mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", path);
	if (rc)
		elf_file_close(e);
	else
		*out = e;
	return rc;
}

/* --- sections ------------------------------------------------------------------------------------------------- */

/* Is it this section, under its own name or the one that old compressed ones had? */
static bool is_named(const struct mmw_debugsect *s, const char *name)
{
	return !strcmp(s->name, name) || (!strncmp(name, ".debug_", 7) && !strncmp(s->name, ".z", 2) &&
					  !strcmp(s->name + 2, name + 1));
}

static struct mmw_debugsect *find_section(const struct elf_file *e, const char *name)
{
	for (size_t i = 0; e && i < e->n; i++)
		if (has_bytes(&e->sects[i]) && is_named(&e->sects[i], name))
			return &e->sects[i];
	return NULL;
}

/* How a section is packed: in front of the stream, its length unpacked. */
struct packing {
	uint64_t head, size;
	bool zstd;
};

/* elf.h, Elf32_Chdr and Elf64_Chdr; binutils' older way is known by the section's name. */
static int packing_of(const struct mmw_debugsect *s, struct packing *out, struct mmw_err *err)
{
	struct elf_file *e = s->elf;
	unsigned word = e->eh.e_ident[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	bool named = !(s->sh.sh_flags & SHF_COMPRESSED);
	uint8_t h[24];
	uint32_t how = ELFCOMPRESS_ZLIB;
	int rc;

	*out = (struct packing){ .head = named ? ZHEAD_LEN : word == 8 ? 24 : 12 };
	if (s->sh.sh_size <= out->head)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: too short to be compressed", s->name);
	rc = read_at(e, s->sh.sh_offset, h, out->head, err);
	if (rc)
		return rc;
	if (named && memcmp(h, "ZLIB", 4))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: is not compressed as its name says", s->name);
	if (!named)
		how = mmw_get32(h, e->be);
	out->size = named ? mmw_get64(h + 4, true) : mmw_get_word(h + word, word, e->be);
	out->zstd = how == 2;
	if (how != ELFCOMPRESS_ZLIB && !out->zstd)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s: compressed in an unknown way (%" PRIu32 ")", s->name,
				how);
	if (!out->size || out->size > unpacked_max ||
	    out->size / (out->zstd ? RATIO_ZSTD : RATIO_DEFLATE) > s->sh.sh_size)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: cannot have %" PRIu64 " bytes unpacked", s->name,
				out->size);
	return 0;
}

static bool unpack_deflate(const uint8_t *in, size_t len, uint8_t *out, size_t size)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	size_t got = 0;
	bool ok = d && libdeflate_zlib_decompress(d, in, len, out, size, &got) == LIBDEFLATE_SUCCESS && got == size;

	libdeflate_free_decompressor(d);
	return ok;
}

static int unpack(struct mmw_debugsect *s, struct mmw_err *err)
{
	struct packing p;
	uint8_t *in, *out;
	size_t len;
	int rc = packing_of(s, &p, err);

	if (rc)
		return rc;
	len = s->sh.sh_size - p.head;
	in = malloc(len);
	out = malloc(p.size);
	rc = in && out ? read_at(s->elf, s->sh.sh_offset + p.head, in, len, err) :
		mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the %" PRIu64 " bytes of %s", p.size, s->name);
	if (!rc && !(p.zstd ? ZSTD_decompress(out, p.size, in, len) == p.size : unpack_deflate(in, len, out, p.size)))
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "%s does not unpack", s->name);
	free(in);
	if (rc) {
		free(out);
		return rc;
	}
	s->unpacked = out;
	s->size = p.size;
	return 0;
}

int mmw_debugfile_section(struct mmw_debugfile *f, const char *name, struct mmw_debugsect **out, struct mmw_err *err)
{
	struct elf_file *e = strncmp(name, ".debug_", 7) ? f->main : f->dwarf;
	struct mmw_debugsect *s = find_section(e, name);
	int rc = 0;

	if (!s)
		return mmw_fail(err, MMW_E_NODATA, 0, "%s has no section %s", e ? e->path : f->main->path, name);
	if (!holds(s))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: section %s lies past its end (truncated?)", e->path, name);
	if (!s->size) {
		s->size = s->sh.sh_size;
		if ((s->sh.sh_flags & SHF_COMPRESSED) || s->name[1] == 'z')
			rc = unpack(s, err);
		if (rc)
			s->size = 0;
	}
	*out = s;
	return mmw_wrap(err, rc, "%s", e->path);
}

uint64_t mmw_debugsect_size(const struct mmw_debugsect *s)
{
	return s->size;
}

int mmw_debugsect_read(const struct mmw_debugsect *s, uint64_t off, void *buf, size_t len, struct mmw_err *err)
{
	if (!mmw_fits(off, len, s->size))
		return mmw_fail(err, MMW_E_CORRUPT, off, "%s: %zu bytes at offset %" PRIu64 " lie past the end of %s",
				s->elf->path, len, off, s->name);
	if (!s->unpacked)
		return read_at(s->elf, s->sh.sh_offset + off, buf, len, err);
	memcpy(buf, s->unpacked + off, len);
	return 0;
}

/* --- from a stripped file to the one with its DWARF ----------------------------------------------------------- */

/* What .gnu_debuglink says. */
struct link {
	char name[256];
	uint32_t crc;
};

static bool find_link(const struct elf_file *e, struct link *out)
{
	const struct mmw_debugsect *s = find_section(e, ".gnu_debuglink");
	uint8_t b[sizeof(out->name) + 8];
	size_t at;

	if (!s || !holds(s) || s->sh.sh_size > sizeof(b) || s->sh.sh_size < 8 ||
	    read_at(e, s->sh.sh_offset, b, s->sh.sh_size, NULL))
		return false;
	at = strnlen((char *)b, s->sh.sh_size);
	if (!at || at >= sizeof(out->name) || memchr(b, '/', at) || (at + 4) / 4 * 4 + 4 > s->sh.sh_size)
		return false;
	memcpy(out->name, b, at + 1);
	out->crc = mmw_get32(b + (at + 4) / 4 * 4, e->be);
	return true;
}

static uint32_t crc_of(const struct elf_file *e)
{
	enum { STEP = 1 << 20 };
	uint8_t *buf = malloc(STEP);
	uint32_t crc = 0;

	for (uint64_t off = 0; buf && off < e->size; off += STEP) {
		size_t len = e->size - off < STEP ? e->size - off : STEP;

		if (read_at(e, off, buf, len, NULL))
			break;
		crc = libdeflate_crc32(crc, buf, len);
	}
	free(buf);
	return crc;
}

/* Does it belong to f, and has it DWARF? By its checksum only where there is no build ID: that reads all of it. */
static bool belongs(const struct mmw_debugfile *f, const struct elf_file *e, const struct link *link)
{
	const struct elf_file *m = f->main;

	if (e->eh.e_machine != m->eh.e_machine || e->be != m->be || !find_section(e, ".debug_info"))
		return false;
	if (e->build_id_len && m->build_id_len)
		return e->build_id_len == m->build_id_len && !memcmp(e->build_id, m->build_id, m->build_id_len);
	return link && crc_of(e) == link->crc;
}

static bool try_file(struct mmw_debugfile *f, const struct link *link, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool try_file(struct mmw_debugfile *f, const struct link *link, const char *format, ...)
{
	char path[PATH_LEN];
	struct elf_file *e;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (len < 0 || len >= PATH_LEN || elf_file_open(path, &e, NULL))
		return false;
	if (!belongs(f, e, link)) {
		elf_file_close(e);
		return false;
	}
	f->dwarf = e;
	return true;
}

static bool by_build_id(struct mmw_debugfile *f, const char *root)
{
	const struct elf_file *e = f->main;
	char hex[2 * MMW_BUILD_ID_MAX + 1];

	mmw_hex_text(e->build_id, e->build_id_len, hex);
	return e->build_id_len > 1 && try_file(f, NULL, "%s/.build-id/%.2s/%s.debug", root, hex, hex + 2);
}

static bool by_link(struct mmw_debugfile *f, const char *root)
{
	char *real = realpath(f->main->path, NULL), *slash = real ? strrchr(real, '/') : NULL;
	struct link l;
	bool found = false;

	if (slash && find_link(f->main, &l)) {
		*slash = '\0';
		found = try_file(f, &l, "%s/%s", real, l.name) || try_file(f, &l, "%s/.debug/%s", real, l.name) ||
			try_file(f, &l, "%s%s/%s", root, real, l.name);
	}
	free(real);
	return found;
}

int mmw_debugfile_open(const char *path, const char *root, struct mmw_debugfile **out, struct mmw_err *err)
{
	struct mmw_debugfile *f = calloc(1, sizeof(*f));
	struct elf_file *e = NULL;
	int rc = f ? elf_file_open(path, &e, err) : mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", path);

	if (rc) {
		free(f);
		return rc;
	}
	f->main = e;
	if (find_section(e, ".debug_info"))
		f->dwarf = e;
	else if (!by_build_id(f, root ? root : default_root))
		by_link(f, root ? root : default_root);
	f->info = (struct mmw_debugfile_info){
		.path = e->path, .dwarf_path = f->dwarf ? f->dwarf->path : NULL, .machine = e->eh.e_machine,
		.word = e->eh.e_ident[EI_CLASS] == ELFCLASS64 ? 8 : 4, .big_endian = e->be,
		.build_id_len = e->build_id_len,
	};
	memcpy(f->info.build_id, e->build_id, sizeof(e->build_id));
	*out = f;
	return 0;
}

void mmw_debugfile_close(struct mmw_debugfile *f)
{
	if (!f)
		return;
	if (f->dwarf != f->main)
		elf_file_close(f->dwarf);
	elf_file_close(f->main);
	free(f->syms);
	free(f->names);
	free(f);
}

const struct mmw_debugfile_info *mmw_debugfile_info(const struct mmw_debugfile *f)
{
	return &f->info;
}

/* --- symbols -------------------------------------------------------------------------------------------------- */

static struct mmw_debugsect *find_symtab(const struct elf_file *e)
{
	for (size_t i = 0; e && i < e->n; i++)
		if (e->sects[i].sh.sh_type == SHT_SYMTAB && holds(&e->sects[i]))
			return &e->sects[i];
	return NULL;
}

/* Extended section indexes (SHN_XINDEX) say only "somewhere": such a symbol counts as data. */
static char type_of(const struct elf_file *e, const GElf_Sym *sym)
{
	const struct mmw_debugsect *s = sym->st_shndx < e->n ? &e->sects[sym->st_shndx] : NULL;
	bool local = GELF_ST_BIND(sym->st_info) == STB_LOCAL;
	char c = 'D';

	if (sym->st_shndx == SHN_ABS)
		c = 'A';
	else if (GELF_ST_BIND(sym->st_info) == STB_WEAK)
		c = 'W';
	else if (sym->st_shndx == SHN_COMMON || (s && s->sh.sh_type == SHT_NOBITS && sym->st_shndx && !has_bytes(s)))
		c = 'B';
	if (c != 'D' && c != 'B')
		return local ? (char)(c + 32) : c;
	if (s && (s->sh.sh_flags & SHF_EXECINSTR))
		c = 'T';
	else if (s && !(s->sh.sh_flags & SHF_WRITE) && c == 'D')
		c = 'R';
	return local ? (char)(c + 32) : c;
}

/* Symbol names are copied: libelf keeps the others in a buffer of its own. */
static int load_names(struct mmw_debugfile *f, const struct mmw_debugsect *symtab, uint64_t *len, struct mmw_err *err)
{
	struct elf_file *e = symtab->elf;
	const struct mmw_debugsect *s = symtab->sh.sh_link < e->n ? &e->sects[symtab->sh.sh_link] : NULL;
	int rc;

	if (!s || !holds(s) || s->sh.sh_size > SYMTAB_MAX || symtab->sh.sh_size > SYMTAB_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: the names of its symbols are not inside", e->path);
	*len = s->sh.sh_size;
	f->names = malloc(*len + 1);
	if (!f->names)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the names of symbols");
	rc = read_at(e, s->sh.sh_offset, f->names, *len, err);
	f->names[*len] = '\0';
	return rc;
}

static int load_symbols(struct mmw_debugfile *f, struct mmw_err *err)
{
	struct mmw_debugsect *s = find_symtab(f->main) ? find_symtab(f->main) : find_symtab(f->dwarf);
	Elf_Data *data;
	uint64_t names_len = 0, n;
	int rc;

	if (!s)
		return mmw_fail(err, MMW_E_NOSYM, 0, "%s has no symbols (stripped)", f->main->path);
	rc = load_names(f, s, &names_len, err);
	if (rc)
		return rc;
	data = elf_getdata(elf_getscn(s->elf->elf, s - s->elf->sects), NULL);
	if (!data || data->d_type != ELF_T_SYM || data->d_size > s->sh.sh_size)
		return elf_failed(s->elf, err);
	n = data->d_size / gelf_fsize(s->elf->elf, ELF_T_SYM, 1, EV_CURRENT);
	f->syms = malloc((n ? n : 1) * sizeof(*f->syms));
	if (!f->syms)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %" PRIu64 " symbols", n);
	for (uint64_t i = 0; i < n && i < INT32_MAX; i++) {
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) || sym.st_name >= names_len || !f->names[sym.st_name] ||
		    sym.st_shndx == SHN_UNDEF || GELF_ST_TYPE(sym.st_info) == STT_FILE ||
		    GELF_ST_TYPE(sym.st_info) == STT_SECTION)
			continue;
		f->syms[f->n_syms++] = (struct mmw_debugsym){ f->names + sym.st_name, sym.st_value, sym.st_size,
							      type_of(s->elf, &sym) };
	}
	return 0;
}

int mmw_debugfile_symbols(struct mmw_debugfile *f, const struct mmw_debugsym **out, size_t *n, struct mmw_err *err)
{
	int rc = f->syms ? 0 : load_symbols(f, err);

	if (rc) {
		free(f->names);
		f->names = NULL;
		return rc;
	}
	*out = f->syms;
	*n = f->n_syms;
	return 0;
}

/* The section of this file that has bytes for a linked address. */
static const struct mmw_debugsect *section_at(const struct elf_file *e, uint64_t va)
{
	for (size_t i = 0; i < e->n; i++) {
		const GElf_Shdr *sh = &e->sects[i].sh;

		if ((sh->sh_flags & SHF_ALLOC) && holds(&e->sects[i]) && va >= sh->sh_addr &&
		    va - sh->sh_addr < sh->sh_size)
			return &e->sects[i];
	}
	return NULL;
}

int mmw_debugfile_banner(struct mmw_debugfile *f, char *buf, size_t size, struct mmw_err *err)
{
	const struct mmw_debugsect *s;
	const struct mmw_debugsym *syms;
	char text[BANNER_MAX + 1] = "";
	size_t n, i = 0, len;
	int rc = mmw_debugfile_symbols(f, &syms, &n, err);

	while (!rc && i < n && strcmp(syms[i].name, "linux_banner"))
		i++;
	if (rc || i == n)
		return rc ? rc : mmw_fail(err, MMW_E_NOSYM, 0, "%s has no linux_banner: no kernel?", f->main->path);
	s = section_at(f->main, syms[i].value);
	if (!s)
		return mmw_fail(err, MMW_E_NODATA, syms[i].value, "%s does not hold the text of linux_banner",
				f->main->path);
	len = s->sh.sh_size - (syms[i].value - s->sh.sh_addr);
	len = len < BANNER_MAX ? len : BANNER_MAX;
	rc = read_at(f->main, s->sh.sh_offset + (syms[i].value - s->sh.sh_addr), text, len, err);
	if (rc)
		return rc;
	len = strcspn(text, "\n");
	if (strncmp(text, "Linux version ", 14) || len >= size)
		return mmw_fail(err, MMW_E_CORRUPT, syms[i].value, "%s: linux_banner holds no version", f->main->path);
	memcpy(buf, text, len);
	buf[len] = '\0';
	return 0;
}
