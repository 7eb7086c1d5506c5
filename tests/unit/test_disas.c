/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code of each architecture: where it leads, and which addresses are found in it. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/vec.h"
#include "lib/sym/disas.h"

enum { RECORDS = 64 };

#define VA 0xffffffff81000000u

struct code {
	struct mmw_insn in[RECORDS];
	size_t n;
};

/* Read a stretch at `va`; it must be covered from end to end. */
static void take(unsigned machine, unsigned flags, uint64_t va, const void *bytes, size_t len, struct code *c)
{
	struct mmw_disas *d;
	struct mmw_err err = { 0 };
	uint64_t at = va;

	assert_int_equal(mmw_disas_open(machine, flags, &d, &err), 0);
	assert_int_equal(mmw_disas_code(d, va, bytes, len, &err), 0);
	for (c->n = 0; c->n < RECORDS && mmw_disas_next(d, true, &c->in[c->n]); c->n++) {
		assert_int_equal(c->in[c->n].va, at);
		assert_memory_equal(c->in[c->n].bytes, (const uint8_t *)bytes + (at - va), c->in[c->n].len);
		at += c->in[c->n].len;
	}
	assert_int_equal(at - va, len);
	mmw_disas_close(d);
}

/* The same for words of fixed size, which a little-endian machine fetches. */
static void take_words(unsigned machine, unsigned flags, uint64_t va, const uint32_t *words, size_t n, struct code *c)
{
	uint8_t bytes[4 * RECORDS];

	for (size_t i = 0; i < 4 * n; i++)
		bytes[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
	take(machine, flags, va, bytes, 4 * n, c);
	assert_int_equal(c->n, n);
}

#define TAKE_X86(flags, c, ...) do { \
	static const uint8_t bytes_[] = { __VA_ARGS__ }; \
	take(EM_X86_64, flags, VA, bytes_, sizeof(bytes_), c); \
} while (0)

#define TAKE_WORDS(machine, va, c, ...) do { \
	static const uint32_t words_[] = { __VA_ARGS__ }; \
	take_words(machine, 0, va, words_, mmw_array_len(words_), c); \
} while (0)

static void expect_flow(const struct mmw_insn *in, enum mmw_flow flow, uint64_t target)
{
	assert_int_equal(in->flow, flow);
	assert_int_equal(in->has_target, target != 0);
	assert_int_equal(in->target, target);
}

static void expect_use(const struct mmw_insn *in, enum mmw_use use, enum mmw_place place, uint64_t root, int64_t off)
{
	assert_int_equal(in->use, use);
	assert_int_equal(in->place, place);
	assert_int_equal(in->root, root);
	assert_int_equal(in->off, off);
}

static void expect_nothing(const struct mmw_insn *in)
{
	expect_use(in, MMW_USE_NONE, MMW_PLACE_NONE, 0, 0);
}

/* --- x86 ----------------------------------------------------------------------------------------------------- */

static void x86_flow(void **state)
{
	struct code c;

	(void)state;
	TAKE_X86(0, &c,
		 0xe8, 0xfb, 0x0f, 0x00, 0x00,  /* call +1000 */
		 0x74, 0x03,                    /* je a */
		 0xe2, 0xfc,                    /* loop 5 */
		 0xeb, 0xfe,                    /* jmp to itself */
		 0xff, 0xe0,                    /* jmp *rax */
		 0xff, 0xd0,                    /* call *rax */
		 0xc3, 0xcc, 0x0f, 0x0b,        /* ret, int3, ud2 */
		 0xc2, 0x08, 0x00);             /* ret $8 */
	assert_int_equal(c.n, 10);
	expect_flow(&c.in[0], MMW_FLOW_CALL, VA + 0x1000);
	expect_flow(&c.in[1], MMW_FLOW_BRANCH, VA + 10);
	expect_flow(&c.in[2], MMW_FLOW_BRANCH, VA + 5);
	expect_flow(&c.in[3], MMW_FLOW_JUMP, VA + 9);
	expect_flow(&c.in[4], MMW_FLOW_END, 0);
	expect_flow(&c.in[5], MMW_FLOW_CALL, 0);
	expect_flow(&c.in[6], MMW_FLOW_END, 0);
	expect_flow(&c.in[7], MMW_FLOW_END, 0);
	expect_flow(&c.in[8], MMW_FLOW_ON, 0);  /* of a WARN, which comes back */
	expect_flow(&c.in[9], MMW_FLOW_END, 0);
}

