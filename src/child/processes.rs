//! The machine's processes, as `/proc` lists them.

use std::{collections::HashMap, fs};

use nix::unistd::Pid;

/// One process at the time of the look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stat {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) session: Pid,
    /// It has ended, and its parent has not asked how.
    pub(super) is_zombie: bool,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        // "pid (name) state parent group session …": the name may hold anything, so look behind its last bracket.
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let behind_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
        let mut fields = str::from_utf8(&stat[behind_name..]).ok()?.split_whitespace();
        let is_zombie = matches!(fields.next()?, "Z" | "X");
        let parent = fields.next()?.parse().ok()?;
        let session = fields.nth(1)?.parse().ok()?;
        let [pid, parent, session] = [pid, parent, session].map(Pid::from_raw);
        Some(Self { pid, parent, session, is_zombie })
    }
}

/// All processes that can be seen.
pub(super) fn all() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(Stat::read).collect()
}

/// The living descendants of `root`.
pub(super) fn descendants(root: Pid) -> Vec<Pid> {
    let mut children: HashMap<Pid, Vec<Stat>> = HashMap::new();
    for stat in all() {
        children.entry(stat.parent).or_default().push(stat);
    }
    let (mut found, mut open) = (Vec::new(), vec![root]);
    while let Some(parent) = open.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            open.push(child.pid);
            if !child.is_zombie {
                found.push(child.pid);
            }
        }
    }
    found
}

/// How much memory of its own a process has, in bytes: nothing that a file backs. What it shares with others counts whole.
pub(super) fn memory(pid: Pid) -> u64 {
    sum(&format!("/proc/{pid}/status"), &["RssAnon:", "RssShmem:", "VmSwap:"]).unwrap_or_default()
}

/// The same, of which only a part counts that is shared among so many (proc(5), `smaps_rollup`).
pub(super) fn share_of_memory(pid: Pid) -> u64 {
    let share = sum(&format!("/proc/{pid}/smaps_rollup"), &["Pss_Anon:", "Pss_Shmem:", "SwapPss:"]);
    share.unwrap_or_else(|| memory(pid))
}

/// Adds up these lines of a file, which are in KiB; in bytes. `None` if it cannot be read, or has none of them.
fn sum(file: &str, names: &[&str]) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let kilobytes = |name: &&str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim_end_matches(" kB").trim().parse::<u64>().ok()
    };
    let found: Vec<u64> = names.iter().filter_map(kilobytes).collect();
    (!found.is_empty()).then(|| found.iter().sum::<u64>() << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_with_its_parent_and_its_memory() {
        let own = all().into_iter().find(|stat| stat.pid == Pid::this()).expect("this very process");
        assert_eq!((own.parent, own.is_zombie), (Pid::parent(), false));
        assert!(descendants(Pid::parent()).contains(&Pid::this()));
        assert!(memory(Pid::this()) > 0);
        assert!((1..=memory(Pid::this()) + (1 << 20)).contains(&share_of_memory(Pid::this())));
    }
}
