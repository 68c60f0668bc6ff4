//! Which files a program can open, and that no signal of it leaves the sandbox: Landlock.
//!
//! Invariant: what is granted without being asked for shows nothing of users, of other processes, or of the gateway.

use std::{fs, path::PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, LandlockStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, Scope, path_beneath_rules,
};

use crate::config::{FoundProgram, Sandbox};

/// What the sandbox is built for; older kernels have less.
const WANTED: ABI = ABI::V6;

/// What nearly every program reads: programs, libraries, the names of hosts and users, certificates, the time zone, and
/// what the machine is.
const SYSTEM: &[&str] = &[
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/usr",
    "/nix/store",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    // The process that becomes the program. What it starts has another one.
    "/proc/self",
];

/// Devices that hold nothing.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// What works.
pub(super) struct Works {
    /// Everything about files that the sandbox wants.
    pub(super) is_complete: bool,
    /// Signals stay inside.
    pub(super) signals: bool,
}

/// Confines this process to the files of the system, of the program and of the sandbox.
pub(super) fn confine(sandbox: &Sandbox, program: &FoundProgram) -> Result<Works, String> {
    for (key, paths) in [("read", &sandbox.read), ("write", &sandbox.write)] {
        for path in paths {
            if let Err(error) = fs::metadata(path) {
                let reason = match error.kind() {
                    std::io::ErrorKind::NotFound => "does not exist; make it, or leave it out".to_owned(),
                    _ => error.to_string(),
                };
                return Err(format!("its sandbox: \"{key}\": {} {reason}", path.display()));
            }
        }
    }
    restrict(sandbox, program).map_err(|error| format!("its sandbox: Landlock: {error}"))
}

fn restrict(sandbox: &Sandbox, program: &FoundProgram) -> Result<Works, RulesetError> {
    let all = AccessFs::from_all(WANTED);
    let read = AccessFs::from_read(WANTED);
    let write = all & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev);
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    let own: Vec<PathBuf> =
        [Some(&program.file), program.interpreter.as_ref()].into_iter().flatten().cloned().collect();
    let status = Ruleset::default()
        .handle_access(all)?
        .scope(Scope::from_all(WANTED))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(own, read))?
        .add_rules(path_beneath_rules(DEVICES, device))?
        .add_rules(path_beneath_rules(&sandbox.read, read))?
        .add_rules(path_beneath_rules(&sandbox.write, write))?
        .restrict_self()?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    };
    Ok(Works { is_complete: abi >= ABI::V3, signals: abi >= ABI::V6 })
}