static void x86_memory(void **state)
{
	struct code c;

	(void)state;
	TAKE_X86(0, &c,
		 0x48, 0x8b, 0x05, 0xf9, 0x0f, 0x00, 0x00,              /* mov 0xff9(%rip),%rax */
		 0x89, 0x0d, 0xf3, 0xff, 0x0f, 0x00,                    /* mov %ecx,0xffff3(%rip) */
		 0x48, 0x8b, 0x50, 0x10,                                /* mov 0x10(%rax),%rdx */
		 0x48, 0x8b, 0x47, 0x28,                                /* mov 0x28(%rdi),%rax */
		 0x65, 0x8b, 0x34, 0x25, 0x80, 0xfb, 0x01, 0x00,        /* mov %gs:0x1fb80,%esi */
		 0x48, 0x8b, 0x04, 0xc5, 0x00, 0x10, 0x00, 0x81,        /* mov -0x7efff000(,%rax,8),%rax */
		 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00);                   /* nopw */
	assert_int_equal(c.n, 7);
	expect_use(&c.in[0], MMW_USE_READ, MMW_PLACE_CONST, VA + 0x1000, 0);
	assert_int_equal(c.in[0].width, 8);
	expect_use(&c.in[1], MMW_USE_WRITE, MMW_PLACE_CONST, VA + 0x100000, 0);
	assert_int_equal(c.in[1].width, 4);
	expect_use(&c.in[2], MMW_USE_READ, MMW_PLACE_BEHIND, VA + 0x1000, 0x10);
	expect_use(&c.in[3], MMW_USE_READ, MMW_PLACE_ARG, 0, 0x28);
	expect_use(&c.in[4], MMW_USE_READ, MMW_PLACE_CONST, 0x1fb80, 0);
	assert_true(c.in[4].percpu);
	expect_use(&c.in[5], MMW_USE_READ, MMW_PLACE_CONST, VA + 0x1000, 0);
	assert_true(c.in[5].indexed);
	assert_false(c.in[5].percpu);
	expect_nothing(&c.in[6]);
}

static void x86_values(void **state)
{
	struct code c;

	(void)state;
	TAKE_X86(0, &c,
		 0x48, 0xc7, 0xc7, 0x00, 0x20, 0x00, 0x81,  /* mov $VA+2000,%rdi */
		 0x48, 0x83, 0xc7, 0x08,                    /* add $8,%rdi */
		 0x8b, 0x47, 0x04,                          /* mov 4(%rdi),%eax */
		 0x48, 0x89, 0xf8,                          /* mov %rdi,%rax */
		 0x48, 0x8d, 0x58, 0x10,                    /* lea 0x10(%rax),%rbx */
		 0x31, 0xdb,                                /* xor %ebx,%ebx */
		 0x8b, 0x03,                                /* mov (%rbx),%eax */
		 0x0f, 0xaf, 0xd8,                          /* imul %eax,%ebx */
		 0x8b, 0x03);                               /* mov (%rbx),%eax */
	assert_int_equal(c.n, 9);
	expect_use(&c.in[0], MMW_USE_VALUE, MMW_PLACE_CONST, VA + 0x2000, 0);
	expect_use(&c.in[1], MMW_USE_ADDRESS, MMW_PLACE_CONST, VA + 0x2008, 0);
	expect_use(&c.in[2], MMW_USE_READ, MMW_PLACE_CONST, VA + 0x200c, 0);
	expect_nothing(&c.in[3]);
	expect_use(&c.in[4], MMW_USE_ADDRESS, MMW_PLACE_CONST, VA + 0x2018, 0);
	expect_use(&c.in[5], MMW_USE_VALUE, MMW_PLACE_CONST, 0, 0);
	expect_use(&c.in[6], MMW_USE_READ, MMW_PLACE_CONST, 0, 0);
	expect_nothing(&c.in[7]);
	expect_nothing(&c.in[8]);
}

