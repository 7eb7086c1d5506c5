/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's migration stream, which is also what savevm, virsh save and virsh dump write (migration/savevm.c). Big endian:
 *
 *   "QEVM", u32 3, then elements, each a byte and what belongs to it:
 *   7  CONFIGURATION  u32 length, machine ("pc-q35-7.2"); then subsections: 5, u8 length and name, u32 version, fields
 *   1  START, 4 FULL  u32 section, u8 length and name, u32 instance, u32 version, payload, footer
 *   2  PART, 3 END    u32 section, payload, footer
 *   8  COMMAND        u16 command, u16 length, bytes
 *   0  EOF            6, u32 length, JSON that describes the devices (absent in old streams and interrupted ones)
 *   footer            7e, u32 section (absent for machines up to 2.3)
 *
 * Memory is the section "ram" (qemu_ram.c), in parts; the devices follow, each in a FULL section (qemu_state.c). No
 * element has a length: behind one that is unknown, or damaged, the footer of its section is searched for. Memory has
 * no addresses either, only names: qemu_board.c places it.
 *
 * Opening reads the stream once from end to end and remembers where the pages are; mapped-ram (QEMU 9.0) keeps a
 * bitmap, so nothing but that is read. A page that never came was left out by QEMU (free page hinting, x-ignore-shared)
 * where the stream is whole, and is lost where it is cut off.
 */
#include "formats/qemu.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"

enum {
	VERSION = 3,
	RAM_VERSION = 4,
	PAGE_MIN_BITS = 12,
	PAGE_MAX_BITS = 16,
	SUBSECTIONS_MAX = 16,
	STATE_MAX = 64 << 20,  /* of devices; real ones are below one MiB */
};

enum {
	ELEMENT_EOF = 0,
	ELEMENT_START = 1,
	ELEMENT_PART = 2,
	ELEMENT_END = 3,
	ELEMENT_FULL = 4,
	ELEMENT_SUBSECTION = 5,
	ELEMENT_DESCRIPTION = 6,
	ELEMENT_CONFIGURATION = 7,
	ELEMENT_COMMAND = 8,
	ELEMENT_FOOTER = 0x7e,
	FOOTER_LEN = 5,
};

/* --- reading in order ----------------------------------------------------------------------------------------- */

const uint8_t *qemu_peek(struct qemu_stream *s, size_t n)
{
	uint64_t left = s->file->size - s->pos;
	struct mmw_err err = { 0 };
	int rc;

	if (s->pos >= s->base && mmw_fits(s->pos - s->base, n, s->have))
		return s->buf + (s->pos - s->base);
	if (n > left || s->rc)
		return NULL;
	s->base = s->pos;
	s->have = left < QEMU_CHUNK ? left : QEMU_CHUNK;
	mmw_progress(s->progress, "indexing the stream", s->pos, s->file->size);
	rc = mmw_file_read(s->file, s->base, s->buf, s->have, &err);
	if (rc) {
		/* A wrapper may be damaged inside; the host's own failures end everything. */
		s->rc = rc == -MMW_E_SYS || rc == -MMW_E_NOMEM ? rc : 0;
		s->have = 0;
		return NULL;
	}
	return s->buf;
}

bool qemu_skip(struct qemu_stream *s, uint64_t n)
{
	if (n > s->file->size - s->pos)
		return false;
	s->pos += n;
	return true;
}

bool qemu_take(struct qemu_stream *s, unsigned size, uint64_t *out)
{
	const uint8_t *p = qemu_peek(s, size);

	if (!p)
		return false;
	*out = mmw_get_word(p, size, true);
	s->pos += size;
	return true;
}

bool qemu_take_name(struct qemu_stream *s, char out[QEMU_NAME_MAX])
{
	uint64_t n;
	const uint8_t *p;

	if (!qemu_take(s, 1, &n))
		return false;
	p = qemu_peek(s, n);
	if (!p)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	s->pos += n;
	return true;
}

/* --- elements ------------------------------------------------------------------------------------------------- */

