/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types of sample.c, which is compiled in several ways; test_dwarf.c knows them by offsetof() and sizeof. */
#ifndef MMW_TESTS_SAMPLE_H
#define MMW_TESTS_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct sample_list {
	struct sample_list *next, **pprev;
};

typedef uint32_t sample_row[4];

enum sample_colour { SAMPLE_RED = 5, SAMPLE_NONE = -1, SAMPLE_LARGE = 0x12345678 };
enum sample_shade { SAMPLE_DARK = 0xfffffffeu };
enum { SAMPLE_NAMELESS = 1234 };

typedef struct sample_zone {
	const char *name;
	volatile struct sample_area {
		struct sample_list lists[6];
		unsigned long nr_free;
	} areas[11];
	union {
		struct {
			int x;
			unsigned long deep;
		};
		unsigned long whole;
	};
	unsigned int inuse : 16, objects : 15, frozen : 1;
	uint64_t wide : 40, rest : 24;
	signed int negative : 3;
	sample_row rows[2][3];
	enum sample_colour hue;
	enum sample_shade shade;
	void (*call)(struct sample_zone *zone);
	_Bool flag;
	struct {
		short counter;
	} managed;
	struct sample_list flex[];
} sample_zone_t;

struct sample_bits {
	uint8_t a : 1, : 3, b : 4;
	uint16_t c : 9;
} __attribute__((packed));

/* Short names are not in the strings, and "zone" is the end of another one. */
struct sz {
	int v;
};

union sample_either {
	struct sz s;
	char bytes[16];
};

#endif