/* A call keeps what it must: rbx, not rdi. */
static void x86_call(void **state)
{
	struct code c;

	(void)state;
	TAKE_X86(0, &c,
		 0x48, 0x89, 0xfb,              /* mov %rdi,%rbx */
		 0xe8, 0x00, 0x00, 0x00, 0x00,  /* call */
		 0x8b, 0x43, 0x08,              /* mov 8(%rbx),%eax */
		 0x8b, 0x47, 0x08);             /* mov 8(%rdi),%eax */
	expect_use(&c.in[2], MMW_USE_READ, MMW_PLACE_ARG, 0, 8);
	expect_nothing(&c.in[3]);
}

/* Two paths meet: rsi differs, rdi does not. */
static void x86_paths(void **state)
{
	struct code c;

	(void)state;
	TAKE_X86(0, &c,
		 0x85, 0xd2,                    /* 0: test %edx,%edx */
		 0x74, 0x07,                    /* 2: je b */
		 0xbe, 0x01, 0x00, 0x00, 0x00,  /* 4: mov $1,%esi */
		 0xeb, 0x05,                    /* 9: jmp 10 */
		 0xbe, 0x02, 0x00, 0x00, 0x00,  /* b: mov $2,%esi */
		 0x8b, 0x06,                    /* 10: mov (%rsi),%eax */
		 0x8b, 0x07,                    /* 12: mov (%rdi),%eax */
		 0xc3);
	assert_int_equal(c.n, 8);
	expect_nothing(&c.in[5]);
	expect_use(&c.in[6], MMW_USE_READ, MMW_PLACE_ARG, 0, 0);
}

/* The way back of a loop brings another rdi, which the first reading of it does not know. */
static void x86_loop(void **state)
{
	struct code c;

	(void)state;
	TAKE_X86(0, &c,
		 0x8b, 0x07,              /* 0: mov (%rdi),%eax */
		 0x8b, 0x4f, 0x10,        /* 2: mov 0x10(%rdi),%ecx */
		 0x03, 0x06,              /* 5: add (%rsi),%eax */
		 0x48, 0x83, 0xc7, 0x08,  /* 7: add $8,%rdi */
		 0x75, 0xf5,              /* b: jne 2 */
		 0xc3);
	assert_int_equal(c.n, 6);
	expect_use(&c.in[0], MMW_USE_READ, MMW_PLACE_ARG, 0, 0);
	expect_nothing(&c.in[1]);
	expect_use(&c.in[2], MMW_USE_READ, MMW_PLACE_ARG, 1, 0);
}

/* Behind a jump nothing is known unless something leads there. */
static void x86_unreached(void **state)
{
	struct code c;

	(void)state;
	TAKE_X86(0, &c, 0x8b, 0x07, 0xc3, 0x8b, 0x07);
	expect_use(&c.in[0], MMW_USE_READ, MMW_PLACE_ARG, 0, 0);
	expect_nothing(&c.in[2]);
}

static void x86_text(void **state)
{
	struct code c;

	(void)state;
	TAKE_X86(0, &c, 0x48, 0x8b, 0x47, 0x28);
	assert_string_equal(c.in[0].text, "movq 0x28(%rdi), %rax");
	TAKE_X86(MMW_DISAS_INTEL, &c, 0x48, 0x8b, 0x47, 0x28);
	assert_string_equal(c.in[0].text, "mov rax, qword ptr [rdi + 0x28]");
	expect_use(&c.in[0], MMW_USE_READ, MMW_PLACE_ARG, 0, 0x28);
}

