/** What the API server can be asked about a resource. */
interface AdmittedResource {
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly resource: string;
}

/** The part of a control that a Kubernetes ValidatingAdmissionPolicy can enforce, in CEL. */
export interface ControlAdmission {
  readonly name: string;
  readonly control: string;
  readonly resources: readonly AdmittedResource[];
  readonly variables: readonly { readonly name: string; readonly expression: string }[];
  readonly validations: readonly { readonly expression: string; readonly message: string }[];
}

const WORKLOADS: readonly AdmittedResource[] = [
  { apiGroup: "apps", apiVersion: "v1", resource: "deployments" },
  { apiGroup: "apps", apiVersion: "v1", resource: "statefulsets" },
  { apiGroup: "apps", apiVersion: "v1", resource: "daemonsets" },
  { apiGroup: "batch", apiVersion: "v1", resource: "jobs" },
];
const PODS: readonly AdmittedResource[] = [
  ...WORKLOADS,
  { apiGroup: "", apiVersion: "v1", resource: "pods" },
];

const POD = {
  name: "pod",
  expression: "has(object.spec.template) ? object.spec.template.spec : object.spec",
};
const CONTAINERS = {
  name: "containers",
  expression:
    "variables.pod.containers + (has(variables.pod.initContainers) ? variables.pod.initContainers : [])",
};

/** Rules by control; a rule says less than its control where CEL sees one object at a time. */
export const ADMISSION_RULES: readonly ControlAdmission[] = [
  {
    name: "llmops-workload-labels",
    control: "AIA-GOV-02",
    resources: WORKLOADS.slice(0, 2),
    variables: [],
    validations: ["llmops.io/client", "llmops.io/environment"].map((label) => ({
      expression: `has(object.metadata.labels) && '${label}' in object.metadata.labels`,
      message: `a workload carries the label ${label}`,
    })),
  },
  {
    name: "llmops-images-by-digest",
    control: "AIA-GOV-03",
    resources: PODS,
    variables: [POD, CONTAINERS],
    validations: [
      {
        expression: "variables.containers.all(c, c.image.matches('@sha256:[0-9a-f]{64}$'))",
        message: "every image ends with @sha256: and its digest",
      },
    ],
  },
  {
    name: "llmops-audit-mode",
    control: "AIA-LOG-10",
    resources: [{ apiGroup: "", apiVersion: "v1", resource: "configmaps" }],
    variables: [],
    validations: [
      {
        expression:
          "!has(object.data) || !('gateway.yaml' in object.data) || object.data['gateway.yaml'].matches('(?m)^audit:\\n  mode: required$')",
        message: "the gateway's configuration says audit.mode: required",
      },
    ],
  },
  {
    name: "llmops-ingress-named",
    control: "AIA-SEC-04",
    resources: [{ apiGroup: "networking.k8s.io", apiVersion: "v1", resource: "networkpolicies" }],
    variables: [],
    validations: [
      {
        expression:
          "!has(object.spec.ingress) || object.spec.ingress.all(rule, has(rule.from) && rule.from.size() > 0)",
        message: "every ingress rule names who may come in",
      },
    ],
  },
  {
    name: "llmops-hardened-pods",
    control: "AIA-SEC-05",
    resources: PODS,
    variables: [POD, CONTAINERS],
    validations: [
      {
        expression:
          "has(variables.pod.securityContext) && has(variables.pod.securityContext.runAsNonRoot) && variables.pod.securityContext.runAsNonRoot",
        message: "pods run as a user other than root",
      },
      {
        expression:
          "variables.containers.all(c, has(c.securityContext) && has(c.securityContext.allowPrivilegeEscalation) && !c.securityContext.allowPrivilegeEscalation && (!has(c.securityContext.privileged) || !c.securityContext.privileged))",
        message: "containers gain no privileges",
      },
      {
        expression:
          "variables.containers.all(c, has(c.securityContext) && has(c.securityContext.capabilities) && has(c.securityContext.capabilities.drop) && 'ALL' in c.securityContext.capabilities.drop)",
        message: "containers drop all capabilities",
      },
    ],
  },
  {
    name: "llmops-scaler-ceiling",
    control: "COST-03",
    resources: [{ apiGroup: "keda.sh", apiVersion: "v1alpha1", resource: "scaledobjects" }],
    variables: [],
    validations: [
      {
        expression: "has(object.spec.maxReplicaCount) && object.spec.maxReplicaCount > 0",
        message: "a scaler states maxReplicaCount; KEDA's own default is 100",
      },
    ],
  },
  {
    name: "llmops-gpu-quota",
    control: "COST-04",
    resources: [{ apiGroup: "", apiVersion: "v1", resource: "resourcequotas" }],
    variables: [],
    validations: [
      {
        expression: "has(object.spec.hard) && 'requests.nvidia.com/gpu' in object.spec.hard",
        message: "a quota limits requests.nvidia.com/gpu",
      },
    ],
  },
  {
    name: "llmops-rollout-evaluated",
    control: "AIA-TST-03",
    resources: [{ apiGroup: "argoproj.io", apiVersion: "v1alpha1", resource: "rollouts" }],
    variables: [],
    validations: [
      {
        expression:
          "has(object.metadata.annotations) && ['report', 'model', 'prompt', 'guardrails', 'date'].all(key, (object.metadata.name + '.evaluation.llmops.io/' + key) in object.metadata.annotations) && object.metadata.annotations[object.metadata.name + '.evaluation.llmops.io/report'].matches('^sha256:[0-9a-f]{64}$')",
        message: "a rollout names the signed evaluation it rests on",
      },
    ],
  },
];
