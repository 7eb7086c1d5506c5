/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw memory: offset is physical address, from 0 to the end of the last page there is. What is not there is a hole. */
#include "formats/writer.h"

static int begin(struct mmw_writing *w, uint64_t *size, struct mmw_err *err)
{
	const struct mmw_span *last = &w->spans[w->n_spans - 1];
	uint64_t end = last->pa + last->len;

	for (size_t i = 0; i < w->n_spans; i++)
		w->spans[i].off = w->spans[i].pa;
	if (end > INT64_MAX)
		return mmw_fail(err, MMW_E_LIMIT, 0, "%s: raw memory up to 0x%llx is larger than any file",
				w->sink->name, (unsigned long long)(end - 1));
	*size = (end + MMW_WRITE_PAGE - 1) / MMW_WRITE_PAGE * MMW_WRITE_PAGE;
	return 0;
}

static const struct mmw_write_ops ops = { .begin = begin };

const struct mmw_writer mmw_writer_raw = {
	.name = "raw",
	.summary = "raw memory: offset is address; what is not there is zero, in a sparse file",
	.endings = ".raw .bin .mem .img",
	.ops = &ops,
};
