/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding the tables needs no symbol: the token table is recognised by its digits, the markers before it by starting
 * at 0 and growing, the names by agreeing with every marker, and num_syms by standing right before the names.
 */
#include "lib/sym/kallsyms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"

enum {
	TOKENS = 256,
	TOKEN_TABLE_MAX = 4096,    /* 256 tokens; real ones have 830 to 1090 bytes */
	PER_MARKER = 256,          /* symbols between two markers */
	MARKER_STEP_MAX = 1 << 16, /* names of 256 symbols have 600 to 20000 bytes */
	NAMES_MAX = 64 << 20,
	PAGE = 4096,               /* memory begins and ends at such borders */
};

struct mmw_kallsyms {
	const struct mmw_mem *mem;  /* only while opening */
	bool be;
	unsigned word;
	char layout;
	enum mmw_kallsyms_encoding encoding;

	uint64_t token_table;  /* addresses in mem */
	uint64_t markers_at, names_at, offsets_at;
	uint64_t base, delta;

	char tokens[TOKEN_TABLE_MAX + 1];
	uint16_t token_index[TOKENS];
	uint32_t token_bytes;

	uint32_t n, n_markers;
	uint32_t *markers;
	bool uleb;  /* 6.1 on: the top bit of a name's length means that a second byte follows */
	uint8_t *names;
	size_t names_len;
	uint8_t *offsets;  /* n raw 32-bit values */

	uint32_t *index;  /* by name: symbol number + 1, open addressing; equal names stand in address order */
	uint32_t index_mask;
	struct {
		uint32_t mul, add;              /* what a token does to a name's hash */
		uint32_t first_add;             /* as the first token, whose first character is the type */
	} hash[TOKENS];
};

/* --- the landmark --------------------------------------------------------------------------------------------- */

static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";  /* and its NUL: 20 bytes */

/*
 * A 20-byte string holds at least one whole aligned word, and that word is digits in the even or in the odd bytes.
 * The test is on bytes in memory order, so it is the same for both byte orders.
 */
static inline bool word_of_digits(uint64_t w)
{
	const uint64_t even = mmw_get64("\xff\0\xff\0\xff\0\xff", false), odd = ~even;
	const uint64_t zeros = 0x3030303030303030u, high = 0xf0f0f0f0f0f0f0f0u;

	return (w & (odd | (high & even))) == (zeros & even) || (w & (even | (high & odd))) == (zeros & odd);
}

size_t mmw_kallsyms_landmark(const uint8_t *buf, size_t len, size_t from)
{
	size_t i = (from + 7) & ~(size_t)7;

	if (len < sizeof(digits))
		return SIZE_MAX;
	for (; i + 8 <= len; i += 8) {
		uint64_t w;
		size_t at;
		int digit;

		memcpy(&w, buf + i, 8);
		if (!word_of_digits(w))
			continue;
		digit = buf[i] ? buf[i] - '0' : buf[i + 1] - '0';
		at = i + (buf[i] ? 0 : 1);
		if (digit > 9 || at < (size_t)digit * 2)
			continue;
		at -= digit * 2;
		if (at >= from && at + sizeof(digits) <= len && !memcmp(buf + at, digits, sizeof(digits)))
			return at;
	}
	return SIZE_MAX;
}

/* Every string must start where the index says. `from` points at token "0". */
static bool index_agrees(const uint16_t *index, const char *from, uint32_t len)
{
	uint32_t pos = 0;

	for (unsigned t = '0'; t < TOKENS; t++) {
		if (pos >= len || (uint32_t)(index[t] - index['0']) != pos)
			return false;
		pos += strlen(from + pos) + 1;
	}
	return true;
}

/* The token index behind the strings at `from` (token "0", at address digit0): its offset from there, or CORRUPT. */
static int find_index(struct mmw_kallsyms *ks, const char *from, uint32_t len, uint64_t digit0, struct mmw_err *err)
{
	uint32_t pos = 0;

	for (unsigned t = '0'; t < TOKENS; t++) {
		const char *nul = memchr(from + pos, 0, len - pos);

		if (!nul)
			return mmw_fail(err, MMW_E_CORRUPT, digit0, "token table has no end");
		pos = nul - from + 1;
	}
	for (uint32_t at = pos; at < pos + 8 && at + sizeof(ks->token_index) <= len; at++) {
		unsigned t;

		if ((digit0 + at) % 4)
			continue;
		for (t = 0; t < TOKENS; t++)
			ks->token_index[t] = mmw_get16(from + at + 2 * t, ks->be);
		for (t = 1; t < TOKENS && ks->token_index[t] > ks->token_index[t - 1]; t++)
			;
		if (t == TOKENS && !ks->token_index[0] && index_agrees(ks->token_index, from, pos))
			return (int)at;
	}
	return mmw_fail(err, MMW_E_CORRUPT, digit0, "no token index behind the token table");
}

