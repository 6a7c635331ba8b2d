//! Export of spans by OTLP over HTTP, as the standard variables ask for it.
//!
//! | variable | here |
//! |---|---|
//! | `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_EXPORTER_OTLP_ENDPOINT` | where to; nothing is exported without one (the specification would use localhost) |
//! | `OTEL_TRACES_EXPORTER` | `otlp` or `none` |
//! | `OTEL_SDK_DISABLED` | `true` exports nothing |
//! | `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf` only |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | the six standard samplers; anything else is an error here |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_*`, `OTEL_SPAN_*_LIMIT`, headers and timeouts of OTLP | as the SDK reads them |

use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use thiserror::Error;

/// The samplers of the specification that the SDK has.
const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

/// A variable has a value that does not work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{variable} is {value:?}: {remedy}")]
pub struct BadVariable {
    /// Its name.
    pub variable: &'static str,
    /// Its value.
    pub value: String,
    /// What to write instead.
    pub remedy: String,
}

/// What the variables ask for, checked before anything starts: the SDK only warns, or falls back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where spans go; for messages, the exporter reads the variables itself.
    pub endpoint: String,
}

impl Settings {
    /// Reads the variables; `None` where nothing is to be exported.
    ///
    /// # Errors
    ///
    /// Where a variable has a value that the SDK would ignore or replace.
    pub fn from_env(variable: impl Fn(&'static str) -> Option<String>) -> Result<Option<Self>, BadVariable> {
        // Empty is the same as unset, says the specification.
        let read = |name| variable(name).filter(|value| !value.trim().is_empty()).map(|value| (name, value));
        if read("OTEL_SDK_DISABLED").is_some_and(|(_, value)| value.trim().eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        match read("OTEL_TRACES_EXPORTER") {
            Some((_, value)) if value.trim() == "none" => return Ok(None),
            Some((name, value)) if value.trim() != "otlp" => {
                return bad(name, value, "only otlp and none are known here");
            }
            _ => {}
        }
        let Some((name, endpoint)) =
            read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| read("OTEL_EXPORTER_OTLP_ENDPOINT"))
        else {
            return Ok(None);
        };
        let parsed = endpoint.trim().parse::<http::Uri>().ok();
        let usable = parsed.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
        });
        if !usable {
            return bad(name, endpoint, "write a URL such as http://127.0.0.1:4318");
        }
        let protocol =
            read("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").or_else(|| read("OTEL_EXPORTER_OTLP_PROTOCOL"));
        if let Some((name, value)) = protocol.filter(|(_, value)| value.trim() != "http/protobuf") {
            return bad(name, value, "only http/protobuf is supported; collectors take it on port 4318");
        }
        if let Some((name, value)) = read("OTEL_TRACES_SAMPLER") {
            if !SAMPLERS.contains(&value.as_str()) {
                return bad(name, value, &format!("known are {}", SAMPLERS.join(", ")));
            }
            if value.ends_with("traceidratio")
                && let Some((name, ratio)) = read("OTEL_TRACES_SAMPLER_ARG")
                && !ratio.parse::<f64>().is_ok_and(|ratio| (0.0..=1.0).contains(&ratio))
            {
                return bad(name, ratio, "the ratio is a number from 0 to 1");
            }
        }
        Ok(Some(Self { endpoint }))
    }
}

fn bad<T>(variable: &'static str, value: String, remedy: &str) -> Result<T, BadVariable> {
    Err(BadVariable { variable, value, remedy: remedy.to_owned() })
}

/// A provider that sends batches from a thread of its own.
pub(super) fn provider(service: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder().with_http().build()?;
    // OTEL_SERVICE_NAME, where set, is put over it by the SDK's own detector.
    let named = std::env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty());
    let resource = Resource::builder();
    let resource = if named { resource } else { resource.with_service_name(service.to_owned()) };
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use expect_test::{Expect, expect};

    use super::*;

    fn check(variables: &[(&'static str, &str)], expected: Expect) {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        let told = match Settings::from_env(|name| variables.get(name).map(|value| (*value).to_owned())) {
            Ok(None) => "off".to_owned(),
            Ok(Some(settings)) => format!("to {}", settings.endpoint),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&told);
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

    #[test]
    fn nothing_is_exported_without_an_endpoint_or_when_switched_off() {
        check(&[], expect!["off"]);
        check(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], expect!["off"]);
        check(&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")], expect!["off"]);
        check(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")], expect!["off"]);
    }

    #[test]
    fn the_endpoint_of_traces_goes_before_the_general_one() {
        check(&[ENDPOINT], expect!["to http://127.0.0.1:4318"]);
        check(
            &[ENDPOINT, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://collector/v1/traces")],
            expect!["to https://collector/v1/traces"],
        );
    }

    #[test]
    fn values_that_the_sdk_would_ignore_are_errors() {
        check(
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4317")],
            expect![[
                r#"OTEL_EXPORTER_OTLP_ENDPOINT is "127.0.0.1:4317": write a URL such as http://127.0.0.1:4318"#
            ]],
        );
        check(
            &[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
            expect![[
                r#"OTEL_EXPORTER_OTLP_PROTOCOL is "grpc": only http/protobuf is supported; collectors take it on port 4318"#
            ]],
        );
        check(
            &[ENDPOINT, ("OTEL_TRACES_SAMPLER", "xray")],
            expect![[
                r#"OTEL_TRACES_SAMPLER is "xray": known are always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio"#
            ]],
        );
        check(
            &[ENDPOINT, ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "10%")],
            expect![[r#"OTEL_TRACES_SAMPLER_ARG is "10%": the ratio is a number from 0 to 1"#]],
        );
        check(
            &[ENDPOINT, ("OTEL_TRACES_EXPORTER", "zipkin")],
            expect![[r#"OTEL_TRACES_EXPORTER is "zipkin": only otlp and none are known here"#]],
        );
    }
}
