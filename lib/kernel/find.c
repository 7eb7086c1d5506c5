/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding a kernel by its own marks: the kallsyms token table, the VMCOREINFO page, and tables that translate the
 * kernel's symbols to where they were found.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/par.h"
#include "lib/base/vec.h"
#include "lib/kernel/bound.h"
#include "lib/sym/vmcoreinfo.h"

enum {
	CHUNK = 1 << 20,
	OVERLAP = 64,          /* a landmark of 20 bytes may cross two chunks */
	PAGE = 4096,
	PAGE_LARGEST = 65536,
	HITS_MAX = 4096,       /* landmarks looked at; a real image has a dozen */
	CANDIDATES_MAX = 64,
	LEARNED_MAX = 8,       /* candidates that are asked whether raw memory is misplaced */
	TEXTS_MAX = 64,
	BANNERS_MAX = 256,
	BANNER_REACH = 64 << 20,
	DELTAS_MAX = 64,       /* places an architecture may guess for the image */
};

/* --- one range ------------------------------------------------------------------------------------------------ */

/* The tables around a landmark, if they check out. */
static int open_at(struct mmw_kernel *k, struct mmw_reader *reader, uint64_t digit0, unsigned word,
		   struct mmw_kallsyms **ks, uint64_t *token_table)
{
	struct mmw_mem mem = mmw_phys_mem(reader);
	int rc = mmw_kallsyms_token_table(&mem, digit0, token_table, NULL);

	if (!rc)
		rc = mmw_kallsyms_open(&mem, *token_table, word, ks, NULL);
	(void)k;
	return rc;
}

int mmw_find_kallsyms(struct mmw_kernel *k, uint64_t pa, uint64_t len, struct mmw_err *err)
{
	uint8_t *buf = malloc(CHUNK + OVERLAP);
	int found = 0;

	if (!buf)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to search");
	for (uint64_t at = 0; at < len && !found; at += CHUNK) {
		size_t n = len - at < CHUNK + OVERLAP ? len - at : CHUNK + OVERLAP, from = 0;

		if (mmw_read(k->reader, pa + at, buf, n, NULL))
			continue;
		while (!found && (from = mmw_kallsyms_landmark(buf, n, from)) != SIZE_MAX) {
			uint64_t table;

			if (!open_at(k, k->reader, pa + at + from, k->arch->word, &k->ks, &table)) {
				k->ks_pa = table;
				found = 1;
			}
			from++;
		}
	}
	free(buf);
	return found;
}

/* --- all of memory -------------------------------------------------------------------------------------------- */

struct item {
	uint64_t pa;
	uint32_t len;
};

struct search {
	struct mmw_kernel *k;
	struct item *items;
	size_t n_items, cap_items;
	struct mmw_reader **readers;
	uint8_t **bufs;
	unsigned workers;
	uint64_t total, done, stored, truncated;

	pthread_mutex_t lock;
	uint64_t hits[HITS_MAX];
	size_t n_hits;
	struct mmw_found_text texts[TEXTS_MAX];
	size_t n_texts;
	uint64_t banners[BANNERS_MAX];  /* only where a file of the user's may tell what to do with them */
	size_t n_banners;
};

static bool wanted(const struct mmw_kernel_opts *o, uint64_t pa, uint64_t len)
{
	for (size_t i = 0; i < o->n_look_at; i++)
		if (o->look_at[i] >= pa && o->look_at[i] - pa < len)
			return true;
	return !o->n_look_at;
}

static int list_items(struct search *s, struct mmw_err *err)
{
	struct mmw_extent e;

	for (uint64_t from = 0; mmw_image_next_extent(s->k->img, from, &e); from = e.pa + e.len) {
		s->truncated += e.state == MMW_TRUNCATED ? e.len : 0;
		s->stored += e.state == MMW_STORED ? e.len : 0;
	}
	for (uint64_t from = 0; mmw_image_next_bytes(s->k->img, from, &e); from = e.pa + e.len) {
		for (uint64_t at = 0; at < e.len; at += CHUNK) {
			uint64_t n = e.len - at < CHUNK + OVERLAP ? e.len - at : CHUNK + OVERLAP;
			int rc = 0;

			if (!wanted(&s->k->opts, e.pa + at, n))
				continue;
			rc = mmw_vec_reserve(&s->items, &s->cap_items, s->n_items + 1, sizeof(*s->items), err);
			if (rc)
				return rc;
			s->total += n < CHUNK ? n : CHUNK;
			s->items[s->n_items++] = (struct item){ e.pa + at, (uint32_t)n };
		}
	}
	return 0;
}