/* As many of the *len bytes from `addr` on as can be read, up to a page border; *len says how many. */
static int read_after(const struct mmw_mem *mem, uint64_t addr, void *buf, uint32_t *len, struct mmw_err *err)
{
	uint32_t have = 0, want = *len;

	if (!mmw_mem_read(mem, addr, buf, want, err))
		return 0;
	while (have < want) {
		uint32_t step = PAGE - (addr + have) % PAGE;
		int rc;

		step = step < want - have ? step : want - have;
		rc = mmw_mem_read(mem, addr + have, (uint8_t *)buf + have, step, err);
		if (rc && !have)
			return rc;
		if (rc)
			break;
		have += step;
	}
	*len = have;
	return 0;
}

/* Token table and index around `digit0`: fills tokens, token_index, token_table, and the index's address. */
static int read_tokens(struct mmw_kallsyms *ks, uint64_t digit0, uint64_t *index_at, struct mmw_err *err)
{
	char buf[TOKEN_TABLE_MAX + 2 * TOKENS + 8 + 1];
	uint32_t len = sizeof(buf) - 1;
	uint16_t before;
	int rc, start;

	/* The tables may stand close to the end of what can be read. */
	rc = read_after(ks->mem, digit0, buf, &len, err);
	if (rc)
		return rc;
	buf[len] = '\0';
	start = find_index(ks, buf, len, digit0, err);
	if (start < 0)
		return start;
	before = ks->token_index['0'];
	if (before > TOKEN_TABLE_MAX / 2 || before > digit0)
		return mmw_fail(err, MMW_E_CORRUPT, digit0, "token table of which %u bytes come before \"0\"", before);
	ks->token_table = digit0 - before;
	ks->token_bytes = ks->token_index[TOKENS - 1] + strlen(buf + ks->token_index[TOKENS - 1] - before) + 1;
	if (ks->token_bytes > TOKEN_TABLE_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "token table of %u bytes", ks->token_bytes);
	rc = mmw_mem_read(ks->mem, ks->token_table, ks->tokens, ks->token_bytes, err);
	ks->tokens[ks->token_bytes] = '\0';
	*index_at = digit0 + start;
	return rc;
}

int mmw_kallsyms_token_table(const struct mmw_mem *mem, uint64_t digit0, uint64_t *out, struct mmw_err *err)
{
	struct mmw_kallsyms *ks = calloc(1, sizeof(*ks));
	uint64_t index_at;
	int rc;

	if (!ks)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a token table");
	ks->mem = mem;
	ks->be = mem->big_endian;
	rc = read_tokens(ks, digit0, &index_at, err);
	*out = ks->token_table;
	free(ks);
	return rc;
}

/* --- markers and names ---------------------------------------------------------------------------------------- */

/* As much as can be read of the `want` bytes that end at `end`, at least `least`; *len says how much. */
static int read_before(const struct mmw_mem *mem, uint64_t end, size_t want, size_t least, uint8_t **out, size_t *len,
		       struct mmw_err *err)
{
	size_t have = 0;
	int rc;

	if (want > end)
		want = end;
	if (want < least)
		return mmw_fail(err, MMW_E_NODATA, 0, "no room for %zu bytes before 0x%" PRIx64, least, end);
	*out = malloc(want ? want : 1);
	if (!*out)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu bytes", want);
	*len = want;
	rc = mmw_mem_read(mem, end - want, *out, want, err);
	if (!rc)
		return 0;
	/* Memory starts in between: page by page, backwards. */
	while (have < want) {
		size_t step = (end - have) % PAGE ? (end - have) % PAGE : PAGE;

		step = step < want - have ? step : want - have;
		rc = mmw_mem_read(mem, end - have - step, *out + want - have - step, step, err);
		if (rc)
			break;
		have += step;
	}
	if (have < least) {
		free(*out);
		*out = NULL;
		return rc;
	}
	memmove(*out, *out + want - have, have);
	*len = have;
	return 0;
}