/* Could an element begin here? `p` has n bytes of it, at least one. */
static bool is_element(const uint8_t *p, size_t n)
{
	switch (p[0]) {
	case ELEMENT_EOF:
		return n < 2 || p[1] == ELEMENT_DESCRIPTION;
	case ELEMENT_PART:
	case ELEMENT_END:
		/* Sections are numbered from 0; nobody has thousands. */
		return n < FOOTER_LEN || mmw_get32(p + 1, true) < 0x10000;
	case ELEMENT_START:
	case ELEMENT_FULL:
		if (n < 7)
			return true;
		return mmw_get32(p + 1, true) < 0x10000 && p[5] && p[6] >= ' ' && p[6] < 0x7f;
	case ELEMENT_COMMAND:
		return n < 2 || !p[1];
	default:
		return false;
	}
}

/* Search for the footer of a section from here on, and go behind it. */
static bool resync(struct qemu_stream *s, uint32_t section)
{
	enum { LOOK = FOOTER_LEN + 8 };
	uint8_t footer[FOOTER_LEN] = { ELEMENT_FOOTER };
	const uint8_t *p, *hit;

	for (int i = 0; i < 4; i++)
		footer[1 + i] = (uint8_t)(section >> (24 - 8 * i));
	for (;;) {
		uint64_t left = s->file->size - s->pos;
		size_t n = left < QEMU_TOKEN ? left : QEMU_TOKEN;

		p = n < FOOTER_LEN ? NULL : qemu_peek(s, n);
		if (!p)
			return false;
		for (hit = p; (hit = memmem(hit, p + n - hit, footer, FOOTER_LEN)); hit++) {
			size_t more = p + n - hit - FOOTER_LEN;

			if (more < LOOK && n < left)
				break;
			if (!more || is_element(hit + FOOTER_LEN, more)) {
				s->pos += hit + FOOTER_LEN - p;
				return true;
			}
		}
		if (n == left)
			return false;
		s->pos += n - LOOK - FOOTER_LEN;
	}
}

/* After a payload that was understood. Old machines have no footers. */
static void skip_footer(struct qemu_stream *s)
{
	const uint8_t *p = qemu_peek(s, FOOTER_LEN);

	if (p && p[0] == ELEMENT_FOOTER)
		qemu_skip(s, FOOTER_LEN);
}

static bool take_capabilities(struct qemu *q, struct qemu_stream *s)
{
	char name[QEMU_NAME_MAX];
	uint64_t n;

	if (!qemu_take(s, 4, &n))
		return false;
	for (; n; n--) {
		if (!qemu_take_name(s, name))
			return false;
		q->mapped |= !strcmp(name, "mapped-ram");
		q->ignores_shared |= !strcmp(name, "x-ignore-shared");
	}
	return true;
}

/* Fields of a subsection of the configuration. False: unknown, so where it ends is too. */
static bool take_setting(struct qemu *q, struct qemu_stream *s, const char *name)
{
	uint64_t bits;

	if (!strcmp(name, "configuration/capabilities"))
		return take_capabilities(q, s);
	if (!strcmp(name, "configuration/uuid"))
		return qemu_skip(s, 16);
	if (strcmp(name, "configuration/target-page-bits") || !qemu_take(s, 4, &bits))
		return false;
	if (bits >= PAGE_MIN_BITS && bits <= PAGE_MAX_BITS)
		q->page_size = 1u << bits;
	return true;
}

static bool take_configuration(struct qemu *q, struct qemu_stream *s)
{
	char name[QEMU_NAME_MAX];
	const uint8_t *p;
	uint64_t len;

	if (!qemu_take(s, 4, &len) || len >= sizeof(q->machine))
		return false;
	p = qemu_peek(s, len);
	if (!p)
		return false;
	memcpy(q->machine, p, len);
	q->machine[len] = '\0';
	s->pos += len;
	for (int i = 0; i < SUBSECTIONS_MAX && (p = qemu_peek(s, 1)) && *p == ELEMENT_SUBSECTION; i++) {
		qemu_skip(s, 1);
		if (!qemu_take_name(s, name) || !qemu_skip(s, 4) || !take_setting(q, s, name))
			return false;
	}
	return true;
}

/* A part of memory. */
static int take_ram(struct qemu *q, struct qemu_stream *s, bool last, enum qemu_step *step, struct mmw_err *err)
{
	int rc = qemu_ram_section(q, s, step, err);

	if (rc)
		return rc;
	if (*step == QEMU_DONE) {
		q->ended |= last;
		skip_footer(s);
	} else if (*step == QEMU_BAD) {
		q->damaged = true;
		*step = resync(s, q->ram_id) ? QEMU_DONE : QEMU_CUT;
		q->ended |= last && *step == QEMU_DONE;
	}
	return 0;
}

