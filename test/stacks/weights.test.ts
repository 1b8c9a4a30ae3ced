import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { valueAt, type GraphValue } from "../../graph/values.ts";
import { policyOf } from "../../plan/policy.ts";
import { graphOf, planStack } from "../../plan/stack-plan.ts";
import { blocking } from "../../policies/report.ts";
import { configOf, NOW } from "../policy/environments.ts";

const DEPLOYMENT = "kubernetes:apps/v1:Deployment";

/** Controls about what was evaluated: other weights than the evaluated ones are meant to be stopped. */
const ABOUT_EVALUATIONS = new Set(["AIA-TST-01", "AIA-TST-03"]);

/** Graph of a stack with its weights elsewhere; everything in it has a price, and no other control stops it than where they are. */
async function withWeights(stack: "acme-staging" | "globex-prod", kind: "s3" | "gs"): Promise<ResourceGraph> {
  const shipped = configOf(stack);
  const source = { kind, uri: `${kind}://weights/llm/8b`, digest: `sha256:${"d".repeat(64)}` };
  const config = { ...shipped, models: shipped.models.map((model) => ({ ...model, source })) };
  const { graph } = (await planStack(stack, config)).plan;
  const stops = blocking(policyOf({ graph, config, asOf: NOW })).map(({ control }) => control);
  expect(stops.filter((control) => !ABOUT_EVALUATIONS.has(control))).toEqual([]);
  return graph;
}

/** Ways out of the model's pods that its own NetworkPolicy opens, as range and port. */
function waysOut(graph: ResourceGraph, model: string): unknown[] {
  const policy = ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy").find(
    ({ inputs }) => valueAt(inputs, "metadata.name") === model,
  );
  const rules = valueAt(policy?.inputs ?? {}, "spec.egress") as readonly GraphValue[];
  return rules.map((rule) => [valueAt(rule, "to.0.ipBlock.cidr"), valueAt(rule, "ports.0.port")]);
}

function engineWaitsFor(graph: ResourceGraph, type: string): boolean {
  const granted = ofType(graph, type).filter(({ name }) => name.includes("-weights-"));
  const [engine] = ofType(graph, DEPLOYMENT).filter(({ name }) => name.endsWith("-engine"));
  return granted.length === 1 && granted.every(({ urn }) => engine?.dependencies.includes(urn));
}

describe("weights in a bucket", () => {
  it("on AWS are read under a role of the model's own, before its pods start", async () => {
    const graph = await withWeights("acme-staging", "s3");
    const association = "aws:eks/podIdentityAssociation:PodIdentityAssociation";
    const [granted] = ofType(graph, association).filter(({ name }) => name.includes("-weights-"));
    expect(granted?.inputs).toMatchObject({
      clusterName: "acme-staging",
      namespace: "claims",
      serviceAccount: "claims-assistant",
    });
    const [policy] = ofType(graph, "aws:iam/rolePolicy:RolePolicy").filter(({ name }) =>
      name.includes("-weights-"),
    );
    expect(JSON.parse(policy?.inputs["policy"] as string)).toMatchObject({
      Statement: [
        { Action: ["s3:GetObject"], Resource: "arn:aws:s3:::weights/llm/8b/*" },
        { Action: ["s3:ListBucket"], Resource: "arn:aws:s3:::weights" },
      ],
    });
    expect(engineWaitsFor(graph, association)).toBe(true);
    expect(waysOut(graph, "claims-assistant")).toEqual([
      ["0.0.0.0/0", 443],
      ["169.254.170.23/32", 80],
    ]);
  });

  it("on Google Cloud are read by the model's own service account, before its pods start", async () => {
    const graph = await withWeights("globex-prod", "gs");
    const member = "gcp:storage/bucketIAMMember:BucketIAMMember";
    const [granted] = ofType(graph, member).filter(({ name }) => name.includes("-weights-"));
    expect(granted?.inputs).toMatchObject({
      bucket: "weights",
      role: "roles/storage.objectViewer",
      member: expect.stringMatching(/subject\/ns\/service\/sa\/service-assistant$/) as string,
      condition: { expression: expect.stringContaining("/buckets/weights/objects/llm/8b/") as string },
    });
    expect(engineWaitsFor(graph, member)).toBe(true);
    expect(waysOut(graph, "service-assistant")).toEqual([
      ["0.0.0.0/0", 443],
      ["169.254.169.252/32", 988],
      ["169.254.169.254/32", 80],
    ]);
  });

  it("of a hub need no identity", async () => {
    const graph = await graphOf("acme-staging", configOf("acme-staging"));
    expect(graph.nodes.filter(({ name }) => name.includes("-weights-"))).toEqual([]);
    expect(waysOut(graph, "claims-assistant")).toEqual([["0.0.0.0/0", 443]]);
  });
});
