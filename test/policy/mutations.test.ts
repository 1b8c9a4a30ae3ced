import { beforeAll, describe, expect, it } from "vitest";
import { CATALOGUE, NEVER_EXEMPT } from "../../policies/catalogue.ts";
import { profileOf, type Platform } from "../../policies/controls/control.ts";
import type { Exemption } from "../../policies/evaluate.ts";
import { blocking, type Finding } from "../../policies/report.ts";
import {
  ENVIRONMENTS,
  judged,
  NOW,
  planAll,
  type Circumstances,
  type Environment,
  type Planned,
} from "./environments.ts";
import { MUTATIONS, type Mutation } from "./mutations.ts";

const DAY_MS = 86_400_000;
let plans: ReadonlyMap<Environment, Planned>;

beforeAll(async () => {
  plans = await planAll();
}, 300_000);

function planned(environment: Environment): Planned {
  const found = plans.get(environment);
  if (found === undefined) throw new Error(`${environment} is not planned`);
  return found;
}

function circumstances({ change, configure, asOf }: Mutation): Circumstances {
  return {
    ...(change === undefined ? {} : { change }),
    ...(configure === undefined ? {} : { configure }),
    ...(asOf === undefined ? {} : { asOf }),
  };
}

function found(mutation: Mutation): Finding[] {
  return blocking(judged(planned(mutation.environment), circumstances(mutation)));
}

function controlsOf(findings: readonly Finding[]): string[] {
  return [...new Set(findings.map(({ control }) => control))].sort();
}

describe("an environment nobody has broken", () => {
  it.each(ENVIRONMENTS)("%s has no finding that stops a deployment", (environment) => {
    const findings = blocking(judged(planned(environment)));
    expect(findings.map(({ control, message }) => `${control} ${message}`)).toEqual([]);
  });

  it.each(ENVIRONMENTS)("%s is looked at by every control, or told why not", (environment) => {
    const { results } = judged(planned(environment));
    expect(results.map(({ control }) => control)).toEqual(CATALOGUE.map(({ id }) => id));
    const silent = results.filter(
      ({ status, checked, attestations, reason }) =>
        (status === "pass" && checked.length === 0) ||
        (status === "attested" && attestations.length === 0) ||
        (status === "not-applicable" && (reason ?? "") === ""),
    );
    expect(silent.map(({ control }) => control)).toEqual([]);
  });
});

describe("a broken setting", () => {
  it.each(
    MUTATIONS.map((mutation) => [mutation.environment, mutation.platform, mutation.what, mutation] as const),
  )("%s, %s: %s is found by exactly its controls", (_environment, _platform, _what, mutation) => {
    const findings = found(mutation);
    expect(controlsOf(findings)).toEqual([...mutation.controls].sort());
    const own = findings.filter(({ status }) => status === mutation.kind);
    expect(own.length).toBeGreaterThan(0);
  });

  it("is there for every control, platform and way to be wrong", () => {
    const rows = (control: string, platform: Platform, kind: Mutation["kind"]): number =>
      MUTATIONS.filter(
        (mutation) =>
          mutation.platform === platform && mutation.kind === kind && mutation.controls.includes(control),
      ).length;
    // The schema refuses an unknown value in the stack file; what is left is a declaration that is missing.
    const declared = new Set(["AIA-GOV-04", "AIA-LOG-13", "AIA-OVR-01", "AIA-TST-01"]);
    const missing = CATALOGUE.flatMap(({ id, platforms }) =>
      platforms.flatMap((platform) => [
        ...(rows(id, platform, "fail") === 0 ? [`${id} ${platform} fail`] : []),
        ...(rows(id, platform, "unknown") === 0 && (platform !== "configuration" || declared.has(id))
          ? [`${id} ${platform} unknown`]
          : []),
      ]),
    );
    expect(missing).toEqual([]);
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(60);
  });
});

describe("an exemption for a broken setting", () => {
  const cases = CATALOGUE.flatMap(({ id, platforms }) =>
    platforms.flatMap((platform) => {
      // The setting that is most its own: one that breaks many controls may leave some of them unable to judge.
      const [mutation] = MUTATIONS.filter(
        (each) => each.kind === "fail" && each.platform === platform && each.controls.includes(id),
      ).sort((a, b) => a.controls.length - b.controls.length);
      return mutation === undefined ? [] : [[id, platform, mutation] as const];
    }),
  );

  /** Judges with an exemption of a month that ends so many days from then. */
  function exempted(id: string, mutation: Mutation, days: number): ReturnType<typeof judged> {
    const asOf = mutation.asOf ?? NOW;
    const day = (offset: number): string =>
      new Date(Date.parse(asOf) + offset * DAY_MS).toISOString().slice(0, 10);
    const resources = found(mutation)
      .filter(({ control }) => control === id)
      .map(({ resource }) => resource);
    const exemptions = [...new Set(resources)].map((resource, index): Exemption => ({
      id: `EX-2026-${String(index).padStart(3, "0")}`,
      control: id,
      resource,
      reason: "A deviation for the tests of this repository.",
      approvedBy: "dpo@acme.example",
      ticket: "GRC-1",
      created: day(days - 30),
      expires: day(days),
    }));
    const { configure, ...rest } = circumstances(mutation);
    return judged(planned(mutation.environment), {
      ...rest,
      asOf,
      configure: (config) => ({ ...(configure?.(config) ?? config), exemptions }),
    });
  }

  it("is tried for every control and platform", () => {
    expect(cases.length).toBe(CATALOGUE.reduce((sum, { platforms }) => sum + platforms.length, 0));
  });

  it.each(cases)("%s on %s covers it, unless nothing may", (id, _platform, mutation) => {
    const { config } = planned(mutation.environment);
    const result = exempted(id, mutation, 7);
    const status = result.results.find(({ control }) => control === id)?.status;
    const profile = profileOf({ riskClass: config.riskClass.level, environment: config.environment });
    const never = profile === "high-prod" && NEVER_EXEMPT.has(id);
    expect(status).toBe(never ? "fail" : "exempt");
    expect(controlsOf(blocking(result)).includes(id)).toBe(never);
  });

  it.each(cases)("%s on %s does not cover it once it has run out", (id, _platform, mutation) => {
    const result = exempted(id, mutation, -1);
    expect(result.results.find(({ control }) => control === id)?.status).toBe("fail");
    expect(result.exemptionFindings.map(({ control }) => control)).toContain(id);
  });
});
