import { beforeAll, describe, expect, it } from "vitest";
import type { Exemption } from "../../policies/evaluate.ts";
import { blocking, type PolicyReport } from "../../policies/report.ts";
import { set, type Change } from "./changes.ts";
import { judged, planAll, type Environment, type Planned } from "./environments.ts";

const LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration";
const EKS = "aws:eks/cluster:Cluster";
let plans: ReadonlyMap<Environment, Planned>;

beforeAll(async () => {
  plans = await planAll(["acme-prod", "acme-staging"]);
});

describe("an exemption", () => {
  const exemption: Exemption = {
    id: "EX-2026-001",
    control: "AIA-SEC-01",
    resource: "acme-staging-cluster-cluster",
    reason: "The VPN of the operations team is moved until January.",
    approvedBy: "dpo@acme.example",
    ticket: "GRC-1",
    created: "2026-11-01",
    expires: "2026-12-01",
  };
  const open: Change = set(EKS, "", "vpcConfig.endpointPublicAccess", true);
  const evaluated = (
    stack: "acme-prod" | "acme-staging",
    change: Partial<Exemption> = {},
    broken: Change = open,
  ): PolicyReport => {
    const planned = plans.get(stack);
    if (planned === undefined) throw new Error(`${stack} is not planned`);
    const name = planned.planned.plan.graph.nodes.find(({ type }) => type === EKS)?.name ?? "";
    const exemptions = [{ ...exemption, resource: name, ...change }];
    return judged(planned, { change: broken, configure: (config) => ({ ...config, exemptions }) });
  };

  it("covers its finding, which stays in the report with its end", () => {
    const result = evaluated("acme-staging");
    expect(blocking(result)).toEqual([]);
    expect(result.results.find(({ control }) => control === "AIA-SEC-01")).toMatchObject({
      status: "exempt",
      findings: [{ exemption: { id: "EX-2026-001", expires: "2026-12-01" } }],
    });
  });

  it.each<[string, Partial<Exemption>, readonly string[]]>([
    ["that has run out", { expires: "2026-11-23" }, ["AIA-SEC-01", "AIA-SEC-01"]],
    ["that has not begun", { created: "2026-11-25" }, ["AIA-SEC-01", "AIA-SEC-01"]],
    ["for another resource", { resource: "other" }, ["AIA-SEC-01", "AIA-SEC-01"]],
    ["for another control", { control: "AIA-SEC-02" }, ["AIA-SEC-01", "AIA-SEC-02"]],
    ["for a control that does not exist", { control: "AIA-SEC-99" }, ["AIA-SEC-01", "AIA-SEC-99"]],
  ])("%s covers nothing and is a finding itself", (_what, change, expected) => {
    expect(
      blocking(evaluated("acme-staging", change))
        .map(({ control }) => control)
        .sort(),
    ).toEqual(expected);
  });

  it("holds on its last day", () => {
    expect(blocking(evaluated("acme-staging", { expires: "2026-11-24" }))).toEqual([]);
  });

  it("that nothing needs is a finding", () => {
    const [finding, ...others] = blocking(evaluated("acme-staging", {}, (graph) => graph));
    expect([finding?.observed, others]).toEqual(["nothing needs it any more", []]);
  });

  it("of a lock in high-risk production covers nothing", () => {
    const name = "acme-prod-audit-lock";
    const change = { control: "AIA-LOG-02", resource: name };
    const found = blocking(
      evaluated("acme-prod", change, set(LOCK, "audit-lock", "rule.defaultRetention.mode", "GOVERNANCE")),
    );
    expect(found.map(({ control }) => control)).toEqual(["AIA-LOG-02", "AIA-LOG-02"]);
  });
});
