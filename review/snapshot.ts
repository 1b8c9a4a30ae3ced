import { createHash } from "node:crypto";
import { z } from "zod";
import type { GraphValue } from "../graph/values.ts";
import { identityOf, type Identity } from "./identity.ts";
import { pinnedVersion } from "./upgrades.ts";

const value: z.ZodType<GraphValue> = z.json();
const range = z.object({ min: z.string(), expected: z.string(), max: z.string() });

const finding = z.object({
  control: z.string(),
  status: z.enum(["fail", "unknown"]),
  level: z.enum(["mandatory", "advisory"]),
  resource: z.string(),
  property: z.string().optional(),
  message: z.string(),
  exemption: z.object({ id: z.string(), expires: z.string(), reason: z.string() }).optional(),
});

const planSchema = z.object({
  stack: z.string(),
  graph: z.object({
    nodes: z.array(
      z.looseObject({
        urn: z.string(),
        type: z.string(),
        name: z.string(),
        custom: z.boolean(),
        inputs: z.record(z.string(), value),
        formerUrns: z.array(z.string()).optional(),
        options: z.looseObject({
          protect: z.boolean(),
          retainOnDelete: z.union([z.boolean(), z.literal("not-visible")]),
        }),
      }),
    ),
  }),
  cost: z
    .object({ monthlyUsd: range, budgetUsd: z.string(), verdict: z.enum(["within-budget", "over-budget"]) })
    .optional(),
  unusable: z.array(z.string()).optional(),
  policy: z.object({
    riskClass: z.string(),
    environment: z.string(),
    results: z.array(z.object({ control: z.string(), status: z.string(), findings: z.array(finding) })),
    exemptionFindings: z.array(finding),
  }),
});

/** A finding with what identifies it over two runs. */
export type ReviewFinding = z.output<typeof finding>;

/** One resource of a snapshot. */
export interface ResourcePrint {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** SHA-256 of everything registered except aliases. */
  readonly sha256: string;
  /** Only for what holds data, keys or a cluster. */
  readonly identity?: Identity;
  /** Kubernetes version of a control plane whose stack file pins one. */
  readonly version?: string;
}

/** A stack at one commit: what it would create, cost and violate. */
export interface Snapshot {
  readonly stack: string;
  readonly riskClass: string;
  readonly environment: string;
  readonly resources: readonly ResourcePrint[];
  readonly cost: z.output<typeof planSchema>["cost"];
  readonly findings: readonly ReviewFinding[];
  /** What it relies on and cannot have; absent where the version that planned it did not look. */
  readonly unusable: readonly string[] | undefined;
  /** SHA-256 of graph and findings. */
  readonly evidenceSha256: string;
}

/** The output of `llmops plan --json` cannot be understood. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

function sha256(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}

/**
 * Reads the output of `llmops plan --json`.
 * @throws SnapshotError when it is something else, for example of an older version
 */
export function snapshotOf(output: string): Snapshot {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    throw new SnapshotError("the plan printed no JSON");
  }
  const parsed = planSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SnapshotError(
      `the plan has another form${issue === undefined ? "" : `: ${z.core.toDotPath(issue.path)} ${issue.message}`}`,
    );
  }
  const { stack, graph, cost, policy, unusable } = parsed.data;
  const findings = [...policy.results.flatMap((each) => each.findings), ...policy.exemptionFindings];
  return {
    stack,
    riskClass: policy.riskClass,
    environment: policy.environment,
    resources: graph.nodes
      .filter(({ custom }) => custom)
      .map(({ formerUrns, ...node }) => {
        const identity = identityOf({ ...node, formerUrns });
        const version = pinnedVersion(node.type, node.inputs);
        return {
          urn: node.urn,
          type: node.type,
          name: node.name,
          sha256: sha256(node),
          ...(identity === undefined ? {} : { identity }),
          ...(version === undefined ? {} : { version }),
        };
      }),
    cost,
    findings,
    unusable,
    evidenceSha256: sha256([graph, findings]),
  };
}
