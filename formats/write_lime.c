/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LiME, version 1 (formats/lime.c has the layout): a range for each run of memory that is stored, to the byte. */

#include "formats/writer.h"

enum { HEADER = 32 };

static int begin(struct mmw_writing *w, uint64_t *size, struct mmw_err *err)
{
	uint8_t head[HEADER] = { 'E', 'M', 'i', 'L', 1 };
	uint64_t at = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < w->n_spans; i++) {
		struct mmw_span *s = &w->spans[i];

		if (s->state != MMW_STORED)
			continue;
		mmw_put_word(head + 8, s->pa, 8, false);
		mmw_put_word(head + 16, s->pa + s->len - 1, 8, false);
		rc = mmw_put(w->sink, at, head, sizeof(head), err);
		s->off = at + HEADER;
		at = s->off + s->len;
	}
	*size = at;
	return rc || at ? rc
			: mmw_fail(err, MMW_E_NODATA, 0, "%s: nothing of this image's memory is stored", w->sink->name);
}

static const struct mmw_write_ops ops = { .replans = true, .begin = begin };

const struct mmw_writer mmw_writer_lime = {
	.name = "lime",
	.summary = "LiME: ranges of memory behind headers",
	.endings = ".lime",
	.holes = true,
	.ops = &ops,
};
