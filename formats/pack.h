/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compressing one page: the other direction of unpack.h, for the codecs of kdump. */
#ifndef MMW_FORMATS_PACK_H
#define MMW_FORMATS_PACK_H

#include "formats/unpack.h"

/* Encoder state that is worth keeping from page to page; one per thread. */
struct mmw_pack;

/* The levels a codec has; both 0: none to choose from. `usual` is what level 0 stands for. */
struct mmw_pack_levels {
	int min, max, usual;
};

struct mmw_pack_levels mmw_pack_levels(enum mmw_codec codec);

/* Level 0 is the usual one. */
int mmw_pack_open(enum mmw_codec codec, int level, struct mmw_pack **out, struct mmw_err *err);
void mmw_pack_close(struct mmw_pack *p);  /* NULL is fine */

/* Bytes that `out` of mmw_pack must have room for. */
size_t mmw_pack_room(size_t in_len);

/* The length of what came out; 0 when it is no shorter than what went in. */
size_t mmw_pack(struct mmw_pack *p, const void *in, size_t in_len, void *out);

#endif