/* A section that begins: memory, or something to get past. */
static int take_start(struct qemu *q, struct qemu_stream *s, enum qemu_step *step, struct mmw_err *err)
{
	char name[QEMU_NAME_MAX];
	uint64_t section, version;

	*step = QEMU_CUT;
	if (!qemu_take(s, 4, &section) || !qemu_take_name(s, name) || !qemu_skip(s, 4) || !qemu_take(s, 4, &version))
		return 0;
	if (strcmp(name, "ram") || q->started) {
		*step = resync(s, (uint32_t)section) ? QEMU_DONE : QEMU_CUT;
		return 0;
	}
	if (version != RAM_VERSION)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "the memory of this QEMU stream is of version %" PRIu64
				"; only %d, since QEMU 0.14, is read", version, RAM_VERSION);
	q->started = true;
	q->ram_id = (uint32_t)section;
	return take_ram(q, s, false, step, err);
}

static int take_part(struct qemu *q, struct qemu_stream *s, bool last, enum qemu_step *step, struct mmw_err *err)
{
	uint64_t section;

	*step = QEMU_CUT;
	if (!qemu_take(s, 4, &section))
		return 0;
	if (q->started && section == q->ram_id)
		return take_ram(q, s, last, step, err);
	*step = resync(s, (uint32_t)section) ? QEMU_DONE : QEMU_CUT;
	return 0;
}

/* One element. QEMU_CUT is also the end of those that are of interest: the devices', or the stream's own. */
static int take_element(struct qemu *q, struct qemu_stream *s, enum qemu_step *step, struct mmw_err *err)
{
	uint64_t at = s->pos, type, len;

	*step = QEMU_CUT;
	if (!qemu_take(s, 1, &type))
		return 0;
	switch (type) {
	case ELEMENT_CONFIGURATION:
		*step = take_configuration(q, s) ? QEMU_DONE : QEMU_BAD;
		return 0;
	case ELEMENT_FULL:
		if (q->ended)
			break;
		return take_start(q, s, step, err);
	case ELEMENT_START:
		return take_start(q, s, step, err);
	case ELEMENT_PART:
	case ELEMENT_END:
		return take_part(q, s, type == ELEMENT_END, step, err);
	case ELEMENT_COMMAND:
		if (qemu_skip(s, 2) && qemu_take(s, 2, &len) && qemu_skip(s, len))
			*step = QEMU_DONE;
		return 0;
	case ELEMENT_EOF:
		break;
	default:
		*step = QEMU_BAD;
	}
	s->pos = at;
	return 0;
}

/* Something that is no element: go on behind the next part of memory, or where memory begins. */
static bool find_way(struct qemu *q, struct qemu_stream *s)
{
	static const uint8_t ram[] = { 3, 'r', 'a', 'm', 0, 0, 0, 0, 0, 0, 0, RAM_VERSION };
	const uint8_t *p, *hit;
	uint64_t left = s->file->size - s->pos;
	size_t n = left < QEMU_TOKEN ? left : QEMU_TOKEN;

	if (q->started) {
		q->damaged = true;
		return resync(s, q->ram_id);
	}
	/* A configuration with more in it than is known here: memory is not far. */
	p = qemu_peek(s, n);
	hit = p ? memmem(p, n, ram, sizeof(ram)) : NULL;
	if (!hit || hit - p < FOOTER_LEN || hit[-FOOTER_LEN] != ELEMENT_START)
		return false;
	s->pos += hit - FOOTER_LEN - p;
	return true;
}

static int index_stream(struct qemu *q, struct qemu_stream *s, struct mmw_err *err)
{
	enum qemu_step step = QEMU_DONE;
	int rc = 0;

	s->pos = 8;
	while (!rc && step == QEMU_DONE) {
		rc = take_element(q, s, &step, err);
		if (!rc && step == QEMU_BAD && find_way(q, s))
			step = QEMU_DONE;
	}
	if (!rc && s->rc)
		rc = mmw_fail(err, -s->rc, s->pos, "%s: reading at offset %" PRIu64 " failed", s->file->name, s->pos);
	return rc;
}