/* The mark of a static call: an instruction of three bytes, or cut off, of none. */
static void x86_ud1(void **state)
{
	struct code c;

	(void)state;
	TAKE_X86(0, &c, 0x0f, 0xb9, 0xcc, 0x67, 0x0f, 0xb9, 0x40, 0x03, 0x90, 0x0f, 0xb9);
	assert_int_equal(c.n, 5);
	assert_string_equal(c.in[0].text, "ud1 %esp, %ecx");
	assert_string_equal(c.in[1].text, "ud1 3(%eax), %eax");
	assert_string_equal(c.in[2].text, "nop");
	assert_true(c.in[3].bad);
	expect_nothing(&c.in[0]);
	expect_nothing(&c.in[1]);
}

/* Bytes that are no instruction go one by one; an instruction that is cut off at the end is none either. */
static void x86_garbage(void **state)
{
	struct code c;

	(void)state;
	TAKE_X86(0, &c, 0x06, 0x07, 0x90, 0xe8, 0x01, 0x02);
	assert_int_equal(c.n, 5);
	assert_true(c.in[0].bad && c.in[1].bad && !c.in[2].bad && c.in[3].bad && !c.in[4].bad);
	assert_string_equal(c.in[0].text, "(bad)");
	assert_string_equal(c.in[2].text, "nop");
	expect_flow(&c.in[3], MMW_FLOW_ON, 0);
	take(EM_X86_64, 0, VA, "", 0, &c);
	assert_int_equal(c.n, 0);
}

/* The arguments of a 32-bit kernel are in registers too (-mregparm=3), and addresses have 32 bits. */
static void i386_code(void **state)
{
	static const uint8_t bytes[] = {
		0x8b, 0x42, 0x04,                          /* mov 4(%edx),%eax */
		0x64, 0x8b, 0x1d, 0xe8, 0xe6, 0xe5, 0xd1,  /* mov %fs:0xd1e5e6e8,%ebx */
		0xe8, 0xf1, 0xff, 0xff, 0xff,              /* call start */
		0xb8, 0x00, 0x00, 0x00, 0xc2,              /* mov $c2000000,%eax */
	};
	struct code c;

	(void)state;
	take(EM_386, 0, 0xd1000000, bytes, sizeof(bytes), &c);
	assert_int_equal(c.n, 4);
	expect_use(&c.in[0], MMW_USE_READ, MMW_PLACE_ARG, 1, 4);
	expect_use(&c.in[1], MMW_USE_READ, MMW_PLACE_CONST, 0xd1e5e6e8, 0);
	assert_true(c.in[1].percpu);
	expect_flow(&c.in[2], MMW_FLOW_CALL, 0xd1000000);
	expect_use(&c.in[3], MMW_USE_VALUE, MMW_PLACE_CONST, 0xc2000000, 0);
}

/* --- arm64 --------------------------------------------------------------------------------------------------- */

#define VA64 0xffff800010000000u

static void arm64_flow(void **state)
{
	struct code c;

	(void)state;
	TAKE_WORDS(EM_AARCH64, VA64, &c,
		   0x94000400,   /* bl +1000 */
		   0x54000041,   /* b.ne +8 */
		   0xb4ffffe0,   /* cbz x0, -4 */
		   0x3607ffe0,   /* tbz w0, #0, -4 */
		   0x14000000,   /* b to itself */
		   0xd63f0020,   /* blr x1 */
		   0xd61f0020,   /* br x1 */
		   0xd65f03c0);  /* ret */
	expect_flow(&c.in[0], MMW_FLOW_CALL, VA64 + 0x1000);
	expect_flow(&c.in[1], MMW_FLOW_BRANCH, VA64 + 0xc);
	expect_flow(&c.in[2], MMW_FLOW_BRANCH, VA64 + 0x4);
	expect_flow(&c.in[3], MMW_FLOW_BRANCH, VA64 + 0x8);
	expect_flow(&c.in[4], MMW_FLOW_JUMP, VA64 + 0x10);
	expect_flow(&c.in[5], MMW_FLOW_CALL, 0);
	expect_flow(&c.in[6], MMW_FLOW_END, 0);
	expect_flow(&c.in[7], MMW_FLOW_END, 0);
}

