//! News of a run: the newest acknowledged `runSeq` and state, waited for without asking again and again.
//!
//! It tells that there is news, never what: events are read from the store, under the reader's own scope and decision.

use crate::client::Progress;
use crate::engine::Engine;
use crate::{Grant, Problem};
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::id::{RunId, TenantId};
use dvt_model::scope::{Cover, ScopeIds, TenantScope, covers};
use dvt_store::port::operation::RunRow;
use dvt_store::port::transaction::Kind;

/// By what right somebody follows a run.
#[derive(Debug, Clone)]
pub(crate) struct Follow {
    scope: TenantScope,
    /// Whether the run goes on for this client (it started, resumed or cancelled it), or is only watched.
    pub(crate) attends: bool,
}

impl Follow {
    pub(crate) fn by(grant: &Grant, attends: bool) -> Self {
        Self { scope: *grant.context.scope(), attends }
    }

    pub(crate) fn attending(grant: &Grant) -> Self {
        Self::by(grant, true)
    }

    pub(crate) fn watching(grant: &Grant) -> Self {
        Self::by(grant, false)
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.scope.tenant()
    }
}

impl Engine {
    /// A run's row under a scope, looked at twice: by the store, and here.
    // INVARIANT(INV-12): the engine checks that the proof's scope covers the run, whatever access and store have checked.
    pub(crate) async fn row(&self, scope: &TenantScope, run: RunId) -> Result<RunRow, Problem> {
        let transaction = self.parts().store.begin(scope, Kind::Engine)?;
        let row = transaction.run(run).await?.ok_or_else(Problem::not_found)?;
        self.check_scope(scope, &transaction.root(), &row.metadata.scope)?;
        Ok(row)
    }

    fn check_scope(
        &self,
        scope: &TenantScope,
        root: &dvt_model::scope::Root,
        thing: &ScopeIds,
    ) -> Result<(), Problem> {
        match covers(scope, root, thing) {
            Cover::Covered => Ok(()),
            Cover::Elsewhere => Err(Problem::not_found()),
            Cover::ForeignTenant => {
                Err(Problem::new(Code::TenantIsolationViolation, Problem::not_found().message))
            }
        }
    }

    /// Whether a grant lets its holder be told of a run's news: any right on that run.
    pub(crate) async fn may_follow(&self, grant: &Grant, run: RunId) -> Result<(), Problem> {
        let reads = matches!(
            grant.action,
            Action::RunReadStatus | Action::RunReadPayload | Action::RunCancel | Action::SignalSend
        );
        if !reads || grant.resource != crate::entry::run_reference(run) {
            return Err(Problem::unproved("it is not about this run"));
        }
        self.row(grant.context.scope(), run).await.map(drop)
    }

    /// The next news after `known_seq`; at once where there is some.
    pub(crate) async fn progress(
        &self,
        follow: &Follow,
        run: RunId,
        known_seq: u64,
    ) -> Result<Progress, Problem> {
        if let Some(mut news) = self.news_of(follow.tenant(), run) {
            let mut stop = self.stopping();
            let changed = tokio::select! {
                news = news.wait_for(|news| news.last_run_seq > known_seq) => news.ok().map(|news| news.clone()),
                () = crate::engine::told_to_stop(&mut stop) => return Err(Problem::engine_gone()),
            };
            if let Some(news) = changed {
                return Ok(news);
            }
            // Its task ended without more news: it was given up, or it ended before we asked.
        }
        if let Some(end) = self.ends.of(follow.tenant(), run) {
            return Ok(end);
        }
        let row = self.row(&follow.scope, run).await?;
        if row.last_run_seq > known_seq || row.status.is_terminal() {
            return Ok(Progress { run_id: run, last_run_seq: row.last_run_seq, status: row.status });
        }
        if let Some(problem) = self.given_up(run) {
            return Err(problem);
        }
        // Its runs are out of memory, and whoever comes next goes on with those that somebody attends.
        if self.is_stopping() {
            return Err(Problem::engine_gone());
        }
        Err(Problem::new(
            Code::ServiceDegraded,
            format!("no engine works on `{run}`; it goes on by `dvt runs resume {run}`"),
        ))
    }
}
