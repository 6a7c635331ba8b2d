//! `kontext apiserver`: wrong flags and files are named, with what would do; right ones work.

mod common;

use common::{Running, end_of, kontext};

async fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let (code, stdout, stderr) = end_of(kontext(&[&["apiserver"], arguments].concat())).await;
    assert_eq!(stdout, "", "{arguments:?}");
    (code, stderr)
}

#[tokio::test]
async fn what_is_wrong_is_named_with_the_remedy() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    for (arguments, code, parts) in [
        (&["--simulate-kubelet", "--nodes", "0"][..], 2, &["--nodes", "1..=65535"][..]),
        (&["--nodes", "2"], 2, &["--simulate-kubelet"]),
        (&["--bind", &taken], 1, &["cannot listen on", "choose another port with --bind"]),
        (&["--bind", "0.0.0.0:0"], 2, &["--bind 0.0.0.0:0 is not a loopback address", "write 127.0.0.1:0"]),
        (&["--bind", "6443"], 2, &["--bind", "write it as 127.0.0.1:6443"]),
        (
            &["--write-kubeconfig", "/none/of/these/k"],
            1,
            &["/none/of/these/k", "leave --write-kubeconfig out"],
        ),
        (&["--load", "/none/of/these"], 1, &["--load /none/of/these", "cannot read", "No such file"]),
        (&["--fault", "503,colour=red"], 2, &["--fault", "no such key", "probability"]),
        (&["--fault", "boom"], 2, &["--fault", "commit-then-reset"]),
        (&["--simulate-kubelet", "--start-latency", "5"], 2, &["--start-latency", "write it as 15s"]),
        (&["--simulate-kubelet", "--jitter=-1"], 2, &["--jitter"]),
        (&["--user", ""], 2, &["--user"]),
    ] {
        let (ended, stderr) = refused(arguments).await;
        assert_eq!(ended, Some(code), "{arguments:?}: {stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{arguments:?}: {part:?} is missing in\n{stderr}");
        }
    }
}

#[tokio::test]
async fn the_help_has_the_annotations_and_the_faults() {
    let (code, stdout, _) = end_of(kontext(&["apiserver", "--help"])).await;
    assert_eq!(code, Some(0));
    for part in ["kontext.dev/sim-start-delay", "commit-then-reset", "--fault", "--load", "--nodes"] {
        assert!(stdout.contains(part), "{part:?} is missing in\n{stdout}");
    }
}

#[tokio::test]
async fn it_loads_strikes_and_tells() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("node.yaml");
    std::fs::write(&file, "{apiVersion: v1, kind: ConfigMap, metadata: {name: loaded}}").expect("written");
    let kubeconfig = folder.path().join("kubeconfig");
    let (file, kubeconfig) = (file.display().to_string(), kubeconfig.display().to_string());
    let mut server = Running::start(kontext(&[
        "apiserver",
        "-v=4",
        "--load",
        &file,
        "--write-kubeconfig",
        &kubeconfig,
        "--fault",
        "503,verb=get,times=1",
        "--simulate-kubelet",
        "--nodes",
        "2",
        "--seed",
        "1",
    ]));
    server.says("export KUBECONFIG=").await;
    server.logs("kubernetes-admin create configmaps default/loaded -> 201 changed").await;
    let (code, stdout, stderr) =
        end_of(kontext(&["why", "configmap/loaded", "--kubeconfig", &kubeconfig])).await;
    assert_ne!(code, Some(2), "{stdout}{stderr}");
    server.signal("TERM").await;
    server.logs("fault 503,verb=get,times=1").await;
    assert_eq!(server.end().await, Some(0));
}
