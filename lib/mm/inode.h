/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an address_space is of: the inode, its file system, its device (include/linux/fs.h; later fs/super_types.h). */
#ifndef MMW_MM_INODE_H
#define MMW_MM_INODE_H

#include "lib/kernel/shadow.h"

enum { MMW_FS_NAME_MAX = 32 };

struct mmw_inode {
	uint64_t va;          /* of its struct inode; 0: the address_space belongs to none */
	uint64_t ino, size;   /* size in bytes */
	uint32_t mode;        /* as stat(2) has it */
	uint32_t dev, rdev;   /* major << 20 | minor: of the file system, and of a device's own inode */
	char fs[MMW_FS_NAME_MAX];  /* the file system's type: "ext4" */
	char id[MMW_FS_NAME_MAX];  /* what it is mounted from, in a word: "vda1" */
};

struct mmw_inodes {
	struct mmw_shadow mapping, inode, super;
	struct mmw_member id, name;
};

/* MMW_E_NOTYPE names what this kernel's types lack. */
int mmw_inodes_bind(struct mmw_kernel *k, struct mmw_inodes *out, struct mmw_err *err);

/* The inode behind the address_space at va. Texts that cannot be read are ""; what else cannot is an error. */
int mmw_inode_read(const struct mmw_inodes *i, struct mmw_vm *vm, uint64_t va, struct mmw_inode *out,
		   struct mmw_err *err);

/* "regular file", "directory" ... by the mode; "of no known kind" else. */
const char *mmw_inode_kind(const struct mmw_inode *inode);

#endif