/* The run of growing values that starts with 0 at buf[at]: how many there are. */
static uint32_t marker_run(const uint8_t *buf, size_t len, size_t at, bool be)
{
	uint32_t n = 1, prev = 0;

	for (size_t i = at + 4; i + 4 <= len; i += 4, n++) {
		uint32_t v = mmw_get32(buf + i, be);

		if (v <= prev || v - prev > MARKER_STEP_MAX || v - prev < PER_MARKER)
			break;
		prev = v;
	}
	return n;
}

/* The names behind num_syms: do they agree with every marker and end at `end`? Returns their length, or 0. */
static size_t names_agree(const struct mmw_kallsyms *ks, const uint8_t *names, size_t len, uint32_t n)
{
	size_t pos = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t tokens;

		if (i % PER_MARKER == 0 && ks->markers[i / PER_MARKER] != pos)
			return 0;
		if (pos >= len)
			return 0;
		tokens = names[pos++];
		if (ks->uleb && (tokens & 0x80)) {
			if (pos >= len)
				return 0;
			tokens = (tokens & 0x7f) | names[pos++] << 7;
		}
		if (!tokens || tokens > len - pos)
			return 0;
		pos += tokens;
	}
	return pos;
}

/* Where num_syms may stand before names that start at buf[at]: right before, or with 4 bytes of padding between. */
static uint32_t count_before(const uint8_t *buf, size_t at, bool be, uint32_t n_markers)
{
	for (size_t back = 4; back <= 8 && back <= at; back += 4) {
		uint32_t n = mmw_get32(buf + at - back, be);

		if (n <= n_markers * PER_MARKER && n > (n_markers - 1) * PER_MARKER)
			return n;
	}
	return 0;
}

/* Search the names that end at markers_at; fills n and names. */
static int find_names(struct mmw_kallsyms *ks, struct mmw_err *err)
{
	uint32_t last = ks->markers[ks->n_markers - 1];
	size_t window = (size_t)last + MARKER_STEP_MAX, len = 0, least = last + 16;
	uint8_t *buf;
	int rc;

	if (window > NAMES_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "names of %zu bytes", window);
	rc = read_before(ks->mem, ks->markers_at, window, least, &buf, &len, err);
	if (rc)
		return rc;
	for (size_t at = len - last - 1; at >= 4; at--) {
		uint32_t n;
		size_t used;

		if ((ks->markers_at - len + at) % 4)
			continue;
		n = count_before(buf, at, ks->be, ks->n_markers);
		ks->uleb = true;
		used = n ? names_agree(ks, buf + at, len - at, n) : 0;
		if (n && !used) {
			ks->uleb = false;
			used = names_agree(ks, buf + at, len - at, n);
		}
		if (!used || len - at - used >= 8)
			continue;
		ks->n = n;
		ks->names_at = ks->markers_at - len + at;
		ks->names_len = used;
		ks->names = malloc(used);
		if (ks->names)
			memcpy(ks->names, buf + at, used);
		free(buf);
		return ks->names ? 0 : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for symbol names");
	}
	free(buf);
	return mmw_fail(err, MMW_E_CORRUPT, ks->markers_at, "no symbol names agree with the markers");
}

static int take_markers(struct mmw_kallsyms *ks, const uint8_t *buf, size_t at, uint32_t n, uint64_t addr,
			struct mmw_err *err)
{
	free(ks->markers);
	ks->markers = malloc(n * sizeof(*ks->markers));
	if (!ks->markers)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %u markers", n);
	for (uint32_t i = 0; i < n; i++)
		ks->markers[i] = mmw_get32(buf + at + 4 * (size_t)i, ks->be);
	ks->n_markers = n;
	ks->markers_at = addr;
	return find_names(ks, err);
}

/*
 * Markers that start at buf[at]: in layouts A, C and D they end at the token table (less padding); in B, three bytes a
 * symbol later. `gap` is what lies between.
 */
static bool markers_fit(uint32_t n, size_t gap, char *layout)
{
	uint64_t least = 3ull * PER_MARKER * (n - 1), most = 3ull * PER_MARKER * n;

	if (gap < 8) {
		*layout = 'C';
		return true;
	}
	*layout = 'B';
	return gap > least && gap < most + 8;
}

