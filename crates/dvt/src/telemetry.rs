//! `--metrics`, `--log` and `--traces`: what the process tells its operator while it works, and where. Off unless asked for.

use crate::problem::Problem;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::code::Code;
use dvt_telemetry::{Collector, Error, MetricsPlace, Wanted};
use std::path::PathBuf;

/// The three flags; every command takes them, for any may be the engine.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Metrics: a file, or a loopback address such as 127.0.0.1:9464 that serves /metrics.
    #[arg(long, global = true, value_name = "FILE|ADDRESS", help_heading = "Telemetry")]
    metrics: Option<String>,
    /// Add operational log lines (JSON, searched for secrets) to this file.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Telemetry")]
    log: Option<PathBuf>,
    /// Send traces to a collector on this machine: http://127.0.0.1:4318.
    #[arg(long, global = true, value_name = "URL", help_heading = "Telemetry")]
    traces: Option<String>,
}

impl Arguments {
    /// Begins what was asked for; tells the address at which metrics are served.
    pub(crate) fn begin(self, screen: &Screen) -> Result<(), Problem> {
        if self.metrics.is_none() && self.log.is_none() && self.traces.is_none() {
            return Ok(());
        }
        let wanted = Wanted {
            metrics: self.metrics.as_deref().map(MetricsPlace::parse).transpose().map_err(refused)?,
            log: self.log,
            traces: self.traces.as_deref().map(Collector::parse).transpose().map_err(refused)?,
        };
        if let Some(address) = dvt_telemetry::begin(wanted).map_err(refused)? {
            screen.note(&format!("metrics: http://{address}/metrics"));
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: Error) -> Problem {
    let problem = Problem::new(Code::ConfigInvalid, error.to_string());
    match error {
        Error::NotLoopback(_) => problem
            .why("metrics and traces tell what your tenants do, and nothing here encrypts them")
            .fix("an address of this machine, and a collector beside it that takes them farther"),
        Error::Foreign(_) => problem.fix("name another file, or take that one away"),
        Error::NoAddress(_) | Error::NoCollector(_) | Error::Unusable(..) => problem,
    }
}
