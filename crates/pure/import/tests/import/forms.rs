//! What a template of Argo does, by every way to call it: each form of step gets only the keys that it takes.

use dvt_import::argo;
use dvt_plan::diagnostic::Source;

/// What a template does.
const DOES: [&str; 12] = [
    "container: {image: i, command: [echo, '{{inputs.parameters.p}}']}",
    "container: {image: i}",
    "script: {image: i, command: [bash], source: 'echo {{inputs.parameters.p}}'}",
    "script: {image: i, command: [node], source: 'print({{inputs.parameters.p}})'}",
    "suspend: {}",
    "suspend:",
    "suspend: {duration: 10}",
    "suspend: {duration: '{{inputs.parameters.p}}'}",
    "suspend: {}, outputs: {parameters: [{name: o, valueFrom: {supplied: {}}}]}",
    "containerSet: {containers: [{name: one, image: i, command: [echo]}, {name: two, image: i, command: [echo], dependencies: [one]}]}",
    "resource: {action: create, manifest: x}",
    "http: {url: 'https://example.com/{{inputs.parameters.p}}'}",
];

/// What a template says beside it.
const BESIDE: [&str; 3] =
    ["", ", timeout: 5m, retryStrategy: {limit: 3}", ", activeDeadlineSeconds: 60, daemon: true"];

/// How it is called.
const CALLED: [&str; 12] = [
    "",
    "withItems: [1, 2]",
    "withItems: [{v: 1}]",
    "withItems: []",
    "withSequence: {count: 2}",
    "withSequence: {count: '{{workflow.parameters.n}}'}",
    "withParam: '{{workflow.parameters.list}}'",
    "withParam: '{{steps.first.outputs.result}}'",
    "withItems: '{{steps.first.outputs.result}}'",
    "when: '{{steps.first.outputs.result}} == 1'",
    "continueOn: {failed: true}",
    "onExit: leave",
];

/// What a call of a list says beside it.
const OF_EACH: [&str; 3] = [
    "",
    ", arguments: {parameters: [{name: p, value: '{{item}}'}]}",
    ", when: '{{item}} == 1', continueOn: {error: true}",
];

/// What reads it afterwards.
const READ: [&str; 4] = [
    "",
    "      - [{name: after, template: read, arguments: {parameters: [{name: p, value: '{{steps.called.outputs.result}}'}]}}]\n",
    "      - [{name: after, template: read, arguments: {parameters: [{name: p, value: '{{steps.called.outputs.parameters.o}}'}]}}]\n",
    "      - [{name: after, template: read, withParam: '{{steps.called.outputs.result}}', when: '{{steps.called.status}} == Succeeded'}]\n",
];

const WORKFLOW: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: forms}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
      - [{name: first, template: read}]
      - [{name: called, template: calledCALL}]
READ  - {name: called, inputs: {parameters: [{name: p, default: 1}]}, DOES}
  - {name: read, inputs: {parameters: [{name: p, default: 1}]}, container: {image: i, command: [echo, '{{inputs.parameters.p}}']}}
  - {name: leave, container: {image: i, command: [echo]}}
";

#[test]
fn every_template_called_in_every_way_is_a_plan() {
    let mut plans = 0;
    for does in DOES {
        for beside in BESIDE {
            for called in CALLED {
                for each in OF_EACH {
                    for read in READ {
                        let call = format!("{called}{each}");
                        let call = call.trim_start_matches(", ");
                        let comma = if call.is_empty() { "" } else { ", " };
                        let text = WORKFLOW
                            .replace("CALL", &format!("{comma}{call}"))
                            .replace("READ", read)
                            .replace("DOES", &format!("{does}{beside}"));
                        let imported = argo::import(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                        let plan = imported.text("the source");
                        let outcome =
                            dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: plan.clone() });
                        assert!(outcome.checked.is_some(), "{text}\n{plan}\n{:#?}", outcome.diagnostics);
                        plans += 1;
                    }
                }
            }
        }
    }
    assert_eq!(plans, DOES.len() * BESIDE.len() * CALLED.len() * OF_EACH.len() * READ.len());
}
