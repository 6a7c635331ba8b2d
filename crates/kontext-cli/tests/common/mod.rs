//! Running the built binaries.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::print_stdout, reason = "the test harness shows it where a test fails")]

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

/// Longer than anything takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A command that knows of no cluster, no colours and no exporter but those that a test names.
pub(crate) fn command(binary: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("OTEL_") || name.starts_with("KUBE") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.env("HOME", "/nonexistent").env("TZ", "UTC");
    command
}

pub(crate) fn kontext(arguments: &[&str]) -> Command {
    command(env!("CARGO_BIN_EXE_kontext"), arguments)
}

/// Runs to the end: exit code, stdout, stderr.
pub(crate) async fn end_of(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        timeout(PATIENCE, command.output()).await.expect("it ends").expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// A running process, read line by line.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdout: Lines<BufReader<ChildStdout>>,
    pub(crate) stderr: Lines<BufReader<ChildStderr>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped")).lines();
        let stderr = BufReader::new(child.stderr.take().expect("piped")).lines();
        Self { child, stdout, stderr }
    }

    /// The next line of stdout that contains `text`.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        let wait = async {
            while let Some(line) = self.stdout.next_line().await.expect("UTF-8") {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("it ended before it said {text:?}");
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("it never said {text:?}"))
    }

    /// The next line of stderr that contains `text`.
    pub(crate) async fn logs(&mut self, text: &str) -> String {
        let wait = async {
            while let Some(line) = self.stderr.next_line().await.expect("UTF-8") {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("it ended before it logged {text:?}");
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("it never logged {text:?}"))
    }

    /// Sends a signal by its name, as `kill` takes it.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let status =
            Command::new("kill").args([&format!("-{name}"), &pid]).status().await.expect("kill is there");
        assert!(status.success());
    }

    /// Its exit code. What it still had to log is shown where the test fails.
    pub(crate) async fn end(&mut self) -> Option<i32> {
        let code = timeout(PATIENCE, self.child.wait())
            .await
            .expect("it ends")
            .expect("it can be waited for")
            .code();
        while let Ok(Some(line)) = self.stderr.next_line().await {
            println!("{line}");
        }
        code
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// A running `kontext apiserver`.
pub(crate) struct Server {
    pub(crate) running: Running,
    _directory: tempfile::TempDir,
    pub(crate) kubeconfig: String,
}

pub(crate) async fn server() -> Server {
    server_with(&[]).await
}

pub(crate) async fn server_with(flags: &[&str]) -> Server {
    let directory = tempfile::tempdir().expect("a directory");
    let kubeconfig = directory.path().join("kubeconfig").display().to_string();
    let mut running =
        Running::start(kontext(&[&["apiserver", "--write-kubeconfig", &kubeconfig], flags].concat()));
    running.says("export KUBECONFIG=").await;
    Server { running, _directory: directory, kubeconfig }
}

impl Server {
    /// A manager with short lease times, and logs as JSON.
    pub(crate) fn manager(&self, flags: &[&str]) -> Running {
        Running::start(self.manager_command(flags))
    }

    pub(crate) fn manager_command(&self, flags: &[&str]) -> Command {
        let mut arguments =
            vec!["controller-manager", "--kubeconfig", &self.kubeconfig, "--logging-format=json"];
        arguments.extend([
            "--leader-elect-lease-duration=3s",
            "--leader-elect-renew-deadline=2s",
            "--leader-elect-retry-period=200ms",
        ]);
        arguments.extend(flags);
        kontext(&arguments)
    }

    /// A client of its administrator.
    pub(crate) async fn client(&self) -> kube::Client {
        // Another test of this process may have done so before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let kubeconfig = kube::config::Kubeconfig::read_from(&self.kubeconfig).expect("it was written");
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("it is whole");
        kube::Client::try_from(config).expect("a client")
    }
}
