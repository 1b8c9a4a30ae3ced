/** One suite as a row of the table in `docs/e2e-results.md`. */
export interface Scenario {
  readonly file: string;
  readonly scenario: string;
  readonly proves: string;
}

/** Every end-to-end suite. */
export const SCENARIOS: readonly Scenario[] = [
  {
    file: "test/e2e/manifests.test.ts",
    scenario: "Manifests",
    proves: "every object of every shipped stack is accepted, stored and stable; Pod Security restricted",
  },
  {
    file: "test/e2e/autoscaling.test.ts",
    scenario: "Autoscaling loop",
    proves:
      "gateway, engines, Prometheus, KEDA, HPA, kwok: 0 to many to 0 as simulated; faults take no replica",
  },
  {
    file: "test/e2e/drain.test.ts",
    scenario: "Switches and scale-downs",
    proves: "streams of a minute survive blue-green switches and scale-downs",
  },
  {
    file: "test/e2e/rollouts.test.ts",
    scenario: "Blue-green delivery",
    proves:
      "Argo Rollouts, KEDA, Prometheus: gate, also of what is tried again, switch, watch, way back; replicas never fall below what is wanted",
  },
  {
    file: "test/e2e/canary.test.ts",
    scenario: "Canary delivery",
    proves: "Argo Rollouts: gate before the first replica, steps on the GPUs that serve, way back",
  },
  {
    file: "test/e2e/workflows.test.ts",
    scenario: "Workflows of the loops",
    proves: "Argo Workflows: abort, approval by a person only, failed step, rights of each account",
  },
  {
    file: "test/e2e/scheduling.test.ts",
    scenario: "Scheduling",
    proves: "the scheduler puts models onto their pools only",
  },
  {
    file: "test/e2e/ladder.test.ts",
    scenario: "Capacity ladder",
    proves: "a real Karpenter fills the first rung, then the second, and goes beyond no limit",
  },
  {
    file: "test/e2e/admission.test.ts",
    scenario: "Admission policies",
    proves: "the API server refuses what the policies forbid and takes what is shipped",
  },
  {
    file: "test/e2e/engine.test.ts",
    scenario: "Pulumi engine",
    proves: "plan and engine agree; change, failure, destroy order; stand-in providers",
  },
  {
    file: "test/e2e/new-client.test.ts",
    scenario: "New client",
    proves:
      "`pulumi new` makes a project of the repository; a client forked into it is isolated, valid and planned",
  },
  {
    file: "test/e2e/unreachable-api.test.ts",
    scenario: "Unreachable API",
    proves: "a first run that reaches no cluster makes it, and the next one the rest; stand-in providers",
  },
  {
    file: "test/e2e/interrupted.test.ts",
    scenario: "Killed engine",
    proves: "a killed update resumes and creates nothing twice; no secret in state or output",
  },
  {
    file: "test/e2e/policy-packs.test.ts",
    scenario: "Policy packs",
    proves: "the packs stop the engine where the plan finds a violation",
  },
  {
    file: "test/e2e/queries.test.ts",
    scenario: "Scaling queries",
    proves: "one series with 0, 1 and more replicas in the real PromQL engine",
  },
  {
    file: "test/e2e/simulator.test.ts",
    scenario: "Metric names",
    proves: "llm-d-inference-sim counts under the names the queries use",
  },
  {
    file: "test/e2e/alerts/alerts.test.ts",
    scenario: "Alerts",
    proves: "each rule fires on its signal and not without it",
  },
  {
    file: "test/e2e/contract.test.ts",
    scenario: "Gateway contract",
    proves: "the promises of the gateway, kept and broken",
  },
  {
    file: "test/e2e/gateway/stores.test.ts",
    scenario: "Audit log in S3",
    proves: "shipped to a bucket with Object Lock (moto), verified from it, not deletable",
  },
  {
    file: "test/e2e/gateway/cloud-storage.test.ts",
    scenario: "Audit log in Cloud Storage",
    proves: "shipped and verified (fake-gcs-server)",
  },
  {
    file: "test/e2e/gateway/redis.test.ts",
    scenario: "Redis",
    proves: "limits across replicas; Redis lost and back",
  },
  {
    file: "test/e2e/gateway/kill.test.ts",
    scenario: "Killed gateway",
    proves: "50 times SIGKILL under load: no call without a record",
  },
  {
    file: "test/e2e/gateway/image.test.ts",
    scenario: "Gateway image",
    proves: "the steps of the Dockerfile give a gateway that starts",
  },
  {
    file: "test/e2e/gateway/python-client.test.ts",
    scenario: "Python client",
    proves: "the official client works unchanged",
  },
  {
    file: "test/e2e/gateway/delivery.test.ts",
    scenario: "Gateway delivery",
    proves: "no traffic for a configuration without a signed evaluation; a canary by partition; going back",
  },
  {
    file: "test/e2e/promptfoo.test.ts",
    scenario: "promptfoo",
    proves: "takes our export, refuses a broken one, gives the verdicts of our graders",
  },
  {
    file: "test/e2e/label-studio.test.ts",
    scenario: "Label Studio",
    proves: "tasks, labels of two people and their agreement through a real server",
  },
  {
    file: "test/e2e/mlflow.test.ts",
    scenario: "MLflow",
    proves:
      "evaluations and retraining steps log in to a real MLflow, write runs and versions, and are refused without",
  },
  {
    file: "test/e2e/drift-job/drift-job.test.ts",
    scenario: "Drift job",
    proves: "finds the day that drifted in a real MLflow with a login, and not the other",
  },
  {
    file: "test/e2e/alerts/recorded.test.ts",
    scenario: "Recording rules",
    proves: "what is recorded is what the formulas say",
  },
  {
    file: "test/e2e/cost-accounting.test.ts",
    scenario: "Cost rules",
    proves: "cost by the hour, client and tenant adds up in the real PromQL engine",
  },
  {
    file: "test/e2e/metrics-backends.test.ts",
    scenario: "Metrics backends",
    proves: "every field is one of the operator's definition",
  },
  {
    file: "test/e2e/monitoring/dashboards.test.ts",
    scenario: "Dashboards",
    proves: "every query finds series on a real Prometheus under synthetic load",
  },
  {
    file: "test/e2e/monitoring/report.test.ts",
    scenario: "Monthly report",
    proves: "a month from a real Prometheus and a real audit log",
  },
  {
    file: "test/e2e/collector.test.ts",
    scenario: "Collectors",
    proves: "the real OpenTelemetry Collector takes the configurations and masks what it must",
  },
  {
    file: "test/e2e/loops.test.ts",
    scenario: "Loops",
    proves: "from a metric over real Prometheus and Alertmanager to the recorded effect",
  },
  {
    file: "test/e2e/receivers.test.ts",
    scenario: "Receivers of alerts",
    proves: "the real Alertmanager tells PagerDuty, Opsgenie, Slack and a webhook of an alert and of its end",
  },
  {
    file: "test/e2e/evaluation.test.ts",
    scenario: "Evaluation",
    proves: "the embedded model answers real questions through the gateway and is graded",
  },
  {
    file: "test/e2e/exports.test.ts",
    scenario: "KServe and llm-d exports",
    proves: "an API server with their definitions takes every object of every stack, with strict fields",
  },
  {
    file: "test/e2e/truefoundry.test.ts",
    scenario: "TrueFoundry export",
    proves: "TrueFoundry's own package reads every service, and finds no field it does not know",
  },
  {
    file: "test/e2e/prompt-distance.test.ts",
    scenario: "Distance of prompts",
    proves: "vectors of a real model, asked for through the gateway, tell a moved topic from the same one",
  },
];
