/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who allocated a slab object, and who freed it last, where SLUB keeps that (slub_debug=U): two struct track behind each
 * object (mm/slub.c, get_track(), 4.14 to 7.2). A track has the address that asked, the CPU, the process and the jiffies,
 * and a stack: up to 5.17 its return addresses themselves, since then the handle of one (lib/kernel/stackdepot.h).
 *
 * Behind the tracks of a kmalloc object is, since 6.1, how many bytes were asked for: what is more is waste.
 */
#ifndef MMW_SLAB_TRACE_H
#define MMW_SLAB_TRACE_H

#include "lib/kernel/stackdepot.h"
#include "lib/slab/slab.h"

enum mmw_track_kind { MMW_TRACK_ALLOC, MMW_TRACK_FREE };

struct mmw_track {
	uint64_t va;          /* of the struct track */
	uint64_t addr;        /* return address into the function that asked; 0: nothing has been noted */
	uint32_t handle;      /* of its stack; 0: none */
	uint32_t cpu;
	int32_t pid;
	uint64_t when;        /* jiffies */
	uint64_t waste;       /* bytes beyond those that were asked for */
};

struct mmw_tracks {
	const struct mmw_slabs *slabs;
	struct mmw_shadow track;
	struct mmw_member addrs;   /* where a track has the stack itself; else of size 0 */
	struct mmw_stackdepot depot;
	struct mmw_err no_depot;   /* why there are no stacks; code 0: there are */
	bool has_jiffies;
	uint64_t jiffies;          /* of the image */
	unsigned word;
};

/* s: opened, and borrowed. MMW_E_NODATA: this allocator notes nobody. MMW_E_NOTYPE. */
int mmw_tracks_open(const struct mmw_slabs *s, struct mmw_tracks *out, struct mmw_err *err);

/* MMW_E_NODATA: the cache's objects have no tracks. */
int mmw_track_read(const struct mmw_tracks *t, struct mmw_vm *vm, const struct mmw_cache *cache, uint64_t object,
		   enum mmw_track_kind kind, struct mmw_track *out, struct mmw_err *err);

/* Its stack; of no frames where none was noted. Codes of mmw_stackdepot_fetch and reading. */
int mmw_track_stack(const struct mmw_tracks *t, struct mmw_vm *vm, const struct mmw_track *track, struct mmw_stack *out,
		    struct mmw_err *err);

/* Jiffies from a track to the image, an unsigned long of the kernel's. */
uint64_t mmw_track_age(const struct mmw_tracks *t, const struct mmw_track *track);

enum { MMW_TRACES_MAX = 1 << 18, MMW_TRACE_CPUS = 8192 };

/* Numbers up to MMW_TRACE_CPUS. */
struct mmw_bits {
	uint64_t *word;
	size_t n, cap;
};

/* The objects of a cache whose tracks have the same address, stack and waste: struct location of mm/slub.c. */
struct mmw_trace {
	const struct mmw_cache *cache;
	uint64_t addr, waste;
	uint32_t handle;
	uint64_t count;
	uint64_t frames;           /* index of the first frame */
	unsigned n_frames;
	enum mmw_code why;         /* why there are none, though there should be */
	uint64_t sum_age, min_age, max_age;
	uint64_t min_when, max_when;
	int32_t min_pid, max_pid;
	struct mmw_bits cpus, nodes;
};

struct mmw_traces {
	struct mmw_trace *trace;   /* by cache, as the list of caches has them, and of each the most frequent first */
	size_t n, cap;
	uint64_t *frame;
	size_t n_frames, cap_frames;
	uint64_t unreadable;       /* objects whose track could not be read */
	uint64_t more;             /* objects of traces beyond MMW_TRACES_MAX */
	uint64_t lost;             /* traces whose stack could not be read */
};

struct mmw_traces_opts {
	enum mmw_track_kind kind;
	const bool *wanted;        /* of each cache; NULL: every one that has tracks */
	bool functions;            /* by the address that asked alone */
	bool all;                  /* of objects that are free, too: their tracks stay */
	unsigned threads;
};

/*
 * The traces of all objects that are in use, or of all there are, as alloc_traces and free_traces of debugfs group them (5.14), or by function
 * alone alloc_calls and free_calls of sysfs (before).
 */
int mmw_traces_open(struct mmw_slabs *s, const struct mmw_tracks *t, const struct mmw_traces_opts *opts, struct mmw_traces *out,
		    struct mmw_err *err);
void mmw_traces_close(struct mmw_traces *t);

#endif
