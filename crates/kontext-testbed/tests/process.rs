//! A supervised process never outlives the one that started it, whatever happens to that.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kontext_testbed::Process;

const SOON: Duration = Duration::from_secs(30);

fn start(program: &str, arguments: &[&str]) -> Process {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Process::start(program, folder, Command::new(program).args(arguments)).expect("sh starts")
}

fn alive(id: u32) -> bool {
    Path::new("/proc").join(id.to_string()).exists()
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {SOON:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn dropping_it_ends_the_program_and_removes_its_folder() {
    let process = start("sleep", &["1000"]);
    let (id, folder) = (process.id(), process.folder().to_owned());
    assert!(alive(id) && folder.is_dir());
    assert_eq!(process.exit_code(), None);
    process.check().unwrap();
    drop(process);
    assert!(!alive(id));
    assert!(!folder.exists());
}

#[test]
fn a_panic_ends_it() {
    let (id, folder) = std::thread::spawn(|| {
        let process = start("sleep", &["1000"]);
        std::panic::panic_any((process.id(), process.folder().to_owned()));
    })
    .join()
    .map_err(|thrown: Box<dyn std::any::Any + Send>| *thrown.downcast::<(u32, PathBuf)>().unwrap())
    .map(|(): ()| unreachable!("the thread panics"))
    .unwrap_err();
    assert!(!alive(id));
    assert!(!folder.exists());
}

#[test]
fn killing_the_process_that_started_it_ends_it_and_removes_its_folder() {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holder", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find_map(|line| Some(line.split_once("holding ")?.1.to_owned())).unwrap();
    let (id, folder) = line.split_once(' ').unwrap();
    let (id, folder) = (id.parse().unwrap(), PathBuf::from(folder));
    assert!(alive(id) && folder.is_dir());

    holder.kill().unwrap();
    holder.wait().unwrap();
    eventually("the program is gone", || !alive(id));
    eventually("its folder is gone", || !folder.exists());
}

/// Not a test: what the test above starts and kills.
#[test]
#[allow(clippy::print_stdout, reason = "its output is read by the test")]
#[ignore = "started by killing_the_process_that_started_it_ends_it_and_removes_its_folder"]
fn holder() {
    let process = start("sleep", &["1000"]);
    // On a line of its own: libtest has begun one.
    println!("\nholding {} {}", process.id(), process.folder().display());
    // Until killed, or until whoever started it is gone.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn a_program_that_ends_by_itself_is_reported_with_the_end_of_its_log() {
    let process = start("sh", &["-c", "echo first; echo last >&2; exit 3"]);
    eventually("it ends", || process.exit_code().is_some());
    assert_eq!(process.exit_code(), Some(3));
    assert!(process.usage().is_err());
    let folder = process.folder().to_owned();
    let error = process.check().unwrap_err().to_string();
    assert_eq!(error, "sh ended with exit code 3\n--- end of the log of sh ---\nfirst\nlast");
    drop(process);
    assert!(!folder.exists());
}

#[test]
fn a_program_that_cannot_be_executed_is_one_that_ended() {
    let process = start("/nowhere/at-all", &[]);
    eventually("it ends", || process.exit_code().is_some());
    assert_eq!(process.exit_code(), Some(127));
    assert!(process.log_tail(5).contains("/nowhere/at-all"), "{}", process.log_tail(5));
}

#[test]
fn arguments_and_environment_arrive_as_they_were_given() {
    let mut command = Command::new("sh");
    command.args(["-c", r#"printf '%s|' "$@" "$GREETING""#, "sh", "two words", "$HOME", "", "a'b\"c"]);
    command.env("GREETING", "hello  you");
    let process = Process::start("sh", tempfile::tempdir().unwrap(), &command).unwrap();
    eventually("it ends", || process.exit_code().is_some());
    assert_eq!(std::fs::read_to_string(process.log()).unwrap(), "two words|$HOME||a'b\"c|hello  you|");
}

#[tokio::test]
async fn a_program_is_asked_to_end_before_it_is_killed() {
    let process = start("sh", &["-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"]);
    eventually("it listens", || process.log_tail(1).ends_with("ready"));
    assert_eq!(process.terminate(SOON).await.unwrap(), 7);
    assert_eq!(process.terminate(SOON).await.unwrap(), 7);
}

#[tokio::test]
async fn a_program_that_does_not_end_when_asked_is_an_error() {
    let process = start("sh", &["-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done"]);
    eventually("it listens", || process.log_tail(1).ends_with("ready"));
    let error = process.terminate(Duration::from_millis(100)).await.unwrap_err().to_string();
    assert!(error.starts_with("sh did not end within 100ms of SIGTERM"), "{error}");
}

#[test]
fn what_it_used_is_told_when_it_is_stopped() {
    let process = start("sh", &["-c", "while :; do :; done"]);
    eventually("it has used processor time", || process.usage().unwrap().cpu_seconds > 0.02);
    let usage = process.stop().unwrap();
    assert!(usage.cpu_seconds > 0.02, "{usage:?}");
    assert!(usage.peak_resident_bytes > 100_000, "{usage:?}");
}
