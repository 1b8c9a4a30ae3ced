import { Decimal } from "decimal.js";
import type { Outcome } from "./outcome.ts";

type Planned = Extract<Outcome, { kind: "planned" }>;
type Named = Planned & { readonly commonName: NonNullable<Planned["commonName"]> };

function named(outcomes: readonly Outcome[], hostname?: string): Named[] {
  return outcomes.filter(
    (outcome): outcome is Named =>
      outcome.kind === "planned" &&
      outcome.commonName !== undefined &&
      (hostname === undefined || outcome.commonName.hostname === hostname),
  );
}

/** What one stack says about its common name that another stack of the same name contradicts. */
export function contradictions(outcome: Outcome, all: readonly Outcome[]): string[] {
  const [own] = named([outcome]);
  if (own === undefined) return [];
  const { hostname, client, region, regions, record } = own.commonName;
  const others = named(all, hostname).filter(({ stack }) => stack !== own.stack);
  const writers = [own, ...others].filter(({ commonName }) => commonName.record === "here");
  const complete = regions.every((each) =>
    [own, ...others].some(({ commonName }) => commonName.region === each),
  );
  return [
    ...others.flatMap(({ stack, commonName: there }) => [
      ...(there.client === client ? [] : [`${hostname} is also a name of ${there.client} (${stack})`]),
      ...(there.regions.toSorted().join() === regions.toSorted().join()
        ? []
        : [`${stack} lists other regions for ${hostname}: ${there.regions.join(", ")}`]),
      ...(there.region === region ? [`${stack} is in ${region} too, under ${hostname}`] : []),
      ...((there.record === "each-region") === (record === "each-region")
        ? []
        : [`${stack} writes the record of ${hostname} in another cloud's DNS`]),
    ]),
    ...(writers.length > 1 && record === "here"
      ? [`the record of ${hostname} is written by ${writers.map(({ stack }) => stack).join(", ")}`]
      : []),
    ...(complete && writers.length === 0 && record === "elsewhere"
      ? [`no stack writes the record of ${hostname}`]
      : []),
  ];
}

/** What the regions of one name may cost together. */
export interface CommonCost {
  readonly hostname: string;
  readonly stacks: readonly string[];
  /** Regions of the name that no stack of the run is in. */
  readonly absent: readonly string[];
  /** Sum of the ceilings of `stacks`, USD a month. */
  readonly ceilingUsd: string;
}

/** Cost of each common name: limits and budgets hold per region, so at worst every region costs its ceiling. */
export function commonCosts(outcomes: readonly Outcome[]): CommonCost[] {
  const all = named(outcomes);
  return [...new Set(all.map(({ commonName }) => commonName.hostname))].map((hostname) => {
    const members = named(all, hostname);
    const present = members.map(({ commonName }) => commonName.region);
    return {
      hostname,
      stacks: members.map(({ stack }) => stack),
      absent: [...new Set(members.flatMap(({ commonName }) => commonName.regions))].filter(
        (region) => !present.includes(region),
      ),
      ceilingUsd: members
        .reduce((sum, { monthlyUsd }) => sum.plus(monthlyUsd?.max ?? 0), new Decimal(0))
        .toFixed(2),
    };
  });
}
