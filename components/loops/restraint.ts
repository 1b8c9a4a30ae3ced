import type * as k8s from "@pulumi/kubernetes";
import { LOOPS_NAMESPACE } from "./address.ts";

/** A new workflow is a template with parameters: not another entry point, and no steps that are done already. */
const CREATED = "object.spec.all(key, key in ['workflowTemplateRef', 'arguments']) && !has(object.status)";

/** A change is an end; a resumed step is a change of the status. */
const CHANGED = [
  "object.spec.all(key, key == 'shutdown' || (key in oldObject.spec && object.spec[key] == oldObject.spec[key]))",
  "oldObject.spec.all(key, key in object.spec)",
  "has(object.status) == has(oldObject.status)",
  "(!has(object.status) || object.status == oldObject.status)",
].join(" && ");

/**
 * What the controller of the loops may do with a workflow: a role knows no fields, and with its own right to end a workflow it
 * could approve one, which is for a person.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
export const CONTROLLER_RESTRAINT: k8s.types.input.admissionregistration.v1.ValidatingAdmissionPolicySpec = {
  failurePolicy: "Fail",
  matchConstraints: {
    resourceRules: [
      {
        apiGroups: ["argoproj.io"],
        apiVersions: ["v1alpha1"],
        operations: ["CREATE", "UPDATE"],
        resources: ["workflows"],
      },
    ],
  },
  matchConditions: [
    {
      name: "controller-of-the-loops",
      expression: `request.userInfo.username == 'system:serviceaccount:${LOOPS_NAMESPACE}:loops'`,
    },
  ],
  validations: [
    {
      expression: `oldObject == null ? (${CREATED}) : (${CHANGED})`,
      message: "the controller of the loops starts templates and ends workflows; only a person approves",
      reason: "Forbidden",
    },
  ],
};