/* From here on come the devices. */
static int keep_state(struct qemu *q, struct qemu_stream *s, struct mmw_err *err)
{
	uint64_t left = s->file->size - s->pos;

	if (!q->ended || !left)
		return 0;
	q->state_len = left < STATE_MAX ? left : STATE_MAX;
	q->state = malloc(q->state_len);
	if (!q->state)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu bytes of device state", q->state_len);
	if (mmw_file_read(s->file, s->pos, q->state, q->state_len, NULL))
		q->state_len = 0;
	return 0;
}

/* --- memory by address ---------------------------------------------------------------------------------------- */

const struct qemu_range *qemu_range_of(const struct qemu *q, uint64_t pa)
{
	size_t lo = 0, hi = q->n_ranges;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct qemu_range *r = &q->ranges[mid];

		if (pa < r->pa)
			hi = mid;
		else if (pa - r->pa >= r->len)
			lo = mid + 1;
		else
			return r;
	}
	return NULL;
}

static int push_extent(struct mmw_extent **list, size_t *n, size_t *cap, struct mmw_extent e, struct mmw_err *err)
{
	struct mmw_extent *last = *n ? &(*list)[*n - 1] : NULL;
	int rc;

	if (last && last->state == e.state && last->pa + last->len == e.pa) {
		last->len += e.len;
		return 0;
	}
	rc = mmw_vec_reserve(list, cap, *n + 1, sizeof(**list), err);
	if (!rc)
		(*list)[(*n)++] = e;
	return rc;
}

/* What a range's pages are, run by run. */
static int describe_range(struct qemu *q, const struct qemu_range *r, struct mmw_err *err)
{
	uint64_t page = r->page, end = r->page + r->len / q->page_size, pa = r->pa;
	size_t i = qemu_run_after(q, page);
	int rc = 0;

	while (!rc && page < end) {
		const struct qemu_run *run = i < q->n_runs ? &q->runs[i] : NULL;
		bool here = run && run->page <= page;
		uint64_t stop = !run ? end : here ? run->page + run->n : run->page;
		struct mmw_extent e = { pa, 0, here ? MMW_STORED : qemu_missing(q) };

		stop = stop < end ? stop : end;
		e.len = (stop - page) * q->page_size;
		rc = push_extent(&q->ext, &q->n_ext, &q->cap_ext, e, err);
		if (!rc && here && qemu_kind_of(run->place) != QEMU_ZERO)
			rc = push_extent(&q->data, &q->n_data, &q->cap_data, e, err);
		i += here && stop == run->page + run->n;
		pa += e.len;
		page = stop;
	}
	return rc;
}

static int find_extent(const struct mmw_extent *list, size_t n, uint64_t from, struct mmw_extent *out)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (list[mid].pa + list[mid].len <= from)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == n)
		return 0;
	*out = list[lo];
	if (out->pa < from) {
		out->len -= from - out->pa;
		out->pa = from;
	}
	return 1;
}

static int qemu_next_extent(const struct mmw_image *img, uint64_t from, struct mmw_extent *out)
{
	const struct qemu *q = img->priv;

	return find_extent(q->ext, q->n_ext, from, out);
}

static int qemu_next_bytes(const struct mmw_image *img, uint64_t from, struct mmw_extent *out)
{
	const struct qemu *q = img->priv;

	return find_extent(q->data, q->n_data, from, out);
}

static int qemu_read_block(const struct mmw_image *img, void *priv, uint64_t block, void *buf, struct mmw_err *err)
{
	const struct qemu *q = img->priv;
	uint64_t pa = block * img->block_size;
	const struct qemu_range *r = qemu_range_of(q, pa);

	if (!r)
		return mmw_fail(err, MMW_E_NODATA, pa, "physical 0x%" PRIx64 " is not in the image", pa);
	return qemu_read_page(img, priv, r->page + (pa - r->pa) / q->page_size, pa, buf, err);
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static int qemu_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	return file_size >= 8 && mmw_bytes_left(head) >= 8 && !memcmp(head->base, "QEVM\0\0\0", 7) ? 100 : 0;
}

