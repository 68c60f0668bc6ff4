//! How much memory the process may use: what the machine has, or what its control group allows.

use std::{fs, path::Path};

/// Returns it in bytes; `None` if the system does not say.
pub(super) fn available() -> Option<usize> {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    of_machine(&meminfo).into_iter().chain(of_groups(&groups, Path::new("/sys/fs/cgroup"))).min()
}

/// proc(5): `MemTotal: 16318480 kB`.
fn of_machine(meminfo: &str) -> Option<usize> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

/// Returns the lowest limit of the groups that `groups` (cgroups(7)) names and of those around them.
///
/// In a container the names may be those outside of it, where only the outermost folder is.
fn of_groups(groups: &str, root: &Path) -> Option<usize> {
    let limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let (root, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let limit = |group: &Path| fs::read_to_string(root.join(group).join(file)).ok()?.trim().parse().ok();
        Path::new(path.trim_start_matches('/')).ancestors().filter_map(limit).min()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_what_it_has() {
        assert_eq!(of_machine("MemTotal:       24685044 kB\nMemFree:   1 kB\n"), Some(24_685_044 << 10));
        assert_eq!(of_machine("nothing"), None);
        assert!(available().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn the_lowest_limit_around_a_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let limit = |groups: &str| of_groups(groups, root.path());
        assert_eq!(limit("0::/a/b\n"), None);
        write("a/memory.max", "500\n");
        write("a/b/memory.max", "max\n");
        assert_eq!(limit("0::/a/b\n"), Some(500));
        write("memory.max", "300");
        assert_eq!(limit("0::/elsewhere"), Some(300), "as in a container");
        write("memory/x/memory.limit_in_bytes", "200\n");
        assert_eq!(limit("5:cpu:/x\n4:cpuset,memory:/x\n"), Some(200));
    }
}
