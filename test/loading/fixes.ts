import { probe } from './probe.js';

/** One change of a file: text that it has, once, and what takes its place. */
export interface Edit {
  readonly path: string;
  readonly from: string;
  readonly to: string;
}

const loadavg = 'fs/proc/loadavg.c';
const loadavgEnd = 'idr_get_cursor(&task_active_pid_ns(current)->idr) - 1);\n';

/** loadavg_proc_show() prints one more line. */
function loadavgSays(word: string): Edit {
  return { path: loadavg, from: loadavgEnd, to: `${loadavgEnd}\tseq_puts(m, "loadavg ${word}\\n");\n` };
}

const uptime: Edit = {
  path: 'fs/proc/uptime.c',
  from: '(idle.tv_nsec / (NSEC_PER_SEC / 100)));\n',
  to: '(idle.tv_nsec / (NSEC_PER_SEC / 100)));\n\tseq_puts(m, "uptime patched\\n");\n',
};

/** Three functions of the kernel are called c_start: this one lists the consoles, the others processors and ciphers. */
const consoles: Edit = {
  path: 'fs/proc/consoles.c',
  from: '\t\tif (off++ == *pos)\n\t\t\tbreak;\n\n\treturn con;',
  to: '\t\tif (off++ == *pos)\n\t\t\tbreak;\n\n\treturn NULL;',
};

const setup = 'static void dummy_setup(struct net_device *dev)\n{\n\tether_setup(dev);\n';

/** A device begins with an MTU of its own: 1400, and from the second on, by a static key that the fix brings, 1401. */
const dummy: Edit = {
  path: 'drivers/net/dummy.c',
  from: setup,
  to:
    `#include <linux/jump_label.h>\nstatic DEFINE_STATIC_KEY_FALSE(sc_later);\n\n${setup}` +
    '\tdev->mtu = static_branch_unlikely(&sc_later) ? 1401 : 1400;\n\tstatic_branch_enable(&sc_later);\n',
};

/** The fixes that the suite loads, by the name of their module. */
export const fixes = {
  sc_probe: [probe],
  /** The same once more: the first can't be unloaded, so it can't come again either. */
  sc_probe_again: [probe],
  sc_both: [loadavgSays('both'), dummy],
  sc_dummy: [dummy],
  sc_one: [loadavgSays('one')],
  sc_two: [loadavgSays('two')],
  sc_uptime: [uptime],
  sc_consoles: [consoles],
  sc_all: [loadavgSays('all'), uptime],
  sc_pipe: [
    {
      path: 'fs/pipe.c',
      from: '\tif (unlikely(total_len == 0))\n\t\treturn 0;\n\n\tret = 0;',
      to: '\tif (unlikely(total_len == 0))\n\t\treturn 0;\n\n\tpr_info("sc_pipe: %zu\\n", total_len);\n\tret = 0;',
    },
  ],
  /** A static local of the old function goes on with the value that it has. */
  sc_quiet: [
    {
      path: 'fs/drop_caches.c',
      from: '\t\tstfu |= sysctl_drop_caches & 4;',
      to: '\t\tpr_info("sc_quiet: quiet is %d\\n", stfu);\n\t\tstfu |= sysctl_drop_caches & 4;',
    },
  ],
  /** A static per-CPU variable, and data of the old object. */
  sc_inodes: [
    {
      path: 'fs/inode.c',
      from: '\tinodes_stat.nr_unused = get_nr_inodes_unused();\n',
      to: '\tinodes_stat.nr_unused = get_nr_inodes_unused();\n\tinodes_stat.dummy[0] = this_cpu_read(nr_inodes) == get_nr_inodes() ? 77 : 1;\n',
    },
  ],
  /** A module's function that uses what another module exports. */
  sc_gvrp: [
    {
      path: 'net/8021q/vlan_gvrp.c',
      from: '\tif (vlan->vlan_proto != htons(ETH_P_8021Q))\n\t\treturn 0;\n\treturn garp_request_join(',
      to: '\tpr_info("sc_gvrp: joins %d\\n", vlan->vlan_id);\n\tif (vlan->vlan_proto != htons(ETH_P_8021Q))\n\t\treturn 0;\n\treturn garp_request_join(',
    },
  ],
  /** The body of a system call, which is no function that can be redirected: unknown flags get another error. */
  sc_vmsplice: [
    {
      path: 'fs/splice.c',
      from: '\t\treturn -EINVAL;\n\n\tf = fdget(fd);\n\terror = vmsplice_type(f, &type);\n',
      to: '\t\treturn -EXDEV;\n\n\tf = fdget(fd);\n\terror = vmsplice_type(f, &type);\n',
    },
  ],
  /** A tracepoint of a module's own. The tag that it tells is another one. */
  sc_traced: [
    {
      path: 'net/9p/client.c',
      from: 'trace_9p_client_req(c, type, req->tc.tag);',
      to: 'trace_9p_client_req(c, type, req->tc.tag + 100000);',
    },
  ],
} satisfies Record<string, readonly Edit[]>;

export type FixName = keyof typeof fixes;