/* The note that the guest told QEMU of: an ELF note, in memory. */
static int take_vmcoreinfo(struct mmw_image *img, const struct qemu_devices *d, struct mmw_err *err)
{
	enum { NOTE_MAX = 1 << 20, NAME = 12 };
	static const char name[NAME] = "VMCOREINFO";
	void *r = NULL;
	uint32_t size, len;
	uint8_t *note;
	uint64_t pa;
	int rc;

	if (!qemu_vmcoreinfo_at(d, &pa, &size) || size < 12 + NAME || size > NOTE_MAX)
		return 0;
	note = malloc(size);
	if (!note)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the VMCOREINFO note");
	rc = qemu_reader_open(img, &r, err);
	if (!rc && qemu_read_pa(img, r, pa, note, size) && !memcmp(note + 12, name, sizeof(name) - 1)) {
		len = mmw_get32(note + 4, img->big_endian);
		if (mmw_get32(note, img->big_endian) == sizeof(name) - 1 && len <= size - 12 - NAME)
			rc = mmw_image_set_vmcoreinfo(img, note + 12 + NAME, len, err);
	}
	if (r)
		qemu_reader_close(r);
	free(note);
	return rc;
}

static void describe(struct mmw_image *img)
{
	const struct qemu *q = img->priv;
	const char *how = q->salvaged ? ", mapped-ram of an interrupted save" :
			  q->mapped ? ", mapped-ram" : q->has_delta ? ", xbzrle" : q->has_zlib ? ", compressed" : "";
	const char *state = q->damaged ? ", damaged" : q->ended || q->salvaged ? "" : ", truncated";
	const char *shared = q->ignores_shared ? ", without shared memory" : "";

	snprintf(img->note, sizeof(img->note), "%.16s%s%s%s", q->machine[0] ? q->machine : "unnamed machine", how,
		 shared, state);
}

/* The sequence of things that need each other: devices need the stream, placement the devices, the note placement. */
static int finish(struct mmw_image *img, struct mmw_err *err)
{
	struct qemu *q = img->priv;
	struct qemu_devices *d = qemu_devices_open(q);
	int rc = d ? 0 : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the devices of a QEMU stream");

	rc = rc ? rc : qemu_take_cpus(d, img, err);
	rc = rc ? rc : qemu_place_blocks(img, d, err);
	rc = rc ? rc : take_vmcoreinfo(img, d, err);
	for (size_t i = 0; !rc && i < q->n_ranges; i++)
		rc = describe_range(q, &q->ranges[i], err);
	qemu_devices_close(d);
	free(q->state);
	q->state = NULL;
	describe(img);
	return rc;
}

static int qemu_open(struct mmw_image *img, struct mmw_err *err)
{
	struct qemu_stream s = { .file = img->file, .progress = img->progress };
	struct qemu *q = img->priv = calloc(1, sizeof(*q));
	uint8_t head[8];
	int rc = mmw_file_read(img->file, 0, head, sizeof(head), err);

	s.buf = malloc(QEMU_CHUNK);
	if (!rc && (!q || !s.buf))
		rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a QEMU stream");
	if (!rc && (memcmp(head, "QEVM", 4) || mmw_get32(head + 4, true) != VERSION))
		rc = mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s: not a QEMU stream of version %d", img->name, VERSION);
	if (!rc) {
		q->page_size = 1u << PAGE_MIN_BITS;
		q->tidy_at = 1 << 20;
		rc = index_stream(q, &s, err);
	}
	if (!rc && !q->n_blocks)
		rc = mmw_fail(err, MMW_E_CORRUPT, s.pos, "%s: no memory in this QEMU stream: it makes no sense, or "
			      "ends, at offset %" PRIu64, img->name, s.pos);
	if (!rc)
		rc = keep_state(q, &s, err);
	free(s.buf);
	rc = rc ? rc : qemu_ram_salvage(q, img->file, img->progress, err);
	rc = rc ? rc : qemu_ram_seal(q, err);
	if (rc)
		return rc;
	img->block_size = q->page_size;
	return finish(img, err);
}

static void qemu_close(struct mmw_image *img)
{
	struct qemu *q = img->priv;

	if (!q)
		return;
	free(q->blocks);
	free(q->by_name);
	free(q->runs);
	free(q->again);
	free(q->chain);
	free(q->state);
	free(q->ranges);
	free(q->ext);
	free(q->data);
	free(q);
}

const struct mmw_format mmw_format_qemu = {
	.name = "qemu",
	.summary = "QEMU migration stream: migrate, savevm, virsh save, mapped-ram",
	.probe = qemu_probe,
	.takes_map = true,
	.open = qemu_open,
	.read_block = qemu_read_block,
	.next_extent = qemu_next_extent,
	.next_bytes = qemu_next_bytes,
	.reader_open = qemu_reader_open,
	.reader_close = qemu_reader_close,
	.close = qemu_close,
};
