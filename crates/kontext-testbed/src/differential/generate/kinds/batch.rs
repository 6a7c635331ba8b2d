//! Kinds of the groups batch and autoscaling.

use serde_json::{Value, json};

use super::Kind;

pub(super) fn kinds() -> Vec<Kind> {
    vec![job(), cron_job(), autoscaler_v1(), autoscaler_v2()]
}

fn job_spec() -> Value {
    json!({"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i:1"}]}}})
}

fn job() -> Kind {
    Kind::new("batch/v1", "Job", "jobs", json!({"metadata": {}, "spec": job_spec()}))
        .fields(vec![
            ("/spec/parallelism", vec![json!(0), json!(2), json!(-1)]),
            ("/spec/completions", vec![json!(1), json!(3), json!(-1), Value::Null]),
            ("/spec/backoffLimit", vec![json!(0), json!(-1)]),
            ("/spec/activeDeadlineSeconds", vec![json!(10), json!(-1)]),
            ("/spec/suspend", vec![json!(true), json!(false)]),
            ("/spec/ttlSecondsAfterFinished", vec![json!(10), json!(-1)]),
            ("/spec/completionMode", vec![json!("Indexed"), json!("NonIndexed"), json!("Other")]),
            ("/spec/template/spec/restartPolicy", vec![json!("OnFailure"), json!("Always")]),
            ("/spec/template/spec/containers/0/image", vec![json!("i:2")]),
            ("/spec/template/metadata/labels/app", vec![json!("y")]),
            ("/spec/selector", vec![json!({"matchLabels": {"app": "y"}})]),
            ("/spec/manualSelector", vec![json!(true)]),
        ])
        .status(vec![
            ("/status/active", vec![json!(1), json!(-1)]),
            ("/status/succeeded", vec![json!(1)]),
            ("/status/startTime", vec![json!("2001-02-03T04:05:06Z")]),
        ])
        .snippets(vec![
            json!({"spec": {"parallelism": 3}}),
            json!({"spec": {"suspend": true}}),
            json!({"spec": {"backoffLimit": 2}}),
            json!({"spec": {"ttlSecondsAfterFinished": 60}}),
        ])
}

fn cron_job() -> Kind {
    let template =
        json!({"metadata": {}, "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": job_spec()}}});
    Kind::new("batch/v1", "CronJob", "cronjobs", template)
        .fields(vec![
            ("/spec/schedule", vec![json!("0 * * * *"), json!("never"), json!(""), json!("@hourly")]),
            ("/spec/concurrencyPolicy", vec![json!("Forbid"), json!("Other")]),
            ("/spec/suspend", vec![json!(true)]),
            ("/spec/successfulJobsHistoryLimit", vec![json!(1), json!(-1)]),
            ("/spec/failedJobsHistoryLimit", vec![json!(5)]),
            ("/spec/startingDeadlineSeconds", vec![json!(10), json!(-1)]),
            ("/spec/timeZone", vec![json!("Etc/UTC"), json!("Nowhere/Else"), json!("")]),
            ("/spec/jobTemplate/spec/template/spec/containers/0/image", vec![json!("i:2")]),
            ("/spec/jobTemplate/spec/backoffLimit", vec![json!(1)]),
        ])
        .status(vec![
            ("/status/lastScheduleTime", vec![json!("2001-02-03T04:05:06Z")]),
            ("/status/active", vec![json!([{"kind": "Job", "name": "j", "namespace": "$NS"}])]),
        ])
        .snippets(vec![
            json!({"spec": {"suspend": true}}),
            json!({"spec": {"schedule": "5 * * * *"}}),
            json!({"spec": {"jobTemplate": {"spec": {"backoffLimit": 3}}}}),
        ])
}

fn target() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"})
}

fn autoscaler_v1() -> Kind {
    let template = json!({"metadata": {}, "spec": {"scaleTargetRef": target(), "maxReplicas": 3}});
    Kind::new("autoscaling/v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", template)
        .fields(vec![
            ("/spec/maxReplicas", vec![json!(5), json!(0), json!(-1)]),
            ("/spec/minReplicas", vec![json!(2), json!(0), json!(9)]),
            ("/spec/targetCPUUtilizationPercentage", vec![json!(50), json!(0)]),
            ("/spec/scaleTargetRef/name", vec![json!("e"), json!("")]),
        ])
        .status(vec![
            ("/status/currentReplicas", vec![json!(1), json!(-1)]),
            ("/status/desiredReplicas", vec![json!(2)]),
        ])
        .snippets(vec![
            json!({"spec": {"maxReplicas": 7}}),
            json!({"spec": {"targetCPUUtilizationPercentage": 60}}),
        ])
}

fn autoscaler_v2() -> Kind {
    let template = json!({"metadata": {}, "spec": {"scaleTargetRef": target(), "maxReplicas": 3}});
    let cpu = |percent: i32| json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}]);
    Kind::new("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", template)
        .fields(vec![
            ("/spec/maxReplicas", vec![json!(5), json!(0)]),
            ("/spec/minReplicas", vec![json!(2), json!(9)]),
            ("/spec/metrics", vec![cpu(50), cpu(-1), json!([]), json!([{"type": "Other"}])]),
            ("/spec/behavior", vec![json!({"scaleDown": {"stabilizationWindowSeconds": 60}})]),
        ])
        .status(vec![("/status/currentReplicas", vec![json!(1)])])
        .snippets(vec![json!({"spec": {"maxReplicas": 7}}), json!({"spec": {"metrics": cpu(70)}})])
}
