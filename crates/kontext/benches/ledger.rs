//! What the ledger costs: a work queue that keeps every cause, against one that keeps keys alone.
//!
//! Run with `cargo bench -p kontext --bench ledger`. Compare ratios: the machines these run on are shared.
//!
//! - `keys alone` is the baseline: the same queue, keys added without a cause, taken and done.
//! - `record and take/N`: N causes recorded for one key before it is taken; beyond 128 they are counted.
//! - `hash set` is what the bookkeeping of keys costs at the least: one insertion and one removal.

use std::{collections::HashSet, hint::black_box, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use kontext::{
    Attribution, Cause, Change, Changes, EventKind, FieldPath, ObjectRef, Weight,
    queue::{Key, Limits, QueueMetrics, WorkQueue},
};

fn cause(object: &Arc<ObjectRef>) -> Cause {
    let changes: Changes =
        [Change::from_to(FieldPath::of(["status", "phase"]), "Pending", "Running")].into_iter().collect();
    Cause {
        event: EventKind::Modified,
        object: object.clone(),
        attribution: Attribution::Unattributed(None),
        changes,
        seen: Timestamp::UNIX_EPOCH,
        weight: Weight::Progress,
    }
}

fn take(runtime: &tokio::runtime::Runtime, queue: &WorkQueue) {
    let taken = runtime.block_on(queue.take()).expect("a key waits");
    black_box(taken.causes.total());
    queue.done(taken);
}

fn ledger(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _entered = runtime.enter();
    let queue = WorkQueue::new(Limits::default(), QueueMetrics::default());
    let key: Key = "shop/web-7d4b9".into();
    let object = Arc::new(ObjectRef::new("Pod", Some("shop"), "web-7d4b9-x2x8k"));
    let mut group = criterion.benchmark_group("ledger");
    group.sample_size(20).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    group.bench_function("hash set", |bencher| {
        let mut keys: HashSet<Key> = HashSet::new();
        bencher.iter(|| {
            keys.insert(key.clone());
            black_box(keys.remove(&key));
        });
    });
    for number in [1_u64, 16, 1_000] {
        group.throughput(Throughput::Elements(number));
        group.bench_function(BenchmarkId::new("keys alone", number), |bencher| {
            bencher.iter(|| {
                (0..number).for_each(|_| queue.add(&key, None));
                take(&runtime, &queue);
            });
        });
        group.bench_function(BenchmarkId::new("record and take", number), |bencher| {
            bencher.iter(|| {
                (0..number).for_each(|_| queue.add(&key, Some(cause(&object))));
                take(&runtime, &queue);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, ledger);
criterion_main!(benches);
