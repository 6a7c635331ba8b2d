//! `kontext demo`: a whole cluster's worth of cause and effect, in memory and in seconds.
//!
//! ```text
//! stage (API server, loops, kubelets) <- people write (story) ; world (informers) -> screen ; then: why?
//! ```

mod people;
mod screen;
mod stage;
mod story;
mod world;

use std::{cell::Cell, process::ExitCode};

use clap::Args;
use kontext_why::{LiveCluster, Query, render};

use crate::{
    access, apiserver,
    exit::INTERRUPTED,
    output::{self, Terminal},
    signals, telemetry, why,
};
use screen::Screen;
use stage::Stage;
use story::{Cast, NAMESPACE};
use world::World;

/// Watch causes travel: a Deployment is created, scaled, updated, and a pod deleted; then ask why
///
/// Needs nothing: the API server is in memory, the kubelets are played, the loops are the real ones.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Leave everything running afterwards, for your own kubectl, until Ctrl-C
    #[arg(long)]
    keep: bool,

    /// How fast pods start and end: 2 is twice as fast
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
}

fn speed(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor: &f64| (0.01..=1000.0).contains(factor));
    factor.ok_or_else(|| "a factor from 0.01 to 1000; 1 is the usual speed".to_owned())
}

/// Plays the demo on stdout.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    access::install_crypto();
    let telemetry = telemetry::start_quiet("kontext-demo")?;
    let stop = signals::stop()?;
    let (mut stage, told) = (None, Cell::new(false));
    let played = tokio::select! {
        biased;
        () = stop.cancelled() => match told.get() {
            // Ctrl-C is how `--keep` ends.
            true => Ok(ExitCode::SUCCESS),
            false => Ok(ExitCode::from(INTERRUPTED)),
        },
        played = play(&options, &told, &mut stage) => played.map(|()| ExitCode::SUCCESS),
    };
    if let Some(stage) = stage {
        stage.clear().await;
    }
    telemetry.flush().await;
    played
}

async fn play(options: &Options, done: &Cell<bool>, slot: &mut Option<Stage>) -> anyhow::Result<()> {
    let terminal = Terminal::stdout();
    let stage = slot.insert(Stage::set(options.speed).await?);
    let world = World::watch(stage.client("observer").await?, NAMESPACE, stage.stopping());
    let cast = Cast::enter(stage).await?;
    stage.ready().await;

    let screen = Screen::new(terminal, world.clone());
    let told = tokio::select! {
        told = story::tell(&cast, &world, &screen) => told?,
        ended = stage.failed() => return Err(ended),
    };
    screen.finish()?;

    output::say("\nAnd why is it so?\n")?;
    let cluster = LiveCluster::new(stage.client("observer").await?).with_server(&stage.url());
    for object in told.objects() {
        let query = Query::parse([&*object], Some(NAMESPACE))?;
        let chain = kontext_why::why(&cluster, &query).await?;
        let text = render::text(&chain, &why::text_options(terminal));
        output::say(&format!("\n$ kubectl why {object} -n {NAMESPACE}\n{text}"))?;
    }
    if options.keep {
        let export = apiserver::export(&stage.kubeconfig());
        output::say(&format!(
            "\nStill running, until Ctrl-C. In another shell:\n\n  {export}\n  kubectl -n {NAMESPACE} get deployments,replicasets,pods\n  kontext why deployment/{} -n {NAMESPACE}\n",
            story::DEPLOYMENT,
        ))?;
        done.set(true);
        return Err(stage.failed().await);
    }
    Ok(())
}
