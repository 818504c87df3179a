/* A QEMU TCG plugin: how often each block of code runs in each part of a program, and how often it is left by a jump.
 *
 * Arguments: out=FILE, entries=ADDRESS+ADDRESS+... (hexadecimal). A part begins where one of the entries is executed; what
 * runs before the first belongs to none. Output, a line for each part and block:
 *     part (number of its entry), first address (hex), instructions, executions, times it was left by a jump
 * The functions of the plugin API (version 1, QEMU 6.0 and later) are declared here: distributions ship no header. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);

EXPORT int qemu_plugin_version = 1;

typedef struct block {
    struct block *next;
    uint64_t first, end;
    size_t instructions;
    int entry; /* number of the part that begins here, or -1 */
    struct {
        uint64_t executions, jumps;
    } in[]; /* by part */
} block;

static block *blocks, *previous;
static uint64_t entries[1024];
static int parts, part = -1, part_before = -1;
static FILE *out;

static void executed(unsigned cpu, void *data)
{
    block *const now = data;
    (void)cpu;
    if (previous && part_before >= 0 && previous->end != now->first) {
        previous->in[part_before].jumps++;
    }
    if (now->entry >= 0) {
        part = now->entry;
    }
    if (part >= 0) {
        now->in[part].executions++;
    }
    previous = now;
    part_before = part;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    const size_t count = qemu_plugin_tb_n_insns(tb);
    const struct qemu_plugin_insn *const last = qemu_plugin_tb_get_insn(tb, count - 1);
    block *const made = calloc(1, sizeof *made + (size_t)parts * sizeof made->in[0]);
    (void)id;
    if (!made) {
        abort();
    }
    made->first = qemu_plugin_tb_vaddr(tb);
    made->end = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last);
    made->instructions = count;
    made->entry = -1;
    for (int i = 0; i < parts; i++) {
        if (entries[i] == made->first) {
            made->entry = i;
        }
    }
    made->next = blocks;
    blocks = made;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, made);
}

static void ended(qemu_plugin_id_t id, void *data)
{
    (void)id, (void)data;
    for (const block *one = blocks; one; one = one->next) {
        for (int i = 0; i < parts; i++) {
            if (one->in[i].executions) {
                fprintf(out, "%d %llx %zu %llu %llu\n", i, (unsigned long long)one->first, one->instructions,
                        (unsigned long long)one->in[i].executions, (unsigned long long)one->in[i].jumps);
            }
        }
    }
    fclose(out);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "entries=", 8) == 0) {
            for (char *at = argv[i] + 8; *at && parts < 1024; at += *at == '+') {
                entries[parts++] = strtoull(at, &at, 16);
            }
        }
    }
    if (!out || !parts) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
