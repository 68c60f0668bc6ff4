//! What a process of this binary is that mcpo itself has started, as its arguments say.

use std::process::ExitCode;

use super::{
    sandbox, shim,
    start::{SANDBOX, SHIM},
};

/// What a process of this binary is, if it is not the gateway.
///
/// The numbers are those of pipes that it inherits.
pub enum Role {
    /// The parent of a program and its descendants.
    Shim {
        /// What comes from the gateway.
        control: String,
        /// What goes to it.
        reports: String,
    },
    /// A program about to be, which confines itself first.
    Sandbox {
        /// What comes from the shim.
        control: String,
        /// What goes to it.
        reports: String,
    },
}

impl Role {
    /// The role that these arguments name; the program's name is not among them.
    pub fn of(arguments: &[String]) -> Option<Self> {
        let [role, control, reports, ..] = arguments else { return None };
        let (control, reports) = (control.clone(), reports.clone());
        match role.as_str() {
            SHIM => Some(Self::Shim { control, reports }),
            SANDBOX => Some(Self::Sandbox { control, reports }),
            _ => None,
        }
    }

    /// Plays the role to its end.
    pub fn play(&self) -> ExitCode {
        let played = match self {
            Self::Shim { control, reports } => shim::run(control, reports),
            Self::Sandbox { control, reports } => sandbox::run(control, reports),
        };
        match played {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    }
}
