//! Why a question has no answer.

use thiserror::Error;

/// Why a question has no answer; messages name the thing and the remedy, and are safe for a terminal.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WhyError {
    /// The words are no question.
    #[error("{0}")]
    Usage(String),
    /// No resource of that name.
    #[error("the server has no resource {word:?}{}; `kubectl api-resources` lists what it has", silent(.unanswered))]
    UnknownKind {
        /// What was asked for.
        word: String,
        /// API groups that did not answer; the resource may be in one of them.
        unanswered: Vec<String>,
    },
    /// Several custom resources go by that name.
    #[error("{word:?} may be any of {}; say which, for instance {}/NAME", .candidates.join(", "), .candidates[0])]
    AmbiguousKind {
        /// What was asked for.
        word: String,
        /// The resources it may be, as `plural.group`; at least two.
        candidates: Vec<String>,
    },
    /// The object is not there.
    #[error("{what} not found{}: deleted objects leave no annotations; their Events may still be there (`kubectl events --for {short}`)", in_namespace(.namespace))]
    NotFound {
        /// `Pod web`.
        what: String,
        /// `pod/web`.
        short: String,
        /// Where it was looked for; `None` for cluster-scoped kinds.
        namespace: Option<String>,
    },
    /// The user lacks a permission.
    #[error("no permission to {verb} {resource}{}: ask for it, or try another --context or --as ({message})", in_namespace(.namespace))]
    Forbidden {
        /// `get` or `list`.
        verb: &'static str,
        /// The resource in the plural, with its group.
        resource: String,
        /// Where.
        namespace: Option<String>,
        /// What the server said.
        message: String,
    },
    /// The server does not know the user.
    #[error(
        "the server does not accept the credentials: log in again or check the user of the kubeconfig ({0})"
    )]
    Unauthorised(String),
    /// No answer.
    #[error(
        "the server at {server} does not answer: check the kubeconfig, the network and that it runs ({cause})"
    )]
    ServerAway {
        /// Its address, where known.
        server: String,
        /// What happened.
        cause: String,
    },
    /// An answer that is none of the above.
    #[error("the server could not {verb} {what}: {message}")]
    Server {
        /// `get` or `list`.
        verb: &'static str,
        /// Of what.
        what: String,
        /// What it said.
        message: String,
    },
}

fn in_namespace(namespace: &Option<String>) -> String {
    namespace.as_ref().map_or_else(String::new, |namespace| format!(" in namespace {namespace:?}"))
}

fn silent(groups: &[String]) -> String {
    if groups.is_empty() {
        return String::new();
    }
    format!(" in the API groups that answered ({} did not)", groups.join(", "))
}

impl WhyError {
    /// The exit code that a program should end with: 2 for a wrong question, 3 for an object that is not there, 4 for
    /// missing rights or credentials, 5 for a server that is away, 1 for anything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::UnknownKind { .. } | Self::AmbiguousKind { .. } => 2,
            Self::NotFound { .. } => 3,
            Self::Forbidden { .. } | Self::Unauthorised(_) => 4,
            Self::ServerAway { .. } => 5,
            Self::Server { .. } => 1,
        }
    }
}