static void arm64_addresses(void **state)
{
	struct code c;

	(void)state;
	TAKE_WORDS(EM_AARCH64, VA64, &c,
		   0x90000801,   /* adrp x1, +100000 */
		   0x91133c22,   /* add x2, x1, #0x4cf */
		   0xf9400823,   /* ldr x3, [x1, #0x10] */
		   0xf9400464,   /* ldr x4, [x3, #8] */
		   0xb9001005,   /* str w5, [x0, #0x10] */
		   0x39400426,   /* ldrb w6, [x1, #1] */
		   0xa9401c26,   /* ldp x6, x7, [x1] */
		   0xf8666828,   /* ldr x8, [x1, x6] */
		   0x10000049,   /* adr x9, +8 */
		   0xf9400129);  /* ldr x9, [x9] */
	expect_nothing(&c.in[0]);
	expect_use(&c.in[1], MMW_USE_ADDRESS, MMW_PLACE_CONST, VA64 + 0x1004cf, 0);
	expect_use(&c.in[2], MMW_USE_READ, MMW_PLACE_CONST, VA64 + 0x100010, 0);
	assert_int_equal(c.in[2].width, 8);
	expect_use(&c.in[3], MMW_USE_READ, MMW_PLACE_BEHIND, VA64 + 0x100010, 8);
	expect_use(&c.in[4], MMW_USE_WRITE, MMW_PLACE_ARG, 0, 0x10);
	assert_int_equal(c.in[4].width, 4);
	expect_use(&c.in[5], MMW_USE_READ, MMW_PLACE_CONST, VA64 + 0x100001, 0);
	assert_int_equal(c.in[5].width, 1);
	assert_int_equal(c.in[6].width, 16);
	expect_use(&c.in[7], MMW_USE_READ, MMW_PLACE_CONST, VA64 + 0x100000, 0);
	assert_true(c.in[7].indexed);
	expect_use(&c.in[8], MMW_USE_VALUE, MMW_PLACE_CONST, VA64 + 0x28, 0);
	expect_use(&c.in[9], MMW_USE_READ, MMW_PLACE_CONST, VA64 + 0x28, 0);
}

/* movz and movk; a word that is loaded from the code itself. */
static void arm64_constants(void **state)
{
	struct code c;

	(void)state;
	TAKE_WORDS(EM_AARCH64, VA64, &c,
		   0xd2824680,               /* movz x0, #0x1234 */
		   0xf2b579a0,               /* movk x0, #0xabcd, lsl #16 */
		   0xf9400001,               /* ldr x1, [x0] */
		   0x58000062,               /* ldr x2, +c */
		   0xf9400443,               /* ldr x3, [x2, #8] */
		   0xd65f03c0,               /* ret */
		   0x11223344, 0x55667788);  /* the word */
	expect_use(&c.in[1], MMW_USE_VALUE, MMW_PLACE_CONST, 0xabcd1234, 0);
	expect_use(&c.in[2], MMW_USE_READ, MMW_PLACE_CONST, 0xabcd1234, 0);
	expect_use(&c.in[3], MMW_USE_VALUE, MMW_PLACE_CONST, 0x5566778811223344, 0);
	expect_use(&c.in[4], MMW_USE_READ, MMW_PLACE_CONST, 0x556677881122334c, 0);
}

