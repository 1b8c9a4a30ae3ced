import { beforeAll, describe, expect, it } from "vitest";
import { teardownOf } from "../../teardown/teardown.ts";
import { NOW, planAll, type Planned } from "../policy/environments.ts";

describe("the teardown of a shipped stack", () => {
  let plans: ReadonlyMap<string, Planned>;
  beforeAll(async () => {
    plans = await planAll(["acme-prod", "globex-prod"]);
  });

  function teardown(stack: string): ReturnType<typeof teardownOf> {
    const { planned } = plans.get(stack) ?? {};
    if (planned === undefined) throw new Error(`${stack} is not planned`);
    return teardownOf(planned.plan.graph, planned.cost, NOW);
  }

  it("keeps the locked records on AWS until their day, and says what that costs", () => {
    const { kept, upkeep, scheduled } = teardown("acme-prod");
    expect(kept.map(({ name, until }) => [name, until])).toEqual([
      ["acme-prod-audit-encryption-key", "2027-12-29"],
      ["acme-prod-documents-encryption-key", "2036-11-24"],
      ["acme-prod-audit-bucket", "2027-12-29"],
      ["acme-prod-documents-bucket", "2036-11-24"],
    ]);
    // Two keys at 0.00137 USD by 730 hours, and 200 (at most 2000) GiB at 0.024 USD.
    expect(upkeep?.monthlyUsd).toEqual({ min: "2.00", expected: "6.80", max: "50.00" });
    expect(upkeep?.unknown).toEqual([]);
    expect(scheduled.map(({ name, fate }) => [name, fate.until])).toEqual([
      ["acme-prod-logs-store-encryption-key", "2026-12-24"],
      ["acme-prod-traces-store-encryption-key", "2026-12-24"],
      ["acme-prod-network-flow-logs-key-key", "2026-12-24"],
      ["acme-prod-budget-encryption-key", "2026-12-24"],
      ["acme-prod-cluster-secrets-key", "2026-12-24"],
    ]);
  });

  it("keeps the locked records on Google Cloud until their day, and key rings for ever", () => {
    const { kept, upkeep } = teardown("globex-prod");
    expect(Object.fromEntries(kept.map(({ name, until }) => [name, until]))).toEqual({
      "globex-prod-audit-bucket": "2027-12-29",
      "globex-prod-audit-encryption-key": "2027-12-29",
      "globex-prod-audit-encryption-ring": "for ever",
      "globex-prod-cluster-secrets-ring": "for ever",
    });
    expect(upkeep?.unknown).toEqual([
      "globex-prod-cluster-secrets-key: whether Google bills it until it is destroyed, at most its usual price",
    ]);
  });

  it("names what is lost and the secrets that only the state holds", () => {
    const { lost, forgotten } = teardown("acme-prod");
    expect(lost.map(({ name }) => name).toSorted()).toEqual([
      "acme-prod-audit-trail-bucket",
      "acme-prod-cluster-logs",
      "acme-prod-entry-logs-bucket",
      "acme-prod-gateway-redis-set",
      "acme-prod-gateway-set",
      "acme-prod-logs-store-bucket",
      "acme-prod-network-flow-logs",
      "acme-prod-traces-store-bucket",
    ]);
    expect(forgotten.map(({ name }) => name).toSorted()).toEqual([
      "acme-prod-gateway-keys-digest",
      "acme-prod-gateway-keys-master",
      "acme-prod-gateway-keys-signing",
    ]);
  });

  it("names exactly what blocks it, and orders the steps", () => {
    const { obstacles, steps, stack } = teardown("acme-prod");
    expect(obstacles.map(({ kind, about }) => `${kind} ${about}`)).toEqual([
      "blocks deletion-protection",
      "blocks contents",
      "blocks contents",
      "blocks contents",
      "blocks contents",
      "blocks protection",
      "unseen load-balancers",
      "unseen disks",
      "unseen machines",
    ]);
    const commands = steps.flatMap((step) => step.commands);
    const place = (command: string): number => commands.findIndex((each) => each.startsWith(command));
    const order = [
      place("pulumi stack output auditPublicKey"),
      place("npx llmops audit verify s3://acme-prod-audit-111122223333"),
      place("pulumi stack export"),
      place("kubectl get nodeclaims"),
      place(`pulumi up -s ${stack}`),
      place("pulumi destroy"),
      commands.findIndex((each) =>
        each.includes("aws s3api delete-objects --bucket acme-prod-access-111122223333 "),
      ),
      place("pulumi state unprotect"),
      place("pulumi stack rm"),
    ];
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it.each([
    ["acme-prod", "aws:route53/record:Record", "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding"],
    ["globex-prod", "gcp:dns/recordSet:RecordSet", "kubernetes:gateway.networking.k8s.io/v1:Gateway"],
  ] as const)(
    "takes %s's name away before its load balancer, and both before the gateway",
    (stack, record, way) => {
      const { waves } = teardown(stack);
      const wave = (type: string, part: string): number =>
        waves.find(({ resources }) =>
          resources.some((each) => each.type === type && each.name.includes(part)),
        )?.number ?? NaN;
      expect(wave(record, "entry-record")).toBeLessThan(wave(way, "entry"));
      expect(wave(way, "entry")).toBeLessThan(wave("kubernetes:apps/v1:StatefulSet", "gateway-set"));
    },
  );

  it("deletes Kubernetes objects before the cluster and the cluster before its network", () => {
    const { waves } = teardown("acme-prod");
    const wave = (test: (type: string) => boolean): number[] =>
      waves.flatMap(({ number, resources }) => (resources.some(({ type }) => test(type)) ? [number] : []));
    const [cluster = 0] = wave((type) => type === "aws:eks/cluster:Cluster");
    const [network = 0] = wave((type) => type === "aws:ec2/vpc:Vpc");
    expect(Math.max(...wave((type) => type.startsWith("kubernetes:")))).toBeLessThan(cluster);
    expect(cluster).toBeLessThan(network);
  });
});
