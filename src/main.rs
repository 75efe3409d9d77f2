//! The binary: see [`patchbay::commands`].

use std::process::ExitCode;

/// Imports run on many threads, and what one of them frees must serve the next.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(unix)]
    allocator::give_back_soon();
    patchbay::commands::run()
}

/// The allocator reads its options when the process begins, before any of our code.
#[cfg(unix)]
mod allocator {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    /// Memory that was freed goes back to the system after a millisecond: what is soon used again need not be asked for
    /// again, which would cost an import a fifth of its time.
    const OPTION: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "1");

    /// Begins the process again (it keeps its id) with the option set, unless somebody has set it. By default a second
    /// passes, in which the memory of a large import stands beside that of the next one.
    pub fn give_back_soon() {
        if env::var_os(OPTION.0).is_some() {
            return;
        }
        let Ok(program) = env::current_exe() else { return };
        let mut arguments = env::args_os();
        let mut again = Command::new(program);
        if let Some(name) = arguments.next() {
            again.arg0(name);
        }
        // Comes back only where that is not allowed: then it goes on as it is.
        let _refused = again.args(arguments).env(OPTION.0, OPTION.1).exec();
    }
}
