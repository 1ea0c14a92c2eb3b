//! INV-12: an envelope opens once, for one command, in one tenant, for a minute. Each refusal beside its control.

use crate::house::{House, block_on};
use dvt_access::embedded::Embedded;
use dvt_engine::{Door as _, Grant};
use dvt_keys::entropy::random;
use dvt_model::action::{Action, Role};
use dvt_model::code::Code;
use dvt_model::digest::{hex, unhex};
use dvt_model::id::{DecisionId, RunId};
use dvt_model::resource::ResourceRef;
use std::sync::Arc;

const COMMAND: &[u8] = br#"{"cancel":"this one"}"#;

async fn grant(house: &House) -> Grant {
    Grant {
        context: house.enter().await,
        action: Action::RunCancel,
        resource: ResourceRef {
            resource_type: "run".to_owned(),
            id: RunId::from_random(random()).to_string(),
        },
        decision_id: DecisionId::from_random(random()),
        policy_decision_id: DecisionId::from_random(random()),
    }
}

/// The door of the process that holds the engine: the same installation, other memory.
fn other_process(house: &House) -> Embedded {
    Embedded::new(house.store.clone(), Arc::clone(&house.minter), Arc::clone(&house.clock))
}

#[test]
fn the_right_one_opens_and_says_what_was_sealed() {
    block_on(async {
        let house = House::new(&[Role::Operator]).await;
        let grant = grant(&house).await;
        let envelope = house.access.seal(&grant, COMMAND).unwrap();
        let opened = other_process(&house).open(&envelope, COMMAND).unwrap();
        assert_eq!(opened.context.scope().ids(), house.ours);
        assert_eq!(opened.context.principal(), grant.context.principal());
        assert_eq!(opened.context.request_id(), grant.context.request_id());
        assert_eq!(opened.context.methods(), grant.context.methods());
        assert_eq!((opened.action, &opened.resource), (grant.action, &grant.resource));
        assert_eq!(
            (opened.decision_id, opened.policy_decision_id),
            (grant.decision_id, grant.policy_decision_id)
        );
    });
}

#[test]
fn replayed_expired_or_for_another_command_it_is_refused() {
    block_on(async {
        let house = House::new(&[Role::Operator]).await;
        let grant = grant(&house).await;
        let engine = other_process(&house);
        let refused = |envelope: &str, command: &[u8]| engine.open(envelope, command).unwrap_err().code;

        let once = house.access.seal(&grant, COMMAND).unwrap();
        assert_eq!(refused(&once, br#"{"cancel":"that one"}"#), Code::AuthorizationRequired);
        assert!(engine.open(&once, COMMAND).is_ok(), "control: a refusal does not use it up");
        assert_eq!(refused(&once, COMMAND), Code::AuthorizationRequired, "replayed");

        let late = house.access.seal(&grant, COMMAND).unwrap();
        house.push(59_999);
        assert!(engine.open(&late, COMMAND).is_ok(), "control: it lives a minute");
        let late = house.access.seal(&grant, COMMAND).unwrap();
        house.push(60_000);
        assert_eq!(refused(&late, COMMAND), Code::AuthorizationRequired, "expired");
        let early = house.access.seal(&grant, COMMAND).unwrap();
        house.push(-1);
        assert_eq!(refused(&early, COMMAND), Code::AuthorizationRequired, "from the future");
        house.push(1);
        assert!(engine.open(&early, COMMAND).is_ok());
    });
}

#[test]
fn tampered_at_any_place_it_is_refused() {
    block_on(async {
        let house = House::new(&[Role::Viewer]).await;
        let grant = grant(&house).await;
        let engine = other_process(&house);
        let envelope = house.access.seal(&grant, COMMAND).unwrap();
        for place in 0..envelope.len() {
            let mut bytes = envelope.clone().into_bytes();
            bytes[place] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let problem = engine.open(&text, COMMAND).expect_err("a changed envelope opened");
            assert_eq!(problem.code, Code::AuthorizationRequired, "byte {place}");
        }
        for text in
            ["", ".", "x.y", &envelope[65..], &format!("{envelope} "), &envelope[..envelope.len() - 1]]
        {
            assert!(engine.open(text, COMMAND).is_err(), "{text:?}");
        }
        let wider = envelope.replace("viewer", "tenant-admin");
        assert_ne!(wider, envelope);
        assert!(engine.open(&wider, COMMAND).is_err());
        assert!(engine.open(&envelope, COMMAND).is_ok(), "control: unchanged it opens after all of these");
    });
}

#[test]
fn under_another_tenants_key_it_is_refused() {
    block_on(async {
        let house = House::new(&[Role::Operator]).await;
        let grant = grant(&house).await;
        let engine = other_process(&house);
        let envelope = house.access.seal(&grant, COMMAND).unwrap();
        let (mac, body) = envelope.split_once('.').unwrap();
        let message = [b"dvt.link.envelope.v1\0", body.as_bytes()].concat();
        // Somebody who holds the other tenant's key makes a MAC over our tenant's body, and over one that names theirs.
        let forged = house.store.link_mac(house.theirs.tenant_id, &message).unwrap();
        assert!(engine.open(&format!("{}.{body}", hex(&forged)), COMMAND).is_err());
        let moved = body.replace(&house.ours.tenant_id.to_string(), &house.theirs.tenant_id.to_string());
        assert_ne!(moved, body);
        assert!(engine.open(&format!("{mac}.{moved}"), COMMAND).is_err());
        // Control: this is how the right one is made, and the other tenant's key makes one for its own scope only.
        let ours = house.store.link_mac(house.ours.tenant_id, &message).unwrap();
        assert_eq!(unhex(mac).unwrap(), ours);
        let message = [b"dvt.link.envelope.v1\0", moved.as_bytes()].concat();
        let theirs = house.store.link_mac(house.theirs.tenant_id, &message).unwrap();
        let opened = engine.open(&format!("{}.{moved}", hex(&theirs)), COMMAND).unwrap();
        assert_eq!(opened.context.scope().tenant(), house.theirs.tenant_id);
        assert!(engine.open(&envelope, COMMAND).is_ok(), "its nonce is not theirs to use up");
    });
}
