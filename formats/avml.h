/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of LiME and of AVML have one header and may follow each other in one file: lime.c goes from record to record,
 * avml.c reads what is in those that AVML compressed.
 */
#ifndef MMW_FORMATS_AVML_H
#define MMW_FORMATS_AVML_H

#include "lib/image/build.h"

/* Physical memory [first, last]; `at` is where in the file its bytes, or the chunks that hold them, begin. */
struct mmw_record {
	uint64_t first, last, at;
	bool packed;
};

/* lime.c: add the ranges of all records. */
int mmw_records_open(struct mmw_image *img, struct mmw_err *err);

/*
 * avml.c: add the range of a packed record. *end is where the reading of its chunks stopped, *whole says that they hold
 * all of it; what is missing was added as truncated.
 */
int mmw_avml_add(struct mmw_image *img, const struct mmw_record *r, uint64_t *end, bool *whole, struct mmw_err *err);

/* avml.c: the members of a struct mmw_format whose images may have packed records. */
int mmw_avml_read(const struct mmw_image *img, void *priv, uint64_t off, void *buf, size_t len, struct mmw_err *err);
int mmw_avml_reader_open(const struct mmw_image *img, void **priv, struct mmw_err *err);
void mmw_avml_reader_close(void *priv);
void mmw_avml_close(struct mmw_image *img);

#endif
