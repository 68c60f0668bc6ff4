//! Which system calls are refused: seccomp.
//!
//! The list has what leads out of a sandbox, acts on other processes, or adds to what the kernel has to defend. All else
//! is allowed, since nobody knows what a program needs.
//!
//! Invariant: no call of another architecture passes, and none that would do the same as a refused one.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};

/// `fchmodat2` on every architecture; the crate has it for some.
const FCHMODAT2: c_long = 452;

/// Installs the filters. Returns whether they work.
pub(super) fn confine(network: bool) -> bool {
    filters(network).is_some_and(|filters| filters.iter().all(|filter| apply_filter(filter).is_ok()))
}

/// The rules of each call; a call without rules is refused whatever its arguments are.
type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

fn filters(network: bool) -> Option<Vec<BpfProgram>> {
    let arch = if cfg!(target_arch = "x86_64") {
        TargetArch::x86_64
    } else if cfg!(target_arch = "aarch64") {
        TargetArch::aarch64
    } else {
        return None;
    };
    let compile = |rules: Rules, errno: i32| -> Option<BpfProgram> {
        let refuse = SeccompAction::Errno(errno.unsigned_abs());
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).ok()?.try_into().ok()
    };
    let mut refused: Rules = REFUSED.iter().chain(REFUSED_HERE).map(|call| (*call, vec![])).collect();
    refused.extend(conditional(network)?);
    if !network {
        refused.insert(libc::SYS_socket, vec![]);
    }
    // Programs take these for calls of a newer kernel, and use the older ones, whose arguments can be judged.
    let unknown: Rules = UNKNOWN.iter().map(|call| (*call, vec![])).collect();
    let mut filters = vec![compile(refused, libc::EPERM)?, compile(unknown, libc::ENOSYS)?];
    if cfg!(target_arch = "x86_64") {
        filters.push(without_x32());
    }
    Some(filters)
}

/// Calls that are refused for some arguments.
fn conditional(network: bool) -> Option<Rules> {
    let flag = |argument, flag: i32| {
        let flag = u64::from(flag.cast_unsigned());
        rule(&[(argument, SeccompCmpOp::MaskedEq(flag), flag)])
    };
    let namespaces = [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ];
    let namespaces = || namespaces.iter().map(|kind| flag(0, *kind)).collect::<Option<Vec<_>>>();
    let other = |argument| Some(vec![rule(&[(argument, SeccompCmpOp::Ne, 0)])?]);
    let is = |argument, value: i64| rule(&[(argument, SeccompCmpOp::Eq, value.cast_unsigned())]);
    // A datagram socket of a pair can be led to any other by its address.
    let kind = |kind: i32| rule(&[(1, SeccompCmpOp::MaskedEq(0xf), u64::from(kind.cast_unsigned()))]);
    let mut rules = Rules::from([
        (libc::SYS_clone, namespaces()?),
        (libc::SYS_unshare, namespaces()?),
        (libc::SYS_socketpair, vec![kind(libc::SOCK_DGRAM)?, kind(libc::SOCK_RAW)?]),
        // The terminal's input, and the consoles'.
        (libc::SYS_ioctl, vec![is(1, 0x5412)?, is(1, 0x541c)?]),
        // What is set of another process, rather than of this one.
        (libc::SYS_prlimit64, other(0)?),
        (libc::SYS_sched_setparam, other(0)?),
        (libc::SYS_sched_setscheduler, other(0)?),
        (libc::SYS_sched_setattr, other(0)?),
        (libc::SYS_sched_setaffinity, other(0)?),
        (libc::SYS_setpriority, other(1)?),
        (libc::SYS_ioprio_set, other(1)?),
    ]);
    rules.extend(modes()?);
    if network {
        // Sockets with paths lead to programs outside: a container runtime, the session bus, an agent with keys.
        let unless = |families: &[i32]| {
            let differs = |family: &i32| (0, SeccompCmpOp::Ne, u64::from(family.cast_unsigned()));
            rule(&families.iter().map(differs).collect::<Vec<_>>())
        };
        let netlink = u64::from(libc::AF_NETLINK.cast_unsigned());
        let beyond_routes = rule(&[(0, SeccompCmpOp::Eq, netlink), (2, SeccompCmpOp::Ne, 0)])?;
        let families = unless(&[libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK])?;
        rules.insert(libc::SYS_socket, vec![families, beyond_routes]);
    }
    Some(rules)
}

/// Calls that set the set-user-ID and set-group-ID bits of a file, which another user may run outside of the sandbox.
fn modes() -> Option<Rules> {
    let bits = [libc::S_ISUID, libc::S_ISGID].map(u64::from);
    let has = |argument, bit| (argument, SeccompCmpOp::MaskedEq(bit), bit);
    let create = u64::from(libc::O_CREAT.cast_unsigned());
    let changed = |argument| bits.iter().map(|bit| rule(&[has(argument, *bit)])).collect::<Option<Vec<_>>>();
    // Without O_CREAT, the mode is whatever stands in the register.
    let created = |flags, mode| {
        bits.iter().map(|bit| rule(&[has(flags, create), has(mode, *bit)])).collect::<Option<Vec<_>>>()
    };
    let mut rules = Rules::from([
        (libc::SYS_fchmod, changed(1)?),
        (libc::SYS_fchmodat, changed(2)?),
        (FCHMODAT2, changed(2)?),
        (libc::SYS_mknodat, changed(2)?),
        (libc::SYS_openat, created(2, 3)?),
    ]);
    #[cfg(target_arch = "x86_64")]
    rules.extend([
        (libc::SYS_chmod, changed(1)?),
        (libc::SYS_mknod, changed(1)?),
        (libc::SYS_creat, changed(1)?),
        (libc::SYS_open, created(1, 2)?),
    ]);
    Some(rules)
}

/// All of these conditions together.
fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Option<SeccompRule> {
    let condition = |(argument, operator, value): &(u8, SeccompCmpOp, u64)| {
        SeccompCondition::new(*argument, Dword, operator.clone(), *value).ok()
    };
    SeccompRule::new(conditions.iter().map(condition).collect::<Option<_>>()?).ok()
}

/// The calls of x86_64 have a second set of numbers (x32), which the filters before this one do not list.
fn without_x32() -> BpfProgram {
    const X32: u32 = 0x4000_0000;
    const ALLOW: u32 = 0x7fff_0000;
    const REFUSE: u32 = 0x0005_0000 | libc::ENOSYS.unsigned_abs();
    let step = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    vec![
        // The number stands first among what a filter sees.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, REFUSE),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, ALLOW),
    ]
}

/// Calls whose arguments lie in memory, where a filter cannot see them, and the ones that make others unseen.
const UNKNOWN: &[c_long] = &[
    libc::SYS_openat2,
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

const REFUSED: &[c_long] = &[
    // Other processes: their memory, their files, their state.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_perf_event_open,
    // Memory and queues that processes of one user share by number or name.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semctl,
    libc::SYS_semtimedop,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    // Keys of the user's session.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Namespaces and mounts.
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    // Files by number instead of by path, and what others do with files.
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_quotactl,
    libc::SYS_acct,
    // The kernel and the machine.
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_uselib];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_can_be_built() {
        for network in [false, true] {
            assert!(filters(network).is_some());
        }
    }
}