/* A literal behind the end of what is read is not known. */
static void arm64_far_literal(void **state)
{
	struct code c;

	(void)state;
	TAKE_WORDS(EM_AARCH64, VA64, &c, 0x58000062, 0xf9400443);
	expect_use(&c.in[0], MMW_USE_READ, MMW_PLACE_CONST, VA64 + 0xc, 0);
	expect_nothing(&c.in[1]);
}

static void arm64_atomics(void **state)
{
	static const char *const texts[] = {
		"stclr x1, [x0]", "casa w5, w2, [x3]", "ldaddal w0, w0, [x1]", "swpal w0, w1, [x2]", "staddl w3, [sp]",
		"casp x0, x1, x2, x3, [x4]", "ldsmaxlb w1, w2, [x3]", "ldadda x1, xzr, [x2]", "cash wzr, w1, [x2]",
		"ldaprh w1, [x2]",
	};
	struct code c;

	(void)state;
	TAKE_WORDS(EM_AARCH64, VA64, &c, 0xf821101f, 0x88e57c62, 0xb8e00020, 0xb8e08041, 0xb86303ff, 0x48207c82,
		   0x38614062, 0xf8a1005f, 0x48bf7c41, 0x78bfc041,
		   0x48217c82,   /* an odd pair */
		   0xb8e09020);  /* no such operation */
	for (size_t i = 0; i < mmw_array_len(texts); i++)
		assert_string_equal(c.in[i].text, texts[i]);
	assert_true(c.in[10].bad && c.in[11].bad);
	expect_use(&c.in[0], MMW_USE_WRITE, MMW_PLACE_ARG, 0, 0);
	assert_int_equal(c.in[0].width, 8);
	assert_int_equal(c.in[5].width, 16);
	assert_int_equal(c.in[9].width, 2);
	assert_int_equal(c.in[9].use, MMW_USE_NONE);  /* x2 was loaded since */
}

static void arm64_garbage(void **state)
{
	static const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0xff, 0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20 };
	struct code c;

	(void)state;
	take(EM_AARCH64, 0, VA64, bytes, sizeof(bytes), &c);
	assert_int_equal(c.n, 3);
	assert_true(c.in[0].bad && !c.in[1].bad && c.in[2].bad);
	assert_int_equal(c.in[2].len, 2);
}

/* --- arm ----------------------------------------------------------------------------------------------------- */

enum { VA32 = 0xc0100000 };

static void arm_flow(void **state)
{
	struct code c;

	(void)state;
	TAKE_WORDS(EM_ARM, VA32, &c,
		   0xeb0003fe,   /* bl +1000 */
		   0x0a000000,   /* beq +8 */
		   0xeafffffe,   /* b to itself */
		   0xe12fff31,   /* blx r1 */
		   0xe12fff1e,   /* bx lr */
		   0xe8bd8010,   /* pop {r4, pc} */
		   0x08bd8010,   /* popeq {r4, pc} */
		   0xe1a0f00e);  /* mov pc, lr */
	expect_flow(&c.in[0], MMW_FLOW_CALL, VA32 + 0x1000);
	expect_flow(&c.in[1], MMW_FLOW_BRANCH, VA32 + 0xc);
	expect_flow(&c.in[2], MMW_FLOW_JUMP, VA32 + 0x8);
	expect_flow(&c.in[3], MMW_FLOW_CALL, 0);
	expect_flow(&c.in[4], MMW_FLOW_END, 0);
	expect_flow(&c.in[5], MMW_FLOW_END, 0);
	expect_flow(&c.in[6], MMW_FLOW_ON, 0);
	expect_flow(&c.in[7], MMW_FLOW_END, 0);
}