/* One pass backwards over the `want` bytes before the token table. */
static int search_markers(struct mmw_kallsyms *ks, size_t want, size_t least, struct mmw_err *err)
{
	size_t len = 0;
	uint8_t *buf;
	int rc = read_before(ks->mem, ks->token_table, want, least, &buf, &len, err);

	if (rc)
		return rc;
	rc = -MMW_E_CORRUPT;
	for (size_t at = len & ~(size_t)3; rc && at >= 4; at -= 4) {
		size_t i = at - 4, skew = (ks->token_table - len) % 4;
		uint32_t n;
		char layout;

		i += skew ? 4 - skew : 0;
		if (i + 8 > len || mmw_get32(buf + i, ks->be))
			continue;
		n = marker_run(buf, len, i, ks->be);
		/* A short run may continue by chance into the padding or the sequence table: try it shortened by one. */
		for (uint32_t cut = 0; rc && cut < 2 && n > cut + 1; cut++) {
			size_t gap = len - (i + 4 * (size_t)(n - cut));

			if (!markers_fit(n - cut, gap, &layout))
				continue;
			rc = take_markers(ks, buf, i, n - cut, ks->token_table - len + i, err);
			ks->layout = layout;
			if (rc == -MMW_E_NOMEM)
				break;
		}
	}
	free(buf);
	if (!rc || rc == -MMW_E_NOMEM)
		return rc;
	return mmw_fail(err, MMW_E_CORRUPT, ks->token_table, "no kallsyms markers before the token table at 0x%" PRIx64,
			ks->token_table);
}

/* --- offsets -------------------------------------------------------------------------------------------------- */

static uint32_t raw_offset(const struct mmw_kallsyms *ks, size_t i)
{
	return mmw_get32(ks->offsets + 4 * i, ks->be);
}

static uint64_t decode_offset(const struct mmw_kallsyms *ks, size_t i)
{
	int32_t off = (int32_t)raw_offset(ks, i);

	switch (ks->encoding) {
	case MMW_KALLSYMS_PLACE:
		return ks->offsets_at + 4 * i + (int64_t)off;
	case MMW_KALLSYMS_PERCPU:
		return off >= 0 ? (uint64_t)off : ks->base - 1 - (int64_t)off;
	default:
		return ks->base + (uint32_t)off;
	}
}

/* Addresses must not decrease; a wrong reading of the table shows at once. */
static bool ascending(const struct mmw_kallsyms *ks)
{
	uint64_t prev = 0;

	for (size_t i = 0; i < ks->n; i++) {
		uint64_t a = decode_offset(ks, i);

		if (a < prev)
			return false;
		prev = a;
	}
	return true;
}

static bool kernel_base(uint64_t base, unsigned word)
{
	return word == 8 ? base >> 48 == 0xffff : base >= 0x10000 && base <= UINT32_MAX;
}

/* Take n offsets at `at` with the base word at `base_at` (0: none), if any encoding makes sense of them. */
static bool try_offsets(struct mmw_kallsyms *ks, uint64_t at, uint64_t base_at)
{
	uint8_t word[8];

	ks->offsets_at = at;
	if (mmw_mem_read(ks->mem, at, ks->offsets, 4 * (size_t)ks->n, NULL))
		return false;
	if (!base_at) {
		/* The kernel's text lies before its read-only data; zeros would pass for addresses 4 bytes apart. */
		ks->encoding = MMW_KALLSYMS_PLACE;
		return (int32_t)raw_offset(ks, 0) < 0 && ascending(ks);
	}
	if (mmw_mem_read(ks->mem, base_at, word, ks->word, NULL))
		return false;
	ks->base = mmw_get_word(word, ks->word, ks->be);
	if (!kernel_base(ks->base, ks->word))
		return false;
	ks->encoding = MMW_KALLSYMS_BASE;
	if (ascending(ks))
		return true;
	ks->encoding = MMW_KALLSYMS_PERCPU;
	return ascending(ks);
}

