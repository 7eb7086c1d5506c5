/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kernel/shadow.h"

#include <string.h>

#include "lib/base/bytes.h"

int mmw_kernel_member_any(struct mmw_kernel *k, const char *type, const char *paths, struct mmw_member *out,
			  struct mmw_err *err)
{
	int rc = -MMW_E_NOTYPE;

	for (const char *at = paths; rc == -MMW_E_NOTYPE; at++) {
		size_t len = strcspn(at, "|");
		char path[96];

		if (len >= sizeof(path))
			return mmw_fail(err, MMW_E_ARG, 0, "member path '%s' is too long", paths);
		memcpy(path, at, len);
		path[len] = '\0';
		rc = mmw_kernel_member(k, type, path, out, NULL, err);
		at += len;
		if (!*at)
			break;
	}
	return rc;
}

int mmw_shadow_bind(struct mmw_kernel *k, const char *type, const struct mmw_field *fields, size_t n,
		    struct mmw_shadow *out, struct mmw_err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	out->type = type;
	out->fields = fields;
	out->n = n;
	out->first = UINT64_MAX;
	rc = mmw_kernel_type_size(k, type, &out->size, err);
	for (size_t i = 0; !rc && i < n; i++) {
		struct mmw_member m;

		rc = mmw_kernel_member_any(k, type, fields[i].paths, &m, err);
		if (rc == -MMW_E_NOTYPE && fields[i].optional) {
			rc = 0;
			continue;
		}
		if (rc)
			break;
		if ((m.size != 1 && m.size != 2 && m.size != 4 && m.size != 8) || m.offset + m.size > MMW_SHADOW_MAX)
			return mmw_fail(err, MMW_E_NOTYPE, 0, "%s.%s is no integer (%llu bytes at %llu)", type,
					fields[i].paths, (unsigned long long)m.size, (unsigned long long)m.offset);
		out->bound[i].offset = (uint32_t)m.offset;
		out->bound[i].size = (uint8_t)m.size;
		out->bound[i].bit_offset = m.bit_offset;
		out->bound[i].bit_size = m.bit_size;
		out->bound[i].is_signed = m.is_signed;
		out->bound[i].present = true;
		if (m.offset < out->first)
			out->first = m.offset;
		if (m.offset + m.size - 1 > out->last)
			out->last = m.offset + m.size - 1;
	}
	return rc ? mmw_wrap(err, rc, "struct %s", type) : 0;
}

static uint64_t extend(uint64_t v, unsigned bits)
{
	return bits < 64 && v >> (bits - 1) & 1 ? v | UINT64_MAX << bits : v;
}

void mmw_shadow_take(const struct mmw_shadow *s, const uint8_t *bytes, bool big_endian, void *record)
{
	for (size_t i = 0; i < s->n; i++) {
		uint64_t v = MMW_ABSENT;
		unsigned bits = s->bound[i].bit_size ? s->bound[i].bit_size : 8u * s->bound[i].size;

		if (s->bound[i].present) {
			v = mmw_get_word(bytes + s->bound[i].offset, s->bound[i].size, big_endian);
			v >>= s->bound[i].bit_offset;
			if (bits < 64)
				v &= (1ull << bits) - 1;
			if (s->bound[i].is_signed)
				v = extend(v, bits);
		}
		memcpy((uint8_t *)record + s->fields[i].at, &v, sizeof(v));
	}
}

int mmw_shadow_read(const struct mmw_shadow *s, struct mmw_vm *vm, uint64_t va, void *record, struct mmw_err *err)
{
	uint8_t bytes[MMW_SHADOW_MAX];
	int rc = 0;

	if (s->first <= s->last)
		rc = mmw_vm_read(vm, va + s->first, bytes + s->first, s->last - s->first + 1, err);
	if (rc)
		return mmw_wrap(err, rc, "struct %s at 0x%llx", s->type, (unsigned long long)va);
	mmw_shadow_take(s, bytes, vm->walk.space->paging.big_endian, record);
	return 0;
}