static void arm_addresses(void **state)
{
	struct code c;

	(void)state;
	TAKE_WORDS(EM_ARM, VA32, &c,
		   0xe308c67b,   /* movw ip, #0x867b */
		   0xe34cc158,   /* movt ip, #0xc158 */
		   0xe5dc300d,   /* ldrb r3, [ip, #13] */
		   0xe59c2004,   /* ldr r2, [ip, #4] */
		   0xe5921008,   /* ldr r1, [r2, #8] */
		   0xe5804010,   /* str r4, [r0, #16] */
		   0xe5103004,   /* ldr r3, [r0, #-4] */
		   0xe24c207b);  /* sub r2, ip, #0x7b */
	expect_nothing(&c.in[0]);
	expect_use(&c.in[1], MMW_USE_VALUE, MMW_PLACE_CONST, 0xc158867b, 0);
	expect_use(&c.in[2], MMW_USE_READ, MMW_PLACE_CONST, 0xc1588688, 0);
	assert_int_equal(c.in[2].width, 1);
	expect_use(&c.in[3], MMW_USE_READ, MMW_PLACE_CONST, 0xc158867f, 0);
	expect_use(&c.in[4], MMW_USE_READ, MMW_PLACE_BEHIND, 0xc158867f, 8);
	expect_use(&c.in[5], MMW_USE_WRITE, MMW_PLACE_ARG, 0, 0x10);
	expect_use(&c.in[6], MMW_USE_READ, MMW_PLACE_ARG, 0, -4);
	expect_use(&c.in[7], MMW_USE_ADDRESS, MMW_PLACE_CONST, 0xc1588600, 0);
}

/* A literal pool behind the code: in the order of data, while instructions are little-endian in either. */
static void arm_literals(void **state)
{
	static const uint32_t words[] = {
		0xe59f3004,  /* ldr r3, [pc, #4] */
		0xe5932000,  /* ldr r2, [r3] */
		0xe12fff1e,  /* bx lr */
		0xc0804020,
	};
	struct code c;

	(void)state;
	take_words(EM_ARM, 0, VA32, words, mmw_array_len(words), &c);
	expect_use(&c.in[0], MMW_USE_VALUE, MMW_PLACE_CONST, 0xc0804020, 0);
	expect_use(&c.in[1], MMW_USE_READ, MMW_PLACE_CONST, 0xc0804020, 0);
	take_words(EM_ARM, MMW_DISAS_BIG_ENDIAN, VA32, words, mmw_array_len(words), &c);
	expect_use(&c.in[0], MMW_USE_VALUE, MMW_PLACE_CONST, 0x204080c0, 0);
}

/* Under a condition a register is one or the other. */
static void arm_condition(void **state)
{
	struct code c;

	(void)state;
	TAKE_WORDS(EM_ARM, VA32, &c,
		   0xe3a01a01,   /* mov r1, #0x1000 */
		   0x03a01a02,   /* moveq r1, #0x2000 */
		   0xe5912000);  /* ldr r2, [r1] */
	expect_nothing(&c.in[1]);
	expect_nothing(&c.in[2]);
}

static void arm_thumb(void **state)
{
	static const uint8_t bytes[] = {
		0x01, 0x4b,              /* ldr r3, [pc, #4] */
		0x1a, 0x68,              /* ldr r2, [r3] */
		0xff, 0xf7, 0xfc, 0xff,  /* bl to the start */
		0x20, 0x40, 0x80, 0xc0,
		0x70, 0x47,              /* bx lr */
	};
	struct code c;

	(void)state;
	take(EM_ARM, MMW_DISAS_THUMB, VA32, bytes, sizeof(bytes), &c);
	expect_use(&c.in[0], MMW_USE_VALUE, MMW_PLACE_CONST, 0xc0804020, 0);
	expect_use(&c.in[1], MMW_USE_READ, MMW_PLACE_CONST, 0xc0804020, 0);
	expect_flow(&c.in[2], MMW_FLOW_CALL, VA32);
	expect_flow(&c.in[c.n - 1], MMW_FLOW_END, 0);
}

