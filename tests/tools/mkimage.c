/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkimage RECIPE FORMAT OUT   writes the machine that the text RECIPE describes as an image
 * mkimage --options FORMAT OUT   prints what mmwalk must be told to open it
 * mkimage --formats           lists the formats, one a line
 * mkimage --keeps RECIPE      lists the formats that can hold all of it (raw has holes only as zeros, and no registers)
 *
 * A recipe is lines; '#' starts a comment. Numbers are hexadecimal, may end in K, M or G, and may be sums (1000+8).
 * $NAME and ${NAME} are replaced by what `set` gave them. Everything is written in the byte order of the machine, which
 * the format decides (elf-be, kdump-be), so one recipe serves both.
 *
 *   arch x86_64                          says so; the only one as yet
 *   set NAME TEXT, default NAME TEXT     the second only when NAME is not set
 *   include FILE                         relative to the file it is written in; - is none
 *
 * Memory. Nothing exists but what these name; later lines win.
 *   ram PA LEN                           memory, zero
 *   excluded PA LEN                      memory that the dumper left out
 *   absent PA LEN                        no memory after all
 *   u8|u16|u32|u64 PA: V V*N V*N+S ...   integers; V*N is N times V, V*N+S is V, V+S, V+2S ...
 *   u8|u16|u32|u64 PA/STEP*N: V ...      the same at N places, STEP apart
 *   bits PA: V/BITS V/BITS ...           bit fields in the order of their declaration in C, 8 to 64 bits together
 *   freelist PA VA SIZE OFFSET RANDOM: N N*COUNT+STRIDE ...   links of SLUB through objects N, SIZE apart from PA
 *                                        and VA on; RANDOM is - where they are not mixed
 *   string PA "text\n\0"                 escapes: \n \t \0 \xHH \\ \"
 *   random PA LEN SEED                   the same noise everywhere
 *   ring PA:VA PA:VA ...                 the list_heads at these places form one ring
 *   heads PA VA COUNT STEP N BIGSTEP     N rows, BIGSTEP apart, of COUNT empty list_heads, STEP apart
 *
 * Page tables (x86-64). I and J are decimal.
 *   pte TABLE[I] = RAW                   one entry as it is
 *   pte TABLE[I] -> PA FLAG...           one that points to PA. FLAG: p rw user pwt pcd a d ps pat pat4k g special uffd
 *                                        soft nx pkeyN bitN protnone inverted (the frame is stored inverted);
 *                                        table ktable text rodata data stand for what Linux uses
 *   pte TABLE[I..J] -> PA step N FLAG... several, N bytes apart
 *   space ROOT LEVELS POOL               a set of tables; those below the root are taken from POOL, page after page
 *   map VA LEN -> PA SIZE FLAG...        in the last space, by pages of SIZE: 4K (1000), 2M or 40000000
 *
 * What the machine says of itself.
 *   cpu REG=V ...                        the next CPU: pc sp, and with any of cr0 cr2 cr3 cr4 gs kgs QEMU's note
 *   vmcoreinfo KEY=VALUE                 a line of the VMCOREINFO note
 *   vmcoreinfo-page PA [note] {          the lines up to `}` in memory, bare or as the kernel's own ELF note
 *   kallsyms PA VA LAYOUT ENCODING {     tables at PA, mapped at VA; LAYOUT A B C D, ENCODING base percpu place
 *     ADDR TYPE NAME                     a symbol
 *     @TABLE TYPE NAME                   one at the address of a table: offsets relative_base num_syms names markers
 *                                        token_table token_index seqs
 *     fill COUNT ADDR STEP TYPE PREFIX   PREFIX0, PREFIX1 ...
 *     include FILE                       more of these
 *   }
 *   btf PA SIZE {                        BTF of exactly SIZE bytes
 *     int|sint NAME SIZE
 *     struct NAME SIZE OFFSET:TYPE:MEMBER[:BITS] ...   TYPE: a name from above, NAME* or NAME[N];
 *                                        with BITS, OFFSET is one of bits
 *     enum NAME VALUE=N ...              in decimal
 *   }
 */
#include <stdio.h>
#include <string.h>

#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

static void list_formats(void)
{
	for (size_t i = 0; wrap_format_at(i); i++)
		printf("%-13s %s\n", wrap_format_at(i)->name, wrap_format_at(i)->summary);
}

static void list_keeping(const char *path)
{
	struct phys p;

	recipe_load(path, false, &p);
	for (size_t i = 0; wrap_format_at(i); i++)
		if (wrap_keeps(wrap_format_at(i), &p))
			puts(wrap_format_at(i)->name);
	phys_fini(&p);
}

static void make(const char *recipe, const struct wrap_format *f, const char *path)
{
	struct phys p;

	recipe_load(recipe, f->big_endian, &p);
	wrap_write(f, &p, path);
	phys_fini(&p);
}

static void print_options(const struct wrap_format *f, const char *path)
{
	for (const char *at = f->options ? f->options : ""; *at; at++) {
		if (*at == '@')
			fputs(path, stdout);
		else
			putchar(*at);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--formats")) {
		list_formats();
	} else if (argc == 3 && !strcmp(argv[1], "--keeps")) {
		list_keeping(argv[2]);
	} else if (argc == 4) {
		const struct wrap_format *f = wrap_format_by_name(argv[2]);

		if (!f)
			die("mkimage: no format is called '%s'; --formats lists them", argv[2]);
		if (!strcmp(argv[1], "--options"))
			print_options(f, argv[3]);
		else
			make(argv[1], f, argv[3]);
	} else {
		die("usage: mkimage RECIPE FORMAT OUT | --options FORMAT OUT | --formats | --keeps RECIPE");
	}
	return 0;
}
