//! Closes this process's memory and environment, which hold its secrets, to the programs that it starts as the same user.

/// Lets no process of the same user read this one's memory or environment: `/proc/PID/mem` and `environ`, and debuggers.
/// Core dumps are not written either. Root can read them all the same.
///
/// # Errors
///
/// The system does not allow it; the text says what follows.
#[cfg(target_os = "linux")]
pub fn close_memory() -> Result<(), String> {
    nix::sys::prctl::set_dumpable(false).map_err(|error| {
        format!(
            "programs of the same user can read mcpo's memory: the system refuses PR_SET_DUMPABLE: {error}"
        )
    })
}

/// There is no such protection on this system.
///
/// # Errors
///
/// Always; the text says what follows.
#[cfg(not(target_os = "linux"))]
pub fn close_memory() -> Result<(), String> {
    Err("programs of the same user can read mcpo's memory on this system".to_owned())
}
