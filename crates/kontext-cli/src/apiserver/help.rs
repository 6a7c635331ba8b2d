//! What `kontext apiserver --help` says behind the flags.

/// The tables of annotations and faults.
pub(super) const MORE: &str = "\
Annotations of pods under --simulate-kubelet:
  kontext.dev/sim              run, pending, unready, crash, crash=CODE, succeed, fail, fail=CODE
                               (pods of Jobs succeed, others run)
  kontext.dev/sim-start-delay  how long from bound to Running, as 5s
  kontext.dev/sim-ready-delay  how long from Running to Ready
  kontext.dev/sim-run-time     how long containers run before they exit or crash
  kontext.dev/sim-end-delay    how long a deleted pod takes to end, within its grace period
Nodes with the label kontext.dev/simulated=true are played too.

Faults, as in --fault 503,verb=create,resource=pods,probability=0.1:
  429, 500, 503, 409, ...      answer with this status; nothing is done
  delay=5s                     wait, then do it
  reset                        break the connection; nothing is done
  commit-then-reset            do it, then break the connection
  commit-then=504              do it, and answer with this status nevertheless
  stale=WRITES                 get and list show what was before the kind's latest so many writes
  reset-watch-after=EVENTS     break the watch after so many events
  delay-events=5s              each event of the watch comes so much later
  drop-watches                 break all watches of the resource
  compact                      forget the history: watches from earlier get 410
  truncated-body, garbage-body break off in the answer; answer with what is no JSON
Which requests: verb=create|update, group=, resource=pods or pods/status, subresource=, namespace=, name=,
  user=, user-agent=, field-manager=
How often: once, or times=N, times=always, nth=N, after=N, probability=0..1 (from --seed); retry-after=SECONDS

Try: kontext apiserver --simulate-kubelet --nodes 3 --garbage-collector --write-kubeconfig /tmp/kubeconfig
";
