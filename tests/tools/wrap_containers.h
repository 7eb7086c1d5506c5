/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writers of AVML, VMware's, Windows' and cloud-hypervisor's files, and the pieces that their unit tests need. */
#ifndef MMW_TESTS_WRAP_CONTAINERS_H
#define MMW_TESTS_WRAP_CONTAINERS_H

#include "tests/tools/phys.h"

/* --- AVML --- */

enum avml_trailer { AVML_RIGHT, AVML_MISSING, AVML_WRONG };

/* The header of a record, and its chunks one by one: out of snappy, as they are, or of a type that has no data. */
void avml_header(struct blob *out, bool packed, uint64_t first, uint64_t last);
void avml_stream_id(struct blob *out);
void avml_chunk(struct blob *out, const void *bytes, size_t len, bool stored);
void avml_skipped(struct blob *out, uint8_t type, size_t len);

/* A whole compressed record, in chunks of `step` bytes, every third of them stored and every fourth behind padding. */
void avml_record(struct blob *out, uint64_t first, const void *bytes, size_t len, size_t step,
		 enum avml_trailer trailer);

/* Every range in two records, the first of which ends inside a page; mixed: the first is a plain one. */
void wrap_avml(const struct phys *p, struct blob *out);
void wrap_avml_mixed(const struct phys *p, struct blob *out);

/* --- VMware --- */

/* The head of a tag, whose value is to follow, and of a block. */
void vmware_tag(struct blob *out, const char *name, unsigned n_index, uint32_t i, uint32_t k, unsigned size);
void vmware_block(struct blob *out, const char *name, bool packed, unsigned word, uint64_t len, unsigned pad);
void vmware_write(const struct phys *p, uint32_t magic, bool inside, struct blob *out);

/* With memory inside, and beside. */
void wrap_vmware(const struct phys *p, struct blob *out);
void wrap_vmware_vmss(const struct phys *p, struct blob *out);
void wrap_vmware_vmem(const struct phys *p, unsigned index, struct blob *out);

/* --- Windows --- */

void wrap_dmp(const struct phys *p, struct blob *out);
void wrap_dmp32(const struct phys *p, struct blob *out);
void wrap_dmp_bitmap(const struct phys *p, struct blob *out);
void wrap_dmp_list(const struct phys *p, struct blob *out);

/* --- cloud-hypervisor --- */

void wrap_chv(const struct phys *p, struct blob *out);
void wrap_chv_memory(const struct phys *p, unsigned index, struct blob *out);

#endif