static void add_hit(struct search *s, uint64_t pa)
{
	pthread_mutex_lock(&s->lock);
	if (s->n_hits < HITS_MAX)
		s->hits[s->n_hits++] = pa;
	pthread_mutex_unlock(&s->lock);
}

static void add_text(struct search *s, uint64_t pa, const uint8_t *bytes, size_t len)
{
	char *copy = strndup((const char *)bytes, len);

	if (!copy)
		return;
	pthread_mutex_lock(&s->lock);
	if (s->n_texts < TEXTS_MAX) {
		s->texts[s->n_texts++] = (struct mmw_found_text){ pa, copy };
		copy = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	free(copy);
}

/* A page begins like VMCOREINFO: it has the text on one page, but how large one is, is not known here. */
static void take_text(struct search *s, struct mmw_reader *reader, uint64_t pa)
{
	bool be = mmw_image_big_endian(s->k->img);
	uint8_t *page = malloc(PAGE_LARGEST);
	size_t size = PAGE_LARGEST, at, len;

	while (page && size >= PAGE && mmw_read(reader, pa, page, size, NULL))
		size /= 2;
	at = page && size >= PAGE ? mmw_vmcoreinfo_in_page(page, size, be, &len) : SIZE_MAX;
	if (at != SIZE_MAX)
		add_text(s, pa + at, page + at, len);
	free(page);
}

static const char banner_mark[] = "Linux version ";

static void look_for_banners(struct search *s, uint64_t pa, const uint8_t *buf, size_t len)
{
	const uint8_t *at = buf, *end = buf + len;

	for (; (at = memmem(at, end - at, banner_mark, sizeof(banner_mark) - 1)) && at - buf < CHUNK; at++) {
		pthread_mutex_lock(&s->lock);
		if (s->n_banners < BANNERS_MAX)
			s->banners[s->n_banners++] = pa + (at - buf);
		pthread_mutex_unlock(&s->lock);
	}
}

static void look_at(struct search *s, struct mmw_reader *reader, uint64_t pa, const uint8_t *buf, size_t len)
{
	size_t from = 0;

	for (size_t page = -pa & (PAGE - 1); page + 64 <= len && page < CHUNK; page += PAGE)
		if (mmw_vmcoreinfo_starts(buf + page, mmw_image_big_endian(s->k->img)))
			take_text(s, reader, pa + page);
	if (s->k->n_files)
		look_for_banners(s, pa, buf, len);
	while ((from = mmw_kallsyms_landmark(buf, len, from)) != SIZE_MAX) {
		if (from < CHUNK)
			add_hit(s, pa + from);
		from++;
	}
}

static int search_item(void *ctx, unsigned worker, uint64_t index)
{
	struct search *s = ctx;
	const struct item *item = &s->items[index];
	uint64_t done;

	if (!mmw_read(s->readers[worker], item->pa, s->bufs[worker], item->len, NULL)) {
		look_at(s, s->readers[worker], item->pa, s->bufs[worker], item->len);
	} else {
		/* A page that cannot be read must not hide its neighbours. */
		for (uint32_t at = 0; at < item->len && at < CHUNK; at += PAGE) {
			uint32_t n = item->len - at < PAGE ? item->len - at : PAGE;

			if (!mmw_read(s->readers[worker], item->pa + at, s->bufs[worker], n, NULL))
				look_at(s, s->readers[worker], item->pa + at, s->bufs[worker], n);
		}
	}
	done = __atomic_add_fetch(&s->done, item->len < CHUNK ? item->len : CHUNK, __ATOMIC_RELAXED);
	if (!worker)
		mmw_progress(s->k->opts.progress, "searching for the kernel", done < s->total ? done : s->total, s->total);
	return 0;
}

static void search_free(struct search *s)
{
	for (unsigned i = 0; i < s->workers; i++) {
		if (s->readers)
			mmw_reader_close(s->readers[i]);
		if (s->bufs)
			free(s->bufs[i]);
	}
	for (size_t i = 0; i < s->n_texts; i++)
		free(s->texts[i].text);
	free(s->readers);
	free(s->bufs);
	free(s->items);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int search_run(struct search *s, struct mmw_err *err)
{
	int rc = list_items(s, err);

	if (rc)
		return rc;
	s->workers = mmw_parallel_workers(s->k->opts.threads);
	s->readers = calloc(s->workers, sizeof(*s->readers));
	s->bufs = calloc(s->workers, sizeof(*s->bufs));
	if (!s->readers || !s->bufs)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to search");
	for (unsigned i = 0; i < s->workers && !rc; i++) {
		rc = mmw_reader_open(s->k->img, &s->readers[i], err);
		s->bufs[i] = malloc(CHUNK + OVERLAP);
		if (!rc && !s->bufs[i])
			rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory to search");
	}
	return rc ? rc : mmw_parallel(s->workers, s->n_items, search_item, s, err);
}

/* --- a candidate's placement ---------------------------------------------------------------------------------- */

/* A symbol of the kernel's text that the tables must translate right. */
static bool known_text(const struct mmw_kernel *k, uint64_t *va)
{
	return !mmw_kernel_symbol(k, "_stext", va, NULL, NULL) || !mmw_kernel_symbol(k, "_text", va, NULL, NULL);
}

static bool translates(struct mmw_vm *vm, uint64_t va, uint64_t expected)
{
	uint64_t pa;

	return !mmw_vm_translate(vm, va, &pa, NULL) && pa == expected;
}

/*
 * The tables must map the text where the image lies, and the very symbol table that was found: one that an earlier boot
 * left behind names the same addresses as the running kernel's.
 */
static bool space_holds(struct mmw_kernel *k, const struct mmw_space *space)
{
	struct mmw_vm *vm = malloc(sizeof(*vm));
	uint64_t va;
	bool ok;

	if (!vm)
		return false;
	mmw_vm_init(vm, k->reader, space);
	/* The linear map has the image too: its addresses there are not those it runs at. */
	ok = known_text(k, &va) && va >= k->arch->image_first && va <= k->arch->image_last && translates(vm, va, va - k->delta) &&
	     (!k->ks || translates(vm, k->ks_pa + k->delta, k->ks_pa));
	free(vm);
	return ok;
}

int mmw_find_own_space(struct mmw_kernel *k)
{
	struct mmw_hints h = mmw_kernel_hints(k);
	struct mmw_space space = { .arch = k->arch };

	k->has_own = false;
	for (unsigned i = 0; k->arch->geometry(i, &space.paging); i++) {
		if (k->arch->from_kernel(&h, &space.paging, &space.root, NULL))
			continue;
		space.paging.big_endian = mmw_image_big_endian(k->img);
		if (!space_holds(k, &space))
			continue;
		k->own = space;
		mmw_vm_init(&k->vm, k->reader, &k->own);
		k->has_own = true;
		return 1;
	}
	return 0;
}

static int try_delta(struct mmw_kernel *k, uint64_t delta)
{
	bool place = mmw_kallsyms_encoding(k->ks) == MMW_KALLSYMS_PLACE;

	if (place)
		mmw_kallsyms_rebase(k->ks, delta);
	k->delta = delta;
	k->has_delta = true;
	if (mmw_find_own_space(k))
		return 1;
	if (place)
		mmw_kallsyms_rebase(k->ks, -delta);
	k->has_delta = false;
	return 0;
}

/* A place-relative table is in physical addresses until it is rebased, and its variables can be read so. */
static int delta_from_variables(struct mmw_kernel *k)
{
	struct mmw_hints h = mmw_kernel_hints(k);
	uint64_t delta;

	for (unsigned i = 0; i < DELTAS_MAX; i++) {
		bool place = mmw_kallsyms_encoding(k->ks) == MMW_KALLSYMS_PLACE;
		int rc;

		k->delta = 0;
		k->has_delta = place;
		rc = k->arch->find_delta(&h, i, &delta, NULL);
		k->has_delta = false;
		if (rc)
			break;
		if (try_delta(k, delta))
			return 1;
	}
	return 0;
}

static int delta_from_symbol(struct mmw_kernel *k)
{
	uint64_t va;

	if (mmw_kallsyms_encoding(k->ks) == MMW_KALLSYMS_PLACE ||
	    mmw_kernel_symbol(k, "kallsyms_token_table", &va, NULL, NULL))
		return 0;
	return try_delta(k, va - k->ks_pa);
}

static int delta_from_texts(struct mmw_kernel *k, const struct search *s)
{
	for (size_t i = 0; i < s->n_texts; i++) {
		int rc;

		k->vmcoreinfo = s->texts[i].text;
		rc = delta_from_symbol(k) || delta_from_variables(k);
		k->vmcoreinfo = rc ? strdup(s->texts[i].text) : NULL;
		if (rc)
			return 1;
	}
	return 0;
}

/* The banner's address is known, and its text is recognisable: try every page near the tables. */
static int delta_from_banner(struct mmw_kernel *k)
{
	uint64_t va, from, last = k->ks_pa + BANNER_REACH;
	char here[sizeof(banner_mark) - 1];

	if (mmw_kallsyms_encoding(k->ks) == MMW_KALLSYMS_PLACE ||
	    mmw_kernel_symbol(k, "linux_banner", &va, NULL, NULL))
		return 0;
	from = k->ks_pa > BANNER_REACH ? k->ks_pa - BANNER_REACH : 0;
	for (uint64_t pa = (from & ~(uint64_t)(PAGE - 1)) + va % PAGE; pa < last; pa += PAGE)
		if (!mmw_read(k->reader, pa, here, sizeof(here), NULL) && !memcmp(here, banner_mark, sizeof(here)) &&
		    try_delta(k, va - pa))
			return 1;
	return 0;
}

static int place_candidate(struct mmw_kernel *k, const struct search *s)
{
	return delta_from_symbol(k) || delta_from_texts(k, s) || delta_from_variables(k) || delta_from_banner(k);
}

static void read_banner(struct mmw_kernel *k, struct mmw_candidate *c)
{
	uint64_t va;

	if (k->has_delta && !mmw_kernel_symbol(k, "linux_banner", &va, NULL, NULL) &&
	    !mmw_read(k->reader, va - k->delta, c->banner, sizeof(c->banner) - 1, NULL))
		c->banner[strcspn(c->banner, "\n")] = '\0';
	else
		c->banner[0] = '\0';
}

/* Everything of k that belongs to one candidate, so that several can be tried in turn. */
struct bound {
	const struct mmw_arch *arch;
	struct mmw_kallsyms *ks;
	uint64_t ks_pa, delta;
	char *vmcoreinfo;
	bool has_own;
};

static struct bound take_bound(struct mmw_kernel *k)
{
	struct bound b = { k->arch, k->ks, k->ks_pa, k->delta, k->vmcoreinfo, k->has_own };

	mmw_kernel_forget_exports(k);
	k->arch = NULL;
	k->ks = NULL;
	k->vmcoreinfo = NULL;
	k->has_own = k->has_delta = false;
	return b;
}

static void drop_bound(struct bound *b)
{
	mmw_kallsyms_close(b->ks);
	free(b->vmcoreinfo);
}

static void put_bound(struct mmw_kernel *k, const struct bound *b)
{
	k->arch = b->arch;
	k->ks = b->ks;
	k->ks_pa = b->ks_pa;
	k->vmcoreinfo = b->vmcoreinfo;
	k->delta = b->delta;
	k->has_delta = true;
	mmw_find_own_space(k);
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void add_mark(struct mmw_kernel *k, uint64_t pa)
{
	if (k->n_marks < MMW_MARKS_MAX)
		k->marks[k->n_marks++] = pa;
}

/* Try one landmark on every architecture that the image may be of; 1 when tables were found there, confirmed or not. */
static int try_landmark(struct mmw_kernel *k, const struct search *s, uint64_t digit0, const struct mmw_arch *only)
{
	const struct mmw_arch *decodes = NULL;

	for (size_t i = 0; mmw_arch_at(i); i++) {
		k->arch = mmw_arch_at(i);
		if (!mmw_kernel_may_be(k, only, k->arch))
			continue;
		if (!open_at(k, k->reader, digit0, k->arch->word, &k->ks, &k->ks_pa)) {
			if (place_candidate(k, s))
				return 1;
			if (mmw_image_unplaced(k->img) && k->n_candidates < LEARNED_MAX)
				mmw_place_learn(k, s->texts, s->n_texts);
			mmw_kallsyms_close(k->ks);
			k->ks = NULL;
			decodes = decodes ? decodes : k->arch;
		}
	}
	/* A table that no page tables confirm is listed all the same. */
	k->arch = decodes;
	if (decodes && !open_at(k, k->reader, digit0, k->arch->word, &k->ks, &k->ks_pa))
		return 1;
	k->arch = only;
	return 0;
}

static int add_candidate(struct mmw_kernel *k, struct mmw_err *err)
{
	struct mmw_candidate *c;
	int rc = mmw_vec_reserve(&k->candidates, &k->cap_candidates, k->n_candidates + 1, sizeof(*c), err);

	if (rc)
		return rc;
	c = &k->candidates[k->n_candidates++];
	*c = (struct mmw_candidate){ .kallsyms_pa = k->ks_pa, .delta = k->has_delta ? k->delta : 0,
				     .root = k->has_own ? k->own.root : 0, .symbols = mmw_kallsyms_count(k->ks) };
	read_banner(k, c);
	return 0;
}

/* Without any symbol table a VMCOREINFO text may still lead to tables that hold. */
static void keep_texts(struct mmw_kernel *k, const struct search *s)
{
	const struct mmw_arch *only = k->arch;

	for (size_t a = 0; !k->kept_text && mmw_arch_at(a); a++) {
		struct mmw_hints h = mmw_kernel_hints(k);

		k->arch = mmw_arch_at(a);
		if (!mmw_kernel_may_be(k, only, k->arch))
			continue;
		for (size_t i = 0; !k->kept_text && i < s->n_texts; i++) {
			k->vmcoreinfo = s->texts[i].text;
			for (unsigned d = 0; !k->kept_text && d < DELTAS_MAX; d++) {
				k->has_delta = !k->arch->find_delta(&h, d, &k->delta, NULL);
				if (!k->has_delta)
					break;
				if (mmw_find_own_space(k))
					mmw_kernel_keep_tables(k);
			}
			k->has_own = k->has_delta = false;
			k->vmcoreinfo = NULL;
		}
	}
	k->arch = only;
}

/* Weigh the landmarks; the candidate that is bound in the end is the one asked for, else the first that holds. */
static int weigh(struct mmw_kernel *k, struct search *s, struct mmw_err *err)
{
	const struct mmw_arch *only = k->arch;
	struct bound best = { 0 };
	uint64_t tables_end = 0;
	int rc = 0;

	qsort(s->hits, s->n_hits, sizeof(s->hits[0]), by_address);
	for (size_t i = 0; i < s->n_hits && !rc && k->n_candidates < CANDIDATES_MAX; i++) {
		struct bound now;
		bool wanted;

		if (s->hits[i] < tables_end || !try_landmark(k, s, s->hits[i], only))
			continue;
		tables_end = s->hits[i] + 1;
		add_mark(k, s->hits[i]);
		rc = add_candidate(k, err);
		now = take_bound(k);
		k->arch = only;
		wanted = k->opts.choose ? k->n_candidates == k->opts.choose : now.has_own && !best.has_own;
		if (!rc && wanted) {
			drop_bound(&best);
			best = now;
		} else {
			drop_bound(&now);
		}
	}
	for (size_t i = 0; i < s->n_texts; i++)
		add_mark(k, s->texts[i].pa);
	if (rc || !best.ks || !best.has_own) {
		drop_bound(&best);
		keep_texts(k, s);
		return rc;
	}
	put_bound(k, &best);
	return 1;
}

static void say_none(const struct search *s, struct mmw_err *err)
{
	const struct mmw_kernel *k = s->k;
	char missing[80] = "";
	size_t hold = 0;

	for (size_t i = 0; i < k->n_candidates; i++)
		hold += k->candidates[i].root != 0;
	if (hold) {
		mmw_fail(err, MMW_E_NOSYM, 0, "--kernel %u: this image has %zu kernel%s (info --all lists what there is)",
			 k->opts.choose, hold, hold == 1 ? "" : "s");
		return;
	}
	if (s->truncated)
		snprintf(missing, sizeof(missing), " (%s: %" PRIu64 " KiB are missing)",
			 mmw_image_lacks_parts(k->img) ? "parts were not given" : "the file is truncated", s->truncated >> 10);
	if (!s->n_hits)
		mmw_fail(err, MMW_E_NOSYM, 0, "no kernel found in %" PRIu64 " KiB of memory%s: nothing looks like a symbol table",
			 s->stored >> 10, missing);
	else
		mmw_fail(err, MMW_E_NOSYM, 0, "no kernel found in %" PRIu64 " KiB of memory%s: of %zu marks of a symbol table none has "
			 "a whole table around it that page tables confirm", s->stored >> 10, missing, s->n_hits);
}

/* k->vmcoreinfo becomes `text` (owned) when it leads to tables that hold; else it is freed, and nothing changes. */
static bool try_text(struct mmw_kernel *k, char *text)
{
	const struct mmw_space own = k->own;

	k->vmcoreinfo = text;
	if (text && mmw_find_own_space(k))
		return true;
	k->vmcoreinfo = NULL;
	free(text);
	k->own = own;
	k->has_own = true;
	mmw_vm_init(&k->vm, k->reader, &k->own);
	return false;
}

/* vmcoreinfo_data is a page that a variable points to (kernel/crash_core.c, from 4.13). */
static bool text_in_page(void *ctx, uint64_t va)
{
	struct mmw_kernel *k = ctx;
	size_t size = (size_t)1 << k->own.paging.page_shift;
	char *text = calloc(1, size + 1);

	if (!text || mmw_vm_read(&k->vm, va, text, size, NULL)) {
		free(text);
		return false;
	}
	return try_text(k, text);
}

static bool search_vmcoreinfo(struct mmw_kernel *k)
{
	struct search *s = calloc(1, sizeof(*s));
	bool found = false;

	if (!s)
		return false;
	s->k = k;
	pthread_mutex_init(&s->lock, NULL);
	if (!search_run(s, NULL))
		for (size_t i = 0; !found && i < s->n_texts; i++)
			found = try_text(k, strdup(s->texts[i].text));
	search_free(s);
	return found;
}

bool mmw_find_vmcoreinfo(struct mmw_kernel *k)
{
	bool pointed = mmw_image_find_page(k, "OSRELEASE=", text_in_page);

	if (!pointed && !search_vmcoreinfo(k))
		return false;
	mmw_kernel_note(k, "VMCOREINFO", false, "found by %s; its root 0x%" PRIx64 " holds",
			pointed ? "a pointer in the kernel's image" : "searching memory", k->own.root);
	return true;
}

int mmw_find_search(struct mmw_kernel *k, struct mmw_err *err)
{
	struct search *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to search");
	s->k = k;
	pthread_mutex_init(&s->lock, NULL);
	rc = search_run(s, err);
	if (!rc)
		rc = weigh(k, s, err);
	if (!rc)
		say_none(s, err);
	if (!rc && !k->opts.choose && !k->kept_text)
		rc = mmw_userfiles_place(k, s->banners, s->n_banners);
	search_free(s);
	return rc;
}
