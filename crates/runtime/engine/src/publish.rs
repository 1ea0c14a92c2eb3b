//! `publishPlan` (contract 4.1): a checked document gets its name and version without a run of it.
//!
//! It trusts no figure of the request: version, digest and bounds are those of the document. A version that is there already
//! with the same digest is the answer, with another one it is refused; what a plan is made of (files, sub-plans) lies in the
//! store before the plan does.

use crate::admit::bounds_of;
use crate::engine::Engine;
use crate::entry::{self, Place};
use crate::run::load::digest_of;
use crate::{Grant, Problem, library};
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::PlanId;
use dvt_model::resource::ResourceRef;
use dvt_model::run::PlanRef;
use dvt_store::Refusal;
use dvt_store::port::operation::{BlockDraft, PublishPlan, Rights};
use dvt_store::port::transaction::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// How versions of a file that was run as it lay there begin; nobody publishes one by hand.
pub(crate) const DEVELOPMENT: &str = "0.0.0-dev.d";

/// What is published.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishRequest {
    /// The plan's canonical document, which names its version.
    pub plan_document: Value,
    /// Its id: the known one of this name, or a new one.
    pub plan_id: PlanId,
    /// Digest of the bundle, already kept with `put_bundle`.
    pub files_digest: Option<Digest>,
}

/// The answer, once the plan is durable.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishAnswer {
    /// What names the plan from now on.
    pub plan: PlanRef,
    /// Whether this very version was published before.
    pub already: bool,
}

impl Engine {
    /// Publishes, or says that it is published already.
    pub(crate) async fn publish(
        self: &Arc<Self>,
        grant: &Grant,
        request: PublishRequest,
    ) -> Result<PublishAnswer, Problem> {
        check_proof(grant)?;
        self.takes(grant.context.scope().tenant())?;
        let result = self.publish_checked(grant, request).await;
        self.enter_if_refused(result, None, &[(grant, "publishPlan")]).await
    }

    async fn publish_checked(
        self: &Arc<Self>,
        grant: &Grant,
        request: PublishRequest,
    ) -> Result<PublishAnswer, Problem> {
        let scope = *grant.context.scope();
        let digest = digest_of(&request.plan_document)?;
        let plan = library::plain(&request.plan_document)?;
        self.claim(scope.tenant()).await?;
        let mut transaction = self.parts().store.begin(&scope, Kind::Engine)?;
        let whole = library::whole(&transaction, &request.plan_document, &plan).await?;
        bounds_of(whole.as_ref().unwrap_or(&plan), &request.plan_document)?;
        let packed = library::files_of(&request.plan_document);
        if packed != request.files_digest || (packed.is_none() && !plan.files.is_empty()) {
            let message = "the packed files are not those of this document";
            return Err(Problem::new(Code::PlanRefMismatch, message));
        }
        if let Some(files) = packed
            && transaction.get_bundle(files).await?.is_none()
        {
            let message = "the plan's packed files are not there under their digest";
            return Err(Problem::new(Code::PlanRefMismatch, message));
        }
        let plan_version = plan.version.clone().filter(|version| !version.starts_with(DEVELOPMENT));
        let plan_version = plan_version.ok_or_else(|| {
            Problem::new(Code::InvalidPlanSchema, "a plan is published under a `version` of its own")
        })?;
        let named = PlanRef { plan_id: request.plan_id, plan_version, digest };
        let known = transaction.plan_version(named.plan_id, &named.plan_version).await?;
        let already = known.is_some_and(|known| known.plan == named && known.is_kept);
        let place = Place { ledger: transaction.ledger(), scope: scope.ids(), now: self.now(), run: None };
        let mut entries = vec![entry::of_decision(place, grant, "publishPlan")];
        if already {
            if !transaction.decision_recorded(grant.decision_id).await? {
                self.append_act(&scope, entries).await?;
            }
            return Ok(PublishAnswer { plan: named, already });
        }
        entries.push(entry::of_publication(place, grant, plan.name.as_str(), &named));
        let by = grant.context.principal();
        // If we crash before the commit nothing is published, and asking again does it; after it, asking again finds it.
        transaction.publish_plan(PublishPlan {
            plan: named.clone(),
            name: plan.name.clone(),
            document: request.plan_document,
            engine_epoch: self.epoch(),
            rights: Rights::Of { principal: by.id, epoch: by.rights_epoch },
            block: BlockDraft::of(entries),
        });
        match transaction.commit().await {
            Ok(_) => {}
            Err(Refusal::LeaseLost) => {
                self.depose();
                return Err(Problem::engine_gone());
            }
            Err(refusal) => return Err(refusal.into()),
        }
        self.seal_soon(&scope);
        Ok(PublishAnswer { plan: named, already })
    }
}

// INVARIANT(INV-12): checked by the engine whatever access has checked.
fn check_proof(grant: &Grant) -> Result<(), Problem> {
    let project = grant.context.scope().project().to_string();
    let project = ResourceRef { resource_type: "project".to_owned(), id: project };
    if grant.action == Action::PlanCreate && grant.resource == project {
        return Ok(());
    }
    Err(Problem::unproved("publishing in this project"))
}
