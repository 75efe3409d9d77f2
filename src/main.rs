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

/// Allocators read their options when the process begins, before any of our code.
#[cfg(unix)]
mod allocator {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    /// What is set unless somebody has set it.
    const OPTIONS: [(&str, &str); 2] = [
        // Memory that was freed goes back to the system after a millisecond: what is soon used again need not be asked
        // for again. By default a second passes, in which the memory of a large import stands beside the next one's.
        ("MIMALLOC_PURGE_DELAY", "1"),
        // What is written in C has its memory from the C library, SQLite its page cache: each import frees and fills it
        // on another thread, and with an arena for each of them it would grow to many times its size.
        ("MALLOC_ARENA_MAX", "1"),
    ];

    /// Begins the process again (it keeps its id) with the options set.
    pub fn give_back_soon() {
        if OPTIONS.iter().all(|(name, _)| env::var_os(name).is_some()) {
            return;
        }
        let Ok(program) = env::current_exe() else { return };
        let mut arguments = env::args_os();
        let mut again = Command::new(program);
        if let Some(name) = arguments.next() {
            again.arg0(name);
        }
        again.envs(OPTIONS.into_iter().filter(|(name, _)| env::var_os(name).is_none()));
        // Comes back only where that is not allowed: then it goes on as it is.
        let _refused = again.args(arguments).exec();
    }
}
