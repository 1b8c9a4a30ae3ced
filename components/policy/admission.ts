import * as k8s from "@pulumi/kubernetes";
import { CHART_NAMESPACE_LABEL } from "./chart-namespace.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";

/** A rule the Kubernetes API server checks on every write, whoever writes. */
export interface AdmissionRule {
  /** Name of the policy. */
  readonly name: string;
  /** Control it belongs to. */
  readonly control: string;
  readonly resources: readonly {
    readonly apiGroup: string;
    readonly apiVersion: string;
    readonly resource: string;
  }[];
  /** Named CEL expressions the validations read. */
  readonly variables: readonly { readonly name: string; readonly expression: string }[];
  readonly validations: readonly { readonly expression: string; readonly message: string }[];
}

/** Admission policies of a cluster. */
export interface AdmissionPoliciesArgs {
  readonly rules: readonly AdmissionRule[];
  /** What happens to an object that breaks a rule. */
  readonly onViolation: "deny" | "warn";
  readonly labels: Readonly<Record<string, string>>;
}

/** Namespaces of the platform and of its tenants carry it. */
const PLATFORM_NAMESPACES = {
  matchExpressions: [
    { key: "llmops.io/client", operator: "Exists" },
    ...Object.keys(CHART_NAMESPACE_LABEL).map((key) => ({ key, operator: "DoesNotExist" })),
  ],
};

/** Body of the policy of a rule. @see https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/ */
export function admissionPolicySpec(
  rule: AdmissionRule,
): k8s.types.input.admissionregistration.v1.ValidatingAdmissionPolicySpec {
  return {
    // A rule that cannot be evaluated lets nothing pass.
    failurePolicy: "Fail",
    matchConstraints: {
      resourceRules: rule.resources.map(({ apiGroup, apiVersion, resource }) => ({
        apiGroups: [apiGroup],
        apiVersions: [apiVersion],
        operations: ["CREATE", "UPDATE"],
        resources: [resource],
      })),
    },
    variables: rule.variables.map((variable) => ({ ...variable })),
    validations: rule.validations.map(({ expression, message }) => ({
      expression,
      message: `${rule.control}: ${message}`,
      reason: "Forbidden",
    })),
  };
}

/** Body of the binding of a rule. */
export function admissionBindingSpec(
  rule: AdmissionRule,
  onViolation: AdmissionPoliciesArgs["onViolation"],
): k8s.types.input.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec {
  return {
    policyName: rule.name,
    validationActions: onViolation === "deny" ? ["Deny"] : ["Warn", "Audit"],
    matchResources: { namespaceSelector: PLATFORM_NAMESPACES },
  };
}

/** The controls that the API server itself can enforce, so that `kubectl edit` and controllers meet them too. */
export class AdmissionPolicies extends LlmopsComponent {
  constructor(name: string, args: AdmissionPoliciesArgs, opts: ComponentOptions) {
    super("policy", "AdmissionPolicies", name, opts);
    for (const rule of args.rules) {
      const metadata = { name: rule.name, labels: { ...args.labels } };
      const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
        this.childName(rule.name),
        { metadata, spec: admissionPolicySpec(rule) },
        { parent: this },
      );
      new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
        this.childName(`${rule.name}-binding`),
        { metadata, spec: admissionBindingSpec(rule, args.onViolation) },
        { parent: this, dependsOn: policy },
      );
    }
    this.registerOutputs({});
  }
}
