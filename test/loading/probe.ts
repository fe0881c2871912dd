import type { Edit } from './fixes.js';

const signature = 'static int version_proc_show(struct seq_file *m, void *v)\n{\n';

/**
 * New code that uses, one after the other, everything for which the kernel keeps a table or patches code at load.
 * It says on /proc/version what came of each; what isn't for everyday is asked for by the reader's name (comm).
 */
const code = `#include <linux/bug.h>
#include <linux/dma-buf.h>
#include <linux/jump_label.h>
#include <linux/kernel_stat.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/alternative.h>
#include <trace/events/task.h>

extern struct static_key_false sched_schedstats;
extern int nr_processes(void);
DECLARE_PER_CPU(unsigned long, process_counts);

static DEFINE_STATIC_KEY_FALSE(sc_key);
static int sc_fresh = 7;
static int (*sc_hook)(int value);

struct sc_callback {
	int (*show)(struct seq_file *m, void *v);
};

static int version_proc_show(struct seq_file *m, void *v);

static noinline int sc_double(int value)
{
	return 2 * value + (sc_fresh - 7);
}

static noinline int sc_triple(int value)
{
	return 3 * value + (sc_fresh - 7);
}

static int (*const sc_table[])(int value) = { sc_double, sc_triple };

static noinline int sc_fault(void)
{
	unsigned long value;

	if (!user_access_begin((void __user *)16, sizeof(value)))
		return 1;
	unsafe_get_user(value, (unsigned long __user *)16, failed);
	user_access_end();
	return 0;
failed:
	user_access_end();
	return 14;
}

static noinline int sc_alternative(void)
{
	int value;

	asm volatile(ALTERNATIVE("movl $1, %0", "movl $2, %0", X86_FEATURE_ALWAYS) : "=r" (value));
	return value;
}

static noinline void sc_sleep(void)
{
	might_sleep();
	schedule_timeout_interruptible(60 * HZ);
}

static bool sc_asked(const char *name)
{
	return strcmp(current->comm, name) == 0;
}

static void sc_say(struct seq_file *m)
{
	static int seen;
	struct sc_callback *callback = kmalloc(sizeof(*callback), GFP_KERNEL);

	seq_printf(m, "seen %d\\n", ++seen);
	seq_printf(m, "unexported %d\\n", nr_processes() > 0);
	seq_printf(m, "namespace %ld\\n", PTR_ERR(dma_buf_get(-1)));
	seq_printf(m, "per-cpu %d\\n", (long)this_cpu_read(process_counts) == nr_processes());
	if (static_branch_unlikely(&sched_schedstats))
		seq_puts(m, "kernel key on\\n");
	if (static_branch_unlikely(&sc_key))
		seq_puts(m, "own key on\\n");
	static_branch_enable(&sc_key);
	seq_printf(m, "table %d\\n", sc_table[seen & 1](10));
	sc_hook = sc_double;
	seq_printf(m, "indirect %d\\n", READ_ONCE(sc_hook)(21));
	seq_printf(m, "fault %d\\n", sc_fault());
	seq_printf(m, "alternative %d\\n", sc_alternative());
	if (callback) {
		callback->show = version_proc_show;
		seq_printf(m, "pointer %ps\\n", callback->show);
	}
	kfree(callback);
	trace_task_rename(current, "sc-traced");
	pr_debug("sc_probe: debug %d\\n", sc_fresh);
	pr_info_once("sc_probe: once\\n");
	if (unlikely(sc_asked("sc-cold")))
		pr_warn("sc_probe: cold\\n");
	if (sc_asked("sc-sleep"))
		sc_sleep();
	WARN(sc_asked("sc-warn"), "sc_probe: warned\\n");
}

`;

const banner = '\t\tutsname()->version);\n';

/** Before the function stands the code; its last lines call it. */
export const probe: Edit = {
  path: 'fs/proc/version.c',
  from: `${signature}\tseq_printf(m, linux_proc_banner,\n\t\tutsname()->sysname,\n\t\tutsname()->release,\n${banner}`,
  to: `${code}${signature}\tseq_printf(m, linux_proc_banner,\n\t\tutsname()->sysname,\n\t\tutsname()->release,\n${banner}\tsc_say(m);\n`,
};

/** Where the WARN stands in the patched file. */
export function warnLine(patched: string): number {
  return patched.slice(0, patched.indexOf('WARN(sc_asked')).split('\n').length;
}