/* An IT block ends with its stretch, and texts may be asked for anywhere in it. */
static void arm_it_block(void **state)
{
	static const uint8_t it[] = { 0x18, 0xbf }, sub[] = { 0x04, 0x3c, 0x04, 0x3c };
	static const uint8_t both[] = { 0x18, 0xbf, 0x04, 0x3c };
	struct mmw_disas *d;
	struct mmw_insn in;

	(void)state;
	assert_int_equal(mmw_disas_open(EM_ARM, MMW_DISAS_THUMB, &d, NULL), 0);
	assert_int_equal(mmw_disas_code(d, VA32, it, sizeof(it), NULL), 0);
	assert_int_equal(mmw_disas_next(d, true, &in), 1);
	assert_int_equal(mmw_disas_code(d, VA32, sub, sizeof(sub), NULL), 0);
	assert_int_equal(mmw_disas_next(d, true, &in), 1);
	assert_string_equal(in.text, "subs r4, #4");
	assert_int_equal(mmw_disas_code(d, VA32, both, sizeof(both), NULL), 0);
	assert_int_equal(mmw_disas_next(d, false, &in), 1);
	assert_int_equal(mmw_disas_next(d, true, &in), 1);
	assert_string_equal(in.text, "subne r4, #4");
	mmw_disas_close(d);
}

/* ------------------------------------------------------------------------------------------------------------- */

static void refused(void **state)
{
	struct mmw_disas *d;
	struct mmw_err err = { 0 };

	(void)state;
	assert_int_equal(mmw_disas_open(EM_RISCV, 0, &d, &err), -MMW_E_UNSUPPORTED);
	assert_int_not_equal(err.msg[0], 0);
	assert_int_equal(mmw_disas_open(EM_X86_64, 0, &d, &err), 0);
	assert_int_equal(mmw_disas_code(d, VA, "", (size_t)MMW_DISAS_LEN_MAX + 1, &err), -MMW_E_LIMIT);
	mmw_disas_close(d);
	mmw_disas_close(NULL);
}

/* One reader for one stretch after another: nothing is left of the first. */
static void again(void **state)
{
	static const uint8_t first[] = { 0x48, 0xc7, 0xc3, 0x00, 0x20, 0x00, 0x81, 0xeb, 0xf7 };
	static const uint8_t second[] = { 0x8b, 0x03 };
	struct mmw_disas *d;
	struct mmw_insn in;

	(void)state;
	assert_int_equal(mmw_disas_open(EM_X86_64, 0, &d, NULL), 0);
	assert_int_equal(mmw_disas_code(d, VA, first, sizeof(first), NULL), 0);
	assert_int_equal(mmw_disas_next(d, false, &in), 1);
	assert_string_equal(in.text, "");
	assert_int_equal(mmw_disas_code(d, VA, second, sizeof(second), NULL), 0);
	assert_int_equal(mmw_disas_next(d, false, &in), 1);
	expect_nothing(&in);
	assert_int_equal(mmw_disas_next(d, false, &in), 0);
	assert_int_equal(mmw_disas_next(d, false, &in), 0);
	mmw_disas_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x86_flow), cmocka_unit_test(x86_memory), cmocka_unit_test(x86_values),
		cmocka_unit_test(x86_call), cmocka_unit_test(x86_paths), cmocka_unit_test(x86_loop),
		cmocka_unit_test(x86_unreached), cmocka_unit_test(x86_text), cmocka_unit_test(x86_ud1),
		cmocka_unit_test(x86_garbage), cmocka_unit_test(arm64_atomics), cmocka_unit_test(arm_it_block),
		cmocka_unit_test(i386_code), cmocka_unit_test(arm64_flow), cmocka_unit_test(arm64_addresses),
		cmocka_unit_test(arm64_constants), cmocka_unit_test(arm64_far_literal), cmocka_unit_test(arm64_garbage),
		cmocka_unit_test(arm_flow), cmocka_unit_test(arm_addresses), cmocka_unit_test(arm_literals),
		cmocka_unit_test(arm_condition), cmocka_unit_test(arm_thumb), cmocka_unit_test(refused),
		cmocka_unit_test(again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
