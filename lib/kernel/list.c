/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kernel/list.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/set.h"

struct walk {
	struct mmw_vm *vm;
	unsigned word;
	uint64_t head;
	size_t max;
	mmw_list_visit *visit;
	void *ctx;
	struct mmw_set seen;
};

static int read_link(const struct walk *w, uint64_t at, uint64_t *next, uint64_t *prev)
{
	unsigned word = w->word;
	bool be = w->vm->walk.space->paging.big_endian;
	uint8_t bytes[16];
	int rc = at % word ? -MMW_E_CORRUPT : mmw_vm_read(w->vm, at, bytes, 2 * word, NULL);

	if (rc)
		return rc;
	*next = mmw_get_word(bytes, word, be);
	*prev = mmw_get_word(bytes + word, word, be);
	return 0;
}

static int stop(struct mmw_list_break *broken, enum mmw_list_end end, const struct mmw_link *link, int why)
{
	*broken = (struct mmw_list_break){ end, link->at, link->from, (enum mmw_code)-why };
	return 0;
}

/* One way, until the head comes round. */
static int follow(struct walk *w, bool backward, struct mmw_list_break *broken, struct mmw_err *err)
{
	struct mmw_link link = { .at = w->head, .backward = backward };
	int rc = read_link(w, w->head, &link.next, &link.prev);

	broken->end = MMW_LIST_WHOLE;
	if (rc)
		return stop(broken, MMW_LIST_UNREADABLE, &link, rc);
	for (;;) {
		link.from = link.at;
		link.at = backward ? link.prev : link.next;
		if (link.at == w->head)
			return 0;
		rc = read_link(w, link.at, &link.next, &link.prev);
		if (rc)
			return stop(broken, MMW_LIST_UNREADABLE, &link, rc);
		if (w->seen.n >= w->max)
			return stop(broken, MMW_LIST_LONG, &link, 0);
		rc = mmw_set_add(&w->seen, link.at);
		if (rc < 0)
			return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a list");
		if (!rc)
			return stop(broken, MMW_LIST_CYCLE, &link, 0);
		rc = w->visit(w->ctx, &link, err);
		if (rc > 0)
			return stop(broken, MMW_LIST_FOREIGN, &link, 0);
		if (rc)
			return rc;
	}
}

int mmw_list_walk(struct mmw_vm *vm, unsigned word, uint64_t head, size_t max, mmw_list_visit *visit, void *ctx,
		  struct mmw_list_break *broken, struct mmw_err *err)
{
	struct walk w = { .vm = vm, .word = word, .head = head, .max = max, .visit = visit, .ctx = ctx };
	struct mmw_list_break back;
	int rc = follow(&w, false, broken, err);

	if (!rc && broken->end != MMW_LIST_WHOLE)
		rc = follow(&w, true, &back, err);
	mmw_set_free(&w.seen);
	return rc;
}

const char *mmw_list_end_text(enum mmw_list_end end)
{
	static const char *const texts[] = {
		[MMW_LIST_WHOLE] = "is whole", [MMW_LIST_UNREADABLE] = "leads to what cannot be read",
		[MMW_LIST_CYCLE] = "leads back to what it had before", [MMW_LIST_FOREIGN] = "leads to something else",
		[MMW_LIST_LONG] = "does not end",
	};

	return texts[end];
}
