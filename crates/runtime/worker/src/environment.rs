//! The environment of a step: the plan's `env`, the `DVT_` names, a fixed `PATH`, and nothing of the machine.

use crate::protocol::Dispatch;
use dvt_wall::protocol::MARK;
use std::collections::BTreeMap;
use std::path::Path;

/// Where programs are looked up, the same everywhere.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A variable that cannot be set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of an environment variable")]
pub(crate) struct InvalidName(pub(crate) String);

/// The whole environment, in the order of its names. The plan's `env` may set `HOME` and `LANG`, not our own names.
// INVARIANT(INV-30): closed start: what is not named here or by the plan is not there.
pub(crate) fn of(
    dispatch: &Dispatch,
    output: &Path,
    temporary: &Path,
) -> Result<Vec<(String, String)>, InvalidName> {
    let temporary = temporary.to_string_lossy().into_owned();
    let mut all =
        BTreeMap::from([("LANG".to_owned(), "C.UTF-8".to_owned()), ("HOME".to_owned(), temporary.clone())]);
    for (name, value) in &dispatch.env {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(InvalidName(name.clone()));
        }
        all.insert(name.clone(), value.clone());
    }
    let ours = [
        ("PATH", PATH.to_owned()),
        ("TMPDIR", temporary),
        ("DVT_RUN_ID", dispatch.key.run_id.to_string()),
        ("DVT_STEP_ID", dispatch.key.step_id.to_string()),
        ("DVT_ATTEMPT", dispatch.key.logical_attempt_id.to_string()),
        (MARK, dispatch.token.clone()),
        ("DVT_OUTPUT", output.to_string_lossy().into_owned()),
    ];
    all.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    Ok(all.into_iter().collect())
}
