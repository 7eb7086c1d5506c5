/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/inode.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/vec.h"

struct mapping_rec {
	uint64_t host;
};

struct inode_rec {
	uint64_t ino, mode, size, rdev, super;
};

struct super_rec {
	uint64_t dev, type;
};

static const struct mmw_field mapping_fields[] = {
	MMW_FIELD(mapping_rec, host, "host"),
};

static const struct mmw_field inode_fields[] = {
	MMW_FIELD(inode_rec, ino, "i_ino"),
	MMW_FIELD(inode_rec, mode, "i_mode"),
	MMW_FIELD(inode_rec, size, "i_size"),
	MMW_FIELD(inode_rec, rdev, "i_rdev"),
	MMW_FIELD(inode_rec, super, "i_sb"),
};

static const struct mmw_field super_fields[] = {
	MMW_FIELD(super_rec, dev, "s_dev"),
	MMW_FIELD(super_rec, type, "s_type"),
};

int mmw_inodes_bind(struct mmw_kernel *k, struct mmw_inodes *out, struct mmw_err *err)
{
	int rc = mmw_shadow_bind(k, "address_space", mapping_fields, mmw_array_len(mapping_fields), &out->mapping, err);

	rc = rc ? rc : mmw_shadow_bind(k, "inode", inode_fields, mmw_array_len(inode_fields), &out->inode, err);
	rc = rc ? rc : mmw_shadow_bind(k, "super_block", super_fields, mmw_array_len(super_fields), &out->super, err);
	rc = rc ? rc : mmw_kernel_member(k, "super_block", "s_id", &out->id, NULL, err);
	return rc ? rc : mmw_kernel_member(k, "file_system_type", "name", &out->name, NULL, err);
}

int mmw_inode_read(const struct mmw_inodes *i, struct mmw_vm *vm, uint64_t va, struct mmw_inode *out,
		   struct mmw_err *err)
{
	struct mapping_rec mapping;
	struct inode_rec inode;
	struct super_rec super;
	uint64_t name;
	int rc = mmw_shadow_read(&i->mapping, vm, va, &mapping, err);

	memset(out, 0, sizeof(*out));
	if (rc || !mapping.host)
		return rc ? mmw_wrap(err, rc, "address_space") : 0;
	rc = mmw_shadow_read(&i->inode, vm, mapping.host, &inode, err);
	if (rc)
		return mmw_wrap(err, rc, "inode");
	rc = mmw_shadow_read(&i->super, vm, inode.super, &super, err);
	if (rc)
		return mmw_wrap(err, rc, "super_block");
	out->va = mapping.host;
	out->ino = inode.ino;
	out->size = inode.size;
	out->mode = (uint32_t)inode.mode;
	out->rdev = (uint32_t)inode.rdev;
	out->dev = (uint32_t)super.dev;
	mmw_vm_read_text(vm, inode.super + i->id.offset, out->id,
			 i->id.size < sizeof(out->id) ? i->id.size : sizeof(out->id), NULL);
	if (!mmw_vm_read_uint(vm, super.type + i->name.offset, (unsigned)i->name.size, &name, NULL))
		mmw_vm_read_text(vm, name, out->fs, sizeof(out->fs), NULL);
	return 0;
}

const char *mmw_inode_kind(const struct mmw_inode *inode)
{
	static const struct { uint32_t type; const char *name; } kinds[] = {
		{ 0100000, "regular file" }, { 0040000, "directory" }, { 0120000, "symbolic link" },
		{ 0060000, "block device" }, { 0020000, "character device" }, { 0010000, "pipe" }, { 0140000, "socket" },
	};

	for (size_t i = 0; i < mmw_array_len(kinds); i++)
		if ((inode->mode & 0170000) == kinds[i].type)
			return kinds[i].name;
	return "of no known kind";
}