static uint64_t round_to(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

/* Layouts C and D: behind the token index. */
static bool offsets_behind(struct mmw_kallsyms *ks, uint64_t index_end)
{
	uint64_t size = 4 * (uint64_t)ks->n;

	for (unsigned align = ks->word; align >= 4; align /= 2) {
		uint64_t at = round_to(index_end, align), base_at = round_to(at + size, align);

		if (try_offsets(ks, at, base_at)) {
			ks->layout = 'C';
			return true;
		}
	}
	for (unsigned align = 4; align <= ks->word; align *= 2) {
		uint64_t at = round_to(index_end, align);

		if (try_offsets(ks, at, 0)) {
			ks->layout = 'D';
			return true;
		}
	}
	return false;
}

/* Layouts A and B: before num_syms, each label at a multiple of the word (ALGN in scripts/kallsyms.c). */
static bool offsets_before(struct mmw_kallsyms *ks)
{
	uint64_t base_at = ks->names_at - 2 * ks->word, size = 4 * (uint64_t)ks->n;

	if (!try_offsets(ks, (base_at - size) & ~(uint64_t)(ks->word - 1), base_at))
		return false;
	ks->layout = ks->layout == 'B' ? 'B' : 'A';
	return true;
}

static int build_index(struct mmw_kallsyms *ks, struct mmw_err *err);

static int open_tables(struct mmw_kallsyms *ks, uint64_t token_table, struct mmw_err *err)
{
	uint64_t index_at = 0, digit0 = token_table;
	char head[TOKEN_TABLE_MAX / 2 + sizeof(digits)];
	uint32_t len = sizeof(head);
	int rc;

	rc = read_after(ks->mem, token_table, head, &len, err);
	if (rc)
		return rc;
	for (size_t i = 0; ; i++) {
		if (i + sizeof(digits) > len)
			return mmw_fail(err, MMW_E_CORRUPT, token_table, "no token table at 0x%" PRIx64, token_table);
		if (!memcmp(head + i, digits, sizeof(digits))) {
			digit0 = token_table + i;
			break;
		}
	}
	rc = read_tokens(ks, digit0, &index_at, err);
	if (rc)
		return rc;
	/* Right before, or (layout B) three bytes a symbol before: for 150 thousand symbols, for a million. */
	for (size_t reach = 64 << 10; reach <= 4 << 20; reach *= 8) {
		rc = search_markers(ks, reach, 64, err);
		if (rc != -MMW_E_CORRUPT)
			break;
	}
	if (rc)
		return rc;
	ks->offsets = malloc(4 * (size_t)ks->n);
	if (!ks->offsets)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %u symbols", ks->n);
	if (!offsets_before(ks) && !offsets_behind(ks, index_at + 2 * TOKENS))
		return mmw_fail(err, MMW_E_CORRUPT, token_table, "kallsyms: %u names, but no table of their addresses", ks->n);
	return build_index(ks, err);
}

int mmw_kallsyms_open(const struct mmw_mem *mem, uint64_t token_table, unsigned word, struct mmw_kallsyms **out,
		      struct mmw_err *err)
{
	struct mmw_kallsyms *ks = calloc(1, sizeof(*ks));
	int rc;

	if (!ks)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for kallsyms");
	ks->mem = mem;
	ks->be = mem->big_endian;
	ks->word = word;
	rc = open_tables(ks, token_table, err);
	ks->mem = NULL;
	if (rc) {
		mmw_kallsyms_close(ks);
		return rc;
	}
	*out = ks;
	return 0;
}

void mmw_kallsyms_close(struct mmw_kallsyms *ks)
{
	if (!ks)
		return;
	free(ks->markers);
	free(ks->names);
	free(ks->offsets);
	free(ks->index);
	free(ks);
}

/* --- asking --------------------------------------------------------------------------------------------------- */

enum mmw_kallsyms_encoding mmw_kallsyms_encoding(const struct mmw_kallsyms *ks)
{
	return ks->encoding;
}

char mmw_kallsyms_layout(const struct mmw_kallsyms *ks)
{
	return ks->layout;
}

void mmw_kallsyms_rebase(struct mmw_kallsyms *ks, uint64_t delta)
{
	if (ks->encoding == MMW_KALLSYMS_PLACE)
		ks->delta += delta;
}

size_t mmw_kallsyms_count(const struct mmw_kallsyms *ks)
{
	return ks->n;
}

uint64_t mmw_kallsyms_addr(const struct mmw_kallsyms *ks, size_t index)
{
	return decode_offset(ks, index) + ks->delta;
}

/* names_agree() has walked all names, so the walks below stay inside them. */
static size_t name_tokens(const struct mmw_kallsyms *ks, size_t pos, const uint8_t **tokens, uint32_t *n)
{
	*n = ks->names[pos++];
	if (ks->uleb && (*n & 0x80))
		*n = (*n & 0x7f) | ks->names[pos++] << 7;
	*tokens = ks->names + pos;
	return pos + *n;
}

static const char *token_text(const struct mmw_kallsyms *ks, uint8_t token)
{
	uint16_t at = ks->token_index[token];

	return at < ks->token_bytes ? ks->tokens + at : "";
}

static size_t name_pos(const struct mmw_kallsyms *ks, size_t index)
{
	size_t pos = ks->markers[index / PER_MARKER];
	const uint8_t *tokens;
	uint32_t n;

	for (size_t i = index & ~(size_t)(PER_MARKER - 1); i < index; i++)
		pos = name_tokens(ks, pos, &tokens, &n);
	return pos;
}

static void expand(const struct mmw_kallsyms *ks, const uint8_t *tokens, uint32_t n, struct mmw_ksym *out)
{
	size_t len = 0;

	out->type = '?';
	for (uint32_t i = 0; i < n; i++) {
		const char *t = token_text(ks, tokens[i]);

		if (!i && *t)
			out->type = *t++;
		while (*t && len < sizeof(out->name) - 1)
			out->name[len++] = *t++;
	}
	out->name[len] = '\0';
}

int mmw_kallsyms_at(const struct mmw_kallsyms *ks, size_t index, struct mmw_ksym *out, struct mmw_err *err)
{
	const uint8_t *tokens;
	uint32_t n;

	if (index >= ks->n)
		return mmw_fail(err, MMW_E_ARG, index, "symbol %zu of %u", index, ks->n);
	name_tokens(ks, name_pos(ks, index), &tokens, &n);
	expand(ks, tokens, n, out);
	out->addr = mmw_kallsyms_addr(ks, index);
	return 0;
}

/* A name's hash is a polynomial over its characters, so each token contributes one multiplication and one addition. */
enum { HASH_BASE = 0x01000193 };

static uint32_t hash_text(const char *s, uint32_t h)
{
	for (; *s; s++)
		h = h * HASH_BASE + (uint8_t)*s;
	return h;
}

static uint32_t hash_tokens(const struct mmw_kallsyms *ks, const uint8_t *tokens, uint32_t n)
{
	uint32_t h = ks->hash[tokens[0]].first_add;

	for (uint32_t i = 1; i < n; i++)
		h = h * ks->hash[tokens[i]].mul + ks->hash[tokens[i]].add;
	return h;
}

static uint32_t slot_of(const struct mmw_kallsyms *ks, uint32_t h)
{
	return (h ^ h >> 15) & ks->index_mask;
}

static int build_index(struct mmw_kallsyms *ks, struct mmw_err *err)
{
	uint32_t size = 1024;
	size_t pos = 0;

	while (size < 2 * ks->n)
		size *= 2;
	ks->index_mask = size - 1;
	ks->index = calloc(size, sizeof(*ks->index));
	if (!ks->index)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %u symbols", ks->n);
	for (unsigned t = 0; t < TOKENS; t++) {
		const char *text = token_text(ks, t);

		ks->hash[t].mul = 1;
		for (size_t i = strlen(text); i; i--)
			ks->hash[t].mul *= HASH_BASE;
		ks->hash[t].add = hash_text(text, 0);
		ks->hash[t].first_add = *text ? hash_text(text + 1, 0) : 0;
	}
	for (uint32_t i = 0; i < ks->n; i++) {
		const uint8_t *tokens;
		uint32_t n, slot;

		pos = name_tokens(ks, pos, &tokens, &n);
		for (slot = slot_of(ks, hash_tokens(ks, tokens, n)); ks->index[slot]; slot = (slot + 1) & ks->index_mask)
			;
		ks->index[slot] = i + 1;
	}
	return 0;
}

int mmw_kallsyms_by_name(const struct mmw_kallsyms *ks, const char *name, size_t *pos, struct mmw_ksym *out)
{
	uint32_t slot = slot_of(ks, hash_text(name, 0));

	for (; ks->index[slot]; slot = (slot + 1) & ks->index_mask) {
		size_t i = ks->index[slot] - 1;

		if (i < *pos || mmw_kallsyms_at(ks, i, out, NULL) || strcmp(out->name, name))
			continue;
		*pos = i + 1;
		return 1;
	}
	return 0;
}

/* Counted from the first symbol, so that a hostile table that wraps the address space is still in order. */
bool mmw_kallsyms_by_addr(const struct mmw_kallsyms *ks, uint64_t addr, size_t *index)
{
	uint64_t first = mmw_kallsyms_addr(ks, 0), last = mmw_kallsyms_addr(ks, ks->n - 1);
	size_t lo = 0, hi = ks->n;

	if (addr < first && (first <= last || addr > last))
		return false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (mmw_kallsyms_addr(ks, mid) - first <= addr - first)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (*index = lo - 1; *index && mmw_kallsyms_addr(ks, *index - 1) == mmw_kallsyms_addr(ks, *index); )
		--*index;
	return true;
}
