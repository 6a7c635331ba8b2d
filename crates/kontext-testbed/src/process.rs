//! A child process that cannot outlive the test process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// How often a condition of another process is looked at. There is no event to wait for.
const POLL: Duration = Duration::from_millis(20);

/// The clock ticks of `/proc/<pid>/stat` in a second: `USER_HZ`, 100 on every platform that Linux runs Rust on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running program with a folder of its own, which has its log and goes when the program goes.
///
/// The program is killed when this is dropped and, by a shell that watches a pipe, also when the test process
/// panics, exits or is killed.
#[derive(Debug)]
pub struct Process {
    name: String,
    program: u32,
    folder: PathBuf,
    supervisor: Child,
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// The most memory that was resident at any time, in bytes (`VmHWM`).
    pub peak_resident_bytes: u64,
    /// Processor time in user and kernel mode, in seconds; exact to 10 ms each.
    pub cpu_seconds: f64,
}

impl Process {
    /// Starts `command` (program, arguments, environment and working folder are taken from it; its standard streams
    /// are not: input is empty, output goes to [`log`](Self::log)). `name` is for messages.
    ///
    /// `folder` becomes the process's. A program that cannot be executed shows as one that ended, with a log.
    pub fn start(name: &str, folder: TempDir, command: &Command) -> Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", &script(), "supervise.sh"]);
        shell.arg(folder.path()).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(key, value),
                None => shell.env_remove(key),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            shell.current_dir(directory);
        }
        // A group of its own: Ctrl-C at the terminal ends the test process first and these in order after it.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());

        let mut supervisor = shell.spawn().with_context(|| format!("start sh to run {name}"))?;
        // From here on the supervisor removes the folder.
        let folder = folder.keep();
        let output = supervisor.stdout.take().expect("standard output is piped");
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .with_context(|| format!("read the process id of {name}"))?;
        let program = line.trim().parse().with_context(|| format!("process id of {name}: {line:?}"))?;
        Ok(Self { name: name.to_owned(), program, folder, supervisor })
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.program
    }

    /// The process's folder. It is removed with the process.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the program wrote to standard output and standard error.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The last `lines` lines of the log, under a heading with the name.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = match fs::read(self.log()) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("no log: {error}"),
        };
        let all: Vec<&str> = text.lines().collect();
        let tail = all[all.len().saturating_sub(lines)..].join("\n");
        format!("--- end of the log of {} ---\n{tail}", self.name)
    }

    /// The exit code, once the program has ended by itself; 128 and the signal's number for a signal, as in a shell.
    pub fn exit_code(&self) -> Option<i32> {
        fs::read_to_string(self.folder.join("exit")).ok()?.trim().parse().ok()
    }

    /// An error with the end of the log if the program has ended.
    pub fn check(&self) -> Result<()> {
        match self.exit_code() {
            None => Ok(()),
            Some(code) => bail!("{} ended with exit code {code}\n{}", self.name, self.log_tail(30)),
        }
    }

    /// What the program has used up to now. Linux only; an error once the program has ended.
    pub fn usage(&self) -> Result<Usage> {
        let read = |file: &str| {
            let path = format!("/proc/{}/{file}", self.program);
            fs::read_to_string(&path).with_context(|| format!("usage of {}: read {path}", self.name))
        };
        let usage = parse_usage(&read("status")?, &read("stat")?);
        usage.with_context(|| format!("usage of {}", self.name))
    }

    /// Asks the program to end (SIGTERM) and waits for it; the exit code. An error if it takes longer than `within`.
    pub async fn terminate(&self, within: Duration) -> Result<i32> {
        if let Some(code) = self.exit_code() {
            return Ok(code);
        }
        let sent = Command::new("kill").args(["-TERM", &self.program.to_string()]).status();
        let sent = sent.with_context(|| format!("send SIGTERM to {}", self.name))?;
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Some(code) = self.exit_code() {
                return Ok(code);
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("{} did not end within {within:?} of SIGTERM (kill: {sent})\n{}", self.name, self.log_tail(30))
    }

    /// Kills the program and returns what it had used.
    pub fn stop(self) -> Result<Usage> {
        self.usage()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its input tells the supervisor to kill the program. It has no other way to end, so this wait is
        // as short as a kill and the removal of a folder. Nothing sensible can be done with an error while dropping.
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// The supervisor's script without its comments, which would fill every listing of processes.
fn script() -> String {
    include_str!("supervise.sh").lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

fn parse_usage(status: &str, stat: &str) -> Result<Usage> {
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM: the process has ended")?;
    let kib: u64 = peak.trim().trim_end_matches("kB").trim().parse().context("VmHWM")?;
    // The second field is the program's name in parentheses and may have anything in it; count from behind it.
    let (_, fields) = stat.rsplit_once(')').context("stat has no program name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks =
        |index: usize| -> Result<f64> { Ok(fields.get(index).context("stat is too short")?.parse()?) };
    // proc_pid_stat(5): utime and stime are fields 14 and 15, and `fields` begins with field 3.
    let cpu_seconds = (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND;
    Ok(Usage { peak_resident_bytes: kib * 1024, cpu_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_behind_a_program_name_with_spaces_and_parentheses() {
        let status = "Name:\tx\nVmPeak:\t  9000 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 1000 kB\n";
        let stat = "42 (a ) 7 (b)) S 1 42 42 0 -1 4194304 500 0 3 0 150 25 9 9 20 0 1 0 100 0 0";
        let usage = parse_usage(status, stat).unwrap();
        assert_eq!(usage, Usage { peak_resident_bytes: 1234 * 1024, cpu_seconds: 1.75 });
    }
}
