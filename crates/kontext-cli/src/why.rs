//! `kontext why` and `kubectl why`.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use jiff::{Timestamp, tz::TimeZone};
use kontext_why::{LiveCluster, Query, TextOptions, WhyError, render};

use crate::{
    access::{self, Choice},
    exit::Failure,
    output::{self, Terminal},
};

/// Tell why an object is as it is: who did it, what for, and what that followed from
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  kontext why pod/web-7d4b9-x2x8k -n shop
  kontext why deployment web -o json

Exit codes: 0 answered, 2 wrong question, 3 no such object, 4 no permission, 5 server away, 1 anything else")]
pub struct Options {
    /// The object: KIND/NAME or KIND NAME; kinds as kubectl has them (pod, deploy, deployments.apps, ...)
    #[arg(value_name = "KIND/NAME", required = true, num_args = 1..=2)]
    object: Vec<String>,

    /// Its namespace [default: that of the kubeconfig's context]
    #[arg(short, long)]
    namespace: Option<String>,

    /// How the answer is written
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,

    /// The kubeconfig file [default: $KUBECONFIG, or ~/.kube/config, or the pod's service account]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The context within the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// Ask as this user (impersonation)
    #[arg(long = "as", value_name = "USER")]
    impersonate: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// For programs; the schema is why.kontext.dev/v1
    Json,
}

/// Answers on stdout.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    access::install_crypto();
    // The question is looked at before the cluster, so that a typing error needs none to be told.
    Query::parse(&options.object, options.namespace.as_deref()).map_err(failure)?;
    let choice = Choice { kubeconfig: options.kubeconfig, context: options.context };
    let mut config = access::for_people(&choice).await?;
    if options.impersonate.is_some() {
        config.auth_info.impersonate = options.impersonate;
    }
    let namespace = options.namespace.as_deref().unwrap_or(&config.default_namespace);
    let query = Query::parse(&options.object, Some(namespace)).map_err(failure)?;
    let server = config.cluster_url.to_string();
    let client = kube::Client::try_from(config)?;
    let answer = ask(&LiveCluster::new(client).with_server(&server), &query, options.output).await?;
    output::say(&answer)?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(cluster: &LiveCluster, query: &Query, output: Output) -> anyhow::Result<String> {
    let chain = kontext_why::why(cluster, query).await.map_err(failure)?;
    Ok(match output {
        Output::Text => render::text(&chain, &text_options(Terminal::stdout())),
        Output::Json => render::json(&chain)? + "\n",
    })
}

/// How answers are written on this terminal.
pub(crate) fn text_options(terminal: Terminal) -> TextOptions {
    TextOptions {
        width: terminal.width,
        colour: terminal.colour,
        zone: TimeZone::system(),
        now: Timestamp::now(),
    }
}

fn failure(error: WhyError) -> anyhow::Error {
    Failure::with_code(error.exit_code(), error.to_string())
}
